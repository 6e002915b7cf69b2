package bench

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/network"
)

// thisProgram stands for this process among those of the network. It sends the events and also runs the usual program.
const thisProgram = "this program"

// phase runs one way of sending and measures what it costs.
func (r *run) phase(send func() (*result, error)) (Phase, error) {
	cpu, roles, err := processorTime(r.network)
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
	after, _, err := processorTime(r.network)
	if err != nil {
		return Phase{}, err
	}
	grown, err := ledgerBytes(r.network)
	if err != nil {
		return Phase{}, err
	}
	p := Phase{
		Events: got.events, Seconds: took.Seconds(), acceptedSeconds: got.accepted.Seconds(), took: got.latencies,
		ledgerBytes:      grown - ledger,
		ProcessorSeconds: map[string]float64{}, ProcessSeconds: map[string]float64{},
	}
	for name, seconds := range after {
		p.ProcessSeconds[name] = seconds - cpu[name]
		p.ProcessorSeconds[roles[name]] += seconds - cpu[name]
	}
	p.finish()
	return p, nil
}

// machine describes the machine.
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

// ticksPerSecond is the unit of the times in /proc (see proc_pid_stat(5)). It is the same on every Linux that Go runs
// on.
const ticksPerSecond = 100

// processorTime returns the processor time that each process has used so far, in seconds, and each process's role. It
// is an error if a process can't be read: one that died in between would make the difference between two readings
// wrong.
func processorTime(n *network.Network) (used map[string]float64, roles map[string]string, err error) {
	used, roles = map[string]float64{}, map[string]string{}
	add := func(name, role string, pid int) error {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return fmt.Errorf("couldn't read the processor time of %s: %w", name, err)
		}
		// The second field is the program's name in brackets, which may contain spaces.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, field := range fields[11:13] {
			ticks, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return fmt.Errorf("couldn't understand the processor time of %s: %w", name, err)
			}
			used[name] += ticks / ticksPerSecond
		}
		roles[name] = role
		return nil
	}
	for _, p := range n.Processes() {
		if err := add(p.Name, p.Role, p.PID); err != nil {
			return nil, nil, err
		}
	}
	return used, roles, add(thisProgram, thisProgram, os.Getpid())
}

// ledgerBytes returns the size of the block files of the first organisation's peer.
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
