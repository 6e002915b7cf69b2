package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	fabric "github.com/hyperledger/fabric-gateway/pkg/client"
)

// Lag is how far the index of the slowest gateway is behind the commits of the
// first organisation's peer, in milliseconds from a block's commit until it is
// in the index. Heights are asked for every lagInterval: that much it may be
// less in truth.
type Lag struct {
	P50 float64 `json:"p50"`
	Max float64 `json:"max"`
	End float64 `json:"end"` // of the last block
}

const lagInterval = 50 * time.Millisecond

// watch notes when blocks are committed, and when they are in an index.
type watch struct {
	stop   context.CancelFunc
	ended  sync.WaitGroup
	mu     sync.Mutex
	commit map[uint64]time.Time
	index  map[uint64]time.Time // when the slowest had it
	err    error
}

// watchLag watches until end is called.
func (r *run) watchLag() (*watch, error) {
	ctx, cancel := context.WithCancel(r.ctx)
	height, err := r.reader.height(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	commits, err := r.reader.channel.FilteredBlockEvents(ctx, fabric.WithStartBlock(height))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("couldn't watch the commits of a peer: %w", err)
	}
	w := &watch{stop: cancel, commit: map[uint64]time.Time{}, index: map[uint64]time.Time{}}
	w.ended.Go(func() {
		for b := range commits {
			w.mu.Lock()
			w.commit[b.GetNumber()] = time.Now()
			w.mu.Unlock()
		}
	})
	for _, gateway := range r.gateways {
		w.ended.Go(func() {
			next := height
			tick := time.NewTicker(lagInterval)
			defer tick.Stop()
			for {
				var status struct {
					Height uint64 `json:"height"`
				}
				err := gateway.Get(ctx, "/v1/status", nil, &status)
				w.mu.Lock()
				if err != nil && ctx.Err() == nil {
					w.err = errors.Join(w.err, err)
				}
				for now := time.Now(); next < status.Height; next++ {
					if w.index[next].Before(now) {
						w.index[next] = now
					}
				}
				w.mu.Unlock()
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	return w, nil
}

// end stops watching. Every index must have the last block.
func (w *watch) end() (Lag, error) {
	<-time.After(2 * lagInterval) // for the last block to be seen in the indexes
	w.stop()
	w.ended.Wait()
	var took []time.Duration
	var lag Lag
	last := uint64(0)
	for number, indexed := range w.index {
		committed, seen := w.commit[number]
		if !seen {
			continue
		}
		behind := max(0, indexed.Sub(committed))
		took = append(took, behind)
		if number >= last {
			last, lag.End = number, milliseconds(behind)
		}
	}
	q := quantiles(took)
	lag.P50, lag.Max = q.P50, q.Max
	return lag, w.err
}
