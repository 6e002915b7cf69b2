package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/actor"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/kept"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// Actors is what the API needs of package actor's Store.
type Actors interface {
	Know(ctx context.Context, id, name, kind string) error
	Note(ctx context.Context, txID string, by []string) error
	Of(ctx context.Context, txID string, line int) (*actor.Actor, error)
	List(ctx context.Context, after string, size int) ([]*actor.Actor, error)
	Get(ctx context.Context, pseudonym string) (*actor.Actor, error)
	Forget(ctx context.Context, pseudonym string) (*actor.Actor, error)
}

// actorView is who had something recorded.
type actorView struct {
	Pseudonym string    `json:"pseudonym"`
	Kind      string    `json:"kind,omitempty"`
	ID        string    `json:"id,omitempty"`
	Name      string    `json:"name,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	Forgotten time.Time `json:"forgottenAt,omitzero"`
}

// know writes down who the caller is, before anything of the caller's is taken.
func (s *Server) know(c *call) error {
	if s.Actor == config.ActorNone {
		return nil
	}
	return s.Actors.Know(c.Request.Context(), c.caller.ID, c.caller.Name, string(c.caller.Kind))
}

// hear is know for what is queued. The queue has the caller's ID until it is noted whose the records are, so it goes on
// taking while the database can't be used.
func (s *Server) hear(c *call) error {
	err := s.know(c)
	if errors.Is(err, kept.ErrUnavailable) {
		return nil
	}
	return err
}

// showsActors tells whether an answer says who had a record recorded. No answer that others sign or get does.
func showsActors(c *call) bool {
	return c.caller != nil && (c.caller.Role == access.Operator || c.caller.Role == access.Auditor) &&
		!toBeSigned(c.Request.Context())
}

// actors adds to the organisation's own recordings who had them made, as far as it has been noted.
func (s *Server) actors(c *call, recordings []recordingView) error {
	if !showsActors(c) {
		return nil
	}
	for i := range recordings {
		r := &recordings[i]
		if r.MSPID != s.MSPID {
			continue
		}
		a, err := s.Actors.Of(c.Request.Context(), r.Transaction, r.Line)
		if err != nil {
			return err
		}
		if a == nil {
			continue
		}
		r.Actor = &actorView{Pseudonym: a.Pseudonym, Kind: a.Kind}
		if s.Actor == config.ActorName {
			r.Actor.Name = a.Name
		}
	}
	return nil
}

func viewActor(a *actor.Actor) actorView {
	return actorView{a.Pseudonym, a.Kind, a.ID, a.Name, a.Since, a.Forgotten}
}

// actorsView is one page of actors. It isn't of the ledger, so it has no block.
type actorsView struct {
	Items []actorView `json:"items"`
	Next  string      `json:"nextPageToken,omitempty"`
}

// listActors says who is behind pseudonyms: behind one, or behind all.
func (s *Server) listActors(c *call) error {
	ctx, page := c.Request.Context(), actorsView{Items: []actorView{}}
	if one := c.value("pseudonym"); one != "" {
		a, err := s.Actors.Get(ctx, one)
		switch {
		case errors.Is(err, actor.ErrUnknown):
			return c.answer(http.StatusOK, page)
		case err != nil:
			return err
		}
		s.Logger.Info("said who is behind a pseudonym", "pseudonym", a.Pseudonym, "to", c.caller.Name, "toId", c.caller.ID)
		page.Items = append(page.Items, viewActor(a))
		return c.answer(http.StatusOK, page)
	}
	after, err := cursor("pageToken", c.value("pageToken"))
	if err != nil {
		return err
	}
	size := min(max(c.number("pageSize"), 1), index.MaxPage)
	all, err := s.Actors.List(ctx, after, size+1)
	if err != nil {
		return err
	}
	if len(all) > size {
		all = all[:size]
		page.Next = opaque(all[size-1].Pseudonym)
	}
	for _, a := range all {
		page.Items = append(page.Items, viewActor(a))
	}
	s.Logger.Info("said who is behind pseudonyms", "pseudonyms", len(all), "to", c.caller.Name, "toId", c.caller.ID)
	return c.answer(http.StatusOK, page)
}

// forgetActor erases who is behind a pseudonym.
func (s *Server) forgetActor(c *call) error {
	a, err := s.Actors.Forget(c.Request.Context(), c.value("pseudonym"))
	if errors.Is(err, actor.ErrUnknown) {
		return problem.New(problem.NotFound, "nobody here has the pseudonym %q", record.Brief(problem.Clean(c.value("pseudonym"))))
	}
	if err != nil {
		return err
	}
	s.Logger.Info("forgot who is behind a pseudonym", "pseudonym", a.Pseudonym, "by", c.caller.Name, "byId", c.caller.ID)
	return c.answer(http.StatusOK, viewActor(a))
}

// noteSigned notes who had a transaction recorded that its submitter has signed.
func (s *Server) noteSigned(c *call, txID string, records int) error {
	if s.Actor == config.ActorNone {
		return nil
	}
	return s.Actors.Note(c.Request.Context(), txID, slices.Repeat([]string{c.caller.ID}, records))
}
