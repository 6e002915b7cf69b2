package network

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
)

// secretVariable is the environment variable that has the secret of an enrolment.
const secretVariable = "PEDIGREE_ENROLMENT_SECRET"

// maxSecret is the longest secret, in bytes: Fabric CA compares no more of one.
const maxSecret = 72

// readSecret reads the secret of an enrolment from a file, or standard input, or else from the environment. It is never
// an argument of the command, which others on the machine can see.
func readSecret(cmd *cobra.Command, file string) (string, error) {
	text := os.Getenv(secretVariable)
	if file != "" {
		content, err := input.File(cmd.InOrStdin(), file, maxSecret+2)
		if err != nil {
			return "", err
		}
		text = string(content)
	}
	secret := strings.TrimRight(text, "\r\n")
	switch {
	case text == "":
		return "", exit.Usagef("the secret of the enrolment is missing: give its file, - for standard input, or set %s",
			secretVariable)
	case secret == "" || len(secret) > maxSecret || strings.ContainsAny(secret, "\r\n"):
		return "", exit.Usagef("the secret of an enrolment is one line of 1 to %d bytes", maxSecret)
	}
	return secret, nil
}

// caFlags say where a CA is.
type caFlags struct{ url, name, roots string }

func (f *caFlags) add(flags *pflag.FlagSet, prefix, whose string) {
	flags.StringVar(&f.url, prefix+"ca", "", "URL of the Fabric CA "+whose+", such as https://ca.harbor.com:7054")
	flags.StringVar(&f.name, prefix+"ca-name", "", "name of that CA, if the server has several")
	flags.StringVar(&f.roots, prefix+"ca-roots", "",
		"certificates (PEM) of the authority that certifies that server for TLS (default those of this machine)")
}

func (f *caFlags) read() (FabricCA, error) {
	at := FabricCA{URL: f.url, Name: f.name}
	if f.roots == "" {
		return at, nil
	}
	var err error
	at.Roots, err = input.File(nil, f.roots, input.MaxSmall)
	return at, err
}

// enrolmentFlags are those of an organisation that has its certificates from Fabric CAs.
type enrolmentFlags struct {
	ca, tls           caFlags
	registrar         string
	secret, tlsSecret string // files
}

func (f *enrolmentFlags) add(flags *pflag.FlagSet) {
	f.ca.add(flags, "", "for ledger identities")
	f.tls.add(flags, "tls-", "for TLS (default the server of --ca)")
	flags.StringVar(&f.registrar, "registrar", "admin", "identity of the CA as which the others are registered")
	flags.StringVar(&f.secret, "registrar-secret", "", "file with the registrar's enrolment secret; - reads standard input")
	flags.StringVar(&f.tlsSecret, "tls-registrar-secret", "", "the same at the CA for TLS (default the same secret)")
}

// read returns nil if no CA is named.
func (f *enrolmentFlags) read(cmd *cobra.Command) (*Enrolment, error) {
	var others []string
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if strings.Contains(flag.Name, "ca-") || strings.HasPrefix(flag.Name, "tls-") ||
			strings.Contains(flag.Name, "registrar") {
			others = append(others, "--"+flag.Name)
		}
	})
	if f.ca.url == "" {
		if others != nil {
			return nil, exit.Usagef("%s needs --ca, which says where the Fabric CA is", others[0])
		}
		return nil, nil
	}
	for _, name := range []string{"days", "authority-days"} {
		if cmd.Flags().Changed(name) {
			return nil, exit.Usagef("--%s is for authorities that the command makes: here the Fabric CA decides", name)
		}
	}
	if f.tls.url == "" {
		if f.tls.name == "" {
			return nil, exit.Usagef("identities and TLS need two CAs with keys of their own: name the one for TLS with " +
				"--tls-ca or --tls-ca-name")
		}
		f.tls.url = f.ca.url
	}
	if f.tls.roots == "" {
		f.tls.roots = f.ca.roots
	}
	made := &Enrolment{Registrar: f.registrar, Out: cmd.ErrOrStderr()}
	var err error
	if made.Identities, err = f.ca.read(); err != nil {
		return nil, err
	}
	if made.TLS, err = f.tls.read(); err != nil {
		return nil, err
	}
	if made.Secret, err = readSecret(cmd, f.secret); err != nil {
		return nil, err
	}
	made.TLSSecret = made.Secret
	if f.tlsSecret != "" {
		made.TLSSecret, err = readSecret(cmd, f.tlsSecret)
	}
	return made, err
}

func registrarCommand() *cobra.Command {
	var dir, name, secret, tlsSecret string
	cmd := &cobra.Command{
		Use:   "registrar",
		Short: "Enrol the organisation's registrar at its Fabric CA again",
		Long: `Enrol the registrar of the organisation in --dir again, at both its CAs, with a new key: if its certificate has expired
or was revoked, or if another identity of the CA is to be the registrar.

The secret comes from --registrar-secret, a file or - for standard input, or from the variable
` + secretVariable + `.`,
		Example: `  pedigree org registrar --dir harbor/harbor --registrar admin --registrar-secret registrar.secret`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := readSecret(cmd, secret)
			if err != nil {
				return err
			}
			tlsText := text
			if tlsSecret != "" {
				if tlsText, err = readSecret(cmd, tlsSecret); err != nil {
					return err
				}
			}
			if err := EnrolRegistrar(cmd.Context(), dir, name, text, tlsText); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "enrolled the registrar %s\n", name)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "folder of the organisation, such as harbor/harbor")
	flags.StringVar(&name, "registrar", "admin", "identity of the CA as which the others are registered")
	flags.StringVar(&secret, "registrar-secret", "", "file with the registrar's enrolment secret; - reads standard input")
	flags.StringVar(&tlsSecret, "tls-registrar-secret", "", "the same at the CA for TLS (default the same secret)")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

