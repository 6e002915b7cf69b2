package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	fabric "github.com/hyperledger/fabric-gateway/pkg/client"
)

// Lag says how far the slowest gateway's index is behind the first organisation's peer: the time from the commit of a
// block until it is in the index, in milliseconds. Heights are polled every lagInterval, so the true values may be
// smaller by that much.
type Lag struct {
	P50 float64 `json:"p50"`
	Max float64 `json:"max"`
	End float64 `json:"end"` // for the last block
}

const lagInterval = 50 * time.Millisecond

// watch records when blocks are committed and when they are in the indexes.
type watch struct {
	stop   context.CancelFunc
	ended  sync.WaitGroup
	mu     sync.Mutex
	commit map[uint64]time.Time
	index  map[uint64]time.Time // when the slowest index had the block
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

// end stops watching. The last block must be in every index by then.
func (w *watch) end() (Lag, error) {
	<-time.After(2 * lagInterval) // so that the last block is seen in the indexes
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
