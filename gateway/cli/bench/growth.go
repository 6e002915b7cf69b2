package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// GrowthReport says how the cost grows, with one factor at a time.
type GrowthReport struct {
	Machine string  `json:"machine"`
	Tables  []Table `json:"tables"`
	Seconds float64 `json:"seconds"`
}

// Table says how the cost grows with one factor.
type Table struct {
	Name string `json:"name"`
	Unit string `json:"unit"` // of the factor
	Rows []Row  `json:"rows"`
}

// Row holds the measurements for one value of the factor.
type Row struct {
	Value    int    `json:"value"`
	Captured Phase  `json:"captured"`
	Lag      Lag    `json:"indexLagMilliseconds"`
	OneByOne *Phase `json:"oneByOne,omitempty"`
	Trace    Traces `json:"trace,omitzero"`
	Counted  Count  `json:"counted"`
}

// growth lists the factors, with the values that are measured and the number of events for each.
var growth = []struct {
	name, unit string
	values     []int
	set        func(o *Options, value int)
	singles    bool // whether the factor also affects events sent one by one
}{
	{"batch", "records to a transaction", []int{1, 10, 100, 500, 2_000, 4_000}, func(o *Options, value int) {
		o.Batch, o.Events = value, min(1_000+value*100, 40_000)
	}, false},
	{"size", "bytes to an event", []int{300, 600, 2_000, 8_000}, func(o *Options, value int) {
		o.Size, o.Events = value, 40_000
		if value > 1_000 {
			o.Events, o.Document = 40_000_000/value, 2_000*1_000/value
		}
	}, false},
	{
		"organisations",
		"organisations",
		[]int{3, 5, 7},
		func(o *Options, value int) { o.Orgs, o.Events = value, 40_000 },
		true,
	},
	{"orderers", "orderers", []int{4, 7, 10}, func(o *Options, value int) { o.Orderers, o.Events = value, 40_000 }, true},
}

const traceTable = "trace"

// traced lists the sizes of the graph in which traces are measured, in events. It is one graph, which grows.
var traced = []int{10_000, 100_000, 1_000_000}

func growthNames() string {
	var all []string
	for _, g := range growth {
		all = append(all, g.name)
	}
	return strings.Join(append(all, traceTable), ", ")
}

// MeasureGrowth makes the tables that the options name. Each row is measured on a network of its own.
func MeasureGrowth(ctx context.Context, o Options, progress io.Writer) (*GrowthReport, error) {
	wanted := strings.Split(o.Growth, ",")
	if o.Growth == "all" {
		wanted = strings.Split(growthNames(), ", ")
	}
	for _, name := range wanted {
		if !slices.Contains(strings.Split(growthNames(), ", "), name) {
			return nil, fmt.Errorf("--growth: %q is not a table; choose from %s", name, growthNames())
		}
	}
	began := time.Now()
	report := &GrowthReport{Machine: machine()}
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "\n%6.1fs %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	for _, g := range growth {
		if !slices.Contains(wanted, g.name) {
			continue
		}
		table := Table{Name: g.name, Unit: g.unit}
		for _, value := range g.values {
			say("%d %s", value, g.unit)
			one := o
			if one.Singles > 0 && !g.singles {
				one.Singles = 0
			}
			one.Singles = min(one.Singles, 6*time.Second)
			g.set(&one, value)
			row, err := measureRow(ctx, one, progress)
			if err != nil {
				return nil, fmt.Errorf("%d %s: %w", value, g.unit, err)
			}
			row.Value = value
			table.Rows = append(table.Rows, *row)
		}
		report.Tables = append(report.Tables, table)
	}
	if slices.Contains(wanted, traceTable) {
		say("traces")
		table, err := measureTraces(ctx, o, progress)
		if err != nil {
			return nil, err
		}
		report.Tables = append(report.Tables, *table)
	}
	report.Seconds = time.Since(began).Seconds()
	return report, nil
}

// measureRow measures one row.
func measureRow(ctx context.Context, o Options, progress io.Writer) (*Row, error) {
	r, stop, err := begin(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer stop()
	row := &Row{}
	sent := &sentEvents{size: o.Size}
	if row.Captured, row.Lag, err = r.captured(sent, "C", 0, o.Events); err != nil {
		return nil, err
	}
	if o.Singles > 0 {
		usual, err := r.openUsual()
		if err != nil {
			return nil, err
		}
		defer usual.close()
		r.say("sending events one by one, in the usual way, for %s …", o.Singles)
		p, err := r.phase(func() (*result, error) { return r.oneByOne(sent, "U", o.Singles, usual.record) })
		if err != nil {
			return nil, err
		}
		row.OneByOne = &p
	}
	list, err := sent.tally()
	if err != nil {
		return nil, err
	}
	row.Counted, err = r.count(list, 0)
	return row, err
}

// measureTraces measures traces in a growing graph.
func measureTraces(ctx context.Context, o Options, progress io.Writer) (*Table, error) {
	r, stop, err := begin(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer stop()
	table := &Table{Name: traceTable, Unit: "events in the graph"}
	sent := &sentEvents{size: o.Size}
	from := 0
	for _, events := range traced {
		row := Row{Value: events}
		if row.Captured, row.Lag, err = r.captured(sent, "C", from, events); err != nil {
			return nil, err
		}
		if row.Trace, err = r.traces("C", events); err != nil {
			return nil, err
		}
		from = events
		table.Rows = append(table.Rows, row)
	}
	list, err := sent.tally()
	if err != nil {
		return nil, err
	}
	counted, err := r.count(list, 0)
	table.Rows[len(table.Rows)-1].Counted = counted
	return table, err
}

func (g *GrowthReport) print(w io.Writer) error {
	fmt.Fprintln(w, g.Machine)
	for _, table := range g.Tables {
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(
			t,
			"%s\tevents\tevents/s\tCPU µs/event\tgateways\tpeers\torderers\tchaincode\tledger B/event\tlag p50 ms\tone by one/s\tp50 ms\ttrace p50 ms\tp99 ms\t\n",
			table.Unit,
		)
		for _, row := range table.Rows {
			p := row.Captured
			each := func(role string) float64 { return 1e6 * p.ProcessorSeconds[role] / float64(p.Events) }
			fmt.Fprintf(
				t,
				"%d\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t",
				row.Value,
				p.Events,
				p.EventsPerSecond,
				p.ProcessorMicrosecondsPerEvent,
				each("gateway"),
				each("peer"),
				each("orderer"),
				each("chaincode"),
				p.LedgerBytesPerEvent,
				row.Lag.P50,
			)
			if one := row.OneByOne; one != nil {
				fmt.Fprintf(t, "%.0f\t%.0f\t", one.EventsPerSecond, one.LatencyMS.P50)
			} else {
				fmt.Fprint(t, "\t\t")
			}
			if row.Trace.Events > 0 {
				fmt.Fprintf(t, "%.1f\t%.1f\t\n", row.Trace.MS.P50, row.Trace.MS.P99)
			} else {
				fmt.Fprint(t, "\t\t\n")
			}
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\neverything that was sent is on the ledger, once; %.0f s in all\n", g.Seconds)
	return err
}
