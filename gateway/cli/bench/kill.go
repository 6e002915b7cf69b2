package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/network"
)

// KillReport says what happened to events while processes were killed at random.
type KillReport struct {
	Machine  string         `json:"machine"`
	Orgs     int            `json:"organisations"`
	Orderers int            `json:"orderers"`
	Seed     uint64         `json:"seed"`
	Seconds  float64        `json:"seconds"` // duration of the killing
	Kills    map[string]int `json:"kills"`   // by name of the process
	Repeats  int            `json:"repeats"` // how often something had to be sent again

	// LongestGapSeconds is the longest time in which no events were committed, of any sender.
	LongestGapSeconds float64 `json:"longestGapSeconds"`
	Counted           Count   `json:"counted"`
}

const (
	shortestLife = 300 * time.Millisecond // shortest time between two kills
	longestLife  = 4 * time.Second
	chosenFor    = time.Minute // how long the same peer and the same orderer are killed
)

// killed lists the roles whose processes are killed. Chaincode processes are left alone, because they keep no state.
var killed = []string{"gateway", "peer", "orderer"}

// MeasureKills kills gateways, a peer and an orderer with SIGKILL at random times. Meanwhile events come in to all
// organisations, in documents and one by one, from senders that repeat what wasn't acknowledged. Finally it counts:
// each acknowledged event must be on the ledger exactly once. If one isn't, it returns both a report and an error.
func MeasureKills(ctx context.Context, o Options, progress io.Writer) (*KillReport, error) {
	r, stop, err := begin(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer stop()
	report := &KillReport{
		Machine:  machine(),
		Orgs:     len(r.gateways),
		Orderers: len(r.network.Orderers()),
		Seed:     o.Seed,
		Kills:    map[string]int{},
	}
	for report.Seed == 0 {
		report.Seed = rand.Uint64N(1_000_000)
	}
	r.say("killing processes at random times for %s, with --seed %d …", o.Kill, report.Seed)
	t := newTraffic(ctx)
	for org, gateway := range r.gateways {
		for _, size := range lineSizes {
			t.start(org, gateway, size)
		}
	}
	began := time.Now()
	killing := r.killAtRandom(rand.New(rand.NewPCG(report.Seed, 0)), began.Add(o.Kill), t, report.Kills)
	report.LongestGapSeconds, report.Seconds = t.longestGap(began, time.Now()).Seconds(), time.Since(began).Seconds()
	if killing == nil {
		again, cancel := context.WithTimeout(ctx, killPatience)
		killing = t.awaitCommits(again, time.Now()) // the network must recover while events come in
		cancel()
	}
	ended := t.end()
	if killing != nil || ended != nil {
		return nil, fmt.Errorf("couldn't go on sending events: %w (%v)", killing, ended)
	}
	report.Repeats = t.repeats()
	report.Counted, err = r.settle(t)
	return report, err
}

// killAtRandom kills one process after another until the time is over. It may kill any gateway, but for a while only
// one peer and one orderer, and then another one of each. So enough of them are always left to continue.
func (r *run) killAtRandom(random *rand.Rand, until time.Time, t *traffic, kills map[string]int) error {
	var chosen map[string]string // by role
	var since time.Time
	for time.Now().Before(until) {
		if time.Since(since) > chosenFor {
			since = time.Now()
			chosen = map[string]string{"peer": r.pick(random, "peer"), "orderer": r.pick(random, "orderer")}
			r.say("  from now on %s, %s and gateways", chosen["peer"], chosen["orderer"])
		}
		pause := shortestLife + time.Duration(random.Int64N(int64(longestLife-shortestLife)))
		select {
		case <-r.ctx.Done():
			return r.ctx.Err()
		case <-time.After(pause):
		}
		if err := t.err(); err != nil {
			return err
		}
		name := r.pick(random, "gateway")
		if role := killed[random.IntN(len(killed))]; role != "gateway" {
			name = chosen[role]
		}
		running := slices.ContainsFunc(
			r.network.Processes(),
			func(p network.ProcessStatus) bool { return p.Name == name && p.Running },
		)
		if !running { // it has yet to be restarted
			continue
		}
		if err := r.network.Kill(name); err != nil {
			return err
		}
		kills[name]++
	}
	return nil
}

// pick chooses a process with a role.
func (r *run) pick(random *rand.Rand, role string) string {
	var all []string
	for _, p := range r.network.Processes() {
		if p.Role == role {
			all = append(all, p.Name)
		}
	}
	return all[random.IntN(len(all))]
}

func (k *KillReport) print(w io.Writer) error {
	fmt.Fprintf(w, "%s; %d organisations, %d orderers; --seed %d\n\n", k.Machine, k.Orgs, k.Orderers, k.Seed)
	total := 0
	for _, name := range slices.Sorted(maps.Keys(k.Kills)) {
		fmt.Fprintf(w, "  %-18s killed %d times\n", name, k.Kills[name])
		total += k.Kills[name]
	}
	_, err := fmt.Fprintf(
		w,
		"\n%d kills in %.0f s; %d requests had to be repeated; the longest time without a commit was %.1f s\n%s\n",
		total,
		k.Seconds,
		k.Repeats,
		k.LongestGapSeconds,
		k.Counted,
	)
	return err
}
