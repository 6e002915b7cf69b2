package network

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
	"github.com/pedigree-ledger/pedigree/network/archive"
)

// Backup returns the command that backs up a network, and those that check a backup and make a key for backups.
func Backup() *cobra.Command {
	var dir, recipients, passphrase string
	var organisations []string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Back up what can't be had again: keys, configuration, tokens and queues",
		Long: `Write an encrypted backup of the network in a folder, or of one of its organisations, while the network runs or
while it doesn't. In the folder of an organisation on its own host, back up that. In the backup are keys, certificates, configuration, tokens, the queue of captured documents, OpenLineage
runs and kept receipts. The databases are copied as they are at one moment.

Not in it are the ledgers, which the peers and orderers of the others have, and the index, which the gateway makes
from the ledger. Documents captured after the backup are lost with the machine unless they have reached the ledger.

The backup is a file of age (https://age-encryption.org). It is encrypted with a passphrase, or for public keys.
Keep the passphrase or the private key away from the machine. The file must not exist yet.`,
		Example: `  # make a key pair once, and keep backup.key elsewhere
  pedigree backup key backup.key > backup.pub

  # back up one organisation; check the backup
  pedigree backup --organisation lab --recipients backup.pub lab.backup
  pedigree backup verify --identity backup.key lab.backup

  # back up the organisation of a folder on its own host
  pedigree backup --dir harbor --recipients backup.pub harbor.backup

  # back up all, with a passphrase that is asked for
  pedigree backup all.backup`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := openFolder(dir)
			if err != nil {
				return err
			}
			to, opens, err := recipientsFor(recipients, passphrase)
			if err != nil {
				return err
			}
			b, err := d.gather(cmd.Context(), organisations)
			if err != nil {
				return err
			}
			err = b.writeTo(args[0], to, opens)
			if err = errors.Join(err, b.close()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "backed up %s: %d files, in %s\n", listed(b.manifest.Owners), len(b.sources), args[0])
			fmt.Fprintln(cmd.ErrOrStderr(), "not in it: the ledgers, which the others' peers and orderers have, and the index")
			return nil
		},
	}
	addDir(cmd, &dir)
	cmd.Flags().StringSliceVar(&organisations, "organisation", nil,
		`back up this organisation only; "orderer" is that of the orderers`)
	cmd.Flags().StringVar(&recipients, "recipients", "", "file of public keys of age that can open the backup")
	cmd.Flags().StringVar(&passphrase, "passphrase-file", "", "file with the passphrase; without it, you are asked")
	cmd.MarkFlagsMutuallyExclusive("recipients", "passphrase-file")
	cmd.AddCommand(verifyBackup(), backupKey())
	return cmd
}

func verifyBackup() *cobra.Command {
	var key keyFlags
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check that a backup can be opened and is whole",
		Long: `Open a backup, compare every file in it with the SHA-256 that its manifest has, and print what is in it. The command
writes no file. A backup that was damaged or cut short is refused.`,
		Example: `  pedigree backup verify --identity backup.key lab.backup`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, end, err := key.open(args[0])
			if err != nil {
				return err
			}
			defer end()
			if err := r.Verify(); err != nil {
				return err
			}
			describe(cmd.OutOrStdout(), r.Manifest)
			return nil
		},
	}
	key.add(cmd)
	return cmd
}

func backupKey() *cobra.Command {
	return &cobra.Command{
		Use:   "key FILE",
		Short: "Make a key pair for backups",
		Long: `Write a new private key of age into a file, which must not exist yet, and print its public key. Backups for the
public key can be opened with the private key only, so a machine that makes backups doesn't need it.`,
		Example: `  pedigree backup key backup.key > backup.pub`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			private, public, err := archive.NewKey()
			if err != nil {
				return err
			}
			if err := writeNew(args[0], func(w io.Writer) error {
				_, err := fmt.Fprintln(w, private)
				return err
			}); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), public)
			return nil
		},
	}
}

