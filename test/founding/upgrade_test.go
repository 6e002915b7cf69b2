package founding

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network"
	build "github.com/pedigree-ledger/pedigree/test/program"
)

// upgradesTheRules has organisations replace the program by one with newer rules and put these into force, as the page
// says. The farm keeps its old program until afterwards.
func (f *founding) upgradesTheRules(start string) {
	t := f.t
	start, _, _ = strings.Cut(start, " --charter")
	newer, err := build.Build("../..", filepath.Join(f.home, "newer"), "-tags=trialrules")
	require.NoError(t, err)
	replace := func(name string) *node {
		old := f.nodes[name]
		require.NoError(t, old.stop(syscall.SIGTERM))
		f.newer[name] = newer
		f.nodes[name] = f.launch(name, start)
		f.ready(f.nodes[name])
		return old
	}
	by := []string{"market", "lab", joiner, "harbor"} // approve it, one after another
	for _, name := range by {
		replace(name)
		f.goesOn(2, "after "+name+" has replaced its program") // before another orderer is out
	}
	// The page tells of the step to version 2, with which this network began.
	next := strings.NewReplacer("rules 2", "rules 3", "rules-2", "rules-3")
	for _, line := range f.commands("## Upgrading the rules") {
		line = next.Replace(line)
		switch verb := strings.Fields(line)[1]; verb {
		case "propose":
			assert.Contains(t, f.run("harbor", line), "put rules 3 into force: the witnesses of a transaction")
			for _, name := range append(by[:3:3], "farm") {
				f.send("harbor", name, "rules-3.json")
			}
		case "approve":
			for _, name := range by {
				f.run(name, strings.ReplaceAll(line, "market", name))
			}
			c, _ := f.command("farm", strings.ReplaceAll(line, "market", "farm"))
			out, failed := c.CombinedOutput()
			require.Error(t, failed, "a program without the rules approves them")
			assert.Contains(t, string(out), "use a newer program on this host")
		case "review":
			assert.Contains(t, f.run("market", line), "It still needs the approval of 3 more of")
		default:
			assert.Contains(t, f.run("harbor", line), "Definition 2 is in force, with rules 3")
		}
	}
	f.as("harbor", "submitter", "register", "dataset/harbor/ruled@2", example(t))
	assert.Contains(t, f.as("farm", "auditor", "trace", thing), "HarborMSP", "the gateway of an old program answers")
	f.run("lab", "pedigree verify thing.proof --trust trust.json --trace "+thing)

	require.Eventually(t, func() bool {
		var status network.NetworkStatus
		require.NoError(t, json.Unmarshal([]byte(f.run("harbor", "pedigree status --json --dir harbor")), &status))
		return len(status.Processes) == 4
	}, founderPatience, time.Second, "harbor never ends its chaincode of the old rules")

	select {
	case <-f.nodes["farm"].idle:
	case <-time.After(founderPatience):
		require.Fail(t, "the farm never says that its program is too old")
	}
	old := replace("farm")
	assert.Contains(t, old.said, "FarmMSP endorses nothing: definition 2 is in force, and these are rules 3")
	f.run("farm", "pedigree approve rules-3.json --yes --dir farm/farm")
	assert.Contains(t, f.run("farm", "pedigree review rules-3.json --dir farm/farm"), "which is in force")
	assert.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(f.home, "farm", "farm", "log", "farm-chaincode-rules-3.log"))
		return err == nil
	}, founderPatience, 100*time.Millisecond, "the farm never runs the chaincode for the new rules")
}
