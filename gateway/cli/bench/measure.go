package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/network"
)

func (o Options) check() error {
	if o.Events < 1 || o.Document < 1 || o.Clients < 1 || o.Orgs < 1 {
		return errors.New("there must be at least one event, document, client and organisation")
	}
	if o.Size < 1 || o.Size > 100_000 {
		return fmt.Errorf("the size of an event must be 1 to 100000 bytes, not %d", o.Size)
	}
	if o.Batch < 0 || o.Failover < 0 || o.Kill < 0 || o.Singles < 0 {
		return errors.New("a number can't be negative")
	}
	return nil
}

// run is one measurement in progress.
type run struct {
	ctx      context.Context
	options  Options
	network  *network.Network
	gateways []*client.Client // one for each organisation, in the order of Orgs
	reader   *reader          // of the first organisation's peer
	progress io.Writer
	began    time.Time
}

// begin starts a network. The caller must call the function that it returns, which stops the network.
func begin(ctx context.Context, o Options, progress io.Writer) (*run, func(), error) {
	dir := o.Dir
	var cleanup []func()
	stop := func() {
		for i := len(cleanup) - 1; i >= 0; i-- {
			cleanup[i]()
		}
	}
	if dir == "" {
		temporary, err := os.MkdirTemp("", "pedigree-bench-")
		if err != nil {
			return nil, nil, fmt.Errorf("couldn't make a folder for the network: %w", err)
		}
		cleanup = append(cleanup, func() { os.RemoveAll(temporary) })
		dir = filepath.Join(temporary, "network")
	}
	began := time.Now()
	n, err := network.Start(
		ctx,
		network.Options{Dir: dir, Orgs: names(o.Orgs), Orderers: o.Orderers, Out: progress, BatchRecords: o.Batch},
	)
	if err != nil {
		stop()
		return nil, nil, err
	}
	cleanup = append(cleanup, func() { n.Stop() })
	r := &run{ctx: ctx, options: o, network: n, progress: progress, began: began}
	for _, org := range n.Orgs() {
		gateway, err := client.Local(n.Dir(), org.Name, network.Submitter)
		if err != nil {
			stop()
			return nil, nil, err
		}
		r.gateways = append(r.gateways, gateway)
	}
	if r.reader, err = connect(n, n.Orgs()[0], network.Auditor); err != nil {
		stop()
		return nil, nil, err
	}
	cleanup = append(cleanup, r.reader.close)
	return r, stop, nil
}

// names returns names for the organisations of a network, or nil for the default ones.
func names(n int) []string {
	if n == len(network.DefaultOrgs) {
		return nil
	}
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("org%d", i+1)
	}
	return all
}

