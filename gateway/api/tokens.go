package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/kept"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

type tokenView struct {
	Name      string        `json:"name"`
	Kind      string        `json:"kind,omitempty"`
	Role      string        `json:"role"`
	Method    access.Method `json:"method"`
	State     token.State   `json:"state"`
	CreatedAt time.Time     `json:"createdAt,omitzero"`
	CreatedBy string        `json:"createdBy,omitempty"`
	Expires   time.Time     `json:"expires,omitzero"`
	RotatedAt time.Time     `json:"rotatedAt,omitzero"`
	RotatedBy string        `json:"rotatedBy,omitempty"`
	OldUntil  time.Time     `json:"oldUntil,omitzero"`
	RevokedAt time.Time     `json:"revokedAt,omitzero"`
	RevokedBy string        `json:"revokedBy,omitempty"`
	LastUsed  time.Time     `json:"lastUsed,omitzero"`
}

// newSecretView is the only answer that has a secret.
type newSecretView struct {
	tokenView
	Secret string `json:"secret"`
}

func viewToken(t *token.Token, method access.Method, now time.Time) tokenView {
	v := tokenView{
		Name: t.Name, Kind: t.Kind, Role: t.Role, Method: method, State: t.State(now), CreatedAt: t.Created,
		CreatedBy: t.CreatedBy, Expires: t.Expires, RotatedAt: t.Rotated, RotatedBy: t.RotatedBy, RevokedAt: t.Revoked,
		RevokedBy: t.RevokedBy, LastUsed: t.Used,
	}
	if v.State == token.Valid && now.Before(t.OldUntil) {
		v.OldUntil = t.OldUntil
	}
	return v
}

// listTokens lists the tokens.
func (s *Server) listTokens(c *call) error {
	all, err := s.Callers.Tokens(c.Request.Context())
	if err != nil {
		return tokenProblem("", err)
	}
	views, now := []tokenView{}, time.Now()
	for _, t := range all {
		v := viewToken(t.Token, t.Method, now)
		if only := c.value("state"); only == "" || only == string(v.State) {
			views = append(views, v)
		}
	}
	return c.answer(http.StatusOK, map[string][]tokenView{"items": views})
}

// createToken makes a token.
func (s *Server) createToken(c *call) error {
	m, err := c.members("name", "kind", "role", "expires")
	if err != nil {
		return err
	}
	o := token.Order{
		Name: m.text("name"), Kind: m.text("kind"), Role: m.text("role"), Expires: m.time("expires"), By: c.caller.Name,
	}
	if m.problem != nil {
		return m.problem
	}
	t, secret, err := s.Callers.CreateToken(c.Request.Context(), o)
	if err != nil {
		return tokenProblem(o.Name, err)
	}
	return c.answer(http.StatusCreated, newSecretView{viewToken(t, access.ByToken, time.Now()), secret})
}

// revokeToken ends a token.
func (s *Server) revokeToken(c *call) error {
	t, err := s.Callers.RevokeToken(c.Request.Context(), c.value("token"), c.caller.Name)
	if err != nil {
		return tokenProblem(c.value("token"), err)
	}
	return c.answer(http.StatusOK, viewToken(t, access.ByToken, time.Now()))
}

// rotateToken gives a token a new secret.
func (s *Server) rotateToken(c *call) error {
	m, err := c.members("expires", "overlapSeconds")
	if err != nil {
		return err
	}
	r := token.Rotation{
		Name: c.value("token"), Expires: m.time("expires"), Overlap: m.seconds("overlapSeconds"), By: c.caller.Name,
	}
	if m.problem != nil {
		return m.problem
	}
	t, secret, err := s.Callers.RotateToken(c.Request.Context(), r)
	if err != nil {
		return tokenProblem(r.Name, err)
	}
	return c.answer(http.StatusCreated, newSecretView{viewToken(t, access.ByToken, time.Now()), secret})
}