// EnrolRegistrar enrols the registrar of an organisation at both its CAs, in place of the one before.
func EnrolRegistrar(ctx context.Context, dir, name, secret, tlsSecret string) error {
	ca, err := enrolmentOf(ctx, dir)
	if err != nil {
		return err
	}
	tls, err := openEnrolment(ctx, filepath.Join(dir, tlsFolder))
	if err != nil {
		return err
	}
	if err := ca.enrolRegistrar(name, secret); err != nil {
		return err
	}
	return tls.enrolRegistrar(name, tlsSecret)
}

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

func revokeCommand() *cobra.Command {
	var dir, reason, lost, out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Revoke a person or a node at the organisation's Fabric CA",
		Long: `Have the Fabric CA of the organisation in --dir revoke an identity, with all its certificates. It can't enrol again.
With --certificate it revokes that one alone, for example if its key is lost: the identity may enrol again.

Peers and orderers don't ask a CA. They refuse the certificates when the channel has the CA's list of revoked
certificates: --out writes the list to a file, which "propose revoke" proposes to the channel. What the identity signed
before stays on the ledger, and proofs of it stay valid.`,
		Example: `  pedigree org revoke "Ada Lovelace" --dir harbor/harbor --reason keycompromise --out harbor.crl
  pedigree propose revoke harbor.crl --dir harbor/harbor --out revoke.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(fabricca.Reasons, reason) {
				return exit.Usagef("a reason is one of %s", strings.Join(fabricca.Reasons, ", "))
			}
			if err := mustBeNew(out); err != nil {
				return err
			}
			e, err := enrolmentOf(cmd.Context(), dir)
			if err != nil {
				return err
			}
			r := fabricca.Revocation{Name: args[0], Reason: reason}
			if lost != "" {
				if r.Certificate, err = certificate.Read(lost); err != nil {
					return exit.With(exit.Usage, err)
				}
			}
			serials, err := e.revoke(r)
			if err != nil {
				return err
			}
			if out != "" {
				if _, err := e.writeList(out); err != nil {
					return fmt.Errorf("it is revoked at the CA, and there is no list: %w; `pedigree org crl` asks for it again",
						err)
				}
			}
			return reportRevoked(cmd, args[0], serials, dir, out, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "folder of the organisation, such as harbor/harbor")
	flags.StringVar(&reason, "reason", fabricca.Reasons[0], "why: "+strings.Join(fabricca.Reasons, ", "))
	flags.StringVar(&lost, "certificate", "", "the only certificate of the identity to revoke (PEM)")
	flags.StringVarP(&out, "out", "o", "", "file for the CA's list of revoked certificates; it must not exist yet")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

func (e *enrolment) revoke(r fabricca.Revocation) ([]*big.Int, error) {
	by, err := e.registrar()
	if err != nil {
		return nil, err
	}
	serials, err := e.client.Revoke(e.ctx, by, r)
	return serials, wrap(err, "couldn't revoke %s", r.Name)
}

func reportRevoked(cmd *cobra.Command, name string, serials []*big.Int, dir, list string, asJSON bool) error {
	written := make([]string, len(serials))
	for i, serial := range serials {
		written[i] = fmt.Sprintf("%x", serial)
	}
	if asJSON {
		return terminal.Value(cmd.OutOrStdout(), map[string]any{"name": name, "serialNumbers": written, "list": list})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "revoked %s of %s\n", terminal.Count(len(serials), "certificate"), name)
	for _, serial := range written {
		fmt.Fprintf(cmd.OutOrStdout(), "  serial number %s\n", serial)
	}
	if list == "" {
		fmt.Fprintf(cmd.OutOrStdout(), "\nPeers go on accepting them: write the CA's list with `pedigree org crl`, and have the "+
			"channel take it.\n")
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\nPeers go on accepting them until the channel has the list:\n"+
		"  pedigree propose revoke %s --dir %s\n", list, dir)
	return nil
}

func crlCommand() *cobra.Command {
	var dir, out string
	cmd := &cobra.Command{
		Use:   "crl",
		Short: "Write the list of certificates that the organisation's Fabric CA has revoked",
		Long: `Ask the Fabric CA of the organisation in --dir for its list of revoked certificates (CRL, RFC 5280), check that the
CA has signed it, and write it to a file. "propose revoke" proposes it to the channel, whose nodes then refuse the
certificates on it.`,
		Example: `  pedigree org crl --dir harbor/harbor --out harbor.crl`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustBeNew(out); err != nil {
				return err
			}
			e, err := enrolmentOf(cmd.Context(), dir)
			if err != nil {
				return err
			}
			list, err := e.writeList(out)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote a list of %s to %s\n\nHave the channel take it:\n"+
				"  pedigree propose revoke %s --dir %s\n",
				terminal.Count(len(list.RevokedCertificateEntries), "revoked certificate"), out, out, dir)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "folder of the organisation, such as harbor/harbor")
	flags.StringVarP(&out, "out", "o", "", "file for the list; it must not exist yet")
	_ = cmd.MarkFlagRequired("dir")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func mustBeNew(file string) error {
	if file == "" {
		return nil
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return exit.Usagef("%s is there already: choose another file with --out", file)
	}
	return nil
}

// writeList writes the CA's list of revoked certificates to a file.
func (e *enrolment) writeList(file string) (*x509.RevocationList, error) {
	by, err := e.registrar()
	if err != nil {
		return nil, err
	}
	text, list, err := e.client.Revoked(e.ctx, by)
	if err != nil {
		return nil, err
	}
	return list, wrap(plainly(writeFile(file, text, 0o644)), "couldn't write the list")
}
