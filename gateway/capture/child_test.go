package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/rpc"
	"os"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// childMain works on the queue until it is killed or, if told to drain, until nothing is left to do.
func childMain() error {
	conn, err := net.Dial("unix", os.Getenv(childSocket))
	if err != nil {
		return err
	}
	world := rpc.NewClient(conn)
	q, err := Open(Config{Folder: os.Getenv(childFolder), Identity: identityOf("cert"), BatchRecords: 7,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("the queue can't be opened again: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	r := &remote{client: world, commits: ledger.NewCommits(), fake: newFakeLedger()}
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx, r, r) }()
	if os.Getenv(childDrain) == "" {
		return childWork(q, world)
	}
	err = childReport(q, world)
	stop()
	<-ended
	return errors.Join(err, q.Close())
}

func childWork(q *Queue, world *rpc.Client) error {
	failed := make(chan error)
	for worker := range 4 {
		go func() {
			for {
				var j WireJob
				if err := world.Call("World.Next", struct{}{}, &j); err != nil {
					failed <- err
					return
				}
				var list []Item
				for _, n := range j.Items {
					list = append(list, Item{Body: body(n)})
				}
				job, err := q.Capture(context.Background(), request([]Behaviour{Proceed, Rollback}[worker%2], list))
				if err != nil {
					failed <- err
					return
				}
				j.ID = job.ID
				if err := world.Call("World.Acked", j, &struct{}{}); err != nil {
					failed <- err
					return
				}
				if q.Stats().Records > 200 { // no faster than the ledger
					waitForJob(q, job.ID, time.Hour)
				}
			}
		}()
	}
	return <-failed
}

func childReport(q *Queue, world *rpc.Client) error {
	var ids []string
	if err := world.Call("World.List", struct{}{}, &ids); err != nil {
		return err
	}
	for _, id := range ids {
		if err := waitForJob(q, id, 30*time.Second); err != nil {
			return err
		}
		job, err := q.Job(context.Background(), id)
		if err != nil {
			return err
		}
		results, _, err := q.Results(context.Background(), id, 0, 1<<20, "")
		if err != nil {
			return err
		}
		if err := world.Call("World.Report", WireResults{Job: job, Results: results}, &struct{}{}); err != nil {
			return err
		}
	}
	return nil
}

func waitForJob(q *Queue, id string, atMost time.Duration) error {
	q.mu.Lock()
	j := q.jobs[id]
	q.mu.Unlock()
	if j == nil {
		return nil
	}
	select {
	case <-j.finished:
		return nil
	case <-time.After(atMost):
		return fmt.Errorf("job %s doesn't finish: %s", id, describe(q, j))
	}
}

// describe says where a job is stuck.
func describe(q *Queue, j *job) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := fmt.Sprintf("%d parts open, %d in flight, %d to resume;", j.open, q.inFlight, len(q.resume))
	for _, p := range j.parts {
		s += fmt.Sprintf(" part %d: %d left, %d wait, queued %v;", p.id, p.left, p.waits, p.queued)
		if p.batch != nil {
			s += fmt.Sprintf(" in transaction %s, attempt %d, sent %v: %s;", p.batch.txID, p.batch.attempt,
				p.batch.sent, p.batch.problem)
		}
		for i, o := range p.outcomes {
			if o == nil {
				holder := q.claims[p.claim(i)]
				s += fmt.Sprintf(" record %d is claimed by part %d of job %s (%d left, %d wait, queued %v, in a batch %v);", i,
					holder.part.id, holder.part.job.id, holder.part.left, holder.part.waits, holder.part.queued,
					holder.part.batch != nil)
			}
		}
	}
	return s
}
