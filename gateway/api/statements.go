package api

import (
	"net/http"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// recordStatement records a claim.
func (s *Server) recordStatement(c *call) error {
	return s.recordOne(c, "Statements:Submit", func(v canonical.Value) (*record.Record, []record.Problem) {
		return record.NewStatement(v, c.caller.Identity.MSPID, s.digestOf(c.Request.Context()))
	})
}

// listStatements lists claims.
func (s *Server) listStatements(c *call) error {
	f := index.StatementFilter{Kind: c.value("kind"), MSPID: c.value("org")}
	if c.value("about") != "" {
		var err error
		if f.About, err = c.node("about"); err != nil {
			return err
		}
	}
	list, err := s.Index.Statements(c.Request.Context(), f, c.at(), c.page())
	if err != nil {
		return err
	}
	page := listView[recordView]{Items: make([]recordView, len(list.Items)), Next: list.Next, Block: list.Block}
	for i := range list.Items {
		page.Items[i] = viewRecord(list.Items[i].Record)
		if err := s.weigh(c.Request.Context(), &page.Items[i], &list.Items[i].Record); err != nil {
			return err
		}
	}
	return c.answer(http.StatusOK, page)
}

// statementByID reads one claim.
func (s *Server) statementByID(c *call) error {
	id, err := c.recordID()
	if err != nil {
		return err
	}
	return s.showRecord(c, id, record.NounStatement)
}
