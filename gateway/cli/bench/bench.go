// Package bench implements the command bench, which measures the whole program. [Command] is its entry point. It starts
// a network, sends events in several ways, and reports how fast each way was and what it cost. It also checks that the
// ledger has each event that was sent exactly once.
//
// The usual way of a REST program over Fabric is that each event is a request and a transaction. This program's way is
// capture: documents of many events are acknowledged once they are on disk, and are committed in packs. Both ways run
// in turns on the same network, so their ratio doesn't depend on the machine. What is on the ledger is counted by a
// separate reader, from a peer's blocks.
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
	Events   int           // number of events to capture in documents
	Document int           // number of events in a document
	Size     int           // approximate size of an event in bytes
	Singles  time.Duration // how long to send events one by one, in each of the two ways
	Clients  int           // number of these requests in progress at once
	Orgs     int
	Orderers int
	Batch    int    // largest number of records in a transaction; 0: the gateway's default
	Dir      string // of the network; empty: a temporary folder

	Failover int           // number of times to kill the leading orderer
	Kill     time.Duration // how long to kill processes at random
	Seed     uint64        // of the random choices; 0: another one each time
	Growth   string        // which tables of growth to make, separated by commas
}

// printed is a report of any kind.
type printed interface {
	print(io.Writer) error
}

// Command returns the command bench.
func Command() *cobra.Command {
	o := Options{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast events are recorded, and that none is lost",
		Long: `Start a network in a temporary folder and send events to it. The report has the events
per second, the latencies, what each event costs in ledger space and processor time, how
far the index is behind, and how long a trace takes. Finally, a separate reader counts
the events on the ledger. It is an error if any is missing or there twice.

Events are sent in three ways:

  one by one  The usual way over Fabric: a REST program submits each event in a
              transaction of its own and waits until it is committed.
  single      The same requests, sent to this program's gateway.
  captured    Documents of many events. The time ends when all organisations have
              committed the last event and each gateway has indexed it.

The first two ways are measured both before and after the third. "ratio" says how many
times faster captured events are committed than events one by one.

Other measurements, instead of these:

  --failover N  Kill the leading orderer N times while events come in, and report how
                long it took until it was replaced.
  --kill TIME   Kill gateways, a peer and an orderer at random times while events come
                in. The peer and the orderer change every minute.
  --growth      Make tables of how the cost grows with the size of batches, the size of
                events, the number of organisations and the number of orderers, and how
                traces take longer in larger graphs. --growth=batch,trace makes only
                these two tables.`,
		Example: `  pedigree bench
  pedigree bench --events 1000000 --json > bench.json
  pedigree bench --orgs 5 --orderers 7
  pedigree bench --failover 8
  pedigree bench --kill 5m --seed 7
  pedigree bench --growth=size,organisations`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			// A signal must stop the network, too.
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
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
	f.IntVar(&o.Events, "events", 100_000, "number of events to capture in documents")
	f.IntVar(&o.Document, "document", 4_000, "number of events in a document")
	f.IntVar(&o.Size, "size", usualBytes, "approximate size of an event, in bytes")
	f.DurationVar(&o.Singles, "singles", 10*time.Second,
		"how long to send events in each of the ways \"one by one\" and \"single\"")
	f.IntVar(&o.Clients, "clients", 64, "number of requests at once, in these two ways")
	f.IntVar(&o.Orgs, "orgs", 3, "number of organisations in the network")
	f.IntVar(&o.Orderers, "orderers", 4, "number of orderers in the network")
	f.IntVar(&o.Batch, "batch", 0, "largest number of records in a transaction (default: that of the gateway)")
	f.StringVar(&o.Dir, "dir", "", "folder for the network, which is kept (default: a temporary folder)")
	f.IntVar(&o.Failover, "failover", 0, "number of times to kill the leading orderer")
	f.DurationVar(&o.Kill, "kill", 0, "how long to kill processes at random")
	f.Uint64Var(&o.Seed, "seed", 0, "repeat the random choices that --kill made with this seed")
	f.StringVar(&o.Growth, "growth", "", "make tables of growth, separated by commas: "+growthNames())
	f.Lookup("growth").NoOptDefVal = "all"
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	c.MarkFlagsMutuallyExclusive("failover", "kill", "growth")
	return c
}

// measure measures what the options say. It may return both a report and an error, for example if events are missing.
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

// orNothing converts a report to the interface. A nil report becomes a nil interface.
func orNothing[R any, P interface {
	*R
	printed
}](report P, err error) (printed, error) {
	if report == nil {
		return nil, err
	}
	return report, err
}
