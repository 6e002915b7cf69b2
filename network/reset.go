package network

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Reset returns the command that deletes a network.
func Reset() *cobra.Command {
	var dir string
	var sure bool
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Stop the consortium and delete everything it recorded",
		Long: `Stop the network in a folder and delete its ledgers, keys, tokens and logs. The command asks first. It keeps every other
file in the folder, and the Fabric that it built in your cache.`,
		Example: `  pedigree reset
  pedigree reset --yes --dir /tmp/other`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openFolder(dir)
			if err != nil {
				return err
			}
			if _, err := os.Stat(d.makingFile()); err != nil && !d.made() {
				return fmt.Errorf("there is no network in %s", d)
			}
			if !sure {
				if err := confirm(cmd.InOrStdin(), cmd.ErrOrStderr(), d); err != nil {
					return err
				}
			}
			if _, err := d.down(cmd.Context()); err != nil {
				return err
			}
			lock, err := d.take()
			if err != nil {
				return err
			}
			defer lock.Close()
			if err := d.remove(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "deleted the network in %s\n", d)
			return nil
		},
	}
	addDir(cmd, &dir)
	cmd.Flags().BoolVar(&sure, "yes", false, "delete without asking")
	return cmd
}

// confirm asks the user at the terminal. It refuses if there is no terminal.
func confirm(in io.Reader, out io.Writer, d folder) error {
	if file, ok := in.(*os.File); ok && !term.IsTerminal(int(file.Fd())) {
		return errors.New("reset deletes everything that the network recorded: say --yes, as there is no terminal to ask on")
	}
	fmt.Fprintf(out, "Delete the network in %s, with everything it recorded? [y/N] ", d)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("couldn't read the answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was deleted")
	}
	return nil
}