// tokenProblem says what is wrong with what was asked of tokens.
func tokenProblem(name string, err error) error {
	var invalid *token.InvalidError
	name = record.Brief(problem.Clean(name))
	switch {
	case errors.As(err, &invalid):
		return invalidMember(invalid.Field, "bad_value", invalid.Reason)
	case errors.Is(err, token.ErrTaken):
		return problem.New(problem.Conflict, "there is or was a token named %q; a name stands for one holder as long as its token is listed", name)
	case errors.Is(err, token.ErrFull):
		p := problem.New(problem.Conflict, "there are %d valid tokens, and there may be no more: revoke those that are not used",
			token.MostValid)
		return p
	case errors.Is(err, token.ErrUnknown):
		return problem.New(problem.NotFound, "there is no token named %q", name)
	case errors.Is(err, access.ErrInFile):
		return problem.New(problem.Conflict, "the token %q is in the gateway's file tokens.json: change it there; the gateway "+
			"reads the file again within two seconds", name)
	case errors.Is(err, token.ErrRevoked):
		return problem.New(problem.Conflict, "the token %q is revoked, which is final: make another", name)
	case errors.Is(err, token.ErrExpired):
		return problem.New(problem.Conflict, "the token %q has expired: say until when it is to be valid with its new secret", name)
	case errors.Is(err, access.ErrNoSigner):
		return problem.New(problem.Unprocessable, "%v", err)
	case errors.Is(err, kept.ErrUnavailable):
		p := problem.New(problem.Storage, "the gateway's own database, which has the tokens, can't be used now")
		p.RetryAfter, p.Cause = 10*time.Second, err
		return p
	}
	return err
}

func invalidMember(member, code, reason string) *problem.Problem {
	detail := member + " " + reason
	return problem.New(problem.Invalid, "%s", detail).
		Because(problem.Reason{Code: code, Detail: detail, Pointer: "/" + member})
}

// members are those of a small JSON object. The first thing that is wrong is in problem.
type members struct {
	canonical.Value
	problem *problem.Problem
}

// members reads the request's body, which may have members of these names only.
func (c *call) members(names ...string) (*members, error) {
	v, err := c.json(canonical.Limits{})
	if err != nil {
		return nil, err
	}
	if v.Kind != canonical.Object {
		return nil, problem.New(problem.Invalid, "the body must be a JSON object").
			Because(problem.Reason{Code: "wrong_type", Detail: "the body must be a JSON object"})
	}
	for _, m := range v.Members {
		if !slices.Contains(names, m.Name) {
			name := record.Brief(problem.Clean(m.Name))
			return nil, invalidMember(name, "unknown_field", fmt.Sprintf("is not a member here; there are %v", names))
		}
	}
	return &members{Value: v}, nil
}

func (m *members) wrong(name, code, reason string) {
	if m.problem == nil {
		m.problem = invalidMember(name, code, reason)
	}
}

// text is a text, or "" if it is absent.
func (m *members) text(name string) string {
	v, ok := m.Lookup(name)
	if ok && v.Kind != canonical.String {
		m.wrong(name, "wrong_type", "must be a text")
	}
	return v.Text
}

// time is a date and time, to the second, or zero if it is absent.
func (m *members) time(name string) time.Time {
	if !m.Has(name) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, m.text(name))
	if err != nil {
		m.wrong(name, "bad_time", "must be a date and time of RFC 3339, such as 2027-01-31T12:00:00Z")
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// seconds is a number of seconds, or 0 if it is absent.
func (m *members) seconds(name string) time.Duration {
	v, ok := m.Lookup(name)
	if !ok {
		return 0
	}
	n, whole := v.Int()
	if !whole || n < 0 || n > int64(token.LongestOverlap/time.Second) {
		m.wrong(name, "bad_value", "must be a whole number of seconds, 0 to 604800")
		return 0
	}
	return time.Duration(n) * time.Second
}
