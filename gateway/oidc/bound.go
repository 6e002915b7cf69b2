package oidc

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// confirmation is the claim that says which key the sender of a token must hold (RFC 7800), and thumbprint its member
// with the SHA-256 of a certificate (RFC 8705, 3.1).
const (
	confirmation = "cnf"
	thumbprint   = "x5t#S256"
)

// checkBinding refuses a token that is bound to another certificate than the one that its sender shows, or to anything
// else.
func (i *Issuer) checkBinding(c *claims, shown func() (*x509.Certificate, error)) error {
	value, bound := c.all[confirmation]
	if !bound {
		if i.cfg.RequireBound {
			return refused("it isn't bound to a client certificate (cnf), and this gateway takes no other tokens of %s", i.Name())
		}
		return nil
	}
	members, _ := value.(map[string]any)
	want, ok := members[thumbprint].(string)
	if !ok || len(members) != 1 {
		names := strings.Join(slices.Sorted(maps.Keys(members)), ", ")
		return refused("it is bound to a key of who sends it (cnf) by %q, and this gateway checks the member %s alone",
			brief(names), thumbprint)
	}
	certificate, err := shown()
	switch {
	case errors.Is(err, access.ErrUnavailable):
		return err
	case err != nil:
		return refused("it is bound to a client certificate (cnf), and %v", err)
	case certificate == nil:
		return refused("it is bound to a client certificate (cnf), and came without one")
	}
	sum := sha256.Sum256(certificate.Raw)
	if want != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return refused("it is bound to another client certificate (cnf) than the one that it came with, %q",
			brief(fmt.Sprint(certificate.Subject)))
	}
	return nil
}
