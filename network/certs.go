package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// Certs returns the command that lists certificates.
func Certs() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "List the certificates of a network or an organisation, and when they expire",
		Long: `List every certificate in the folder of a network or of one organisation: whose it is, what it is for, its file, and
when it expires. The certificates are those of the authorities, orderers, peers, chaincode, ledger identities and
gateways. Nothing needs to run.

The exit code is 1 if a certificate has expired or will expire within 30 days.`,
		Example: `  pedigree certs
  pedigree certs --dir /srv/harbor
  pedigree certs --json | jq '.[] | select(.daysLeft < 60)'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openFolder(dir)
			if err != nil {
				return err
			}
			all, err := d.certificates()
			if err != nil {
				return err
			}
			if len(all) == 0 {
				return exit.Usagef("there are no certificates in %s: name another folder with --dir", d)
			}
			now := time.Now()
			if err := printCertificates(cmd.OutOrStdout(), d, all, now, asJSON); err != nil {
				return err
			}
			if warning := certificate.Warning(all, now); warning != "" {
				return exit.Refusedf("%s%s%s", warning, d.howToRenew(), aboutAuthorities(all, now))
			}
			return nil
		},
	}
	addDir(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// renewal is the command that renews the folder's certificates. It is empty for a folder that is neither that of a
// network nor a part of one: that has no authority to renew them.
func (d folder) renewal() string {
	of := folder(filepath.Dir(string(d)))
	switch {
	case d.made(), d.isOrganisation():
		return "pedigree renew" + dirFlag(d)
	case of.made():
		return "pedigree renew " + filepath.Base(string(d)) + dirFlag(of)
	case of.isOrganisation():
		return "pedigree renew" + dirFlag(of)
	}
	return ""
}

// howToRenew completes the warning to renew certificates.
func (d folder) howToRenew() string {
	if command := d.renewal(); command != "" {
		return " with `" + command + "`"
	}
	return " with the tools of their authority"
}

// aboutAuthorities says that the authorities that expire soon are renewed by no command.
func aboutAuthorities(all []certificate.Certificate, now time.Time) string {
	for _, c := range all {
		if strings.HasPrefix(c.Use, "authority") && c.At(now) != certificate.Valid {
			return ". No command renews authorities, and no certificate outlives its own: before " +
				c.NotAfter.Format(time.DateOnly) + " the channel must take another authority of " + c.Owner
		}
	}
	return ""
}

// Certificates lists the certificates in the folder of a network or an organisation.
func Certificates(dir string) ([]certificate.Certificate, error) {
	d, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	return d.certificates()
}

// certificates lists the folder's certificates. Copies of an authority's certificate aren't listed.
func (d folder) certificates() ([]certificate.Certificate, error) {
	return d.certificatesWith(func(err error) error { return err })
}

// certificatesWith is certificates for a folder that may be damaged: unreadable decides about each certificate that
// can't be read. If it returns nil, the certificate is left out.
func (d folder) certificatesWith(unreadable func(error) error) ([]certificate.Certificate, error) {
	var all []certificate.Certificate
	err := filepath.WalkDir(string(d), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a file that a running process has just replaced
		}
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if notKeys[entry.Name()] {
				return fs.SkipDir
			}
			return nil
		}
		if entry.Name() == "gateway.json" {
			tls, err := gatewayTLS(path)
			if err != nil {
				return unreadable(err)
			}
			if tls == "" {
				return nil
			}
			c, err := readKept(d.owner(path), "gateway, TLS", tls)
			if err != nil {
				return unreadable(err)
			}
			all = append(all, c)
			return nil
		}
		use := d.use(path)
		if use == "" {
			return nil
		}
		c, err := readKept(d.owner(path), use, path)
		if err != nil {
			return unreadable(err)
		}
		all = append(all, c)
		return nil
	})
	return all, wrap(err, "couldn't list the certificates in %s", d)
}

// notKeys names folders that hold no certificate of their own.
var notKeys = map[string]bool{
	"bin": true, "channel": true, "log": true, "run": true, "demo": true, "ledger": true, "wal": true, "snapshots": true,
	"gateway": true, "cacerts": true, "tlscacerts": true, "keystore": true,
}

func readKept(owner, use, file string) (certificate.Certificate, error) {
	c, err := certificate.Read(file)
	if err != nil {
		return certificate.Certificate{}, err
	}
	return certificate.Certificate{
		Owner: owner, Use: use, File: file, Subject: c.Subject.String(), NotAfter: c.NotAfter.UTC(),
	}, nil
}

// owner is the organisation that a file in the folder belongs to. In the folder of a single organisation it is the
// folder's own name.
func (d folder) owner(path string) string {
	if !d.made() && !d.isOrganisation() {
		return filepath.Base(string(d))
	}
	relative, _ := filepath.Rel(string(d), path) // path was found in d
	owner, _, _ := strings.Cut(filepath.ToSlash(relative), "/")
	return owner
}

// use says what the certificate in a file is for. It is empty for a file that holds no certificate of its own.
func (d folder) use(path string) string {
	relative, _ := filepath.Rel(string(d), path) // path was found in d
	parts := strings.Split(filepath.ToSlash(relative), "/")
	n := len(parts)
	if filepath.Ext(path) != ".pem" || n < 2 {
		return ""
	}
	switch parent := parts[n-2]; {
	case parent == "signcerts" && n >= 4:
		return parts[n-4] + ", identity"
	case parts[n-1] != "cert.pem":
		return ""
	case parent == "ca":
		return "authority of identities"
	case parent == "tlsca":
		return "authority of TLS"
	case parent == "tls" && n >= 3:
		return parts[n-3] + ", TLS"
	case parent == registrarName && n >= 3 && parts[n-3] == caFolder:
		return "registrar, identity"
	case parent == registrarName && n >= 3 && parts[n-3] == tlsFolder:
		return "registrar, TLS"
	case n >= 3 && parts[n-3] == "users":
		return parent + ", identity"
	case n >= 3 && parts[n-3] == "chaincode" && parent == "server":
		return "chaincode, TLS"
	case n >= 3 && parts[n-3] == "chaincode" && parent == "client":
		return "peer as client of chaincode, TLS"
	case parent == "admin":
		return "administrator of orderers, TLS"
	}
	return ""
}

// printCertificates prints a table or JSON.
func printCertificates(out io.Writer, d folder, all []certificate.Certificate, now time.Time, asJSON bool) error {
	if asJSON {
		type row struct {
			certificate.Certificate
			DaysLeft int               `json:"daysLeft"`
			State    certificate.State `json:"state"`
		}
		rows := make([]row, len(all))
		for i, c := range all {
			rows[i] = row{c, c.Days(now), c.At(now)}
		}
		return terminal.Value(out, rows)
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "OWNER\tFOR\tEXPIRES\tDAYS LEFT\tSTATE\tFILE")
	for _, c := range all {
		file := c.File
		if relative, err := filepath.Rel(string(d), file); err == nil && filepath.IsLocal(relative) {
			file = relative
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", c.Owner, c.Use, c.NotAfter.Format(time.DateOnly), c.Days(now),
			c.At(now), file)
	}
	return table.Flush()
}

// gatewayTLS is the file of the certificate that a gateway serves with, or empty if it has none.
func gatewayTLS(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var c config.Config
	if err := json.Unmarshal(text, &c); err != nil {
		return "", fmt.Errorf("%s is damaged: %w", file, err)
	}
	if c.TLS.Certificate == "" || filepath.IsAbs(c.TLS.Certificate) {
		return c.TLS.Certificate, nil
	}
	return filepath.Join(filepath.Dir(file), c.TLS.Certificate), nil
}
