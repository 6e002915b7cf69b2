package index

import (
	"context"
	"time"
)

// Await looks once, and again after each new block, until it finds, patience ends or ctx does.
func (x *Index) Await(ctx context.Context, patience time.Duration, look func() bool) {
	end := time.NewTimer(patience)
	defer end.Stop()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for {
		height := x.Height()
		if look() {
			return
		}
		for x.Height() == height {
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
