package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// DefaultPatience is how long an answer of "there is no such thing" waits for blocks that are on their way.
// Organisations get a block within milliseconds of each other, and people ask one gateway for what another has just
// recorded.
const DefaultPatience = 500 * time.Millisecond

// tellAge tells in a header how old an answer about the ledger may be.
func (s *Server) tellAge(c *call) {
	if c.op.Method != http.MethodGet || len(c.op.Roles) == 0 {
		return
	}
	if at := s.Confirmed(); !at.IsZero() {
		c.Header("Pedigree-Confirmed", at.UTC().Format(time.RFC3339))
	}
}

// readFresh runs a read, and runs it again after each new block as long as what it asks for is missing and patience
// lasts.
func (s *Server) readFresh(c *call, read handler) error {
	if c.op.Method != http.MethodGet || len(c.op.Roles) == 0 {
		return read(c) // it writes, or is not about the ledger
	}
	var err error
	s.Index.Await(c.Request.Context(), s.Patience, func() bool {
		err = read(c)
		return !missing(err)
	})
	return err
}

// missing tells the errors that a further block can mend.
func missing(err error) bool {
	var told *problem.Problem
	var future *index.FutureError
	return errors.Is(err, index.ErrNotFound) || errors.As(err, &future) ||
		errors.As(err, &told) && told.Kind == problem.NotFound
}
