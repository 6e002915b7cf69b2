package cosign

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Protocol is what a gateway adds to the protocols that it offers another one in its TLS handshake (RFC 7301), so that it
// is asked for its certificate. Browsers, whose users would have to choose one, are not asked. It is never agreed on.
const Protocol = "pedigree-gateway"

const (
	connectPatience = 3 * time.Second
	maxHeaders      = 64 << 10
)

// errOutside means that an address of the ledger leads where the operator doesn't let the gateway go.
var errOutside = errors.New("the address of its gateway on the ledger is in a network where this gateway asks nobody")

// client makes a client that goes to one gateway and nowhere else: it takes no proxy from the environment and follows no
// redirection. It trusts these roots and, if there are none, those of the system.
func (c *Cosigner) client(roots *x509.CertPool, dialer *net.Dialer) *http.Client {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, GetClientCertificate: c.shown,
			NextProtos: []string{"h2", "http/1.1", Protocol}},
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxConnsPerHost: questions, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: askPatience, MaxResponseHeaderBytes: maxHeaders,
	}
	stay := func(*http.Request, []*http.Request) error { return errors.New("it sends us to another address") }
	return &http.Client{Transport: transport, Timeout: askPatience, CheckRedirect: stay}
}

// clientOf makes the client for a gateway of the configuration.
func (c *Cosigner) clientOf(o config.Cosigner) (*http.Client, error) {
	var roots *x509.CertPool
	if o.Roots != "" {
		var err error
		if roots, err = certificate.Pool(o.Roots); err != nil {
			return nil, fmt.Errorf("the roots of %s's gateway: %w", o.MSPID, err)
		}
	}
	return c.client(roots, &net.Dialer{Timeout: connectPatience}), nil
}

// clientFor makes the client for a gateway of the ledger. It trusts the system's roots and the organisation's own, and
// goes to addresses that the operator allows, whatever the name of the host means at the moment.
func (c *Cosigner) clientFor(o config.Cosigner, host string, own proof.Authorities) *http.Client {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, root := range own.Roots {
		roots.AddCert(root)
	}
	dialer := &net.Dialer{Timeout: connectPatience}
	if !slices.Contains(c.Hosts[o.MSPID], host) {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !c.Reach.Has(at.Addr()) {
				return errOutside
			}
			return nil
		}
	}
	return c.client(roots, dialer)
}

// shown is the certificate that the gateway shows to another one that asks for it: its own, if an authority of its
// organisation on the channel has issued it for clients, too. Nobody would know another.
func (c *Cosigner) shown(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	none := &tls.Certificate{}
	if c.Certificate == nil {
		return none, nil
	}
	own := c.Certificate()
	if own == nil || len(own.Certificate) == 0 {
		return none, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectPatience)
	defer cancel()
	trust, err := c.trust(ctx)
	if err != nil {
		return none, nil
	}
	var chain []*x509.Certificate
	for _, der := range own.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			return none, nil
		}
		chain = append(chain, one)
	}
	if checkClient(chain, c.authorities(trust, c.MSPID), c.now()) != nil {
		return none, nil
	}
	return own, nil
}

// checkClient checks that authorities of an organisation issued the certificate that a TLS client shows.
func checkClient(chain []*x509.Certificate, of proof.Authorities, now time.Time) error {
	if len(chain) > 1+certificate.MaxAbove {
		return fmt.Errorf("it came with more than %d certificates", certificate.MaxAbove)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, one := range of.Roots {
		roots.AddCert(one)
	}
	for _, one := range certificate.Issued(slices.Concat(of.Intermediates, chain[1:]), of.Roots) {
		between.AddCert(one)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}
