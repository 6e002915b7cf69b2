package api

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// recordMember introduces the caller's organisation.
func (s *Server) recordMember(c *call) error {
	return s.recordOne(c, "Members:Submit", func(v canonical.Value) (*record.Record, []record.Problem) {
		if v.Kind == canonical.Object && !v.Has("mspId") {
			v = v.With("mspId", canonical.Str(c.caller.Identity.MSPID))
		}
		return record.NewMember(v)
	})
}

// listMembers lists the organisations.
func (s *Server) listMembers(c *call) error {
	return pageOf(s, c, func(at uint64) ([]recordView, error) {
		all, err := s.Index.Members(c.Request.Context(), at)
		if err != nil {
			return nil, err
		}
		prefixes, err := s.Index.Prefixes(c.Request.Context(), at)
		views := make([]recordView, len(all))
		for i, m := range all {
			views[i] = viewRecord(m.Record)
			for _, p := range prefixes {
				if p.MSPID == m.MSPID {
					views[i].Prefixes = append(views[i].Prefixes, p)
				}
			}
		}
		return views, err
	})
}

type namespaceView struct {
	Namespace string `json:"namespace"`
	MSPID     string `json:"mspId"`
	Since     uint64 `json:"since"`
}

// listNamespaces lists the namespaces.
func (s *Server) listNamespaces(c *call) error {
	return pageOf(s, c, func(at uint64) ([]namespaceView, error) {
		all, err := s.Index.Namespaces(c.Request.Context(), at)
		views := make([]namespaceView, len(all))
		for i, n := range all {
			views[i] = namespaceView{n.Name, n.MSPID, n.Since}
		}
		return views, err
	})
}

// shortToken is the page token of a list that is short enough to be made as a whole: how many items to leave out, and
// at which block.
type shortToken struct {
	Skip  int    `json:"s"`
	Block uint64 `json:"b"`
}

// pageOf answers with one page of a short list.
func pageOf[T any](s *Server, c *call, all func(at uint64) ([]T, error)) error {
	at, skip := c.at(), 0
	if text := c.value("pageToken"); text != "" {
		var t shortToken
		raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil || json.Unmarshal(raw, &t) != nil || t.Skip < 0 {
			return damaged("pageToken")
		}
		if at != index.Latest && at != t.Block {
			return problem.WrongParameter(
				"pageToken",
				"the page token belongs to the same query at another block; ask for the first page again",
			)
		}
		at, skip = t.Block, t.Skip
	}
	snap, err := s.Index.Snapshot(c.Request.Context(), at)
	if err != nil {
		return err
	}
	if s.Index.Height() > 0 {
		at = snap.Block // the newest may be another by now
	}
	items, err := all(at)
	if err != nil {
		return err
	}
	list := listView[T]{Items: items[min(skip, len(items)):], Block: snap.Block}
	if size := min(c.number("pageSize"), maxPage); len(list.Items) > size {
		list.Items = list.Items[:size]
		raw, err := json.Marshal(shortToken{skip + size, snap.Block})
		if err != nil {
			return err
		}
		list.Next = base64.RawURLEncoding.EncodeToString(raw)
	}
	return c.answer(http.StatusOK, list)
}
