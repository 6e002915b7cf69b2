package pages

import (
	"context"
	"net/http"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
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
	f := web.Frame{Organisation: p.Name, MSPID: p.MSPID, Here: r.URL.RequestURI(), Organisations: p.members.all(r.Context(), p.Index)}
	if s != nil {
		f.Who = &web.Who{Name: s.Caller.Name, Role: string(s.Caller.Role), Token: s.Form}
	}
	return f
}

// introductions are the organisations in the order in which they introduced themselves, read again when there are new blocks.
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
	list, err := ix.Records(ctx, index.RecordFilter{Noun: record.NounMember}, index.Latest, index.Page{Size: index.MaxPage})
	if err != nil {
		return i.known
	}
	known := []web.Organisation{}
	at := map[string]int{}
	for _, r := range list.Items {
		body, err := canonical.Parse(r.Body, canonical.Limits{})
		if err != nil {
			continue // it is on the ledger, and only its name can't be shown
		}
		mspID, name := body.Get("mspId").Text, body.Get("name").Text
		if n, ok := at[mspID]; ok {
			known[n].Name = name // it introduced itself again
			continue
		}
		at[mspID] = len(known)
		known = append(known, web.NewOrganisation(len(known), mspID, name))
	}
	i.height, i.known = height, known
	return known
}
