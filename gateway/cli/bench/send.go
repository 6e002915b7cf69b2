package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// result is the result of one way of sending.
type result struct {
	events    int
	accepted  time.Duration   // until the last event was acknowledged
	latencies []time.Duration // from request to answer
}

// recordSingle sends an event to the first organisation's gateway and waits until it is on the ledger and in the index.
func (r *run) recordSingle(event []byte) error {
	_, _, err := r.gateways[0].Record(r.ctx, "/epcis/v2/events", json.RawMessage(event))
	return err
}

// oneByOne sends events of a run, many at once, for the given time.
func (r *run) oneByOne(sent *sentEvents, run string, duration time.Duration, send func([]byte) error) (*result, error) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		next  atomic.Int64
		got   result
		first error
	)
	from := sent.next(run)
	next.Store(int64(from))
	began := time.Now()
	for range r.options.Clients {
		all.Go(func() {
			for time.Since(began) < duration && r.ctx.Err() == nil {
				event := append([]byte("{"+contextMember+","), bare(run, int(next.Add(1)-1), r.options.Size)[1:]...)
				at := time.Now()
				err := send(event)
				mu.Lock()
				if err != nil {
					first = errors.Join(first, err)
				} else {
					got.events++
					got.latencies = append(got.latencies, time.Since(at))
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
	if first == nil {
		first = r.ctx.Err()
	}
	if first != nil {
		return nil, fmt.Errorf("couldn't record an event: %w", first)
	}
	sent.add(run, from, int(next.Load()))
	return &got, nil
}

// alone measures single events while nothing else is happening.
func (r *run) alone(sent *sentEvents) (Quantiles, error) {
	const times = 20
	var took []time.Duration
	from := sent.next("S")
	for n := from; n < from+times; n++ {
		at := time.Now()
		if err := r.recordSingle(append([]byte("{"+contextMember+","),
			bare("S", n, r.options.Size)[1:]...)); err != nil {
			return Quantiles{}, fmt.Errorf("couldn't record an event: %w", err)
		}
		took = append(took, time.Since(at))
	}
	sent.add("S", from, from+times)
	return quantiles(took), nil
}

// senders is the number of documents that are sent to the gateway at once.
const senders = 4

// capture sends the events of a run in documents and waits until every gateway has indexed them. It makes the documents
// as it goes, so a million events need no more memory than a few documents.
func (r *run) capture(run string, from, until int) (*result, error) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		next  atomic.Int64
		jobs  []string
		got   result
		first error
	)
	size := r.options.Document
	next.Store(int64(from))
	began := time.Now()
	ended := make(chan struct{})
	defer close(ended)
	go r.tell(ended)
	for range senders {
		all.Go(func() {
			for r.ctx.Err() == nil {
				at := int(next.Add(int64(size))) - size
				if at >= until {
					return
				}
				document := makeDocument(run, at, min(at+size, until), r.options.Size)
				sent := time.Now()
				job, err := r.accept(document)
				mu.Lock()
				if err != nil {
					first = errors.Join(first, err)
				} else {
					jobs = append(jobs, job.ID)
					got.events += job.Counts.Total
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
	if first == nil {
		first = r.ctx.Err()
	}
	if first != nil {
		return nil, fmt.Errorf("couldn't capture a document: %w", first)
	}
	for _, id := range jobs {
		counts, err := awaitJob(r.ctx, r.gateways[0], id)
		if err != nil {
			return nil, err
		}
		if counts.Recorded != counts.Total {
			return nil, fmt.Errorf(
				"a document has %d events, of which %d were recorded, %d were rejected and %d were already known",
				counts.Total,
				counts.Recorded,
				counts.Rejected,
				counts.Duplicate,
			)
		}
	}
	return &got, r.everywhere()
}

// awaitJob waits until a job has ended.
func awaitJob(ctx context.Context, gateway *client.Client, id string) (client.JobCounts, error) {
	for {
		var job client.Job
		if err := gateway.Get(ctx, "/epcis/v2/capture/"+url.PathEscape(id), url.Values{"results": {"none"}},
			&job); err != nil {
			return client.JobCounts{}, err
		}
		if !job.Running {
			return job.Counts, nil
		}
		select {
		case <-ctx.Done():
			return client.JobCounts{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tell reports from time to time what is in the first gateway's queue.
func (r *run) tell(ended <-chan struct{}) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		var status struct {
			Height uint64 `json:"height"`
			Queue  struct {
				Records int `json:"records"`
			} `json:"queue"`
		}
		if r.gateways[0].Get(r.ctx, "/v1/status", nil, &status) == nil {
			r.say("  %d events in the queue, %d blocks in the index", status.Queue.Records, status.Height)
		}
	}
}

// accept sends a document until the gateway accepts it. If the gateway is busy, it tries again after a while.
func (r *run) accept(document []byte) (*client.Job, error) {
	for {
		job, err := r.gateways[0].Capture(r.ctx, document, true)
		var busy *client.Problem
		if errors.As(err, &busy) &&
			(busy.Status == http.StatusTooManyRequests || busy.Status == http.StatusServiceUnavailable) {
			select {
			case <-r.ctx.Done():
				return nil, r.ctx.Err()
			case <-time.After(patience):
			}
			continue
		}
		return job, err
	}
}

// traceTimes is the number of traces in one graph.
const traceTimes = 200

// traces traces lots of a run's events, alternately in both directions, through the last organisation's gateway.
func (r *run) traces(run string, events int) (Traces, error) {
	t := Traces{Events: events}
	var took []time.Duration
	lots := max(1, events/eventsPerLot)
	for i := range traceTimes {
		node := lot(run, i*lots/traceTimes)
		direction := [...]string{"ancestors", "descendants"}[i%2]
		sent := time.Now()
		var graph client.Graph
		if err := r.gateways[len(r.gateways)-1].Get(r.ctx, "/v1/lineage",
			url.Values{"node": {node}, "direction": {direction}}, &graph); err != nil {
			return t, fmt.Errorf("couldn't trace %s: %w", node, err)
		}
		took = append(took, time.Since(sent))
		t.Nodes = max(t.Nodes, len(graph.Nodes))
	}
	t.MS = quantiles(took)
	return t, nil
}
