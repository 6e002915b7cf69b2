package oidc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// claims are what a token with a good signature says.
type claims struct {
	typ      string // of the header
	raw      json.RawMessage
	standard jwt.Claims
	all      map[string]any
}

// maxName is the longest name of a caller that is shown, in characters.
const maxName = 100

// nameClaims are the claims with a name, the best first.
var nameClaims = []string{"preferred_username", "name", "email"}

// text is a claim that is a text, or "".
func (c *claims) text(name string) string {
	text, _ := c.all[name].(string)
	return text
}

// grants refuses tokens that say who somebody is, and let nobody in: ID tokens and logout tokens. An ID token is for the
// client, which is another audience, but an issuer may name the same for both. It also refuses a token that is valid for
// too long.
func (c *claims) grants() error {
	if c.standard.Expiry.Time().Sub(c.standard.IssuedAt.Time()) > longest {
		return refused("it is valid for longer than %d hours, and can't be revoked until then", int(longest.Hours()))
	}
	if c.typ != "" && strings.HasSuffix(strings.ToLower(c.typ), "at+jwt") {
		return nil
	}
	for _, name := range []string{"nonce", "at_hash", "c_hash", "s_hash", "events"} {
		if c.all[name] != nil {
			return refused("it is an ID token or a logout token, for it has the claim %s: send an access token", name)
		}
	}
	if use := c.text("typ"); use != "" && !strings.EqualFold(use, "Bearer") {
		return refused("it says that it is a token of the type %q: send an access token", brief(use))
	}
	return nil
}

// kind is whether an access token stands for a person or a machine. There is no claim for that which all issuers have, so
// it may stay open. A client that got a token for itself is its subject (RFC 9068), and a person has authenticated.
func (c *claims) kind() access.Kind {
	client := c.text("client_id")
	if client == "" {
		client = c.text("azp")
	}
	switch {
	case client == c.standard.Subject, c.text("gty") == "client-credentials", c.text("idtyp") == "app":
		return access.Machine
	case c.all["auth_time"] != nil, c.all["amr"] != nil, c.text("idtyp") == "user":
		return access.Person
	}
	return ""
}

// caller is who a token is about.
func (i *Issuer) caller(c *claims, kind access.Kind) (*access.Caller, error) {
	role, err := i.role(c)
	if err != nil {
		return nil, err
	}
	signer, identity, ok := i.signer(role)
	if !ok {
		return nil, fmt.Errorf("%w: the gateway's file of tokens has none with the role %s, whose certificate and key would "+
			"do it", access.ErrNoSigner, role)
	}
	return &access.Caller{
		ID: "oidc:" + i.cfg.Issuer + "#" + c.standard.Subject, Name: i.name(c), Kind: kind, Role: role,
		Method: access.ByIssuer, Signer: signer, Identity: identity,
	}, nil
}

// role is that of the first entry of the configuration that fits.
func (i *Issuer) role(c *claims) (access.Role, error) {
	for _, r := range i.cfg.Roles {
		if slices.Contains(c.values(r.Claim), r.Value) {
			return access.Role(r.Role), nil
		}
	}
	var names []string
	for _, r := range i.cfg.Roles {
		if !slices.Contains(names, r.Claim) {
			names = append(names, r.Claim)
		}
	}
	var problems []string
	for _, name := range names {
		if c.at(name) == nil {
			problems = append(problems, "the claim "+name+" is missing")
		} else {
			problems = append(problems, "the claim "+name+" has no value that is given a role")
		}
	}
	return "", fmt.Errorf("%w: %s knows %q, but %s", access.ErrNoRole, i.Name(), i.name(c), strings.Join(problems, ", and "))
}

// name is what people read.
func (i *Issuer) name(c *claims) string {
	names := nameClaims
	if i.cfg.NameClaim != "" {
		names = []string{i.cfg.NameClaim}
	}
	for _, claim := range names {
		name, _ := c.at(claim).(string)
		if name = strings.TrimSpace(name); name != "" && plain(name) {
			characters := []rune(name)
			return string(characters[:min(len(characters), maxName)])
		}
	}
	return c.standard.Subject
}

// at finds a claim by its name or, if there is none of that name, by the names that lead to it.
func (c *claims) at(path string) any {
	if value, ok := c.all[path]; ok {
		return value
	}
	var value any = c.all
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}

// values are those of a claim: a text, the texts of a list, or the names of an object, which is how some issuers list
// roles. The text of a scope is a list with spaces (RFC 8693).
func (c *claims) values(path string) []string {
	switch value := c.at(path).(type) {
	case string:
		if path == "scope" || path == "scp" {
			return strings.Fields(value)
		}
		return []string{value}
	case []any:
		var texts []string
		for _, v := range value {
			if text, ok := v.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	case map[string]any:
		var names []string
		for name := range value {
			names = append(names, name)
		}
		return names
	}
	return nil
}
