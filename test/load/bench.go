// Package load measures what the whole program does: it starts a network of
// its own, sends events through REST in two ways, and reports how fast each
// was and what it cost.
//
// The first way is that of a usual REST program over Fabric: each event is a
// request and a transaction. The second is capture: documents of many events,
// acknowledged from disk and committed in packs. Both run on one network, one
// after the other, so that their ratio does not depend on the machine.
package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/client"
	"github.com/pedigree-ledger/pedigree/network"
)

// Options say what to measure.
type Options struct {
	Events   int           // how many to capture in documents
	Document int           // how many events to a document
	Singles  time.Duration // how long to send events one by one
	Clients  int           // how many requests are under way at once
	Orgs     int
	Orderers int
	Dir      string // for the network; empty means a temporary one
}

// Command measures.
func Command() *cobra.Command {
	o := Options{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast events are recorded, in two ways on one network",
		Long: `Start a network in a temporary folder, send events through the REST interface of
its first organisation, and report events a second, latencies, what each event
costs on the ledger and in processor time, and how long a trace takes.

"one by one" sends each event in a request and a transaction of its own, as a
usual REST program over Fabric does. "captured" sends documents; it ends when
the last event is committed by all organisations and in the index of each
gateway. "ratio" is how many times faster that was.`,
		Example: `  pedigree bench
  pedigree bench --events 1000000 --json > bench.json
  pedigree bench --orgs 5 --orderers 7`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM) // the network must be stopped
			defer stop()
			report, err := Measure(ctx, o, c.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(report)
			}
			return report.print(c.OutOrStdout())
		},
	}
	c.Flags().IntVar(&o.Events, "events", 100_000, "events to capture in documents")
	c.Flags().IntVar(&o.Document, "document", 2_000, "events to a document")
	c.Flags().DurationVar(&o.Singles, "singles", 10*time.Second, "how long to send events one by one")
	c.Flags().IntVar(&o.Clients, "clients", 16, "requests under way at once")
	c.Flags().IntVar(&o.Orgs, "orgs", 3, "organisations of the network")
	c.Flags().IntVar(&o.Orderers, "orderers", 4, "orderers of the network")
	c.Flags().StringVar(&o.Dir, "dir", "", "folder for the network, which is kept; a temporary one if left out")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// Measure starts a network, measures, and stops it.
func Measure(ctx context.Context, o Options, progress io.Writer) (*Report, error) {
	if o.Events < 1 || o.Document < 1 || o.Clients < 1 || o.Orgs < 1 {
		return nil, fmt.Errorf("there must be at least one event, document, client and organisation")
	}
	dir := o.Dir
	if dir == "" {
		temporary, err := os.MkdirTemp("", "pedigree-bench-")
		if err != nil {
			return nil, fmt.Errorf("couldn't make a folder for the network: %w", err)
		}
		defer os.RemoveAll(temporary)
		dir = temporary + "/network"
	}
	n, err := network.Start(ctx, network.Options{Dir: dir, Orgs: names(o.Orgs), Orderers: o.Orderers, Out: progress})
	if err != nil {
		return nil, err
	}
	defer n.Stop()
	r := &run{ctx: ctx, options: o, network: n, progress: progress}
	for _, org := range n.Orgs() {
		gateway, err := client.Local(n.Dir(), org.Name, network.Submitter)
		if err != nil {
			return nil, err
		}
		r.gateways = append(r.gateways, gateway)
	}
	return r.measure()
}

// names gives the organisations of a larger network names.
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

// run is one measurement under way.
type run struct {
	ctx      context.Context
	options  Options
	network  *network.Network
	gateways []*client.Client
	progress io.Writer
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.progress, format+"\n", args...) }

func (r *run) measure() (*Report, error) {
	report := &Report{Machine: machine(), Orgs: len(r.gateways), Orderers: r.options.Orderers}
	r.say("sending events one by one for %s …", r.options.Singles)
	var err error
	if report.Single, err = r.phase(r.singles); err != nil {
		return nil, err
	}
	r.say("capturing %d events in documents of %d …", r.options.Events, r.options.Document)
	documents := makeDocuments(r.options.Events, r.options.Document)
	if report.Capture, err = r.phase(func() (*result, error) { return r.capture(documents) }); err != nil {
		return nil, err
	}
	report.Ratio = report.Capture.EventsPerSecond / report.Single.EventsPerSecond
	r.say("tracing …")
	if report.TraceMS, err = r.traces(); err != nil {
		return nil, err
	}
	return report, nil
}

// phase measures what one way of sending costs.
func (r *run) phase(send func() (*result, error)) (Phase, error) {
	cpu, err := processorTime(r.network)
	if err != nil {
		return Phase{}, err
	}
	ledger, err := ledgerBytes(r.network)
	if err != nil {
		return Phase{}, err
	}
	began := time.Now()
	got, err := send()
	if err != nil {
		return Phase{}, err
	}
	took := time.Since(began)
	after, err := processorTime(r.network)
	if err != nil {
		return Phase{}, err
	}
	grown, err := ledgerBytes(r.network)
	if err != nil {
		return Phase{}, err
	}
	p := Phase{
		Events: got.events, Seconds: took.Seconds(), EventsPerSecond: float64(got.events) / took.Seconds(),
		AcceptedPerSecond: float64(got.events) / got.accepted.Seconds(), LatencyMS: quantiles(got.latencies),
		LedgerBytesPerEvent: float64(grown-ledger) / float64(got.events), ProcessorSeconds: map[string]float64{},
	}
	for role, seconds := range after {
		p.ProcessorSeconds[role] = seconds - cpu[role]
		p.ProcessorMicrosecondsPerEvent += 1e6 * p.ProcessorSeconds[role] / float64(got.events)
	}
	return p, nil
}
