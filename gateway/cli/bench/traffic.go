package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// patience is how long a sender waits before it sends again what wasn't
// acknowledged.
const patience = 100 * time.Millisecond

// traffic sends events until it is told to stop, in the way a careful client
// does: what was refused or got no answer is sent again, unchanged, until it is
// acknowledged.
type traffic struct {
	ctx    context.Context
	stop   context.CancelFunc
	ended  sync.WaitGroup
	mu     sync.Mutex
	lines  []*line
	failed error // what no repetition would change
}

// line is one sender: it sends one thing after the other to one gateway, each
// when the one before is on the ledger.
type line struct {
	run     string // what its events have in common and no other line's have
	org     int    // whose gateway
	size    int    // events to a document; 0: single events
	gateway *client.Client

	// Guarded by traffic.mu.
	acknowledged []bool // by number of what was sent
	commits      []commit
	repeats      int
}

// commit is when something was sent and when its sender knew that it was on the
// ledger.
type commit struct{ sent, known time.Time }

func newTraffic(ctx context.Context) *traffic {
	t := &traffic{}
	t.ctx, t.stop = context.WithCancel(ctx)
	return t
}

// start begins another line.
func (t *traffic) start(org int, gateway *client.Client, size int) {
	t.mu.Lock()
	l := &line{run: fmt.Sprintf("%c%d", 'A'+org, len(t.lines)), org: org, size: size, gateway: gateway}
	t.lines = append(t.lines, l)
	t.mu.Unlock()
	t.ended.Go(func() {
		for n := 0; t.ctx.Err() == nil; n++ {
			if err := t.send(l, n); err != nil && t.ctx.Err() == nil {
				t.mu.Lock()
				t.failed = errors.Join(t.failed, err)
				t.mu.Unlock()
				return
			}
		}
	})
}

// send sends number n of a line until it is acknowledged.
func (t *traffic) send(l *line, n int) error {
	t.mu.Lock()
	l.acknowledged = append(l.acknowledged, false)
	t.mu.Unlock()
	body, job := l.body(n), ""
	began := time.Now()
	err := t.insist(l, func() (err error) {
		job, err = l.post(t.ctx, body)
		return err
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	l.acknowledged[n] = true
	t.mu.Unlock()
	if job != "" {
		if err := t.insist(l, func() error { return l.awaitJob(t.ctx, job) }); err != nil {
			return err
		}
	}
	t.mu.Lock()
	l.commits = append(l.commits, commit{began, time.Now()})
	t.mu.Unlock()
	return nil
}

// insist does something again until no gateway that is down or busy keeps it
// from success.
func (t *traffic) insist(l *line, do func() error) error {
	for {
		err := do()
		var p *client.Problem
		if err == nil ||
			errors.As(err, &p) && p.Status < http.StatusInternalServerError && p.Status != http.StatusTooManyRequests {
			return err
		}
		t.mu.Lock()
		l.repeats++
		t.mu.Unlock()
		select {
		case <-t.ctx.Done():
			return t.ctx.Err()
		case <-time.After(patience):
		}
	}
}

func (l *line) body(n int) []byte {
	if l.size == 0 {
		return makeEvent(l.run, n)
	}
	return makeDocument(l.run, n*l.size, (n+1)*l.size, usualBytes)
}

// post sends something. Of a document, it returns the job.
func (l *line) post(ctx context.Context, body []byte) (job string, err error) {
	if l.size > 0 {
		j, err := l.gateway.Capture(ctx, body, true)
		if err != nil {
			return "", err
		}
		return j.ID, nil
	}
	_, _, err = l.gateway.Record(ctx, "/epcis/v2/events", json.RawMessage(body))
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusConflict { // an earlier try was recorded and its answer lost
		return "", nil
	}
	return "", err
}

// awaitJob waits until a document's events are on the ledger.
func (l *line) awaitJob(ctx context.Context, id string) error {
	counts, err := awaitJob(ctx, l.gateway, id)
	if err == nil && counts.Recorded+counts.Duplicate != counts.Total {
		err = &client.Problem{
			Status: http.StatusConflict,
			Title:  fmt.Sprintf("%d of %d events of a document were rejected", counts.Rejected, counts.Total),
		}
	}
	return err
}

// end stops all lines, and says what went wrong with any.
func (t *traffic) end() error {
	t.stop()
	t.ended.Wait()
	return t.failed
}

// err is what went wrong so far.
func (t *traffic) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// tally lists all events that were sent.
func (t *traffic) tally() (*tally, error) {
	list := newTally(1 << 16)
	for _, l := range t.lines {
		for n, acknowledged := range l.acknowledged {
			for i := n * max(l.size, 1); i < (n+1)*max(l.size, 1); i++ {
				if err := list.sent(bare(l.run, i, usualBytes), acknowledged); err != nil {
					return nil, err
				}
			}
		}
	}
	return list, nil
}

// repeats is how often something had to be sent again.
func (t *traffic) repeats() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, l := range t.lines {
		n += l.repeats
	}
	return n
}
