package founding

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/test/thorough"
)

const (
	loader       = "market"                                  // the organisation that captures a load
	pallet       = "urn:epc:class:lgtin:9520001.012345.LOAD" // the lot of all events of a load
	loadPace     = time.Second
	loadMost     = 1200 // documents
	loadEvents   = 2    // in each document
	loadPatience = 5 * time.Minute
)

// A load is what an organisation captures while the network lives: one document at a time, each of which is sent again
// until the gateway has said that it is on the ledger.
type load struct {
	cancel       context.CancelFunc
	ended        chan struct{}
	failed       error // for the test itself; set when it has ended
	acknowledged atomic.Int64
}

// beginLoad has the loader capture until end.
func (f *founding) beginLoad() *load {
	ctx, cancel := context.WithCancel(f.t.Context())
	l := &load{cancel: cancel, ended: make(chan struct{})}
	send := f.caller(loader, "submitter")
	file := filepath.Join(f.home, loader, "load.jsonld")
	go func() {
		defer close(l.ended)
		tick := time.NewTicker(loadPace)
		defer tick.Stop()
		for n := 0; n < loadMost; n++ {
			if l.failed = os.WriteFile(file, loadDocument(n), 0o600); l.failed != nil {
				return
			}
			for sent := false; !sent; {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				_, err := send("capture", file)
				sent = err == nil
			}
			l.acknowledged.Add(1)
		}
	}()
	f.t.Cleanup(func() { cancel(); <-l.ended })
	return l
}

// loadDocument is the nth document of a load. No two events are alike.
func loadDocument(n int) []byte {
	var events []any
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
	for i := range loadEvents {
		events = append(events, map[string]any{
			"type": "ObjectEvent", "action": "OBSERVE", "bizStep": "inspecting", "eventTimeZoneOffset": "+00:00",
			"eventTime":    at.Add(time.Duration(i) * time.Second).Format(time.RFC3339),
			"epcList":      []string{fmt.Sprintf("urn:epc:id:sgtin:9520001.012346.%d", n*loadEvents+i)},
			"quantityList": []any{map[string]any{"epcClass": pallet, "quantity": 1, "uom": "KGM"}},
		})
	}
	text, _ := json.Marshal(map[string]any{
		"@context": []string{"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"}, "type": "EPCISDocument",
		"schemaVersion": "2.0", "creationDate": "2026-03-02T08:00:00Z", "epcisBody": map[string]any{"eventList": events},
	}) // of nothing that can't be encoded
	return text
}

// end ends the load and returns how many documents are acknowledged. What was sent last may be on the ledger, too.
func (l *load) end() int {
	l.cancel()
	<-l.ended
	return int(l.acknowledged.Load())
}

// goesOn waits until the load has so many more documents acknowledged.
func (f *founding) goesOn(more int64, when string) {
	f.t.Helper()
	want := f.load.acknowledged.Load() + more
	require.LessOrEqual(f.t, want, int64(loadMost), "the load is over: let it have more documents")
	require.Eventually(f.t, func() bool { return f.load.acknowledged.Load() >= want }, loadPatience, 50*time.Millisecond,
		"nothing is recorded %s", when)
}

// isCutOff pulls the cable of a host, and the others go on. Harbor's orderer leads at first. If PEDIGREE_THOROUGH is
// set, it does so for each host in turn, and waits until the gateway of the host says that it isn't ready: it takes half
// a minute to be sure that it is cut off. When the cable is back, the gateway catches up.
func (f *founding) isCutOff() {
	if f.hosts == nil {
		return
	}
	if !thorough.Asked() {
		require.NoError(f.t, f.hosts.unplug("harbor"))
		f.goesOn(2, "while harbor is cut off")
		require.NoError(f.t, f.hosts.plug("harbor"))
		f.follows("harbor")
		return
	}
	for _, name := range append(slices.Clone(founders), joiner) {
		began := time.Now()
		after := func() time.Duration { return time.Since(began).Round(time.Second) }
		require.NoError(f.t, f.hosts.unplug(name))
		if name == loader {
			require.Eventually(f.t, func() bool {
				_, err := f.try("harbor", "submitter", "register", "dataset/harbor/without-the-"+name+"@1", example(f.t))
				return err == nil
			}, loadPatience, time.Second, "nothing is recorded while %s is cut off", name)
		} else {
			f.goesOn(2, "while "+name+" is cut off")
		}
		f.t.Logf("%s is cut off, and others recorded after %v", name, after())
		require.Eventually(f.t, func() bool { return !f.isReady(name) }, loadPatience, time.Second,
			"%s is cut off, and its gateway says that it is ready", name)
		f.t.Logf("%s says that it isn't ready after %v", name, after())
		assert.Contains(f.t, f.as(name, "auditor", "trace", thing), "HarborMSP", "its gateway answers all the same")
		began = time.Now()
		require.NoError(f.t, f.hosts.plug(name))
		require.Eventually(f.t, func() bool { return f.isReady(name) }, loadPatience, time.Second,
			"the gateway of %s isn't ready although the cable is back", name)
		f.t.Logf("%s is ready again after %v", name, after())
		f.goesOn(2, "after "+name+" came back")
		f.follows(name)
	}
}

// follows waits until the orderer of an organisation, if it has one, has a block that was made after the call. Until then
// no other orderer may be out.
func (f *founding) follows(name string) {
	f.t.Helper()
	if !slices.Contains(founders, name) {
		return
	}
	blocks := func() (own, most uint64) {
		c, _ := f.command(name, "pedigree doctor --json --dir "+name)
		out, _ := c.Output() // it fails if something is wrong
		var diagnosis network.Diagnosis
		require.NoError(f.t, json.Unmarshal(out, &diagnosis))
		for _, node := range diagnosis.Nodes {
			if most = max(most, node.Blocks); node.Role == "orderer" && node.Name != "" {
				own = node.Blocks
			}
		}
		return own, most
	}
	_, before := blocks()
	require.Eventually(f.t, func() bool {
		own, _ := blocks()
		return own > before
	}, loadPatience, time.Second, "the orderer of %s gets no new blocks", name)
}

