package network

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
)

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
