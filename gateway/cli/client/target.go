package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Target says which gateway the command line talks to, and as whom.
type Target struct {
	as   string
	role string
	dir  string
	ca   string
	JSON bool // print answers as JSON

	certificate Certificate
}

// AddFlags adds the flags that choose a gateway and a token or certificate, and --json.
func (t *Target) AddFlags(c *cobra.Command) { t.AddFlagsFor("submitter", c) }

// AddFlagsFor is AddFlags for a verb that is usually used in another role.
func (t *Target) AddFlagsFor(role string, c *cobra.Command) {
	c.Flags().StringVar(&t.as, "as", "", "organisation of the network in --dir to act for, such as harbor")
	c.Flags().
		StringVar(&t.role, "role", role, "which of the organisation's tokens to use: submitter, auditor or operator")
	c.Flags().StringVar(&t.dir, "dir", ".pedigree", "folder of the network")
	c.Flags().StringVar(&t.ca, "ca", "",
		"PEM file with the authority of the gateway's certificate, if the system doesn't trust it (or set PEDIGREE_CA)")
	t.certificate.AddFlags(c.Flags())
	c.Flags().BoolVar(&t.JSON, "json", false, "print the answer as JSON")
}

// TargetHelp ends the help of every verb.
const TargetHelp = `
The gateway is that of --as ORG in the network's folder, or the one that
PEDIGREE_URL and PEDIGREE_TOKEN name. --ca or PEDIGREE_CA names the authority of its
certificate, if that is a private one. A machine with a client certificate needs no
token: --client-certificate and --client-key, or PEDIGREE_CLIENT_CERTIFICATE and
PEDIGREE_CLIENT_KEY beside PEDIGREE_URL.`

// Client returns a client for the gateway and the token or certificate that the flags or the environment name.
func (t *Target) Client() (*Client, error) {
	c, certificate, err := t.named()
	if err != nil {
		return nil, err
	}
	if err := c.TrustCA(t.ca); err != nil {
		return nil, err
	}
	return c, c.Show(certificate)
}

func (t *Target) named() (*Client, Certificate, error) {
	if t.as != "" {
		c, err := t.local()
		return c, t.certificate, err
	}
	certificate := t.certificate.OrEnvironment()
	c, err := fromEnvironment(certificate.Given())
	return c, certificate, err
}

// local is a client of the gateway in a folder. It has no token if a certificate is shown.
func (t *Target) local() (*Client, error) {
	if t.certificate.Given() {
		base, err := address(t.dir, t.as)
		return New(base, ""), err
	}
	return Local(t.dir, t.as, t.role)
}

// fromEnvironment is a client of the gateway that the environment names. It needs a token, unless a certificate is
// shown.
func fromEnvironment(certified bool) (*Client, error) {
	base, token := os.Getenv("PEDIGREE_URL"), os.Getenv("PEDIGREE_TOKEN")
	if base == "" {
		return nil, exit.Usagef(
			"say whose gateway to use: --as ORG for a network in a folder, or PEDIGREE_URL and PEDIGREE_TOKEN",
		)
	}
	if token == "" && !certified {
		return nil, exit.Usagef("PEDIGREE_URL is set, but PEDIGREE_TOKEN isn't, and a gateway answers only with a token or a " +
			"client certificate")
	}
	if at, err := url.Parse(base); err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, exit.Usagef(
			"PEDIGREE_URL is %q, which is no address of a gateway, such as https://gateway.example:8081",
			base,
		)
	}
	if token == "" {
		return New(base, ""), nil
	}
	return withToken(base, token, "PEDIGREE_TOKEN")
}

// Local returns a client of an organisation's gateway in the network of a folder.
func Local(dir, org, role string) (*Client, error) {
	base, err := address(dir, org)
	if err != nil {
		return nil, err
	}
	if role != filepath.Base(role) {
		return nil, exit.Usagef("%q is not the name of a role", role)
	}
	token, err := os.ReadFile(filepath.Join(dir, org, role+".token"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Usagef("%s has no token of the role %q; there are submitter, auditor and operator", org, role)
	}
	if err != nil {
		return nil, exit.Usagef("couldn't read the %s token of %s: %w", role, org, err)
	}
	return withToken(base, string(token), fmt.Sprintf("the %s token of %s", role, org))
}

// address is that of an organisation's gateway in the network of a folder.
func address(dir, org string) (string, error) {
	if org != filepath.Base(org) {
		return "", exit.Usagef("%q is not the name of an organisation", org)
	}
	text, err := os.ReadFile(filepath.Join(dir, org, "gateway.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", exit.Usagef("there is no organisation %q in the network folder %s; `pedigree up` makes a network,"+
			" `pedigree status` lists the organisations", org, dir)
	}
	if err != nil {
		return "", exit.Usagef("couldn't read the gateway's settings: %w", err)
	}
	var config struct {
		Listen string `json:"listen"`
		TLS    struct {
			Certificate string `json:"certificate"`
		} `json:"tls"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return "", exit.Usagef("couldn't understand the settings of %s's gateway: %w", org, err)
	}
	scheme := "http://"
	if config.TLS.Certificate != "" {
		scheme = "https://"
	}
	return scheme + config.Listen, nil
}

// withToken is New, but checks the token first. Its error names the source of a malformed token.
func withToken(base, token, source string) (*Client, error) {
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, exit.Usagef("%s is not a token: it is empty or has characters that no token has", source)
	}
	return New(base, token), nil
}
