package network

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/systemd"
)

// systemUnits is where an administrator's units are.
const systemUnits = "/etc/systemd/system"

// An installation describes the services to write.
type installation struct {
	dir     folder
	parts   []string
	charter *charter.File // nil: none is to be kept
	user    string
	program string
	units   string // the folder of the units

	image, storage string // of a pod
}

func installNodeCommand() *cobra.Command {
	var i installation
	var file string
	var kustomize bool
	cmd := &cobra.Command{
		Use:   "install DIR [orderer|peer|chaincode|gateway|all]...",
		Short: "Write the systemd services or Kubernetes manifests that run an organisation's parts",
		Long: `Write a systemd service for each part of the organisation in DIR, and a target for all of them. A service runs
"pedigree node start DIR PART" as a user without rights, who may write DIR and Fabric's folder in /var/cache, and
nothing else. The command starts nothing. It prints what it wrote and what to do next. Given again, it writes what has
changed.

DIR must belong to the user, and may not be in /home, /root or /tmp, of which a service sees nothing. Changes of your
own belong into drop-ins ("systemctl edit"), which the command leaves alone.

If the gateway's index is in PostgreSQL, put the password into /etc/credstore/pedigree-NAME-index-password, which only
root needs to read.

With --kustomize, the command writes manifests for Kubernetes instead: DIR is then a base of Kustomize, which
"kubectl apply -k DIR" applies. It has a pod with a container for each part. Keys and tokens stay in the files of DIR,
of which kubectl makes a Secret. Those of the authorities stay on this machine. Changes of your own belong into an
overlay.`,
		Example: `  pedigree node install /var/lib/pedigree/harbor
  pedigree node install /var/lib/pedigree/harbor --charter charter.json
  pedigree node install /var/lib/pedigree/harbor orderer --units .
  pedigree node install harbor --charter charter.json --kustomize --image registry.example/pedigree:v1.0.0`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := openFolder(args[0])
			if err != nil {
				return err
			}
			i.dir, i.parts = d, args[1:]
			if file != "" {
				if i.charter, err = readCharter(cmd, file); err != nil {
					return err
				}
			}
			if kustomize {
				node, err := i.node()
				if err != nil {
					return err
				}
				return i.kustomize(node, cmd.OutOrStdout())
			}
			if i.program, err = installed(i.program); err == nil {
				err = systemd.CheckPaths(string(i.dir), i.program)
			}
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			return i.install(cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "charter", "", "the signed charter, if the organisation was never started; it is kept in DIR")
	flags.StringVar(&i.user, "user", systemd.User, "the user of the system who runs the services and owns DIR")
	flags.StringVar(&i.program, "program", "", "the installed program (default the one that is running)")
	flags.StringVar(&i.units, "units", systemUnits, "the folder to write the units to")
	flags.BoolVar(&kustomize, "kustomize", false, "write manifests for Kubernetes into DIR")
	flags.StringVar(&i.image, "image", "", "with --kustomize: the image of Pedigree in your registry")
	flags.StringVar(&i.storage, "storage", "50Gi", "with --kustomize: the size of the volume for ledgers, index and queue")
	return cmd
}

// node returns what is to be installed, and keeps the charter if there is one.
func (i installation) node() (*Node, error) {
	node := &Node{network: &Network{dir: i.dir}}
	var err error
	if node.org, err = i.dir.readOrganisation(); err != nil {
		return nil, err
	}
	if err := node.choose(i.parts); err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	if i.charter != nil {
		err = node.keepCharter(i.charter)
	}
	return node, err
}

// install writes the units that differ from what there is.
func (i installation) install(out io.Writer) error {
	node, err := i.node()
	if err != nil {
		return err
	}
	s := systemd.Installation{Name: node.org.Org.Name, Dir: string(i.dir), Program: i.program, User: i.user,
		Parts: node.parts}
	files, err := s.Files()
	if err != nil {
		return err
	}
	if i.packaged(s) {
		fmt.Fprintln(out, "the package of Pedigree has the units")
		files = nil
	}
	for _, file := range files {
		if err := i.write(out, filepath.Join(i.units, file.Name), file.Text); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\nNext, as root:\n")
	for _, step := range i.next(s) {
		fmt.Fprintf(out, "  %s\n", step)
	}
	return nil
}

// write writes a file if it differs from what there is, and says so.
func (i installation) write(out io.Writer, path string, text []byte) error {
	before, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(before, text):
		fmt.Fprintf(out, "unchanged  %s\n", path)
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("couldn't read %s: %w", path, plainly(err))
	}
	if err := layFile(path, text); err != nil {
		return fmt.Errorf("couldn't write %s: %w", path, plainly(err))
	}
	fmt.Fprintf(out, "wrote      %s\n", path)
	return nil
}

// packaged reports whether the units of the package do what is wanted.
func (i installation) packaged(s systemd.Installation) bool {
	return fileExists("/usr/lib/systemd/system/pedigree-peer@.service") && s.Dir == filepath.Join(systemd.Home, s.Name) && s.Program == "/usr/bin/pedigree" &&
		s.User == systemd.User && i.units == systemUnits
}

// keepCharter keeps a charter for the first start. It belongs to whom the folder belongs to, even if root writes it.
func (node *Node) keepCharter(file *charter.File) error {
	d := node.network.dir
	if err := node.agree(file); err != nil {
		return err
	}
	return wrap(plainly(d.chownLike(d.charterFile())), "couldn't give the charter to the owner of %s", d)
}

// next lists the commands that remain to be given.
func (i installation) next(s systemd.Installation) []string {
	var steps []string
	who, err := user.Lookup(i.user)
	if err != nil {
		steps = append(steps, "useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin "+i.user)
	}
	if err != nil || who.Uid != i.dir.ownerID() {
		steps = append(steps, fmt.Sprintf("chown -R %s: %s", i.user, shellWord(string(i.dir))))
	}
	if !fileExists(i.dir.charterFile()) {
		steps = append(steps, fmt.Sprintf("pedigree node install %s --charter charter.json    # when all founders have signed",
			shellWord(string(i.dir))))
	}
	steps = append(steps, "systemctl daemon-reload")
	enable := "systemctl enable --now " + s.Target()
	for _, part := range s.Parts {
		enable += " " + s.Service(part)
	}
	return append(steps, enable, "journalctl -f -u 'pedigree-*@"+s.Name+"'")
}

// installed returns the path of a program that stays where it is.
func installed(program string) (string, error) {
	var err error
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return "", fmt.Errorf("couldn't find this program: %w", err)
		}
		if ofGoRun(program) {
			return "", exit.Usagef("`go run` deletes the program at the end: build it, install it, and use that")
		}
	}
	program, err = filepath.Abs(program)
	if err == nil {
		_, err = os.Stat(program)
	}
	return program, wrap(err, "couldn't find the program to install")
}

// ofGoRun reports whether the path of a program is that of one that "go run" has built.
func ofGoRun(program string) bool {
	return strings.Contains(filepath.ToSlash(program), "/go-build")
}

// shellWord quotes a path for a shell if it needs that.
func shellWord(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+:", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
