package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

type tokenView struct {
	Name        string        `json:"name"`
	Kind        string        `json:"kind,omitempty"`
	Role        string        `json:"role"`
	Method      access.Method `json:"method"`
	State       token.State   `json:"state"`
	CreatedAt   time.Time     `json:"createdAt,omitzero"`
	CreatedBy   string        `json:"createdBy,omitempty"`
	CreatedByID string        `json:"createdById,omitempty"`
	Expires     time.Time     `json:"expires,omitzero"`
	RotatedAt   time.Time     `json:"rotatedAt,omitzero"`
	RotatedBy   string        `json:"rotatedBy,omitempty"`
	RotatedByID string        `json:"rotatedById,omitempty"`
	OldUntil    time.Time     `json:"oldUntil,omitzero"`
	RevokedAt   time.Time     `json:"revokedAt,omitzero"`
	RevokedBy   string        `json:"revokedBy,omitempty"`
	RevokedByID string        `json:"revokedById,omitempty"`
	LastUsed    time.Time     `json:"lastUsed,omitzero"`
}

// newSecretView is the only answer that has a secret.
type newSecretView struct {
	tokenView
	Secret string `json:"secret"`
}

func viewToken(t *token.Token, method access.Method, now time.Time) tokenView {
	v := tokenView{
		Name: t.Name, Kind: t.Kind, Role: t.Role, Method: method, State: t.State(now), CreatedAt: t.Created,
		CreatedBy: t.CreatedBy.Name, CreatedByID: t.CreatedBy.ID, Expires: t.Expires, RotatedAt: t.Rotated,
		RotatedBy: t.RotatedBy.Name, RotatedByID: t.RotatedBy.ID, RevokedAt: t.Revoked, RevokedBy: t.RevokedBy.Name,
		RevokedByID: t.RevokedBy.ID, LastUsed: t.Used,
	}
	if v.State == token.Valid && now.Before(t.OldUntil) {
		v.OldUntil = t.OldUntil
	}
	return v
}

// tokensView is one page of tokens. It isn't of the ledger, so it has no block.
type tokensView struct {
	Items []tokenView `json:"items"`
	Next  string      `json:"nextPageToken,omitempty"`
}

// listTokens lists the tokens. A page token has the last token of the page before, which may be gone by now.
func (s *Server) listTokens(c *call) error {
	after, err := cursor("pageToken", c.value("pageToken"))
	if err != nil {
		return err
	}
	all, err := s.Callers.Tokens(c.Request.Context())
	if err != nil {
		return tokenProblem("", err)
	}
	page, now := tokensView{Items: []tokenView{}}, time.Now()
	size, last := min(max(c.number("pageSize"), 1), index.MaxPage), ""
	for _, t := range all {
		place := placeOf(t)
		v := viewToken(t.Token, t.Method, now)
		if only := c.value("state"); place <= after || only != "" && only != string(v.State) {
			continue
		}
		if len(page.Items) == size {
			page.Next = opaque(last)
			break
		}
		page.Items, last = append(page.Items, v), place
	}
	return c.answer(http.StatusOK, page)
}

// placeOf says where a token is in the list: those of the file come first, and both are in the order of their names.
func placeOf(t access.Listed) string {
	if t.Method == access.ByFile {
		return "1" + t.Name
	}
	return "2" + t.Name
}

// createToken makes a token.
func (s *Server) createToken(c *call) error {
	m, err := c.object(canonical.Limits{}, "name", "kind", "role", "expires")
	if err != nil {
		return err
	}
	o := token.Order{
		Name: m.text("name"), Kind: m.text("kind"), Role: m.text("role"), Expires: m.time("expires").Truncate(time.Second),
		By: c.caller.Actor(),
	}
	if err := m.err(); err != nil {
		return err
	}
	t, secret, err := s.Callers.CreateToken(c.Request.Context(), o)
	if err != nil {
		return tokenProblem(o.Name, err)
	}
	return c.answer(http.StatusCreated, newSecretView{viewToken(t, access.ByToken, time.Now()), secret})
}

// revokeToken ends a token.
func (s *Server) revokeToken(c *call) error {
	t, err := s.Callers.RevokeToken(c.Request.Context(), c.value("token"), c.caller.Actor())
	if err != nil {
		return tokenProblem(c.value("token"), err)
	}
	return c.answer(http.StatusOK, viewToken(t, access.ByToken, time.Now()))
}

// rotateToken gives a token a new secret.
func (s *Server) rotateToken(c *call) error {
	m, err := c.object(canonical.Limits{}, "expires", "overlapSeconds")
	if err != nil {
		return err
	}
	r := token.Rotation{
		Name: c.value("token"), Expires: m.time("expires").Truncate(time.Second),
		Overlap: m.seconds("overlapSeconds", token.LongestOverlap), By: c.caller.Actor(),
	}
	if err := m.err(); err != nil {
		return err
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
		return wrongMember(invalid.Field, "bad_value", "%s", invalid.Reason)
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
	}
	return err
}
