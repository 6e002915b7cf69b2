package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// DefaultNews is how long an answer of "there is no such thing" waits for blocks that are on their way. Organisations get
// a block within milliseconds of each other, and people ask one gateway for what another has just recorded.
const DefaultNews = 500 * time.Millisecond

// withNews runs a read, and runs it again after each new block as long as what it asks for is missing and patience lasts.
func (s *Server) withNews(c *call, read handler) error {
	if c.op.method != http.MethodGet || len(c.op.roles) == 0 {
		return read(c) // it writes, or is not about the ledger
	}
	var err error
	s.untilFound(c.Request.Context(), func() bool {
		err = read(c)
		return !missing(err)
	})
	return err
}

// missing tells the errors that a further block can mend.
func missing(err error) bool {
	var told *problem
	var future *index.FutureError
	return errors.Is(err, index.ErrNotFound) || errors.As(err, &future) || errors.As(err, &told) && told.kind == kindNotFound
}

// untilFound looks once, and again after each new block, until it finds or patience ends.
func (s *Server) untilFound(ctx context.Context, look func() bool) {
	end := time.NewTimer(s.News)
	defer end.Stop()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for {
		height := s.Index.Height()
		if look() {
			return
		}
		for s.Index.Height() == height {
			select {
			case <-ctx.Done():
				return
			case <-end.C:
				return
			case <-ticks.C:
			}
		}
	}
}
