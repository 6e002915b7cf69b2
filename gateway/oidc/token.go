package oidc

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// Bounds of tokens.
const (
	// MaxToken is the largest token that is read, in bytes.
	MaxToken = 16 << 10
	// skew is how much the clocks of issuer and gateway may differ.
	skew = time.Minute
	// longest is how long a token may be valid. It can't be revoked until then.
	longest    = 24 * time.Hour
	maxSubject = 255 // bytes; the bound of OpenID Connect
)

// RefusedError means that a token isn't accepted. It matches access.ErrUnknownToken.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "the bearer token is not accepted: " + e.Reason }

// Is makes errors.Is find access.ErrUnknownToken.
func (e *RefusedError) Is(target error) bool { return target == access.ErrUnknownToken }

func refused(format string, a ...any) error { return &RefusedError{fmt.Sprintf(format, a...)} }

// Takes tells whether a bearer token has the form of an issuer's, a JWT. Tokens of the gateway don't have it.
func (i *Issuer) Takes(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2
}

// Authenticate finds out who sends an access token; see access.Issuer. If ask is false, a token that the issuer signed
// with a new key is unknown.
func (i *Issuer) Authenticate(
	ctx context.Context, token string, shown func() (*x509.Certificate, error), ask bool,
) (*access.Caller, error) {
	if i.cfg.Audience == "" {
		return nil, refused("this gateway takes no tokens of issuers from programs")
	}
	c, err := i.verify(ctx, token, i.cfg.Audience, ask)
	if err != nil {
		return nil, err
	}
	if err := c.grants(); err != nil {
		return nil, err
	}
	if err := i.checkBinding(c, shown); err != nil {
		return nil, err
	}
	return i.caller(c, c.kind())
}

// verify checks all that access tokens and ID tokens have in common: form, signature, issuer, audience and times. What
// a token says is looked at only after the signature has been checked.
func (i *Issuer) verify(ctx context.Context, token, audience string, ask bool) (*claims, error) {
	if len(token) > MaxToken {
		return nil, refused("it has %d bytes, more than the %d allowed", len(token), MaxToken)
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return nil, refused("it isn't a JWT that is signed by RS256, ES256 or EdDSA")
	}
	header := parsed.Headers[0]
	typ, _ := header.ExtraHeaders["typ"].(string)
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "", "jwt", "at+jwt":
	default:
		return nil, refused("its type is %q, which is neither JWT nor at+jwt", brief(typ))
	}
	keys, err := i.keys.find(ctx, header, ask)
	switch {
	case errors.Is(err, errUnknownKey):
		return nil, refused("%v", err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", access.ErrUnavailable, err)
	}
	c := &claims{typ: typ}
	for _, k := range keys {
		if err = parsed.Claims(k.Key, &c.raw); err == nil {
			break
		}
	}
	if err != nil {
		return nil, refused("its signature is wrong")
	}
	if err := json.Unmarshal(c.raw, &c.standard); err != nil {
		return nil, refused("its claims can't be understood")
	}
	if err := json.Unmarshal(c.raw, &c.all); err != nil {
		return nil, refused("its claims can't be understood")
	}
	return c, i.check(c, audience)
}

// check checks the claims that say whether a token is meant for this gateway, now.
func (i *Issuer) check(c *claims, audience string) error {
	s, now := c.standard, i.now()
	switch {
	case s.Issuer != i.cfg.Issuer:
		return refused("its issuer is %q, and this gateway takes tokens of %s", brief(s.Issuer), i.cfg.Issuer)
	case !slices.Contains(s.Audience, audience):
		return refused("it is for %s, and this gateway is %q", audiences(s.Audience), audience)
	case s.Expiry == nil:
		return refused("it doesn't say when it expires (exp)")
	case s.IssuedAt == nil:
		return refused("it doesn't say when it was issued (iat)")
	case !now.Before(s.Expiry.Time().Add(skew)):
		return refused("it expired at %s, and the gateway's clock says %s", stamp(s.Expiry.Time()), stamp(now))
	case s.IssuedAt.Time().After(now.Add(skew)):
		return refused("it was issued at %s, and the gateway's clock says %s", stamp(s.IssuedAt.Time()), stamp(now))
	case s.NotBefore != nil && s.NotBefore.Time().After(now.Add(skew)):
		return refused("it is valid from %s on, and the gateway's clock says %s", stamp(s.NotBefore.Time()), stamp(now))
	case s.Subject == "" || len(s.Subject) > maxSubject || !plain(s.Subject):
		return refused("its subject (sub) isn't a text of 1 to %d bytes", maxSubject)
	}
	return nil
}

// plain tells whether a text can be shown and logged.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// brief is the beginning of a text that somebody else chose.
func brief(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if characters := []rune(text); len(characters) > 80 {
		return string(characters[:80]) + "…"
	}
	return text
}

func audiences(list []string) string {
	if len(list) == 0 {
		return "nobody (aud)"
	}
	var quoted []string
	for _, a := range list[:min(len(list), 3)] {
		quoted = append(quoted, fmt.Sprintf("%q", brief(a)))
	}
	return strings.Join(quoted, ", ")
}
