package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// ErrInFile means that a token is one of the file tokens.json, which is changed by hand.
var ErrInFile = errors.New("the token is in the gateway's file of tokens")

// errNoStore means that a part of this program forgot to call Manage.
var errNoStore = errors.New("this gateway has no place for tokens that operators make")

// Actor is the caller as who has done something to a token.
func (c *Caller) Actor() token.Actor { return token.Actor{ID: c.ID, Name: c.Name} }

// Listed is a token in the list of all of them.
type Listed struct {
	*token.Token
	// Method is ByFile or ByToken. Of a token of the file, only the name and the role are known.
	Method Method
}

// Tokens lists all tokens: those of the file first, then those that operators made, both in the order of their names.
func (c *Callers) Tokens(ctx context.Context) ([]Listed, error) {
	if c.made == nil {
		return nil, errNoStore
	}
	var all []Listed
	for _, e := range c.current.Load().entries {
		all = append(all, Listed{&token.Token{Name: e.caller.Name, Role: string(e.caller.Role)}, ByFile})
	}
	byName := func(a, b Listed) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(all, byName)
	made, err := c.made.List(ctx)
	for _, t := range made {
		all = append(all, Listed{t, ByToken})
	}
	slices.SortFunc(all[len(all)-len(made):], byName) // the database may have another order of letters
	return all, err
}

// CreateToken makes a token, and returns its secret, which is kept nowhere. The error matches those of
// token.Store.Create or, if nobody would sign for its holder, ErrNoSigner.
func (c *Callers) CreateToken(ctx context.Context, o token.Order) (*token.Token, string, error) {
	if c.made == nil {
		return nil, "", errNoStore
	}
	if c.inFile(o.Name) {
		return nil, "", token.ErrTaken
	}
	if _, _, ok := c.Signer(Role(o.Role)); !ok && slices.Contains(Roles, Role(o.Role)) {
		return nil, "", fmt.Errorf("%w: %s has no token with the role %s, whose certificate and key would do it", ErrNoSigner,
			c.path, o.Role)
	}
	t, secret, err := c.made.Create(ctx, o)
	if err == nil {
		c.log.Info("made a token", "token", t.Name, "kind", t.Kind, "role", t.Role, "expires", t.Expires, "by", o.By.Name, "byId", o.By.ID)
	}
	return t, secret, err
}

// RevokeToken ends a token that an operator made. The error matches those of token.Store.Revoke or ErrInFile.
func (c *Callers) RevokeToken(ctx context.Context, name string, by token.Actor) (*token.Token, error) {
	if c.made == nil {
		return nil, errNoStore
	}
	if c.inFile(name) {
		return nil, ErrInFile
	}
	t, err := c.made.Revoke(ctx, name, by)
	if err == nil {
		c.log.Info("revoked a token", "token", t.Name, "by", by.Name, "byId", by.ID)
	}
	return t, err
}

// RotateToken gives a token that an operator made a new secret, and returns that. The error matches those of
// token.Store.Rotate or ErrInFile.
func (c *Callers) RotateToken(ctx context.Context, r token.Rotation) (*token.Token, string, error) {
	if c.made == nil {
		return nil, "", errNoStore
	}
	if c.inFile(r.Name) {
		return nil, "", ErrInFile
	}
	t, secret, err := c.made.Rotate(ctx, r)
	if err == nil {
		c.log.Info("gave a token a new secret", "token", t.Name, "expires", t.Expires, "oldUntil", t.OldUntil, "by", r.By.Name, "byId",
			r.By.ID)
	}
	return t, secret, err
}

// inFile tells whether a token of the file has a name, in whatever capitals.
func (c *Callers) inFile(name string) bool {
	return slices.ContainsFunc(c.current.Load().entries, func(e entry) bool { return strings.EqualFold(e.caller.Name, name) })
}
