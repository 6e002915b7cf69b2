// Package token keeps the tokens that operators of a gateway make, rotate and revoke.
//
// Only the SHA-256 of a secret is kept. A secret has 256 random bits, so the digest needs no salt. A secret is looked up
// by its digest in a table in memory. How long that takes may depend on the digest, which nobody can choose and from
// which no secret can be found, and not on the secret.
//
// The tokens are in the gateway's own database (package kept), which several gateways and the command line may use at a
// time. A gateway asks it at most every second whether the tokens have changed, when it needs to know. If the database
// doesn't answer, no token is accepted. So what one process does takes effect in all of them within two seconds, and
// never too late.
package token

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// Bounds of what is kept.
const (
	MaxName = 64
	// MostValid is how many tokens may be valid at once.
	MostValid = 1000
	// mostEnded is how many expired and revoked tokens are remembered. One more forgets the one that ended first.
	mostEnded = 4000
	// Longest is how long a token may be valid, if it expires at all.
	Longest = 10 * 366 * 24 * time.Hour
	// LongestOverlap is how long the old secret of a token may stay valid beside a new one.
	LongestOverlap = 7 * 24 * time.Hour
)

// Actor is who has done something to a token. Names may be equal, and change. An ID is that of one caller for ever; see
// access.Caller.
type Actor struct{ ID, Name string }

// Token is what is known about a token. Times are to the second; one that is zero hasn't come, or never will.
type Token struct {
	Name      string // unique, as long as the token is listed
	Kind      string // "person" or "machine"
	Role      string
	Created   time.Time
	CreatedBy Actor
	Expires   time.Time
	Rotated   time.Time // when it got its present secret, if that isn't its first
	RotatedBy Actor
	Revoked   time.Time
	RevokedBy Actor
	Used      time.Time // last, to about ten seconds
	// OldUntil is until when the secret from before the last rotation is valid, too.
	OldUntil time.Time

	digest, old [sha256.Size]byte
}

// State is whether a token is valid.
type State string

// The states of a token.
const (
	Valid   State = "valid"
	Expired State = "expired"
	Revoked State = "revoked"
)

// State is that of the token at a moment.
func (t *Token) State(now time.Time) State {
	switch {
	case !t.Revoked.IsZero():
		return Revoked
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return Expired
	}
	return Valid
}

// The errors that callers of this package tell apart, beside kept.ErrUnavailable. Those of a secret are told only to who
// has the secret.
var (
	ErrUnknown  = errors.New("there is no such token")
	ErrExpired  = errors.New("the token has expired")
	ErrRevoked  = errors.New("the token was revoked")
	ErrReplaced = errors.New("the token has a new secret, and this is the old one")
	ErrTaken    = errors.New("the name is taken")
	ErrFull     = errors.New("there are too many tokens")
)

// InvalidError says what is wrong with a token that was asked for.
type InvalidError struct{ Field, Reason string }

func (e *InvalidError) Error() string { return e.Field + " " + e.Reason }

// NamePattern is that of a token's name.
const NamePattern = `^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`

var nameForm = regexp.MustCompile(NamePattern)

// Kinds are who may hold a token.
var Kinds = []string{"person", "machine"}

// Order asks for a token.
type Order struct {
	Name, Kind, Role string
	Expires          time.Time // zero: never
	By               Actor     // who asks
}

func (o *Order) check(now time.Time) error {
	switch {
	case !nameForm.MatchString(o.Name):
		return &InvalidError{"name", fmt.Sprintf("must have 1 to %d of A-Z, a-z, 0-9, ., _, @ and -, and begin with a "+
			"letter or digit", MaxName)}
	case !slices.Contains(Kinds, o.Kind):
		return &InvalidError{"kind", "must be person or machine"}
	case !slices.Contains(config.Roles, o.Role):
		return &InvalidError{"role", "must be submitter, auditor or operator"}
	}
	return checkExpiry(o.Expires, now)
}

func checkExpiry(expires, now time.Time) error {
	switch {
	case expires.IsZero():
	case !expires.After(now):
		return &InvalidError{"expires", "must be in the future"}
	case expires.Sub(now) > Longest:
		return &InvalidError{"expires", "must be within ten years"}
	}
	return nil
}
