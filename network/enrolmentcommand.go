package network

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
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

// registrarFlags say as whom an organisation registers its identities, and with which secrets that one enrols.
type registrarFlags struct{ name, secret, tlsSecret string }

func (f *registrarFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.name, "registrar", "admin", "identity of the CA as which the others are registered")
	flags.StringVar(&f.secret, "registrar-secret", "", "file with the registrar's enrolment secret; - reads standard input")
	flags.StringVar(&f.tlsSecret, "tls-registrar-secret", "", "the same at the CA for TLS (default the same secret)")
}

func (f *registrarFlags) read(cmd *cobra.Command) (secret, tlsSecret string, err error) {
	if secret, err = readSecret(cmd, f.secret); err != nil || f.tlsSecret == "" {
		return secret, secret, err
	}
	tlsSecret, err = readSecret(cmd, f.tlsSecret)
	return secret, tlsSecret, err
}

// enrolmentFlags are those of an organisation that has its certificates from Fabric CAs.
type enrolmentFlags struct {
	ca, tls   caFlags
	registrar registrarFlags
}

func (f *enrolmentFlags) add(flags *pflag.FlagSet) {
	f.ca.add(flags, "", "for ledger identities")
	f.tls.add(flags, "tls-", "for TLS (default the server of --ca)")
	f.registrar.add(flags)
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
	made := &Enrolment{Registrar: f.registrar.name, Out: cmd.ErrOrStderr()}
	var err error
	if made.Identities, err = f.ca.read(); err != nil {
		return nil, err
	}
	if made.TLS, err = f.tls.read(); err != nil {
		return nil, err
	}
	made.Secret, made.TLSSecret, err = f.registrar.read(cmd)
	return made, err
}

func registrarCommand() *cobra.Command {
	var dir string
	var as registrarFlags
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
			secret, tlsSecret, err := as.read(cmd)
			if err != nil {
				return err
			}
			if err := EnrolRegistrar(cmd.Context(), dir, as.name, secret, tlsSecret); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "enrolled the registrar %s\n", as.name)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "folder of the organisation, such as harbor/harbor")
	as.add(flags)
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