// isReady reports whether the gateway of an organisation says that it is ready.
func (f *founding) isReady(name string) bool {
	var status network.NetworkStatus
	require.NoError(f.t, json.Unmarshal([]byte(f.run(name, "pedigree status --json --dir "+name)), &status))
	require.Len(f.t, status.Orgs, 1)
	return status.Orgs[0].Ready
}

// replacesAnOrderer gives the place of the farm's orderer, whose ledger and keys are lost for good, to that of another
// organisation. The farm goes on without one.
func (f *founding) replacesAnOrderer() {
	require.NoError(f.t, os.RemoveAll(filepath.Join(f.home, "farm", "farm", "orderer", "orderer1")))
	for _, line := range f.commands("## An orderer is lost for good") {
		switch verb := strings.Join(strings.Fields(line)[1:3], " "); verb {
		case "org init", "org card":
			f.run(substitute, line)
		case "propose replace-orderer":
			f.send(substitute, "harbor", "reefer.json")
			f.run("harbor", line)
		case "review reefer-orders.json":
			f.send("harbor", "market", "reefer-orders.json")
			said := f.run("market", line)
			assert.Contains(f.t, said, "remove the orderer 4, ")
			assert.Contains(f.t, said, "add the orderer 5, ")
		case "approve reefer-orders.json":
			f.passRound(line, "reefer-orders.json")
		case "node start":
			f.send("harbor", substitute, "charter.json")
			f.nodes[substitute] = f.launch(substitute, line)
		default:
			f.run("harbor", line)
		}
	}
	f.shareNoKey()
	f.nodes["farm"] = f.launch("farm", "pedigree node start farm peer chaincode gateway")
	assert.Equal(f.t, f.urls["farm"], f.ready(f.nodes["farm"]))
	require.NoError(f.t, f.nodes["lab"].stop(syscall.SIGTERM)) // so that the new orderer is needed
	f.goesOn(2, "with the new orderer")
	f.nodes["lab"] = f.launch("lab", "pedigree node start lab")
	f.ready(f.nodes["lab"])
}

// leaves ends the membership of the one that joined. Before and after that it audits its ledger.
func (f *founding) leaves() {
	audit := f.audits(joiner)
	for _, line := range f.commands("## An organisation leaves") {
		switch strings.Fields(line)[1] {
		case "review":
			f.send("harbor", "market", "cold-leaves.json")
			assert.Contains(f.t, f.run("market", line), "remove the organisation ColdMSP")
		case "approve":
			f.passRound(line, "cold-leaves.json")
		default:
			f.run("harbor", line)
		}
	}
	f.goesOn(2, "after "+joiner+" has left")
	assert.Contains(f.t, f.run(joiner, audit), "Nothing is wrong.", "it has left")
	require.NoError(f.t, f.nodes[joiner].stop(syscall.SIGTERM))
}

// audits audits the ledger of an organisation's peer with a trust file of that moment. It returns the command.
func (f *founding) audits(name string) string {
	f.t.Helper()
	trust := f.as(name, "auditor", "trust", "export", "--genesis", name+"/channel/pedigree.block")
	require.NoError(f.t, os.WriteFile(filepath.Join(f.home, name, "consortium.json"), []byte(trust), 0o600))
	commands := f.commands("## A machine is lost")
	line := strings.ReplaceAll(commands[len(commands)-1], "HarborMSP", strings.ToUpper(name[:1])+name[1:]+"MSP")
	line = strings.ReplaceAll(line, "harbor", name)
	assert.Contains(f.t, f.run(name, line), "Nothing is wrong.", name)
	return line
}

// isWhole ends the load, and looks for each of its events at each gateway. Then it audits the peers, and verifies the
// proof of the first day against a trust file of the last.
func (f *founding) isWhole() {
	documents := f.load.end()
	require.NoError(f.t, f.load.failed)
	require.Positive(f.t, documents)
	f.t.Logf("%d documents of %d events are acknowledged", documents, loadEvents)
	var first []string
	for _, name := range founders {
		var seen []string
		require.Eventually(f.t, func() bool {
			seen = f.loaded(name)
			return len(seen) >= documents*loadEvents
		}, loadPatience, time.Second, "%s doesn't have all that was acknowledged", name)
		// A document may have been recorded whose acknowledgement was no longer waited for.
		assert.Contains(f.t, []int{documents * loadEvents, (documents + 1) * loadEvents}, len(seen), name)
		if first == nil {
			first = seen
		}
		assert.Equal(f.t, first, seen, "%s has other events than %s", name, founders[0])
		f.audits(name)
	}
	verdict := f.run("lab", "pedigree verify thing.proof --trust consortium.json --trace "+thing)
	assert.Contains(f.t, verdict, "HarborMSP")
}

// loaded lists the events of the load that an organisation's gateway knows.
func (f *founding) loaded(name string) (events []string) {
	var graph struct{ Nodes []struct{ ID, Kind string } }
	require.NoError(f.t, json.Unmarshal([]byte(f.as(name, "auditor", "show", pallet, "--json")), &graph))
	for _, node := range graph.Nodes {
		if node.Kind == "event" {
			events = append(events, node.ID)
		}
	}
	slices.Sort(events)
	return events
}
