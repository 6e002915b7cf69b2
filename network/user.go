package network

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
)

// User describes a person of an organisation who is to have a ledger certificate.
type User struct {
	// Dir is the organisation's folder with its authority.
	Dir string
	// Name is the person's name, as records and proofs are going to say it.
	Name string
	Role string
	Days int
	// Request is a certificate request in PEM, for a key that the person has made. Empty: the key is made, too.
	Request []byte
}

// maxRequest is the largest certificate request, in bytes.
const maxRequest = 64 << 10

// AddUser has an organisation's authority or its Fabric CA certify a person, and writes the certificate to a folder of
// the person's own among the organisation's users. It returns the folder. It overwrites nothing.
func AddUser(ctx context.Context, u User) (string, error) {
	folder, err := u.check()
	if err != nil {
		return "", exit.With(exit.Usage, err)
	}
	certify, err := u.certifier(ctx)
	if err != nil {
		return "", err
	}
	return u.take(folder, func(dir string) error {
		made, err := certify()
		if err != nil {
			return err
		}
		if made.key == nil {
			return wrap(os.WriteFile(filepath.Join(dir, "cert.pem"), made.certificate, 0o644),
				"couldn't write the certificate")
		}
		return wrap(made.write(dir), "couldn't write the certificate and its key")
	})
}

// take makes the person's folder and has it filled. It is removed again if that fails.
func (u User) take(name string, fill func(dir string) error) (string, error) {
	dir := filepath.Join(u.Dir, "users", name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return "", exit.Refusedf("%s exists: somebody of that name has a certificate", dir)
		}
		return "", fmt.Errorf("couldn't make a folder for the certificate: %w", err)
	}
	if err := fill(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// certifier opens the organisation's authority or Fabric CA, and returns what makes the certificate.
func (u User) certifier(ctx context.Context) (func() (credential, error), error) {
	dir := filepath.Join(u.Dir, caFolder)
	if hasFabricCA(dir) {
		e, err := openEnrolment(ctx, dir)
		if err != nil {
			return nil, err
		}
		return func() (credential, error) {
			return e.member(fabricca.Request{Name: u.Name, CSR: u.Request}, "client", u.Role)
		}, nil
	}
	ca, err := loadAuthority(dir, time.Duration(u.Days)*day)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Usagef("%s is no organisation's folder with an authority (%w): name one with --dir, such as "+
			".pedigree/harbor", u.Dir, err)
	}
	return func() (credential, error) { return u.certified(ca) }, err
}

// check returns the name of the person's folder.
func (u User) check() (string, error) {
	if u.Role != Submitter && u.Role != Auditor {
		return "", fmt.Errorf("a person's role is %s or %s, not %q", Submitter, Auditor, u.Role)
	}
	if u.Days < 1 || u.Days > 3653 {
		return "", errors.New("a certificate is valid for at least a day, and at most ten years")
	}
	var folder strings.Builder
	for _, c := range u.Name {
		switch {
		case unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c):
			folder.WriteRune(unicode.ToLower(c))
		case strings.ContainsRune(" .-'’", c):
			folder.WriteByte('-')
		default:
			return "", fmt.Errorf("a name has letters, digits, spaces, points, hyphens and apostrophes, and no %q", c)
		}
	}
	name := strings.Trim(folder.String(), "-")
	if name == "" || len(u.Name) > 64 || u.Name != strings.TrimSpace(u.Name) {
		return "", errors.New("a name has 1 to 64 bytes, and no spaces around it")
	}
	for _, role := range roles {
		if name == role {
			return "", fmt.Errorf("%q is the name of a role", u.Name)
		}
	}
	return name, nil
}

// certified makes the certificate, and the key unless the person has one.
func (u User) certified(ca *authority) (credential, error) {
	if len(u.Request) == 0 {
		return ca.identity(u.Name, "client", u.Role)
	}
	request, err := fabricca.ParseRequest(u.Request)
	if err != nil {
		return credential{}, err
	}
	template, err := ca.member(u.Name, "client", u.Role)
	if err != nil {
		return credential{}, err
	}
	der, err := ca.certify(template, request.PublicKey.(*ecdsa.PublicKey), ca.lifetime) // ParseRequest takes no other
	return credential{certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, err
}

func userCommand() *cobra.Command {
	var u User
	var request string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "user NAME",
		Short: "Give a person a ledger certificate, to sign records with a key of their own",
		Long: `Certify a person of the organisation. Records that the person signs, with --key and --certificate of "record" and
"register", say the person's name, and so do proofs of them. An auditor's certificate signs no record.

The certificate is written to users/NAME in the organisation's folder, as cert.pem, with a new key in key.pem. Give both
to the person, and delete key.pem. Better: the person makes the key and a certificate request, which --request takes, and
the key never leaves them:

  openssl ecparam -name prime256v1 -genkey -noout -out key.pem
  openssl req -new -key key.pem -subj /CN=ada -out ada.csr

The name is the one on the command line, whatever the request says. "certs" lists the certificate, "renew" renews it, and
"propose revoke" revokes it.

If the organisation has a Fabric CA, the command registers the person there and has the CA make the certificate. The CA
takes a request only if its common name is the name of the person. See "org register" for a person who enrols alone.`,
		Example: `  pedigree org user "Ada Lovelace" --dir .pedigree/harbor
  pedigree org user "Ada Lovelace" --dir harbor/harbor --request ada.csr --days 90`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u.Name = args[0]
			if cmd.Flags().Changed("request") {
				var err error
				if u.Request, err = input.File(cmd.InOrStdin(), request, maxRequest); err != nil {
					return err
				}
				if len(bytes.TrimSpace(u.Request)) == 0 { // AddUser would make the key
					return exit.Usagef("--request: %s is empty, and no certificate request (PKCS #10, PEM)", request)
				}
			}
			if cmd.Flags().Changed("days") && hasFabricCA(filepath.Join(u.Dir, caFolder)) {
				return exit.Usagef("--days is for an organisation with authorities of its own: here the Fabric CA decides")
			}
			dir, err := AddUser(cmd.Context(), u)
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.Value(cmd.OutOrStdout(), map[string]string{"dir": dir, "name": u.Name, "role": u.Role})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "certified %s as %s: %s\n", u.Name, u.Role, filepath.Join(dir, "cert.pem"))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&u.Dir, "dir", "", "folder of the organisation, such as .pedigree/harbor")
	flags.StringVar(&u.Role, "role", Submitter, "what the person may do: submitter or auditor")
	flags.StringVar(&request, "request", "", "certificate request of the person (PKCS #10, PEM); - reads standard input")
	flags.IntVar(&u.Days, "days", 365, "days for which the certificate is valid; a Fabric CA decides on that itself")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}
