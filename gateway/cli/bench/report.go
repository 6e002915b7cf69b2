package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// Report is what bench prints with --json.
type Report struct {
	Machine       string    `json:"machine"`
	Orgs          int       `json:"organisations"`
	Orderers      int       `json:"orderers"`
	Clients       int       `json:"clients"`       // requests in progress at once, for events one by one
	Document      int       `json:"document"`      // events in a document
	OneByOne      Phase     `json:"oneByOne"`      // the usual way: a request and a transaction for each event
	Single        Phase     `json:"single"`        // such requests through the gateway
	Captured      Phase     `json:"captured"`      // documents
	Ratio         float64   `json:"ratio"`         // events a second: captured to one by one
	RatioToSingle float64   `json:"ratioToSingle"` // events a second: captured to single
	AloneMS       Quantiles `json:"aloneMilliseconds"`
	IndexLagMS    Lag       `json:"indexLagMilliseconds"`
	Trace         Traces    `json:"trace"`
	Counted       Count     `json:"counted"`
	Seconds       float64   `json:"seconds"` // duration of the whole measurement
}

// Phase holds the measurements for one way of sending.
type Phase struct {
	Events  int     `json:"events"`
	Seconds float64 `json:"seconds"`
	// EventsPerSecond counts from the request until the event is committed and, except for the usual way, in every
	// index.
	EventsPerSecond float64   `json:"eventsPerSecond"`
	ByRound         []float64 `json:"eventsPerSecondByRound"` // if there were several rounds
	// AcceptedPerSecond counts from the request until the acknowledgement.
	AcceptedPerSecond float64 `json:"acceptedPerSecond"`
	// LatencyMS is the time until the answer to a request. For captured events it is the time until a document is safe
	// on disk.
	LatencyMS Quantiles `json:"latencyMilliseconds"`
	// LedgerBytesPerEvent is measured in the block files of one peer.
	LedgerBytesPerEvent float64 `json:"ledgerBytesPerEvent"`
	// ProcessorSeconds is the sum over all processes with a role. This program is a role of its own.
	ProcessorSeconds              map[string]float64 `json:"processorSeconds"`
	ProcessSeconds                map[string]float64 `json:"processorSecondsByProcess"`
	ProcessorMicrosecondsPerEvent float64            `json:"processorMicrosecondsPerEvent"`

	acceptedSeconds float64
	ledgerBytes     int64
	took            []time.Duration
}

// add merges another round into the phase.
func (p *Phase) add(o Phase) {
	if p.Events == 0 {
		*p = o
		p.ByRound = []float64{o.EventsPerSecond}
		return
	}
	p.ByRound = append(p.ByRound, o.EventsPerSecond)
	p.Events, p.Seconds, p.acceptedSeconds = p.Events+o.Events, p.Seconds+o.Seconds, p.acceptedSeconds+o.acceptedSeconds
	p.ledgerBytes, p.took = p.ledgerBytes+o.ledgerBytes, append(p.took, o.took...)
	for name, seconds := range o.ProcessorSeconds {
		p.ProcessorSeconds[name] += seconds
	}
	for name, seconds := range o.ProcessSeconds {
		p.ProcessSeconds[name] += seconds
	}
	p.finish()
}

// finish derives the values that depend on sums.
func (p *Phase) finish() {
	events := float64(p.Events)
	p.EventsPerSecond, p.AcceptedPerSecond = events/p.Seconds, events/p.acceptedSeconds
	p.LatencyMS, p.LedgerBytesPerEvent = quantiles(p.took), float64(p.ledgerBytes)/events
	total := 0.0
	for _, seconds := range p.ProcessorSeconds {
		total += seconds
	}
	p.ProcessorMicrosecondsPerEvent = 1e6 * total / events
}

// Traces says how long traces took in a graph of a number of events.
type Traces struct {
	Events int       `json:"events"`
	Nodes  int       `json:"nodes"` // in the largest answer
	MS     Quantiles `json:"milliseconds"`
}

