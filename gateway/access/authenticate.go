package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/kept"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

var (
	// ErrNoToken means that a request has no bearer token.
	ErrNoToken = errors.New("the request has no bearer token")
	// ErrUnknownToken means that this gateway doesn't know a request's token.
	ErrUnknownToken = errors.New("the bearer token is none of this gateway's")
	// ErrUnavailable means that it can't be checked now who sends a request.
	ErrUnavailable = errors.New("the gateway can't check the token now")
	// ErrNoSigner means that no ledger identity signs for callers of a role.
	ErrNoSigner = errors.New("no ledger identity signs for this role")
)

// EndedError means that a token was valid once. Only who has the token is told.
type EndedError struct {
	Name string // of the token
	Why  error  // token.ErrExpired, token.ErrRevoked or token.ErrReplaced
}

func (e *EndedError) Error() string {
	switch e.Why {
	case token.ErrExpired:
		return fmt.Sprintf("the token %q has expired; an operator can give it a new secret", e.Name)
	case token.ErrReplaced:
		return fmt.Sprintf("the token %q has a new secret, and this one is no longer valid", e.Name)
	}
	return fmt.Sprintf("the token %q was revoked; ask an operator for another", e.Name)
}

func (e *EndedError) Unwrap() error { return e.Why }

// Authenticate finds the caller by the value of the Authorization header. The error is ErrNoToken or one of Holder's.
func (c *Callers) Authenticate(authorization string) (*Caller, error) {
	text := bearer(authorization)
	if text == "" {
		return nil, ErrNoToken
	}
	if token.Damaged(text) {
		return nil, fmt.Errorf("%w: a part of it is missing or mistyped", ErrUnknownToken)
	}
	return c.Holder(sha256.Sum256([]byte(text)), true)
}

// Holder finds the caller by the SHA-256 of its token. The error matches ErrUnknownToken, *EndedError, ErrUnavailable or
// ErrNoSigner. The time that it takes reveals nothing about the tokens that there are. If use is true, the token counts
// as used.
func (c *Callers) Holder(digest [sha256.Size]byte, use bool) (*Caller, error) {
	var found *Caller
	entries := c.current.Load().entries
	for i := range entries {
		if subtle.ConstantTimeCompare(entries[i].digest[:], digest[:]) == 1 {
			found = &entries[i].caller
		}
	}
	if found != nil {
		return found, nil
	}
	if c.made == nil {
		return nil, ErrUnknownToken
	}
	made, err := c.made.Find(digest, use)
	switch {
	case errors.Is(err, token.ErrUnknown):
		return nil, ErrUnknownToken
	case errors.Is(err, kept.ErrUnavailable):
		c.log.Error("couldn't check a token", "error", err)
		return nil, ErrUnavailable
	case err != nil && made != nil:
		return nil, &EndedError{made.Name, err}
	case err != nil:
		return nil, err
	}
	role := Role(made.Role)
	signer, identity, ok := c.Signer(role)
	if !ok {
		return nil, fmt.Errorf("%w: %s has no token with the role %s, whose certificate and key would do it", ErrNoSigner, c.path,
			role)
	}
	return &Caller{
		ID: made.Name, Name: made.Name, Kind: Kind(made.Kind), Role: role, Method: ByToken, Signer: signer, Identity: identity,
	}, nil
}
