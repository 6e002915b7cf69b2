package client

import (
	"crypto/tls"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Certificate names the files of a certificate that is shown to a gateway, with a token or instead of one.
type Certificate struct{ certificate, key string }

// AddFlags adds the flags that name the files.
func (c *Certificate) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&c.certificate, "client-certificate", "",
		"PEM file with a certificate to show to the gateway, instead of a token (or set PEDIGREE_CLIENT_CERTIFICATE)")
	f.StringVar(&c.key, "client-key", "",
		"PEM file with the private key of --client-certificate (or set PEDIGREE_CLIENT_KEY)")
}

// Given tells whether a certificate is named.
func (c Certificate) Given() bool { return c.certificate != "" || c.key != "" }

// OrEnvironment is the certificate, or else the one that the environment names.
func (c Certificate) OrEnvironment() Certificate {
	if c.Given() {
		return c
	}
	return Certificate{os.Getenv("PEDIGREE_CLIENT_CERTIFICATE"), os.Getenv("PEDIGREE_CLIENT_KEY")}
}

// Show has the client show a certificate to the gateway. It does nothing if none is named. The error is one of usage.
func (c *Client) Show(certificate Certificate) error {
	switch {
	case !certificate.Given():
		return nil
	case certificate.certificate == "" || certificate.key == "":
		return exit.Usagef("--client-certificate and --client-key belong together, and so do PEDIGREE_CLIENT_CERTIFICATE and " +
			"PEDIGREE_CLIENT_KEY")
	case !strings.HasPrefix(c.base, "https://"):
		return exit.Usagef("%s is without TLS, so no certificate can be shown to it; use a token", c.base)
	}
	pair, err := tls.LoadX509KeyPair(certificate.certificate, certificate.key)
	if err != nil {
		return exit.Usagef("couldn't use %s and %s as a client certificate: %w", certificate.certificate, certificate.key, err)
	}
	// Even if the gateway asks for certificates of others: it then says what is wrong.
	c.tls().GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return nil
}
