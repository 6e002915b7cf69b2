package pages

import (
	"context"
	"sync"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// tally has the records counted in the background, once at a time.
type tally struct {
	mu      sync.Mutex
	counts  index.RecordCounts // nil before the first time
	height  uint64             // that they are of
	running chan struct{}      // closed when the count under way ends; nil if none is
}

// begin has them counted, if there are new ones and nobody does already.
func (c *tally) begin(p *Pages) {
	c.mu.Lock()
	defer c.mu.Unlock()
	height := p.Index.Height()
	if c.running != nil || c.counts != nil && c.height == height {
		return
	}
	done := make(chan struct{})
	c.running = done
	go func() {
		counts, err := p.Index.Count(context.Background())
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil {
			p.Logger.Warn("couldn't count the records", "error", err)
		} else {
			c.counts, c.height = counts, height
		}
		c.running = nil
		close(done)
	}()
}

// get waits for the count under way, but not longer than until the context ends, and gives what was counted last.
func (c *tally) get(ctx context.Context) index.RecordCounts {
	c.mu.Lock()
	running := c.running
	c.mu.Unlock()
	if running != nil {
		select {
		case <-running:
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}
