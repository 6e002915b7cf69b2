package runs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// load is a run of a made-up pipeline, at a time of its own.
type load struct {
	name, moment  string
	reads, writes []string
	replaces      bool // what it writes
}

func (l load) event() string {
	var inputs, outputs []string
	for _, table := range l.reads {
		inputs = append(inputs, ds(table))
	}
	for _, table := range l.writes {
		if l.replaces {
			outputs = append(outputs, ds(table, changed("OVERWRITE")))
		} else {
			outputs = append(outputs, ds(table))
		}
	}
	return at(l.moment, ev(l.name, "COMPLETE", strings.Join(inputs, ","), strings.Join(outputs, ",")))
}

// origins is the oracle: it looks at all runs in the order of their times, and tells which versions each version comes
// from. A version is of what its run has read, as it was then, and of what lay there before, unless that was replaced.
func origins(loads []load) map[string][]string {
	newest, comesFrom := map[string]string{}, map[string][]string{}
	for _, l := range loads { // in the order of their times
		var read []string
		for _, table := range l.reads {
			if v := newest[table]; v != "" {
				read = union(union(read, []string{v}), comesFrom[v])
			}
		}
		for _, table := range l.writes {
			v := ref(table, "run-"+l.name)
			comesFrom[v] = slices.Clone(read)
			if before := newest[table]; before != "" && !l.replaces {
				comesFrom[v] = union(union(comesFrom[v], []string{before}), comesFrom[before])
			}
		}
		for _, table := range l.writes {
			newest[table] = ref(table, "run-"+l.name)
		}
	}
	return comesFrom
}

func TestLineageIsThatOfTheTimesInWhateverOrderEventsArrive(t *testing.T) {
	tables := []string{"a", "b", "c"}
	rapid.Check(t, func(r *rapid.T) {
		var loads []load
		for i := range rapid.IntRange(2, 6).Draw(r, "runs") {
			some := func(label string, least int) []string {
				return rapid.SliceOfNDistinct(rapid.SampledFrom(tables), least, 2, rapid.ID[string]).Draw(r, label)
			}
			loads = append(loads, load{
				name: fmt.Sprint("r", i), moment: time.Date(2026, 3, 1, 8, i, 0, 0, time.UTC).Format("15:04:05"),
				reads: some("reads", 0), writes: some("writes", 1), replaces: rapid.Bool().Draw(r, "replaces"),
			})
		}
		want := origins(loads)
		arrival := rapid.Permutation(loads).Draw(r, "arrival")
		together := rapid.Bool().Draw(r, "together")

		f := newFixture(t, Config{Linger: time.Nanosecond})
		f.run()
		var events []string
		for _, l := range arrival {
			if events = append(events, l.event()); !together {
				f.add(l.event())
				f.settled()
			}
		}
		if together {
			f.add(events...)
			f.settled()
		}
		for version, sources := range want {
			var got []string
			for _, node := range f.ancestors(version) {
				if strings.Contains(node, "@run-") && node != version {
					got = append(got, node)
				}
			}
			if together { // nothing was recorded before all was known
				require.ElementsMatch(r, sources, got, "%s in %+v", version, arrival)
			} else { // what is recorded stays, so there may be more
				require.Subset(r, got, sources, "%s in %+v", version, arrival)
			}
		}
		f.close()
		f.open() // for the end of the test
	})
}
