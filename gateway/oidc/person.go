package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// refreshAgain is the least time between attempts to refresh a sign-in while the issuer is down.
const refreshAgain = 5 * time.Second

// errOver means that a sign-in is over: the issuer doesn't vouch for the person any longer.
var errOver = errors.New("the sign-in is over")

// Person is somebody who has signed in to pages. The issuer vouches for the person until the ID token expires. If there
// is a refresh token, the issuer is asked again then. The methods are safe for concurrent use.
type Person struct {
	issuer *Issuer
	nonce  string
	leave  string

	mu      sync.Mutex
	claims  *claims
	until   time.Time
	refresh string    // the refresh token, or ""
	tried   time.Time // when the issuer was asked last, and didn't answer
}

// Leave is the address at which the person signs out at the issuer, or "".
func (p *Person) Leave() string { return p.leave }

// Caller is who the person is, now. An error that matches access.ErrUnavailable may pass. Any other is for good.
func (p *Person) Caller(ctx context.Context) (*access.Caller, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.issuer.now(); !now.Before(p.until) {
		if p.refresh == "" {
			return nil, errOver
		}
		if now.Sub(p.tried) < refreshAgain {
			return nil, fmt.Errorf("%w: the issuer can't be reached", access.ErrUnavailable)
		}
		if err := p.renew(context.WithoutCancel(ctx)); err != nil {
			p.tried = p.issuer.now() // when it failed: an issuer that doesn't answer takes a while
			return nil, err
		}
	}
	return p.issuer.caller(p.claims, access.Person)
}

// exchange gets the tokens for a code, and makes sure that they answer the sign-in.
func (i *Issuer) exchange(ctx context.Context, client *oauth2.Config, b *begun, code string) (*Person, error) {
	tokens, err := client.Exchange(context.WithValue(ctx, oauth2.HTTPClient, i.http), code, oauth2.VerifierOption(b.Verifier))
	if err != nil {
		return nil, i.failed(err)
	}
	idToken, _ := tokens.Extra("id_token").(string)
	c, err := i.identify(ctx, idToken)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(c.text("nonce")), []byte(b.Nonce)) != 1 {
		return nil, refused("its ID token answers another sign-in (nonce)")
	}
	p := &Person{issuer: i, nonce: b.Nonce, refresh: tokens.RefreshToken}
	if err := p.accept(ctx, c, tokens.AccessToken); err != nil {
		return nil, err
	}
	m, err := i.known(ctx)
	if err != nil {
		return nil, err
	}
	p.leave = i.leave(m, idToken)
	_, err = i.caller(c, access.Person)
	return p, err
}

// failed says what an error of the issuer's token endpoint means.
func (i *Issuer) failed(err error) error {
	var said *oauth2.RetrieveError
	if errors.As(err, &said) && said.Response != nil && said.Response.StatusCode < http.StatusInternalServerError &&
		said.Response.StatusCode != http.StatusTooManyRequests {
		code := said.ErrorCode
		if code == "" {
			code = said.Response.Status
		}
		return &DeniedError{clean(code), clean(said.ErrorDescription)}
	}
	i.log.Error("couldn't get tokens from the issuer", "issuer", i.cfg.Issuer, "error", err)
	return fmt.Errorf("%w: the issuer can't be reached", access.ErrUnavailable)
}

// silent says what an error of the issuer's userinfo endpoint means. An issuer that refuses a token which it has just
// issued doesn't vouch for the person (OpenID Connect Core, 5.3.3; RFC 6750, 3.1). Any other error may pass.
func (i *Issuer) silent(c *claims, err error) error {
	var said *statusError
	if errors.As(err, &said) && (said.code == http.StatusUnauthorized || said.code == http.StatusForbidden) {
		return &DeniedError{Code: fmt.Sprintf("%d %s", said.code, http.StatusText(said.code)),
			Description: "when asked about " + i.name(c)}
	}
	i.log.Error("couldn't ask the issuer about a person", "issuer", i.cfg.Issuer, "error", err)
	return fmt.Errorf("%w: the issuer doesn't say more about %q", access.ErrUnavailable, i.name(c))
}

// identify checks an ID token.
func (i *Issuer) identify(ctx context.Context, token string) (*claims, error) {
	c, err := i.verify(ctx, token, i.cfg.ClientID, true)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(strings.ToLower(c.typ), "at+jwt") {
		return nil, refused("it is an access token, and no ID token")
	}
	if _, bound := c.all[confirmation]; bound {
		return nil, refused("it is bound to a key (cnf), and browsers show none")
	}
	if azp := c.all["azp"]; azp != nil && azp != i.cfg.ClientID || azp == nil && len(c.standard.Audience) > 1 {
		return nil, refused("it was issued to another client (azp)")
	}
	return c, nil
}

// accept takes what an ID token says. Claims that it doesn't have may be in the answer of the userinfo endpoint.
func (p *Person) accept(ctx context.Context, c *claims, accessToken string) error {
	i := p.issuer
	_, err := i.role(c)
	m, unknown := i.known(ctx)
	if unknown != nil {
		return fmt.Errorf("%w: %w", access.ErrUnavailable, unknown)
	}
	if (err != nil || i.name(c) == c.standard.Subject) && m.UserInfo != "" && accessToken != "" {
		more := map[string]any{}
		failure := i.get(ctx, m.UserInfo, accessToken, &more)
		switch {
		case failure != nil && err != nil:
			return i.silent(c, failure)
		case failure == nil && more["sub"] != c.standard.Subject:
			return refused("the issuer's userinfo is about somebody else")
		}
		for name, value := range more {
			if _, said := c.all[name]; !said {
				c.all[name] = value
			}
		}
	}
	p.claims, p.until = c, c.standard.Expiry.Time()
	return nil
}

// renew asks the issuer whether it still vouches for the person.
func (p *Person) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	i := p.issuer
	client, _, err := i.client(ctx)
	if err != nil {
		return err
	}
	source := client.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, i.http), &oauth2.Token{RefreshToken: p.refresh})
	tokens, err := source.Token()
	if err != nil {
		return i.failed(err)
	}
	p.refresh = tokens.RefreshToken
	idToken, _ := tokens.Extra("id_token").(string)
	if idToken == "" { // it may be left out (OpenID Connect Core, 12.2)
		return p.look(ctx, tokens)
	}
	c, err := i.identify(ctx, idToken)
	if err != nil {
		return err
	}
	if c.standard.Subject != p.claims.standard.Subject {
		return refused("it is about somebody else")
	}
	if nonce := c.all["nonce"]; nonce != nil && nonce != p.nonce {
		return refused("its ID token answers another sign-in (nonce)")
	}
	return p.accept(ctx, c, tokens.AccessToken)
}

// look asks the issuer what it says of the person now, with a new access token.
func (p *Person) look(ctx context.Context, tokens *oauth2.Token) error {
	i := p.issuer
	m, err := i.known(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", access.ErrUnavailable, err)
	}
	if m.UserInfo == "" || tokens.AccessToken == "" || tokens.ExpiresIn <= 0 {
		return errOver
	}
	said := map[string]any{}
	if err := i.get(ctx, m.UserInfo, tokens.AccessToken, &said); err != nil {
		return i.silent(p.claims, err)
	}
	if said["sub"] != p.claims.standard.Subject {
		return refused("the issuer's userinfo is about somebody else")
	}
	now := *p.claims
	now.all = said
	if _, err := i.role(&now); err != nil {
		return err
	}
	p.claims, p.until = &now, i.now().Add(min(time.Duration(tokens.ExpiresIn)*time.Second, longest))
	return nil
}