// Quantiles are quantiles of times, in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func quantiles(took []time.Duration) Quantiles {
	if len(took) == 0 {
		return Quantiles{}
	}
	slices.Sort(took)
	at := func(q float64) float64 {
		return milliseconds(took[min(int(q*float64(len(took))), len(took)-1)])
	}
	return Quantiles{at(0.5), at(0.99), at(1)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// longestGap returns the longest time between two successive times.
func longestGap(times []time.Time) time.Duration {
	slices.SortFunc(times, time.Time.Compare)
	longest := time.Duration(0)
	for i := 1; i < len(times); i++ {
		longest = max(longest, times[i].Sub(times[i-1]))
	}
	return longest
}

// String returns the count as a sentence.
func (c Count) String() string {
	return fmt.Sprintf(
		"%d events were acknowledged; a reader of the ledger found %d in %d blocks: %d missing, %d doubled",
		c.Sent,
		c.Distinct,
		c.Blocks,
		c.Missing,
		c.Doubled,
	)
}

func (r *Report) print(w io.Writer) error {
	fmt.Fprintf(
		w,
		"%s; %d organisations, %d orderers; %d requests at once, documents of %d events\n\n",
		r.Machine,
		r.Orgs,
		r.Orderers,
		r.Clients,
		r.Document,
	)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tevents\tevents/s\taccepted/s\tp50 ms\tp99 ms\tledger B/event\tCPU µs/event\t")
	for _, p := range r.phases() {
		fmt.Fprintf(
			t,
			"%s\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t\n",
			p.name,
			p.Events,
			p.EventsPerSecond,
			p.AcceptedPerSecond,
			p.LatencyMS.P50,
			p.LatencyMS.P99,
			p.LedgerBytesPerEvent,
			p.ProcessorMicrosecondsPerEvent,
		)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(
		w,
		"\nms is the time until a request is answered: an event is then committed and, through the gateway, indexed;"+
			"\na document is safe on disk",
	)
	fmt.Fprintln(w, "\nprocessor seconds:")
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\t")
	roles := slices.Sorted(maps.Keys(r.Captured.ProcessorSeconds))
	for _, role := range roles {
		fmt.Fprintf(t, "%s\t", role)
	}
	fmt.Fprintln(t)
	for _, p := range r.phases() {
		fmt.Fprintf(t, "%s\t", p.name)
		for _, role := range roles {
			fmt.Fprintf(t, "%.2f\t", p.ProcessorSeconds[role])
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if r.OneByOne.Events > 0 {
		fmt.Fprintf(w, "\nratio %.1f; to single events through the gateway %.1f\n", r.Ratio, r.RatioToSingle)
		fmt.Fprintf(w, "a single event while nothing else is happening: p50 %.0f ms, p99 %.0f ms\n", r.AloneMS.P50,
			r.AloneMS.P99)
	}
	fmt.Fprintf(
		w,
		"the slowest index was behind the ledger by p50 %.0f ms, at most %.0f ms, and %.0f ms at the end\n",
		r.IndexLagMS.P50,
		r.IndexLagMS.Max,
		r.IndexLagMS.End,
	)
	fmt.Fprintf(
		w,
		"trace of a lot among %d events: p50 %.1f ms, p99 %.1f ms\n",
		r.Trace.Events,
		r.Trace.MS.P50,
		r.Trace.MS.P99,
	)
	_, err := fmt.Fprintf(w, "%s\n", r.Counted)
	return err
}

type namedPhase struct {
	name string
	*Phase
}

// phases returns the phases that were measured.
func (r *Report) phases() []namedPhase {
	all := []namedPhase{{"one by one", &r.OneByOne}, {"single", &r.Single}, {"captured", &r.Captured}}
	return slices.DeleteFunc(all, func(p namedPhase) bool { return p.Events == 0 })
}
