package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"golang.org/x/sync/errgroup"
)

// FailoverReport says how long a network takes to replace the leading orderer, if that is killed and stays down while
// events come in.
type FailoverReport struct {
	Machine  string     `json:"machine"`
	Orgs     int        `json:"organisations"`
	Orderers int        `json:"orderers"`
	Kills    []Failover `json:"kills"`
	P50      float64    `json:"p50Seconds"` // of resumedSeconds
	Max      float64    `json:"maxSeconds"`
	Counted  Count      `json:"counted"`
}

// Failover is one death of a leader.
type Failover struct {
	Orderer string `json:"orderer"`
	View    uint64 `json:"view"` // the view that ended
	Next    uint64 `json:"next"` // the view in which events were committed again

	// GapSeconds is the longest time without a commit. ResumedSeconds is the time from the kill until each
	// organisation's gateway had committed an event that was sent after the kill.
	GapSeconds     float64 `json:"gapSeconds"`
	ResumedSeconds float64 `json:"resumedSeconds"`

	// RejoinedSeconds is the time from the orderer's restart until it signed blocks again. After the last kill it isn't
	// measured.
	RejoinedSeconds float64 `json:"rejoinedSeconds,omitempty"`
}

// Times in a failover run.
const (
	beforeKill   = 2 * time.Second // time of undisturbed traffic
	killPatience = 2 * time.Minute
)

// lineSizes lists the senders of each organisation by the number of events in a document. 0 stands for single events.
var lineSizes = []int{0, 100, 1_000}

