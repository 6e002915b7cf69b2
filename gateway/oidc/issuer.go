// Package oidc lets in the people and programs that an OpenID Connect issuer knows.
//
// A program sends an access token of the issuer with each request, a JWT (RFC 7519, 9068). See [Issuer.Authenticate]. A
// person signs in to pages by the authorization code flow. See [Issuer.Start]. The role of either is in a claim, and the
// configuration says what means which role. Who has no role isn't let in.
//
// What is accepted is less than what the specifications allow: three algorithms, keys of the issuer's own key set only,
// times that the gateway's clock agrees with to a minute. Package jose checks signatures and reads keys. The package
// go-oidc isn't used, because it bounds neither what it reads from an issuer, nor how often it asks for keys, nor how
// long it uses them when the issuer is down.
//
// If the issuer can't be reached, the keys that it had last stay in use for an hour. Then nobody of the issuer is let in.
// The gateway's own tokens work all the time.
package oidc

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// Signer finds the ledger identity that signs for callers of a role; see access.Callers.
type Signer func(access.Role) (name string, identity *ledger.Identity, ok bool)

// Issuer is an OpenID Connect issuer whose word this gateway takes. Its methods are safe for concurrent use.
type Issuer struct {
	cfg    config.OIDC
	signer Signer
	log    *slog.Logger
	http   *http.Client
	keys   keySet
	now    func() time.Time

	signIns *signIns

	mu       sync.Mutex
	metadata *metadata // nil before the issuer has told it
}

// New makes an issuer from a configuration, which package config has checked. It doesn't ask the issuer for anything:
// that may be down while the gateway starts.
func New(cfg config.OIDC, signer Signer, log *slog.Logger) (*Issuer, error) {
	client, err := newClient(cfg.TLSRoots)
	if err != nil {
		return nil, fmt.Errorf("oidc.tlsRoots: %w", err)
	}
	i := &Issuer{cfg: cfg, signer: signer, log: log, http: client, now: time.Now}
	if i.signIns, err = newSignIns(); err != nil {
		return nil, err
	}
	i.keys.issuer = i
	return i, nil
}

// Name is what people call the issuer: the host of its identifier.
func (i *Issuer) Name() string { return host(i.cfg.Issuer) }

// Run fetches the issuer's keys again and again, until ctx ends, so that a key that the issuer withdraws is refused soon.
// A failure that occurs several times in a row is logged once.
func (i *Issuer) Run(ctx context.Context) {
	failure := ""
	for {
		err := i.keys.fetch(ctx)
		wait := keysInterval
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && failure != "":
			i.log.Info("the issuer answers again", "issuer", i.cfg.Issuer)
			failure = ""
		case err != nil:
			wait = keysRetry
			if err.Error() != failure {
				failure = err.Error()
				i.log.Error("couldn't fetch the issuer's keys; those from before are used for an hour", "issuer", i.cfg.Issuer,
					"error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
