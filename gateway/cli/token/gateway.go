package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/kept"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// answer is a token as the REST interface shows it.
type answer struct {
	Name        string    `json:"name"`
	Kind        string    `json:"kind,omitempty"`
	Role        string    `json:"role"`
	Method      string    `json:"method"`
	State       string    `json:"state"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	CreatedBy   string    `json:"createdBy,omitempty"`
	CreatedByID string    `json:"createdById,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`
	OldUntil    time.Time `json:"oldUntil,omitzero"`
	RevokedAt   time.Time `json:"revokedAt,omitzero"`
	RevokedBy   string    `json:"revokedBy,omitempty"`
	RevokedByID string    `json:"revokedById,omitempty"`
	LastUsed    time.Time `json:"lastUsed,omitzero"`
	Secret      string    `json:"secret,omitempty"`
}

// gateway is where the tokens are.
type gateway interface {
	list(ctx context.Context) ([]*answer, error)
	create(ctx context.Context, name, kind, role string, expires time.Time) (*answer, error)
	rotate(ctx context.Context, name string, expires time.Time, overlap time.Duration) (*answer, error)
	revoke(ctx context.Context, name string) (*answer, error)
}

// remote is a gateway that is asked over REST.
type remote struct{ *client.Client }

func (r remote) call(ctx context.Context, path string, body any) (*answer, error) {
	call := client.Call{Method: http.MethodPost, Path: path}
	if body != nil {
		var err error
		if call.Body, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	got, err := r.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	t := new(answer)
	return t, got.Decode(t)
}

func (r remote) list(ctx context.Context) ([]*answer, error) {
	return client.All[*answer](ctx, r.Client, "/v1/tokens", nil)
}

func (r remote) create(ctx context.Context, name, kind, role string, expires time.Time) (*answer, error) {
	return r.call(ctx, "/v1/tokens", struct {
		Name    string    `json:"name"`
		Kind    string    `json:"kind"`
		Role    string    `json:"role"`
		Expires time.Time `json:"expires,omitzero"`
	}{name, kind, role, expires})
}

func (r remote) rotate(ctx context.Context, name string, expires time.Time, overlap time.Duration) (*answer, error) {
	return r.call(ctx, "/v1/tokens/"+url.PathEscape(name)+"/rotate", struct {
		Expires time.Time `json:"expires,omitzero"`
		Overlap int64     `json:"overlapSeconds"`
	}{expires, int64(overlap / time.Second)})
}

func (r remote) revoke(ctx context.Context, name string) (*answer, error) {
	return r.call(ctx, "/v1/tokens/"+url.PathEscape(name)+"/revoke", nil)
}

// store is the database of a gateway.
type store struct {
	callers *access.Callers
	by      token.Actor
}

// openStore opens the database of the gateway with a configuration.
func openStore(path string) (gateway, func(), error) {
	cfg, err := config.ReadIn(os.Environ(), path)
	if err != nil {
		return nil, nil, exit.With(exit.Usage, err)
	}
	callers, err := access.Open(cfg.Tokens, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, nil, fmt.Errorf("couldn't make the data folder: %w", err)
	}
	db, err := kept.Open(cfg.KeptPlace(), token.Tables...)
	if err != nil {
		return nil, nil, err
	}
	callers.Manage(token.NewStore(db, cfg.MSPID))
	return &store{callers, operatingUser()}, func() { _ = db.Close() }, nil // what was written is durable already
}

// operatingUser says who works in the database: a user of this host.
func operatingUser() token.Actor {
	name, host := "somebody", "this host"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return token.Actor{ID: fmt.Sprintf("host:%s@%s", name, host), Name: fmt.Sprintf("%s on %s", name, host)}
}

func view(t *token.Token, method access.Method, secret string) *answer {
	return &answer{
		Name: t.Name, Kind: t.Kind, Role: t.Role, Method: string(method), State: string(t.State(time.Now())),
		CreatedAt: t.Created, CreatedBy: t.CreatedBy.Name, CreatedByID: t.CreatedBy.ID, Expires: t.Expires, OldUntil: t.OldUntil, RevokedAt: t.Revoked,
		RevokedBy: t.RevokedBy.Name, RevokedByID: t.RevokedBy.ID, LastUsed: t.Used, Secret: secret,
	}
}

func (s *store) list(ctx context.Context) ([]*answer, error) {
	all, err := s.callers.Tokens(ctx)
	var list []*answer
	for _, t := range all {
		list = append(list, view(t.Token, t.Method, ""))
	}
	return list, err
}

func (s *store) create(ctx context.Context, name, kind, role string, expires time.Time) (*answer, error) {
	t, secret, err := s.callers.CreateToken(ctx, token.Order{Name: name, Kind: kind, Role: role, Expires: expires, By: s.by})
	if err != nil {
		return nil, refused(name, err)
	}
	return view(t, access.ByToken, secret), nil
}

func (s *store) rotate(ctx context.Context, name string, expires time.Time, overlap time.Duration) (*answer, error) {
	t, secret, err := s.callers.RotateToken(ctx, token.Rotation{Name: name, Expires: expires, Overlap: overlap, By: s.by})
	if err != nil {
		return nil, refused(name, err)
	}
	return view(t, access.ByToken, secret), nil
}

func (s *store) revoke(ctx context.Context, name string) (*answer, error) {
	t, err := s.callers.RevokeToken(ctx, name, s.by)
	if err != nil {
		return nil, refused(name, err)
	}
	return view(t, access.ByToken, ""), nil
}

// refused says why the database doesn't take what was asked.
func refused(name string, err error) error {
	var invalid *token.InvalidError
	if errors.As(err, &invalid) {
		return exit.With(exit.Usage, err)
	}
	return fmt.Errorf("token %q: %w", name, err)
}
