package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/client"
)

// result is what a way of sending did.
type result struct {
	events    int
	accepted  time.Duration   // until the last was acknowledged
	latencies []time.Duration // of single events: request to commit
}

// singles sends events one by one, many at once, until time is over.
func (r *run) singles() (*result, error) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		next  atomic.Int64
		got   result
		first error
	)
	began := time.Now()
	for range r.options.Clients {
		all.Go(func() {
			for time.Since(began) < r.options.Singles {
				event := makeEvent("S", int(next.Add(1)))
				sent := time.Now()
				_, _, err := r.gateways[0].Record(r.ctx, "/epcis/v2/events", json.RawMessage(event))
				mu.Lock()
				if err != nil && first == nil {
					first = err
				}
				if err == nil {
					got.events++
					got.latencies = append(got.latencies, time.Since(sent))
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	got.accepted = time.Since(began)
	if first != nil {
		return nil, fmt.Errorf("couldn't record an event: %w", first)
	}
	return &got, nil
}

// capture sends documents and waits until every gateway's index has them.
func (r *run) capture(documents [][]byte) (*result, error) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		jobs  []string
		got   result
		first error
	)
	queue := make(chan []byte, len(documents))
	for _, d := range documents {
		queue <- d
	}
	close(queue)
	began := time.Now()
	for range min(r.options.Clients, 4) {
		all.Go(func() {
			for d := range queue {
				job, err := r.accept(d)
				mu.Lock()
				if err != nil {
					first = errors.Join(first, err)
				} else {
					jobs = append(jobs, job.ID)
					got.events += job.Counts.Total
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	got.accepted = time.Since(began)
	if first != nil {
		return nil, fmt.Errorf("couldn't capture a document: %w", first)
	}
	var last uint64
	for i, id := range jobs {
		job, err := r.gateways[0].Await(r.ctx, id, nil)
		if err != nil {
			return nil, err
		}
		if job.Counts.Recorded != job.Counts.Total {
			return nil, fmt.Errorf("of %d events of a document %d were recorded, %d rejected and %d known already", job.Counts.Total, job.Counts.Recorded, job.Counts.Rejected, job.Counts.Duplicate)
		}
		for _, one := range job.Results {
			last = max(last, one.Block)
		}
		if i%50 == 49 {
			r.say("  %d of %d documents are on the ledger after %s", i+1, len(jobs), time.Since(began).Round(time.Second/10))
		}
	}
	for _, gateway := range r.gateways {
		if err := gateway.AwaitBlock(r.ctx, last); err != nil {
			return nil, err
		}
	}
	return &got, nil
}

// accept sends a document until the gateway takes it: a busy one says when to
// come again.
func (r *run) accept(document []byte) (*client.Job, error) {
	for {
		job, err := r.gateways[0].Capture(r.ctx, document, true)
		var busy *client.Problem
		if errors.As(err, &busy) && (busy.Status == http.StatusTooManyRequests || busy.Status == http.StatusServiceUnavailable) {
			select {
			case <-r.ctx.Done():
				return nil, r.ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		return job, err
	}
}

// traces walks from lots of the captured events, in both directions.
func (r *run) traces() (Quantiles, error) {
	var took []time.Duration
	lots := max(1, r.options.Events/eventsPerLot)
	for i := range 200 {
		node := lot("C", i*lots/200)
		direction := [...]string{"ancestors", "descendants"}[i%2]
		sent := time.Now()
		var graph client.Graph
		if err := r.gateways[len(r.gateways)-1].Get(r.ctx, "/v1/lineage", url.Values{"node": {node}, "direction": {direction}}, &graph); err != nil {
			return Quantiles{}, fmt.Errorf("couldn't trace %s: %w", node, err)
		}
		took = append(took, time.Since(sent))
	}
	return quantiles(took), nil
}
