package access

import (
	"context"
	"errors"
	"strings"
)

// Issuer finds callers by tokens that somebody else issued. Its methods MUST be safe for concurrent use.
type Issuer interface {
	// Takes tells whether a token has the form of the issuer's. Such a token is looked for nowhere else.
	Takes(token string) bool
	// Authenticate finds the caller. If ask is false, it asks nothing of the issuer, and answers at once. The error matches
	// ErrUnknownToken, ErrNoRole, ErrNoSigner or ErrUnavailable.
	Authenticate(ctx context.Context, token string, ask bool) (*Caller, error)
}

// ErrNoRole means that the caller is known to an issuer whose word the gateway takes, but has no role here.
var ErrNoRole = errors.New("you have no role at this gateway")

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

// Find finds the caller by the value of the Authorization header, as Authenticate does. The token may be one of the
// issuer. ask tells whether the issuer may be asked.
func (c *Callers) Find(ctx context.Context, authorization string, ask bool) (*Caller, error) {
	if token := bearer(authorization); c.issuer != nil && c.issuer.Takes(token) {
		return c.issuer.Authenticate(ctx, token, ask)
	}
	return c.Authenticate(authorization)
}
