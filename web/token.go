package web

import "time"

// Tokens is the page that lists who may call the gateway by a token, and makes new tokens.
type Tokens struct {
	Frame
	State  string // list only tokens of this state; empty: all
	States []string
	Rows   []TokenRow
	First  string // address of the first page, if this isn't it
	Next   string // address of the next page; empty if there is none
	Issuer string // whose callers are accepted, too; empty if there is none
	// Certificates tells that machines come with client certificates, too.
	Certificates bool

	Order   TokenOrder // what the form has
	Problem string     // why no token was made
}

// TokenRow is a token in the list.
type TokenRow struct {
	Name, Kind, Role, State string
	InFile                  bool // it is in tokens.json, and nothing else is known of it
	You                     bool // the reader is signed in with it
	Created, Expires, Used  time.Time
	CreatedBy               string
}

// TokenOrder is what the form for a new token has.
type TokenOrder struct {
	Name, Kind, Role string
	Expires          string // as a field of the type datetime-local has it
}

// Token is the page about a token.
type Token struct {
	Frame
	TokenRow
	Rotated, Revoked, OldUntil time.Time
	RotatedBy, RevokedBy       string

	Field   string // when it expires, for the form
	Problem string // why nothing was done
}

// Valid reports whether the token is accepted.
func (t *Token) Valid() bool { return t.State == "valid" }

// Secret is the page that tells the secret of a token, once.
type Secret struct {
	Frame
	TokenRow
	Secret   string
	New      bool      // the token is new; otherwise only its secret is
	OldUntil time.Time // until when the old secret is accepted, too
}
