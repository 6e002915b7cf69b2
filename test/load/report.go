package load

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pedigree-ledger/pedigree/network"
)

// Report is what bench prints with --json.
type Report struct {
	Machine  string    `json:"machine"`
	Orgs     int       `json:"organisations"`
	Orderers int       `json:"orderers"`
	Single   Phase     `json:"oneByOne"`
	Capture  Phase     `json:"captured"`
	Ratio    float64   `json:"ratio"` // of events a second: captured to one by one
	TraceMS  Quantiles `json:"traceMilliseconds"`
}

// Phase is one way of sending.
type Phase struct {
	Events                        int                `json:"events"`
	Seconds                       float64            `json:"seconds"`
	EventsPerSecond               float64            `json:"eventsPerSecond"`   // request to committed and in every index
	AcceptedPerSecond             float64            `json:"acceptedPerSecond"` // request to acknowledged
	LatencyMS                     Quantiles          `json:"latencyMilliseconds,omitzero"`
	LedgerBytesPerEvent           float64            `json:"ledgerBytesPerEvent"` // in the block files of one peer
	ProcessorSeconds              map[string]float64 `json:"processorSeconds"`    // by role, of all its processes, and of this program
	ProcessorMicrosecondsPerEvent float64            `json:"processorMicrosecondsPerEvent"`
}

// Quantiles of times.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

func quantiles(took []time.Duration) Quantiles {
	if len(took) == 0 {
		return Quantiles{}
	}
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[min(int(q*float64(len(took))), len(took)-1)].Microseconds()) / 1000
	}
	return Quantiles{at(0.5), at(0.99)}
}

func (r *Report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s; %d organisations, %d orderers\n\n", r.Machine, r.Orgs, r.Orderers)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tevents\tevents/s\taccepted/s\tp50 ms\tp99 ms\tledger B/event\tCPU µs/event\t")
	for _, p := range []struct {
		name string
		Phase
	}{{"one by one", r.Single}, {"captured", r.Capture}} {
		latency := [2]string{"", ""}
		if p.LatencyMS != (Quantiles{}) {
			latency = [2]string{fmt.Sprintf("%.0f", p.LatencyMS.P50), fmt.Sprintf("%.0f", p.LatencyMS.P99)}
		}
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.0f\t%s\t%s\t%.0f\t%.0f\t\n", p.name, p.Events, p.EventsPerSecond, p.AcceptedPerSecond, latency[0], latency[1], p.LedgerBytesPerEvent, p.ProcessorMicrosecondsPerEvent)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nprocessor seconds while capturing:")
	for _, role := range slices.Sorted(maps.Keys(r.Capture.ProcessorSeconds)) {
		fmt.Fprintf(w, "  %-10s %.2f\n", role, r.Capture.ProcessorSeconds[role])
	}
	_, err := fmt.Fprintf(w, "\nratio %.1f\ntrace of a lot: p50 %.1f ms, p99 %.1f ms\n", r.Ratio, r.TraceMS.P50, r.TraceMS.P99)
	return err
}

// machine says what it ran on.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s", runtime.NumCPU(), model, runtime.Version())
}

// ticksPerSecond is the unit of times in /proc (proc_pid_stat(5)), the same on
// every Linux that Go runs on.
const ticksPerSecond = 100

// processorTime adds up what the processes of each role have used. A process
// that died meanwhile would make the difference of two such sums wrong, so it
// is an error if one can't be read.
func processorTime(n *network.Network) (map[string]float64, error) {
	used := map[string]float64{}
	add := func(role string, pid int) error {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return fmt.Errorf("couldn't read the processor time of %s: %w", role, err)
		}
		// The second field is the program's name in brackets, which may have spaces.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, field := range fields[11:13] {
			ticks, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return fmt.Errorf("couldn't understand the processor time of %s: %w", role, err)
			}
			used[role] += ticks / ticksPerSecond
		}
		return nil
	}
	for _, p := range n.Processes() {
		if err := add(p.Role, p.PID); err != nil {
			return nil, err
		}
	}
	return used, add("this program", os.Getpid())
}

// ledgerBytes is the size of the block files of the first organisation's peer.
func ledgerBytes(n *network.Network) (int64, error) {
	var total int64
	root := filepath.Join(n.Dir(), n.Orgs()[0].Name)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), "blockfile_") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("couldn't measure the ledger: %w", err)
	}
	return total, nil
}
