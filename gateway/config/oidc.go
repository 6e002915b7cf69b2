package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// OIDC lets in the people and programs that an OpenID Connect issuer knows, beside those that have a token. Without an
// issuer there are none. Package oidc does it.
type OIDC struct {
	// Issuer is the issuer's identifier, a URL. It is compared with what the issuer calls itself, to the character.
	// Without https it must be on a loopback address.
	Issuer string `json:"issuer,omitempty"`

	// TLSRoots is a PEM file of the roots to trust for the issuer's certificate. Optional: those of the system if empty.
	TLSRoots string `json:"tlsRoots,omitempty"`

	// Audience is what the issuer calls this gateway's REST interface. A program sends an access token of the issuer, a
	// JWT, that has it among its audiences. Optional: if it is empty, programs can't send such tokens.
	Audience string `json:"audience,omitempty"`

	// RequireBound has programs send only tokens that are bound to their client certificate (RFC 8705). Those of another
	// certificate are refused in any case.
	RequireBound bool `json:"requireBound,omitempty"`

	// ClientID is what the issuer calls this gateway's pages, and RedirectURL is their address, of the path RedirectPath,
	// to which the issuer sends people back. Optional: if they are empty, people sign in with tokens only.
	ClientID    string `json:"clientId,omitempty"`
	RedirectURL string `json:"redirectUrl,omitempty"`

	// ClientSecretFile has the secret of the client. Optional: a public client has none.
	ClientSecretFile string `json:"clientSecretFile,omitempty"`

	// Scopes are what the pages ask the issuer for. Optional: openid and profile if it is empty.
	Scopes []string `json:"scopes,omitempty"`

	// NameClaim is the claim with the name that people read. Optional: preferred_username, name, email and sub are looked
	// for in this order if it is empty.
	NameClaim string `json:"nameClaim,omitempty"`

	// Roles say who has which role. The first that fits decides. Whom none fits isn't let in.
	Roles []RoleClaim `json:"roles,omitempty"`

	// ClientSecret is the content of ClientSecretFile.
	ClientSecret string `json:"-"`
}

// RoleClaim gives a role to whose tokens have a value in a claim.
type RoleClaim struct {
	// Claim is the name of a claim or, if there is none of that name, names with dots between them that lead to a claim in
	// a claim: realm_access.roles.
	Claim string `json:"claim"`
	Value string `json:"value"`
	Role  string `json:"role"`
}

// RedirectPath is the path of the page to which an issuer sends people back.
const RedirectPath = "/sign-in/return"

// secretCredential is the name of the credential of systemd with the secret of the client.
const secretCredential = "oidc-client-secret"

// Bounds of what is configured.
const (
	maxRoleClaims = 200
	maxScopes     = 50
	maxText       = 1000 // bytes of any text
)

// check checks all members. Its errors name the one that is wrong.
func (o *OIDC) check() error {
	if o.Issuer == "" {
		for _, member := range []struct{ name, value string }{
			{"tlsRoots", o.TLSRoots}, {"audience", o.Audience}, {"clientId", o.ClientID}, {"redirectUrl", o.RedirectURL},
			{"clientSecretFile", o.ClientSecretFile}, {"scopes", strings.Join(o.Scopes, " ")}, {"nameClaim", o.NameClaim},
		} {
			if member.value != "" {
				return fmt.Errorf("oidc.%s is set, and oidc.issuer is not", member.name)
			}
		}
		if len(o.Roles) > 0 || o.RequireBound {
			return errors.New("oidc.roles or oidc.requireBound is set, and oidc.issuer is not")
		}
		return nil
	}
	if _, err := safeURL(o.Issuer); err != nil {
		return fmt.Errorf("oidc.issuer: %w", err)
	}
	switch {
	case o.Audience == "" && o.ClientID == "":
		return errors.New("oidc has neither audience, for programs, nor clientId, for people")
	case o.Audience == o.ClientID:
		return errors.New("oidc.audience and oidc.clientId are the same: a token by which a person signs in to pages would " +
			"let programs in too, so have the issuer name the REST interface otherwise")
	case (o.ClientID == "") != (o.RedirectURL == ""):
		return errors.New("oidc.clientId and oidc.redirectUrl go together")
	case o.RequireBound && o.Audience == "":
		return errors.New("oidc.requireBound is set, and oidc.audience is not, so there are no tokens that it is about")
	case o.ClientSecretFile != "" && o.ClientID == "":
		return errors.New("oidc.clientSecretFile is set, and oidc.clientId is not")
	case len(o.Scopes) > maxScopes:
		return fmt.Errorf("oidc.scopes has more than %d scopes", maxScopes)
	case len(o.Roles) == 0:
		return errors.New("oidc.roles is empty, so nobody could get in: name a claim, a value and a role")
	case len(o.Roles) > maxRoleClaims:
		return fmt.Errorf("oidc.roles has more than %d entries", maxRoleClaims)
	}
	if o.RedirectURL != "" {
		u, err := safeURL(o.RedirectURL)
		if err != nil {
			return fmt.Errorf("oidc.redirectUrl: %w", err)
		}
		if u.Path != RedirectPath {
			return fmt.Errorf("oidc.redirectUrl has the path %q: it is the gateway's own address and %s", u.Path, RedirectPath)
		}
	}
	for i, scope := range o.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \"\\") || len(scope) > maxText {
			return fmt.Errorf("oidc.scopes[%d] is %q, which isn't one scope", i, scope)
		}
	}
	for i, r := range o.Roles {
		if r.Claim == "" || r.Value == "" || max(len(r.Claim), len(r.Value)) > maxText {
			return fmt.Errorf("oidc.roles[%d]: claim and value are required, of at most %d bytes", i, maxText)
		}
		if !slices.Contains(Roles, r.Role) {
			return fmt.Errorf("oidc.roles[%d].role is %q, which is none of %s", i, r.Role, strings.Join(Roles, ", "))
		}
	}
	return nil
}

// safeURL parses an address that secrets may be sent to: over https, or on this machine.
func safeURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(text) > maxText:
		return nil, fmt.Errorf("%q is not an address of the form https://host/path", text)
	case u.Scheme == "https", u.Scheme == "http" && loopback(hostPort(u)):
		return u, nil
	}
	return nil, fmt.Errorf("%q would send secrets in the clear: it has to begin with https://", text)
}

// hostPort is the host of an address with a port, as loopback takes it.
func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return u.Host + ":80"
	}
	return u.Host
}

// readSecret reads the secret of the client. credentials is the folder of systemd's credentials, or empty.
func (o *OIDC) readSecret(credentials string) error {
	path := o.ClientSecretFile
	if path == "" && credentials != "" && o.ClientID != "" {
		path = filepath.Join(credentials, secretCredential)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	if path == "" {
		return nil
	}
	secret, err := readSecret(path)
	if err != nil {
		return fmt.Errorf("oidc.clientSecretFile: %w", err)
	}
	if secret == "" {
		return fmt.Errorf("oidc.clientSecretFile: %s is empty", path)
	}
	o.ClientSecret = secret
	return nil
}

// readSecret reads a file with one secret. The end of its line doesn't belong to it.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxPassword {
		return "", fmt.Errorf("%s has more than %d bytes", path, maxPassword)
	}
	text, err := os.ReadFile(path)
	return strings.TrimRight(string(text), "\r\n"), err
}
