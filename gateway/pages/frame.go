package pages

import (
	"context"
	"net/http"
	"sync"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/web"
)

// Frame is what is around a page that answers a request.
func (p *Pages) Frame(r *http.Request) web.Frame { return p.frame(r, p.Sessions.Find(r)) }

// Render makes a page of package web.
func (p *Pages) Render(name string, data web.Framed) ([]byte, error) {
	return p.templates.Render(name, data)
}

func (p *Pages) frame(r *http.Request, s *session.Session) web.Frame {
	f := web.Frame{
		Organisation:  p.Name,
		MSPID:         p.MSPID,
		Here:          r.URL.RequestURI(),
		Organisations: p.members.all(r.Context(), p.Index),
	}
	if ready, why := p.Ready(); !ready {
		f.Stale = sentence(why)
	}
	if s != nil {
		f.Who = &web.Who{Name: s.Caller.Name, Role: string(s.Caller.Role), Token: s.Form}
	}
	return f
}

// introductions remembers the organisations, in the order in which they introduced themselves. It reads them again when
// there are new blocks.
type introductions struct {
	mu     sync.Mutex
	height uint64
	known  []web.Organisation
}

// all lists them. If the index can't tell, those that it told last.
func (i *introductions) all(ctx context.Context, ix *index.Index) []web.Organisation {
	i.mu.Lock()
	defer i.mu.Unlock()
	height := ix.Height()
	if i.height == height && i.known != nil {
		return i.known
	}
	list, err := ix.Organisations(ctx)
	if err != nil {
		return i.known
	}
	known := []web.Organisation{}
	for n, o := range list {
		known = append(known, web.NewOrganisation(n, o.MSPID, o.Name))
	}
	i.height, i.known = height, known
	return known
}
