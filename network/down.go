package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

// supervisorPatience is how long a supervisor has to stop its processes in order.
const supervisorPatience = time.Minute

// Down returns the command that stops a network.
func Down() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the consortium and keep its data",
		Long: `Stop every process of the network in a folder, and no other process. This includes processes that a killed
"pedigree up" left running. The command keeps all data, and "pedigree up" resumes with it. It prints what it stopped.`,
		Example: `  pedigree down
  pedigree down --dir /tmp/other`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openFolder(dir)
			if err != nil {
				return err
			}
			ended, err := d.down(cmd.Context())
			if err == nil {
				fmt.Fprintln(cmd.ErrOrStderr(), ended)
			}
			return err
		},
	}
	addDir(cmd, &dir)
	return cmd
}

// down stops the processes of the folder's network and describes what it did.
func (d folder) down(ctx context.Context) (string, error) {
	if _, err := os.Stat(d.lockFile()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("nothing runs in %s: there is no network", d), nil
	}
	lock, err := filelock.Take(d.lockFile())
	supervised := errors.Is(err, filelock.ErrHeld)
	if supervised {
		lock, err = d.endSupervisor(ctx, d.lockFile())
	}
	if err != nil {
		return "", err
	}
	defer lock.Close()
	parts, err := d.endParts(ctx)
	if err != nil {
		return "", err
	}
	names, err := d.endLeftovers()
	switch {
	case err != nil:
		return "", err
	case supervised:
		return fmt.Sprintf("stopped the network in %s; `%s` resumes it", d, d.resume()), nil
	case len(parts) > 0:
		return fmt.Sprintf("stopped in %s: %s; `%s` resumes all", d, strings.Join(parts, ", "), d.resume()), nil
	case len(names) > 0:
		return "stopped what a killed supervisor left running: " + strings.Join(names, ", "), nil
	}
	return fmt.Sprintf("nothing runs in %s", d), nil
}

// endSupervisor asks the process that holds a lock of the folder to stop, and returns with the lock.
func (d folder) endSupervisor(ctx context.Context, path string) (*os.File, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	holder := holderOf(path)
	if err := holder.signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, supervisorPatience)
	defer cancel()
	lock, err := awaitLock(waiting, path)
	if err == nil || !errors.Is(waiting.Err(), context.DeadlineExceeded) {
		return lock, err
	}
	if err := holder.signal(syscall.SIGKILL); err != nil {
		return nil, err
	}
	waiting, cancel = context.WithTimeout(ctx, stopPatience)
	defer cancel()
	lock, err = awaitLock(waiting, path)
	return lock, wrap(err, "process %d runs the network in %s and doesn't end", holder.PID, d)
}

func awaitLock(ctx context.Context, path string) (lock *os.File, err error) {
	err = eventually(ctx, func(context.Context) error {
		lock, err = filelock.Take(path)
		return err
	})
	return lock, err
}

// resume is the command that starts again what is in the folder.
func (d folder) resume() string {
	if d.isOrganisation() {
		return "pedigree node start " + shorten(string(d))
	}
	return "pedigree up" + dirFlag(d)
}

func dirFlag(d folder) string {
	if shorten(string(d)) == DefaultDir {
		return ""
	}
	return " --dir " + shorten(string(d))
}
