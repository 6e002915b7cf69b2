// Package clientcert lets in machines by the certificates that they show as TLS clients, such as loggers and ERP
// systems.
//
// The certificate comes with the connection, if the gateway ends TLS itself. Or a proxy ends TLS and passes it on in
// the header Client-Cert (RFC 9440). The header is taken from the addresses of known proxies alone, and what comes from
// these has no other certificate: the proxy's own isn't that of who asks it.
//
// A certificate is looked at anew for each request, because connections live for long. It must be issued by an
// authority of the gateway's list, be valid at that time and for TLS clients, and not be revoked. The configuration
// says which certificates are let in, and with which role. By default, none is.
//
// [Certificates.Watch] reads the files again when they change. If a new version can't be used, the old one stays in
// force and the error is logged.
package clientcert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// Signer finds the ledger identity that signs for callers of a role; see access.Callers.
type Signer func(access.Role) (name string, identity *ledger.Identity, ok bool)

// Certificates knows machines by their certificates. Its methods are safe for concurrent use.
type Certificates struct {
	cfg     config.ClientCertificates
	proxies config.Networks
	signer  Signer
	log     *slog.Logger
	now     func() time.Time
	current atomic.Pointer[trust]
}

// Open reads the files of a configuration, which package config has checked.
func Open(cfg config.ClientCertificates, signer Signer, log *slog.Logger) (*Certificates, error) {
	c := &Certificates{cfg: cfg, proxies: cfg.Networks(), signer: signer, log: log, now: time.Now}
	t, err := readTrust(cfg)
	if err != nil {
		return nil, err
	}
	c.current.Store(t)
	return c, nil
}

// Request has a TLS server ask its clients for a certificate. A client may have none. It is told the names of the
// authorities, so that a browser asks nobody to choose a certificate that is of no use.
func (c *Certificates) Request(server *tls.Config) {
	server.ClientAuth = tls.RequestClientCert // a handshake that fails would not say why
	base := server.Clone()
	server.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		own := base.Clone()
		own.ClientCAs = c.current.Load().pool
		return own, nil
	}
}

// Authorities are the certificates of the authorities that are trusted now.
func (c *Certificates) Authorities() []*x509.Certificate { return c.current.Load().roots }

// Watch checks the files at the given interval, and reads them again if they have changed, until ctx ends. An error
// that occurs several times in a row is logged once. So is a revocation list that has run out.
func (c *Certificates) Watch(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	failure, outdated := "", ""
	for {
		if err := c.reload(); err == nil {
			failure = ""
		} else if err.Error() != failure {
			failure = err.Error()
			c.log.Error("couldn't read the authorities of client certificates again; those from before stay trusted", "error", err)
		}
		if why := c.current.Load().outdated(c.now()); why != outdated {
			if outdated = why; why != "" {
				c.log.Error("client certificates of an authority are refused", "why", why)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// reload reads the files again if they have changed.
func (c *Certificates) reload() error {
	content, err := digest(c.cfg)
	if err != nil || content == c.current.Load().content {
		return err
	}
	t, err := readTrust(c.cfg)
	if err != nil {
		return err
	}
	c.current.Store(t)
	c.log.Info("read the authorities of client certificates again", "file", c.cfg.Roots, "authorities", len(t.roots),
		"revocationLists", len(t.lists))
	return nil
}

// Shown implements access.Certificates.
func (c *Certificates) Shown(r *http.Request) (*x509.Certificate, error) {
	chain, err := c.verified(r)
	if err != nil || chain == nil {
		return nil, err
	}
	return chain[0], nil
}

// Authenticate implements access.Certificates.
func (c *Certificates) Authenticate(r *http.Request) (*access.Caller, error) {
	chain, err := c.verified(r)
	if err != nil || chain == nil {
		return nil, err
	}
	return c.caller(chain)
}

// verified is the chain from the certificate that the sender of a request has shown to an authority, as it is valid
// now. It is nil if no certificate was shown.
func (c *Certificates) verified(r *http.Request) ([]*x509.Certificate, error) {
	shown, err := c.Chain(r)
	if err != nil || len(shown) == 0 {
		return nil, err
	}
	return c.current.Load().verify(shown, c.now())
}

// Chain is what the sender of a request has shown, or what a proxy has passed on: its own certificate first. It isn't
// checked yet.
func (c *Certificates) Chain(r *http.Request) ([]*x509.Certificate, error) {
	if c.isProxy(r.RemoteAddr) {
		return passedOn(r.Header)
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return r.TLS.PeerCertificates, nil
	}
	if carries(r.Header) {
		return nil, refused("the header %s is taken only from the addresses in clientCertificates.proxies, and %s is none of them",
			leafHeader, brief(r.RemoteAddr))
	}
	return nil, nil
}

// isProxy tells whether the address of a connection is that of a proxy whose headers are taken.
func (c *Certificates) isProxy(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	return c.proxies.Has(from.Addr())
}

func refused(format string, a ...any) error {
	return &access.CertificateError{Reason: fmt.Sprintf(format, a...)}
}

// brief is a text that somebody else chose, made safe to show.
func brief(text string) string { return record.Brief(problem.Clean(text)) }
