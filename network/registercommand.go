package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
)

func registerCommand() *cobra.Command {
	var u User
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "register NAME",
		Short: "Register a person at the organisation's Fabric CA, who then enrols alone",
		Long: `Register a person at the Fabric CA of the organisation in --dir. The secret with which the person enrols is written to
the file users/NAME/secret there. Give it to the person, and delete it. With it the person makes a key on their own
machine, and a certificate for it, by "org enroll": nobody else ever has the key.

The role is an attribute of the identity, which the CA puts into its certificates and the chaincode reads. An auditor's
certificate signs no record.`,
		Example: `  pedigree org register "Ada Lovelace" --dir harbor/harbor`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u.Name, u.Days = args[0], 1 // the CA decides on days
			file, err := RegisterUser(cmd.Context(), u)
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.Value(cmd.OutOrStdout(), map[string]string{"secretFile": file, "name": u.Name, "role": u.Role})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "registered %s as %s; the secret to enrol with: %s\n", u.Name, u.Role, file)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&u.Dir, "dir", "", "folder of the organisation, such as harbor/harbor")
	flags.StringVar(&u.Role, "role", Submitter, "what the person may do: submitter or auditor")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

// RegisterUser registers a person at the organisation's Fabric CA. It returns the file with the secret to enrol with.
func RegisterUser(ctx context.Context, u User) (string, error) {
	folder, err := u.check()
	if err != nil {
		return "", exit.With(exit.Usage, err)
	}
	e, err := enrolmentOf(ctx, u.Dir)
	if err != nil {
		return "", err
	}
	dir, err := u.take(folder, func(dir string) error {
		secret, err := secretOf(e.dir, u.Name)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, "secret"), []byte(secret+"\n"), 0o600); err != nil {
			return plainly(err)
		}
		err = e.register(u.Name, "client", u.Role)
		if fabricca.Is(err, fabricca.AlreadyRegistered) {
			return fmt.Errorf("%w. The CA keeps the names of those who were revoked, too: choose another name", err)
		}
		return err
	})
	return filepath.Join(dir, "secret"), err
}

func enrollCommand() *cobra.Command {
	var at caFlags
	var secret, out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "enroll NAME",
		Short: "Have the Fabric CA certify your key, with the secret of your registration",
		Long: `Make a key, and have the Fabric CA of your organisation make a certificate for it. NAME is the name under which you
are registered there. Key and certificate are written to a new folder, as key.pem and cert.pem, for --key and
--certificate of "record" and "register". The key doesn't leave it.

The secret of the registration comes from --secret, a file or - for standard input, or from the variable
` + secretVariable + `. "org reenroll" renews the certificate.`,
		Example: `  pedigree org enroll "Ada Lovelace" --ca https://ca.harbor.com:7054 --ca-roots roots.pem --secret secret --out ada`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := at.read()
			if err != nil {
				return err
			}
			text, err := readSecret(cmd, secret)
			if err != nil {
				return err
			}
			if err := Enroll(cmd.Context(), out, args[0], from, text); err != nil {
				return err
			}
			return reportCertificate(cmd, "enrolled", filepath.Join(out, "cert.pem"), asJSON)
		},
	}
	flags := cmd.Flags()
	at.add(flags, "", "of your organisation")
	flags.StringVar(&secret, "secret", "", "file with the secret of the registration; - reads standard input")
	flags.StringVarP(&out, "out", "o", "", "folder to make for key and certificate")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("ca")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// Enroll has a Fabric CA certify a person who is registered there, for a key that it makes. It writes both to a new
// folder, with what is needed to ask the CA again.
func Enroll(ctx context.Context, dir, name string, at FabricCA, secret string) error {
	if err := fabricca.CheckName(name); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return exit.With(exit.Usage, wrap(plainly(err), "couldn't make the folder for key and certificate"))
	}
	err := func() error {
		e, err := newEnrolment(ctx, dir, at)
		if err != nil {
			return err
		}
		made, err := e.enrol(secret, fabricca.Request{Name: name, Attributes: []string{chaincode.RoleAttribute}})
		if err != nil {
			return err
		}
		return made.write(dir)
	}()
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

func reenrollCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "reenroll DIR",
		Short: "Renew the certificate in a folder that \"org enroll\" made",
		Long: `Have the Fabric CA make a new certificate for the key in a folder that "org enroll" made. You prove yourself with the
certificate that you have, so the CA takes one that has expired only if it is set to that. The key stays, so what it
signed before stays valid.

"renew" does the same for all certificates in the folder of an organisation.`,
		Example: `  pedigree org reenroll ada`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := Reenroll(cmd.Context(), args[0]); err != nil {
				return err
			}
			return reportCertificate(cmd, "renewed", filepath.Join(args[0], "cert.pem"), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// Reenroll renews the certificate in a folder that [Enroll] made.
func Reenroll(ctx context.Context, dir string) error {
	if !hasFabricCA(dir) {
		return exit.Usagef("%s isn't a folder that `pedigree org enroll` made", dir)
	}
	e, err := openEnrolment(ctx, dir)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "cert.pem")
	text, err := e.reissue(file)
	if err != nil {
		return err
	}
	return wrap(plainly(writeFile(file, text, 0o644)), "couldn't write the new certificate")
}

// reportCertificate says whose a certificate is, and until when it is valid.
func reportCertificate(cmd *cobra.Command, what, file string, asJSON bool) error {
	c, err := certificate.Read(file)
	if err != nil {
		return err
	}
	until := c.NotAfter.UTC().Format(time.RFC3339)
	if asJSON {
		return terminal.Value(cmd.OutOrStdout(), map[string]string{"name": c.Subject.CommonName, "certificate": file,
			"notAfter": until})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s %s until %s: %s\n", what, terminal.Plain(c.Subject.CommonName), until, file)
	return nil
}
