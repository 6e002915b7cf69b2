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

// patience is how long a sender waits before it sends something again.
const patience = 100 * time.Millisecond

// traffic sends events until it is stopped, as a careful client does: it sends again, unchanged, what was refused or
// got no answer, until it is acknowledged.
type traffic struct {
	ctx    context.Context
	stop   context.CancelFunc
	ended  sync.WaitGroup
	mu     sync.Mutex
	lines  []*line
	failed error // errors that a repetition wouldn't change
}

// line is one sender. It sends one thing after another to one gateway, each once the one before is on the ledger.
type line struct {
	run     string // identifies the events of this line
	org     int    // index of the organisation whose gateway it sends to
	size    int    // events in a document; 0: single events
	gateway *client.Client

	// The following fields are guarded by traffic.mu.
	acknowledged []bool // by number of what was sent
	commits      []commit
	repeats      int
}

// commit says when something was sent, and when its sender learned that it was on the ledger.
type commit struct{ sent, known time.Time }

func newTraffic(ctx context.Context) *traffic {
	t := &traffic{}
	t.ctx, t.stop = context.WithCancel(ctx)
	return t
}

// start starts another line.
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

// send sends number n of a line until it is acknowledged, and waits until it is on the ledger.
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

// insist repeats something as long as it fails because a gateway is down or busy.
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

// post sends an event or a document. For a document it returns the id of the job.
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
	if errors.As(err, &p) && p.Status == http.StatusConflict { // an earlier attempt succeeded
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

// end stops all lines and returns their errors.
func (t *traffic) end() error {
	t.stop()
	t.ended.Wait()
	return t.failed
}

// err returns the errors so far.
func (t *traffic) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// tally returns a tally of all events that were sent.
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

// repeats returns how often something had to be sent again.
func (t *traffic) repeats() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, l := range t.lines {
		n += l.repeats
	}
	return n
}