// say reports progress, in the same form as the network does.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.progress, "%6.1fs %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// Measure starts a network, measures, and stops the network. If the ledger doesn't have exactly what was sent, Measure
// returns both the report and an error.
func Measure(ctx context.Context, o Options, progress io.Writer) (*Report, error) {
	r, stop, err := begin(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer stop()
	return r.measure()
}

func (r *run) measure() (*Report, error) {
	o := r.options
	report := &Report{
		Machine:  machine(),
		Orgs:     len(r.gateways),
		Orderers: len(r.network.Orderers()),
		Clients:  o.Clients,
		Document: o.Document,
	}
	usual, err := r.openUsual()
	if err != nil {
		return nil, err
	}
	defer usual.close()
	sent := &sentEvents{size: o.Size}
	// Events sent one by one fall into step with the blocks, well or badly, and stay so for seconds. So several short
	// rounds, before and after the captured events, say more than one long round.
	var ways = []struct {
		name, run string
		into      *Phase
		send      func(event []byte) error
	}{
		{"one by one, in the usual way", "U", &report.OneByOne, usual.record},
		{"single ones, through the gateway", "S", &report.Single, r.recordSingle},
	}
	round := func() error {
		for _, way := range ways {
			if o.Singles == 0 {
				continue
			}
			r.say("sending events %s, for %s …", way.name, o.Singles/2)
			p, err := r.phase(func() (*result, error) { return r.oneByOne(sent, way.run, o.Singles/2, way.send) })
			if err != nil {
				return err
			}
			way.into.add(p)
		}
		return nil
	}
	if err := round(); err != nil {
		return nil, err
	}
	if o.Singles > 0 {
		if report.AloneMS, err = r.alone(sent); err != nil {
			return nil, err
		}
	}
	if report.Captured, report.IndexLagMS, err = r.captured(sent, "C", 0, o.Events); err != nil {
		return nil, err
	}
	if err := round(); err != nil {
		return nil, err
	}
	if o.Singles > 0 {
		report.Ratio = report.Captured.EventsPerSecond / report.OneByOne.EventsPerSecond
		report.RatioToSingle = report.Captured.EventsPerSecond / report.Single.EventsPerSecond
	}
	r.say("tracing …")
	if report.Trace, err = r.traces("C", o.Events); err != nil {
		return nil, err
	}
	list, err := sent.tally()
	if err != nil {
		return nil, err
	}
	report.Counted, err = r.count(list, 0)
	report.Seconds = time.Since(r.began).Seconds()
	return report, err
}

// captured captures the events of a run with numbers in [from, until), and measures how far the indexes are behind.
func (r *run) captured(sent *sentEvents, run string, from, until int) (Phase, Lag, error) {
	r.say("capturing %d events in documents of %d …", until-from, r.options.Document)
	watch, err := r.watchLag()
	if err != nil {
		return Phase{}, Lag{}, err
	}
	p, err := r.phase(func() (*result, error) { return r.capture(run, from, until) })
	lag, watched := watch.end()
	if err = errors.Join(err, watched); err != nil {
		return Phase{}, Lag{}, err
	}
	sent.add(run, from, until)
	r.say("  %.0f events/s, %.0f µs of processor time each", p.EventsPerSecond, p.ProcessorMicrosecondsPerEvent)
	return p, lag, nil
}

// count reads the ledger from a block on and compares it with what was sent.
func (r *run) count(list *tally, from uint64) (Count, error) {
	r.say("counting on the ledger …")
	last := time.Now()
	err := list.read(r.ctx, r.reader, from, func(blocks, of uint64) {
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			r.say("  %d of %d blocks", blocks, of)
		}
	})
	if err != nil {
		return Count{}, err
	}
	c := list.count()
	r.say("  %s", c)
	return c, c.Err()
}

// sentEvents records which events were sent and acknowledged. It keeps only their numbers, because the events can be
// made again.
type sentEvents struct {
	size int
	runs []struct {
		run         string
		from, until int
	}
}

func (s *sentEvents) add(run string, from, until int) {
	s.runs = append(s.runs, struct {
		run         string
		from, until int
	}{run, from, until})
}

func (s *sentEvents) tally() (*tally, error) {
	n := 0
	for _, run := range s.runs {
		n += run.until - run.from
	}
	list := newTally(n)
	for _, run := range s.runs {
		for i := run.from; i < run.until; i++ {
			if err := list.sent(bare(run.run, i, s.size), true); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// next returns the first number of a run that hasn't been sent yet.
func (s *sentEvents) next(run string) int {
	n := 0
	for _, one := range s.runs {
		if one.run == run {
			n = max(n, one.until)
		}
	}
	return n
}

// emptied waits until a gateway's queue is empty.
func emptied(ctx context.Context, gateway *client.Client) error {
	for {
		var status struct {
			Queue struct {
				Records int    `json:"records"`
				Waiting string `json:"waiting"`
			} `json:"queue"`
		}
		err := gateway.Get(ctx, "/v1/status", nil, &status)
		if err == nil && status.Queue.Records == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf(
				"a gateway still has %d records in its queue (%s): %w",
				status.Queue.Records,
				status.Queue.Waiting,
				ctx.Err(),
			)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// atTip waits until the reader's peer has every block that any gateway has indexed. If the peer was killed, it may
// still be catching up while its gateway follows another organisation's peer.
func (r *run) atTip(ctx context.Context) error {
	highest := uint64(0)
	for _, gateway := range r.gateways {
		var status struct {
			Height uint64 `json:"height"`
		}
		if err := gateway.Get(ctx, "/v1/status", nil, &status); err != nil {
			return err
		}
		highest = max(highest, status.Height)
	}
	for {
		height, err := r.reader.height(ctx)
		if err == nil && height >= highest {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("a peer has %d of %d blocks: %w", height, highest, errors.Join(ctx.Err(), err))
		case <-time.After(patience):
		}
	}
}

// everywhere waits until every gateway has indexed what the first one has indexed now.
func (r *run) everywhere() error {
	var first struct {
		Height uint64 `json:"height"`
	}
	if err := r.gateways[0].Get(r.ctx, "/v1/status", nil, &first); err != nil {
		return err
	}
	var all errgroup.Group
	for _, gateway := range r.gateways[1:] {
		all.Go(func() error { return gateway.AwaitBlock(r.ctx, first.Height-1) })
	}
	return all.Wait()
}
