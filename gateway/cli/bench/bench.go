// Package bench measures what the whole program does: it starts a network of
// its own, sends events in several ways, and reports how fast each was, what it
// cost, and whether the ledger has what was sent, once.
//
// The usual way is that of a REST program over Fabric: each event is a request
// and a transaction. The way of this program is capture: documents of many
// events, acknowledged from disk and committed in packs. Both run on one
// network, in turns, so that their ratio does not depend on the machine. What
// is on the ledger is counted by a reader of its own, from a peer's blocks.
package bench

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Options say what to measure.
type Options struct {
	Events   int           // how many to capture in documents
	Document int           // how many events to a document
	Size     int           // about how many bytes to an event
	Singles  time.Duration // how long to send events one by one, in each of the two ways
	Clients  int           // how many of these requests are under way at once
	Orgs     int
	Orderers int
	Batch    int    // records to a transaction at most; 0: the gateway's default
	Dir      string // for the network; empty means a temporary one

	Failover int           // how many leading orderers to kill
	Kill     time.Duration // for how long to kill processes at random
	Seed     uint64        // of what is random in that; 0: another one each time
	Growth   string        // which tables of growth to make
}

// printed is any report.
type printed interface {
	print(io.Writer) error
}

// Command measures.
func Command() *cobra.Command {
	o := Options{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast events are recorded, and that none is lost",
		Long: `Start a network in a temporary folder, send events, and report events a second,
latencies, what each event costs on the ledger and in processor time, how far
the index is behind, and how long a trace takes. At last a reader of its own
counts on the ledger what was sent: anything missing or doubled is an error.

"one by one" is the usual way over Fabric: a REST program that submits each event
in a transaction of its own and waits for its commit. "single" sends the same
requests to this program's gateway. "captured" sends documents; it ends when the
last event is committed by all organisations and in the index of each gateway.
Before and after it the others are measured. "ratio" is how many times faster
captured events are committed than one by one.

Instead of that,
  --failover N  kills the leading orderer N times while events come in, and
                reports how long it took to be replaced
  --kill TIME   kills gateways, a peer and an orderer at random times while events
                come in; each minute it is another peer and another orderer
  --growth      makes tables of how cost grows: with the size of batches and of
                events, with organisations and orderers, and of traces with the
                size of the graph; --growth=batch,trace makes only these`,
		Example: `  pedigree bench
  pedigree bench --events 1000000 --json > bench.json
  pedigree bench --orgs 5 --orderers 7
  pedigree bench --failover 8
  pedigree bench --kill 5m --seed 7
  pedigree bench --growth=size,organisations`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM) // the network must be stopped
			defer stop()
			report, err := o.measure(ctx, c.ErrOrStderr())
			if report == nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				if encoded := e.Encode(report); encoded != nil {
					return encoded
				}
				return err
			}
			if printed := report.print(c.OutOrStdout()); printed != nil {
				return printed
			}
			return err
		},
	}
	f := c.Flags()
	f.IntVar(&o.Events, "events", 100_000, "events to capture in documents")
	f.IntVar(&o.Document, "document", 4_000, "events to a document")
	f.IntVar(&o.Size, "size", usualBytes, "about how many bytes to an event")
	f.DurationVar(&o.Singles, "singles", 10*time.Second, "how long to send events one by one, and as long single ones")
	f.IntVar(&o.Clients, "clients", 64, "of these, requests under way at once")
	f.IntVar(&o.Orgs, "orgs", 3, "organisations of the network")
	f.IntVar(&o.Orderers, "orderers", 4, "orderers of the network")
	f.IntVar(&o.Batch, "batch", 0, "records to a transaction at most; the gateway's default if left out")
	f.StringVar(&o.Dir, "dir", "", "folder for the network, which is kept; a temporary one if left out")
	f.IntVar(&o.Failover, "failover", 0, "kill the leading orderer so many times")
	f.DurationVar(&o.Kill, "kill", 0, "kill processes at random for so long")
	f.Uint64Var(&o.Seed, "seed", 0, "makes --kill choose as it did in another run")
	f.StringVar(&o.Growth, "growth", "", "make tables of growth: "+growthNames())
	f.Lookup("growth").NoOptDefVal = "all"
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	c.MarkFlagsMutuallyExclusive("failover", "kill", "growth")
	return c
}

// measure does what the options say. There may be a report and an error, of
// events that are missing, say.
func (o Options) measure(ctx context.Context, progress io.Writer) (printed, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	switch {
	case o.Growth != "":
		return orNothing(MeasureGrowth(ctx, o, progress))
	case o.Failover > 0:
		return orNothing(MeasureFailover(ctx, o, progress))
	case o.Kill > 0:
		return orNothing(MeasureKills(ctx, o, progress))
	}
	return orNothing(Measure(ctx, o, progress))
}

// orNothing makes a report that isn't there one that can be seen not to be.
func orNothing[R any, P interface {
	*R
	printed
}](report P, err error) (printed, error) {
	if report == nil {
		return nil, err
	}
	return report, err
}