// Restore returns the command that restores a backup.
func Restore() *cobra.Command {
	var dir string
	var key keyFlags
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Restore a backup into a folder",
		Long: `Restore a backup into a folder. The folder is new or empty, or it has the same network without the organisations of
the backup. The command overwrites nothing. Only the owner can read the restored files.

"pedigree up" then starts the network. The peers of restored organisations get the ledger from the others, and their
gateways make the index from it. Documents that were captured after the backup was made, and that haven't reached
the ledger, are unknown to the restored gateway: send them again. What is recorded already counts as a duplicate. At
the end, "pedigree audit" shows that the ledger is whole.

An organisation on its own host is restored into a new folder, and started with "pedigree node start". Its peer gets
the ledger from the orderers, and its orderers from those of the others, which --rejoin asks for. Its peer no longer has
what the organisation approved: it approves the chaincode's definition again, and so do the nodes of the others, by
themselves. Make sure that the old machine never runs again: two nodes with one key look like one that lies.`,
		Example: `  pedigree restore --identity backup.key --dir net lab.backup
  pedigree up --dir net --detach

  # an organisation on its own host
  pedigree restore --identity backup.key --dir harbor harbor.backup
  pedigree node start harbor --rejoin orderer1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := openFolder(dir)
			if err != nil {
				return err
			}
			whole, end, err := key.open(args[0])
			if err != nil {
				return err
			}
			err = whole.Verify()
			end()
			if err != nil {
				return err
			}
			lock, err := d.take()
			if err != nil {
				return err
			}
			defer lock.Close()
			r, end, err := key.open(args[0])
			if err != nil {
				return err
			}
			defer end()
			missing, err := d.restore(r)
			if err != nil {
				return err
			}
			out := cmd.ErrOrStderr()
			describe(out, r.Manifest)
			fmt.Fprintf(out, "restored into %s\n", d)
			if start := d.howToRejoin(); start != "" {
				fmt.Fprintf(out, "start it with `%s`\n", start)
			}
			if len(missing) > 0 {
				fmt.Fprintf(out, "not in the backup and not in the folder: %s; put their folders there before you start "+
					"the network\n", listed(missing))
			}
			fmt.Fprintf(out, "captured after %s and not on the ledger: unknown to the restored gateway, so send it again\n",
				r.Manifest.Made.Format(time.RFC3339))
			return nil
		},
	}
	addDir(cmd, &dir)
	key.add(cmd)
	return cmd
}

func describe(out io.Writer, m archive.Manifest) {
	fmt.Fprintf(out, "backup of %s, made %s: %d files of channel %s\n", listed(m.Owners), m.Made.Format(time.RFC3339),
		len(m.Files), m.Channel)
}

// writeTo writes the backup into a new file. If it can be opened with what the caller gave, it reads it again and
// checks it.
func (b *backup) writeTo(path string, to []age.Recipient, opens []age.Identity) error {
	err := writeNew(path, func(w io.Writer) error { return archive.Write(w, to, b.manifest, b.sources) })
	if err != nil || opens == nil {
		return err
	}
	r, end, err := openArchive(path, opens)
	if err == nil {
		defer end()
		err = r.Verify()
	}
	return wrap(err, "the backup in %s can't be read again", path)
}

// writeNew writes a file that doesn't exist yet, and that only its owner can read. If it fails, there is no file.
func writeNew(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists, and nothing is overwritten: choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("couldn't make %s: %w", path, plainly(err))
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = sqlitefile.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		os.Remove(path)
	}
	return wrap(plainly(err), "couldn't write %s", path)
}

// recipientsFor returns for whom a backup is encrypted, and what opens it again if that is at hand.
func recipientsFor(recipientsFile, passphraseFile string) ([]age.Recipient, []age.Identity, error) {
	if recipientsFile != "" {
		to, err := archive.RecipientsIn(recipientsFile)
		return to, nil, err
	}
	passphrase, err := passphraseFrom(passphraseFile, true)
	if err != nil {
		return nil, nil, err
	}
	to, err := archive.ForPassphrase(passphrase)
	if err != nil {
		return nil, nil, err
	}
	opens, err := archive.FromPassphrase(passphrase)
	return to, opens, err
}

// keyFlags say how a backup is opened.
type keyFlags struct {
	identity, passphrase string
	identities           []age.Identity
}

func (k *keyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.identity, "identity", "", "file with the private key of age that opens the backup")
	cmd.Flags().StringVar(&k.passphrase, "passphrase-file", "", "file with the passphrase; without it, you are asked")
	cmd.MarkFlagsMutuallyExclusive("identity", "passphrase-file")
}

func (k *keyFlags) open(path string) (*archive.Reader, func() error, error) {
	var err error
	switch {
	case k.identities != nil:
	case k.identity != "":
		k.identities, err = archive.IdentitiesIn(k.identity)
	default:
		var passphrase string
		if passphrase, err = passphraseFrom(k.passphrase, false); err == nil {
			k.identities, err = archive.FromPassphrase(passphrase)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	return openArchive(path, k.identities)
}

func openArchive(path string, identities []age.Identity) (*archive.Reader, func() error, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't open the backup: %w", plainly(err))
	}
	r, err := archive.Open(file, identities)
	if err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, file.Close, nil
}

// passphraseFrom reads a passphrase from a file, or asks for it at the terminal, twice if it is a new one.
func passphraseFrom(path string, isNew bool) (string, error) {
	if path != "" {
		return archive.PassphraseIn(path)
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errors.New("there is no terminal to ask for the passphrase on: name a file with a key or with the " +
			"passphrase")
	}
	ask := func(what string) (string, error) {
		fmt.Fprint(os.Stderr, what)
		text, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		return string(text), wrap(err, "couldn't read the passphrase")
	}
	passphrase, err := ask("Passphrase of the backup: ")
	if err != nil || !isNew {
		return passphrase, err
	}
	again, err := ask("Again: ")
	if err == nil && again != passphrase {
		err = errors.New("the two passphrases differ")
	}
	return passphrase, err
}
