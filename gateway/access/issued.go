package access

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
)

// Issuer finds callers by tokens that somebody else issued. Its methods MUST be safe for concurrent use.
type Issuer interface {
	// Takes tells whether a token has the form of the issuer's. Such a token is looked for nowhere else.
	Takes(token string) bool
	// Authenticate finds the caller. shown finds the certificate of who sends the token; see Certificates. If ask is
	// false, it asks nothing of the issuer, and answers at once. The error matches ErrUnknownToken, ErrNoRole,
	// ErrNoSigner or ErrUnavailable.
	Authenticate(
		ctx context.Context, token string, shown func() (*x509.Certificate, error), ask bool,
	) (*Caller, error)
}

// ErrNoRole means that the caller is known to somebody whose word the gateway takes, but has no role here.
var ErrNoRole = errors.New("you have no role here")

// bearer is the token in the value of an Authorization header, or "".
func bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Trust names an issuer whose word is taken. Call it before the first request.
func (c *Callers) Trust(i Issuer) { c.issuer = i }

// found is what was found out about who sends a request.
type found struct {
	issued  atomic.Pointer[issued]
	machine atomic.Pointer[Caller] // by the certificate
}

// issued is a token of the issuer, and whose it is.
type issued struct {
	token  string
	caller *Caller
}

type foundKey struct{}

// Once returns a context for one request, in which Find checks a token of the issuer, and Machine a certificate, once,
// however often they are asked.
func Once(ctx context.Context) context.Context { return context.WithValue(ctx, foundKey{}, new(found)) }

// foundIn is what is remembered in a context of Once. In another one nothing is, for longer than the call.
func foundIn(ctx context.Context) *found {
	if f, ok := ctx.Value(foundKey{}).(*found); ok {
		return f
	}
	return new(found)
}

// Find finds the caller by the Authorization header of a request, as Authenticate does. The token may be one of the
// issuer. ask tells whether the issuer may be asked.
func (c *Callers) Find(r *http.Request, ask bool) (*Caller, error) {
	authorization := r.Header.Get("Authorization")
	token := bearer(authorization)
	if c.issuer == nil || !c.issuer.Takes(token) {
		return c.Authenticate(authorization)
	}
	before := foundIn(r.Context())
	if i := before.issued.Load(); i != nil && i.token == token {
		return i.caller, nil
	}
	caller, err := c.issuer.Authenticate(r.Context(), token, func() (*x509.Certificate, error) {
		if c.machines == nil {
			return nil, errNoCertificates
		}
		return c.machines.Shown(r)
	}, ask)
	if err == nil {
		before.issued.Store(&issued{token, caller})
	}
	return caller, err
}