// MeasureFailover kills the leading orderer as many times as the options say.
func MeasureFailover(ctx context.Context, o Options, progress io.Writer) (*FailoverReport, error) {
	r, stop, err := begin(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer stop()
	report := &FailoverReport{Machine: machine(), Orgs: len(r.gateways), Orderers: len(r.network.Orderers())}
	t := newTraffic(ctx)
	for org, gateway := range r.gateways {
		for _, size := range lineSizes {
			t.start(org, gateway, size)
		}
	}
	var took []time.Duration
	for n := range o.Failover {
		one, err := r.failOver(t, n == o.Failover-1)
		if err != nil {
			return nil, fmt.Errorf("%w (%v)", err, t.end())
		}
		report.Kills = append(report.Kills, *one)
		took = append(took, time.Duration(one.ResumedSeconds*float64(time.Second)))
	}
	if err := t.end(); err != nil {
		return nil, err
	}
	q := quantiles(took)
	report.P50, report.Max = q.P50/1000, q.Max/1000
	if report.Counted, err = r.settle(t); err != nil {
		return nil, err
	}
	return report, nil
}

// failOver kills the leading orderer and waits until the others have replaced it. Unless it is the last time, it also
// waits until the orderer takes part again.
func (r *run) failOver(t *traffic, last bool) (*Failover, error) {
	ctx, cancel := context.WithTimeout(r.ctx, killPatience)
	defer cancel()
	if err := t.awaitCommits(ctx, time.Now().Add(beforeKill)); err != nil {
		return nil, err
	}
	before, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	orderers := r.network.Orderers()
	place := before % uint64(len(orderers))
	leader := orderers[place].Name
	killed := time.Now()
	if err := r.network.KillAndHold(leader); err != nil {
		return nil, err
	}
	resumed := t.awaitCommits(ctx, killed)
	took := time.Since(killed)
	if err := r.network.Release(leader); err != nil {
		return nil, err
	}
	if resumed != nil {
		return nil, fmt.Errorf("no commits after %s was killed: %w", leader, resumed)
	}
	one := &Failover{
		Orderer:        leader,
		View:           before,
		ResumedSeconds: took.Seconds(),
		GapSeconds:     t.longestGap(killed.Add(-beforeKill), time.Now()).Seconds(),
	}
	if one.Next, err = r.view(ctx); err != nil {
		return nil, err
	}
	r.say(
		"killed %s, which led view %d: commits again after %.1f s, in view %d",
		leader,
		one.View,
		one.ResumedSeconds,
		one.Next,
	)
	if last {
		return one, nil
	}
	released := time.Now()
	if err := r.rejoined(ctx, uint32(place)+1); err != nil {
		return nil, err
	}
	one.RejoinedSeconds = time.Since(released).Seconds()
	r.say("  it took part again after %.1f s", one.RejoinedSeconds)
	return one, nil
}

// view returns the view of the newest block.
func (r *run) view(ctx context.Context) (uint64, error) {
	height, err := r.reader.height(ctx)
	if err != nil {
		return 0, err
	}
	var v uint64
	err = r.reader.blocks(ctx, height-1, height, func(b *common.Block) (err error) {
		v, err = view(b)
		return err
	})
	return v, err
}

// rejoined waits until an orderer takes part again, that is, until it has signed some new blocks. Before that, the
// network might not survive the death of another one.
func (r *run) rejoined(ctx context.Context, place uint32) error {
	const enough, look = 5, 200 * time.Millisecond
	from, err := r.reader.height(ctx)
	if err != nil {
		return err
	}
	for signed := 0; signed < enough; {
		height, err := r.reader.height(ctx)
		if err == nil {
			err = r.reader.blocks(ctx, from, height, func(b *common.Block) error {
				from++
				places, err := signers(b)
				if slices.Contains(places, place) {
					signed++
				}
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("orderer %d doesn't take part again: %w", place, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(look):
		}
	}
	return nil
}

// awaitCommits waits until every organisation has committed something that was sent after the given time.
func (t *traffic) awaitCommits(ctx context.Context, after time.Time) error {
	const look = 5 * time.Millisecond
	for {
		answered := map[int]bool{}
		t.mu.Lock()
		all, failed := map[int]bool{}, t.failed
		for _, l := range t.lines {
			all[l.org] = true
			if n := len(l.commits); n > 0 && l.commits[n-1].sent.After(after) {
				answered[l.org] = true
			}
		}
		t.mu.Unlock()
		if failed != nil || len(answered) == len(all) {
			return failed
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d of %d organisations committed something: %w", len(answered), len(all), ctx.Err())
		case <-time.After(look):
		}
	}
}

// longestGap returns the longest time without a commit.
func (t *traffic) longestGap(from, until time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	var times []time.Time
	for _, l := range t.lines {
		for _, c := range l.commits {
			if c.known.After(from) && c.known.Before(until) {
				times = append(times, c.known)
			}
		}
	}
	return longestGap(append(times, from, until))
}

// settle waits until everything that was acknowledged has been processed, and counts what the ledger has.
func (r *run) settle(t *traffic) (Count, error) {
	ctx, cancel := context.WithTimeout(r.ctx, killPatience)
	defer cancel()
	if err := r.network.AwaitReady(ctx); err != nil {
		return Count{}, err
	}
	var queues errgroup.Group
	for _, gateway := range r.gateways {
		queues.Go(func() error { return emptied(ctx, gateway) })
	}
	if err := queues.Wait(); err != nil {
		return Count{}, err
	}
	if err := r.atTip(ctx); err != nil {
		return Count{}, err
	}
	list, err := t.tally()
	if err != nil {
		return Count{}, err
	}
	return r.count(list, 0)
}

func (f *FailoverReport) print(w io.Writer) error {
	fmt.Fprintf(w, "%s; %d organisations, %d orderers\n\n", f.Machine, f.Orgs, f.Orderers)
	fmt.Fprintln(w, "leader    view  next view  longest time without a commit  all commit again after  it rejoined after")
	for _, k := range f.Kills {
		fmt.Fprintf(
			w,
			"%-9s %4d  %9d  %27.1f s  %20.1f s  %16.1f s\n",
			k.Orderer,
			k.View,
			k.Next,
			k.GapSeconds,
			k.ResumedSeconds,
			k.RejoinedSeconds,
		)
	}
	_, err := fmt.Fprintf(w, "\np50 %.1f s, max %.1f s\n%s\n", f.P50, f.Max, f.Counted)
	return err
}
