// Package founding has the test of a network of organisations that share no key, each on a host of its own. It follows
// docs/operating.md.
package founding

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network"
	build "github.com/pedigree-ledger/pedigree/test/program"
)

// founders are the organisations of the page. Each has a home of its own.
var founders = []string{"harbor", "market", "lab", "farm"}

// joiner is the organisation of the page that joins later, and substitute the one whose orderer replaces a founder's.
const joiner, substitute = "cold", "reefer"

// thing is the object of the recorded event.
const thing = "urn:epc:id:sgtin:9520001.012345.17"

// founderPatience is the longest time in which the network may form on a busy machine.
const founderPatience = 4 * time.Minute

// A founding is the life of a network as the page tells it.
type founding struct {
	t       *testing.T
	program string
	home    string // one folder for each founder, as its host
	base    map[string]int
	nodes   map[string]*node
	urls    map[string]string // of the gateways
	newer   map[string]string // the program of those who have replaced it
	hosts   *hosts            // nil: all are on this machine
	load    *load
}

func TestOrganisationsFoundANetworkAsThePageSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a network")
	}
	require.NoError(t, build.Look("../.."))
	home := t.TempDir()
	program, err := build.Build("../..", home)
	require.NoError(t, err)
	// The hosts have no way to the world, from which Fabric's modules come.
	require.NoError(t, network.HaveFabric(t.Context(), os.Stderr))
	f := &founding{t: t, program: program, home: home, base: map[string]int{}, nodes: map[string]*node{},
		urls: map[string]string{}, newer: map[string]string{}}
	base := build.FreePorts()
	everybody := append(slices.Clone(founders), joiner, substitute)
	f.hosts = layHosts(t, everybody)
	for _, name := range everybody {
		base = freeAfter(base)
		f.base[name] = base
		base += 12
		require.NoError(t, os.Mkdir(filepath.Join(home, name), 0o700))
	}

	var start, rejoin string
	for _, line := range f.commands("## A network of several organisations") {
		switch verb := strings.Join(strings.Fields(line)[1:3], " "); verb {
		case "charter new": // one of them makes it of the cards that the others have sent
			for _, name := range founders[1:] {
				f.send(name, "harbor", name+".json")
			}
			f.run("harbor", line)
		case "charter sign": // the file goes from one to the next
			for i, name := range founders {
				if i > 0 {
					f.send(founders[i-1], name, "charter.json")
				}
				f.run(name, strings.ReplaceAll(line, "harbor", name))
			}
			for _, name := range founders[:3] {
				f.send("farm", name, "charter.json")
			}
		case "node start":
			if start == "" {
				start = line
			} else {
				rejoin = line
			}
		default:
			for _, name := range founders {
				if _, err := os.Stat(filepath.Join(home, name, "charter.json")); err != nil && verb == "charter show" {
					continue
				}
				f.run(name, strings.ReplaceAll(line, "harbor", name))
			}
		}
	}
	require.NotEmpty(t, start, "the page doesn't start the network")
	require.Contains(t, rejoin, "--rejoin", "the page doesn't say what to do about a lost disk")
	f.shareNoKey()
	f.start(start)
	f.recordAndProve()
	f.load = f.beginLoad()
	for _, part := range []struct {
		name string
		live func()
	}{
		{"is up once", f.isUpOnce},
		{"comes back after a kill", func() { f.comesBackAfterAKill(start) }},
		{"backs up", f.backsUp},
		{"takes in another", f.takesInAnother},
		{"is cut off", f.isCutOff},
		{"renews", f.renews},
		{"upgrades the rules", func() { f.upgradesTheRules(start) }},
		{"gets a lost ledger", func() { f.getsALostLedger(rejoin) }},
		{"is restored", f.isRestored},
		{"replaces an orderer", f.replacesAnOrderer},
		{"leaves", f.leaves},
		{"is whole", f.isWhole},
	} {
		began := time.Now()
		part.live()
		t.Logf("%s: %v", part.name, time.Since(began).Round(time.Second))
	}
	for name, n := range f.nodes {
		assert.NoError(t, n.stop(syscall.SIGTERM), "the node of %s doesn't stop in order", name)
	}
}

// recordAndProve records through one gateway, asks the others for it, and verifies a proof on a third host.
func (f *founding) recordAndProve() {
	t := f.t
	capture := f.as("harbor", "submitter", "capture", example(t))
	assert.Contains(t, capture, "recorded")
	proof := f.as("farm", "auditor", "proof", "--trace", thing)
	trust := f.as("farm", "auditor", "trust", "export", "--genesis", "farm/channel/pedigree.block")
	require.NoError(t, os.WriteFile(filepath.Join(f.home, "lab", "thing.proof"), []byte(proof), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(f.home, "lab", "trust.json"), []byte(trust), 0o600))
	verdict := f.run("lab", "pedigree verify thing.proof --trust trust.json --trace "+thing)
	assert.Contains(t, verdict, "HarborMSP")
	for _, name := range founders[1:] {
		assert.Contains(t, f.as(name, "auditor", "trace", thing), "HarborMSP", name)
	}
}

// isUpOnce starts a founder that is up a second time.
func (f *founding) isUpOnce() {
	second := f.launch("harbor", "pedigree node start harbor")
	<-second.ended
	assert.Error(f.t, second.failed)
	assert.Contains(f.t, second.said, "is already up")
	var status network.NetworkStatus
	require.NoError(f.t, json.Unmarshal([]byte(f.run("harbor", "pedigree status --json --dir harbor")), &status))
	assert.Equal(f.t, network.StateReady, status.State, status.Reason)
	assert.Len(f.t, status.Processes, 4)
}

// comesBackAfterAKill kills a founder's supervisor, which leaves its processes, and starts it again.
func (f *founding) comesBackAfterAKill(start string) {
	require.Error(f.t, f.nodes["farm"].stop(syscall.SIGKILL))
	start, _, _ = strings.Cut(start, " --charter")
	f.nodes["farm"] = f.launch("farm", start)
	assert.Equal(f.t, f.urls["farm"], f.ready(f.nodes["farm"]))
	assert.Contains(f.t, f.as("farm", "auditor", "trace", thing), "HarborMSP")
}

// takesInAnother has another organisation join, as the page says. What it records then is seen by the founders.
func (f *founding) takesInAnother() {
	for _, line := range f.commands("## An organisation joins") {
		switch verb := strings.Join(strings.Fields(line)[1:3], " "); verb {
		case "org init":
			f.run(joiner, line)
		case "org card":
			f.run(joiner, line)
			f.send(joiner, "harbor", "cold.json")
		case "review cold-joins.json":
			f.send("harbor", "market", "cold-joins.json")
			assert.Contains(f.t, f.run("market", line), "add the organisation ColdMSP as a member")
		case "approve cold-joins.json":
			f.passRound(line, "cold-joins.json")
		case "node start":
			f.send("harbor", joiner, "charter.json")
			f.nodes[joiner] = f.launch(joiner, line)
			f.urls[joiner] = f.ready(f.nodes[joiner])
		default:
			f.run("harbor", line)
		}
	}
	require.Contains(f.t, f.nodes, joiner, "the page doesn't start the node of who joins")
	f.shareNoKey()
	f.as(joiner, "submitter", "register", "dataset/cold/temperatures@1", example(f.t))
	assert.Contains(f.t, f.as(joiner, "auditor", "trace", thing), "HarborMSP")
	require.Eventually(f.t, func() bool {
		shown, err := f.try("harbor", "auditor", "show", "dataset/cold/temperatures@1")
		return err == nil && strings.Contains(shown, "ColdMSP")
	}, time.Minute, 100*time.Millisecond)
	// Nobody has edited a file of harbor's gateway: it knows who has joined from the channel's configuration.
	proof := f.as("harbor", "auditor", "proof", "--organisations", "5", "--level", "block", "dataset/cold/temperatures@1")
	require.NoError(f.t, os.WriteFile(filepath.Join(f.home, "lab", "cold.proof"), []byte(proof), 0o600))
	trust := f.run("lab", "pedigree trust export --genesis lab/channel/pedigree.block --with cold.proof")
	require.NoError(f.t, os.WriteFile(filepath.Join(f.home, "lab", "newer.json"), []byte(trust), 0o600))
	verdict := f.run("lab", "pedigree verify cold.proof --trust newer.json")
	assert.Contains(f.t, verdict, "ColdMSP, FarmMSP, HarborMSP, LabMSP, MarketMSP")
}

// passRound has more than half of four approve a proposal, one after another. The market has its file, and at the end
// harbor.
func (f *founding) passRound(line, file string) {
	at := "market"
	for _, name := range []string{"market", "lab", "harbor"} {
		if name != at {
			f.send(at, name, file)
		}
		f.run(name, strings.ReplaceAll(line, "market", name))
		at = name
	}
}

// getsALostLedger loses the ledger of a founder's orderer, and has it rejoin. Then it is needed: another is stopped.
func (f *founding) getsALostLedger(rejoin string) {
	require.NoError(f.t, f.nodes["farm"].stop(syscall.SIGTERM))
	require.NoError(f.t, os.RemoveAll(filepath.Join(f.home, "farm", "farm", "orderer", "orderer1", "ledger")))
	refused := f.launch("farm", strings.Split(rejoin, " --rejoin")[0])
	<-refused.ended
	require.Error(f.t, refused.failed)
	assert.Contains(f.t, refused.said, "orderer1 has lost its ledger")
	assert.Contains(f.t, refused.said, "no more than 1 of the 4")

	f.nodes["farm"] = f.launch("farm", rejoin)
	f.ready(f.nodes["farm"])
	assert.Contains(f.t, f.run("lab", "pedigree status --dir lab"), "ready")
	f.run("lab", "pedigree down --dir lab")
	<-f.nodes["lab"].ended
	require.NoError(f.t, f.nodes["lab"].failed)
	f.as("harbor", "submitter", "register", "dataset/harbor/afterwards@1", example(f.t))
}

// backsUp has a founder make a backup while its node runs. Its key and the backup are kept elsewhere.
func (f *founding) backsUp() {
	for _, line := range f.commands("## A machine is lost")[:2] {
		f.run("lab", strings.ReplaceAll(line, "harbor", "lab"))
	}
}

// renews renews a founder's certificates, after its backup. The others approve that of its orderer, which its node takes
// by itself.
func (f *founding) renews() {
	identity := filepath.Join(f.home, "lab", "lab", "orderer", "orderer1", "msp", "signcerts", "cert.pem")
	before, err := os.ReadFile(identity)
	require.NoError(f.t, err)
	at := "lab"
	for _, line := range f.commands("## An organisation renews its certificates") {
		line = strings.ReplaceAll(line, "harbor", "lab")
		switch strings.Fields(line)[1] {
		case "approve":
			for _, name := range []string{"market", "harbor"} { // with that of the lab, more than half of four
				if name != at {
					f.send(at, name, "lab-renews.json")
				}
				f.run(name, strings.ReplaceAll(line, "market", name))
				at = name
			}
			f.send(at, "market", "lab-renews.json")
		case "review":
			f.send("lab", "market", "lab-renews.json")
			said := f.run("market", line)
			assert.Contains(f.t, said, "renew the certificates of the orderer")
			assert.NotContains(f.t, said, "WARNING")
			at = "market"
		case "apply":
			f.run("market", line)
		default:
			f.run("lab", line)
			has, err := os.ReadFile(identity)
			require.NoError(f.t, err)
			require.Equal(f.t, before, has, "others haven't agreed yet")
			assert.Contains(f.t, f.run("lab", "pedigree status --dir lab"), "ready")
		}
	}
	require.Eventually(f.t, func() bool {
		has, err := os.ReadFile(identity)
		_, waits := os.Stat(filepath.Join(f.home, "lab", "lab", "orderer", "orderer1", "renewal"))
		return err == nil && !bytes.Equal(before, has) && os.IsNotExist(waits)
	}, founderPatience, 100*time.Millisecond)
}

// isRestored loses a founder's machine, whose peer and orderer have to get the ledger from the others, and restores it.
// The others have the ledger, and not what the founder approved: their nodes approve it again with it.
func (f *founding) isRestored() {
	require.NoError(f.t, os.RemoveAll(filepath.Join(f.home, "lab", "lab")))
	require.NoError(f.t, os.Rename(filepath.Join(f.home, "lab", "trust.json"),
		filepath.Join(f.home, "lab", "consortium.json")))
	for _, line := range f.commands("## A machine is lost")[2:] {
		switch words := strings.Fields(line); words[1] {
		case "node":
			f.nodes["lab"] = f.launch("lab", line)
			assert.Equal(f.t, f.urls["lab"], f.ready(f.nodes["lab"]))
		case "audit":
			line = strings.ReplaceAll(strings.ReplaceAll(line, "HarborMSP", "LabMSP"), "harbor", "lab")
			assert.Contains(f.t, f.run("lab", line), "Nothing is wrong.")
		default:
			f.run("lab", strings.ReplaceAll(line, "harbor", "lab"))
		}
	}
	f.as("lab", "submitter", "register", "dataset/lab/afterwards@1", example(f.t))
	require.NoError(f.t, f.nodes["farm"].stop(syscall.SIGTERM)) // so that the restored orderer is needed
	f.as("harbor", "submitter", "register", "dataset/harbor/restored@1", example(f.t))
}

// freeAfter returns the first base port from which an organisation's ports are free.
func freeAfter(base int) int {
	for {
		free := true
		for _, offset := range []int{1, 2, 3, 10, 11} {
			l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(base+offset))
			if free = free && err == nil; err == nil {
				_ = l.Close()
			}
		}
		if free {
			return base
		}
		base++
	}
}

// commands returns the commands of a section of the page.
func (f *founding) commands(section string) []string {
	text, err := os.ReadFile("../../docs/operating.md")
	require.NoError(f.t, err)
	_, text, found := bytes.Cut(text, []byte(section+"\n"))
	require.True(f.t, found)
	text, _, _ = bytes.Cut(text, []byte("\n## "))
	var commands []string
	shown := false
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "```"):
			shown = line == "```sh"
		case shown:
			require.True(f.t, strings.HasPrefix(line, "pedigree "), line)
			commands = append(commands, line)
		}
	}
	return commands
}

// command prepares a command as an organisation gives it on its own host. If all hosts are this machine, the
// organisations differ in their ports.
func (f *founding) command(name, line string) (c *exec.Cmd, into string) {
	if f.hosts == nil {
		line = strings.Replace(line, "--host ledger."+name+".example",
			"--host 127.0.0.1 --base-port "+strconv.Itoa(f.base[name]), 1)
		for other, base := range f.base {
			line = strings.Replace(line, "ledger."+other+".example:7051", "127.0.0.1:"+strconv.Itoa(base+1), 1)
			line = strings.Replace(line, "ledger."+other+".example:7060", "127.0.0.1:"+strconv.Itoa(base+10), 1)
		}
	}
	line, into, _ = strings.Cut(line, " > ")
	c = exec.CommandContext(f.t.Context(), cmp.Or(f.newer[name], f.program), strings.Fields(line)[1:]...)
	c.Dir = filepath.Join(f.home, name)
	f.hosts.on(name, c)
	return c, into
}

func (f *founding) run(name, line string) string {
	f.t.Helper()
	c, into := f.command(name, line)
	return f.output(c, into)
}

// as runs a command for a role of an organisation, at its gateway.
func (f *founding) as(name, role string, args ...string) string {
	f.t.Helper()
	out, err := f.try(name, role, args...)
	require.NoError(f.t, err, "%v", args)
	return out
}

// try is as for a command that may fail.
func (f *founding) try(name, role string, args ...string) (string, error) {
	return f.caller(name, role)(args...)
}

// caller returns a function that runs commands for a role of an organisation, at its gateway. It may run beside others.
func (f *founding) caller(name, role string) func(args ...string) (string, error) {
	f.t.Helper()
	token, err := os.ReadFile(filepath.Join(f.home, name, name, name, role+".token"))
	require.NoError(f.t, err)
	env := append(os.Environ(), "PEDIGREE_URL="+f.urls[name], "PEDIGREE_TOKEN="+strings.TrimSpace(string(token)))
	return func(args ...string) (string, error) {
		c := exec.CommandContext(f.t.Context(), f.program, args...)
		c.Dir = filepath.Join(f.home, name)
		f.hosts.on(name, c)
		c.Env = env
		var said bytes.Buffer
		c.Stderr = &said
		out, err := c.Output()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, &said)
		}
		return string(out), err
	}
}

func (f *founding) output(c *exec.Cmd, into string) string {
	f.t.Helper()
	var out, errors bytes.Buffer
	c.Stdout, c.Stderr = &out, &errors
	require.NoError(f.t, c.Run(), "%v\n%s%s", c.Args, &out, &errors)
	if into != "" {
		require.NoError(f.t, os.WriteFile(filepath.Join(c.Dir, into), out.Bytes(), 0o644))
	}
	return out.String()
}

// send copies a file from one host to another.
func (f *founding) send(from, to, file string) {
	text, err := os.ReadFile(filepath.Join(f.home, from, file))
	require.NoError(f.t, err)
	require.NotContains(f.t, string(text), "PRIVATE KEY")
	require.NoError(f.t, os.WriteFile(filepath.Join(f.home, to, file), text, 0o644))
}

func example(t *testing.T) string {
	path, err := filepath.Abs("../examples/landing.jsonld")
	require.NoError(t, err)
	return path
}

// shareNoKey checks that no key is on two hosts.
func (f *founding) shareNoKey() {
	seen := map[string]string{}
	for name := range f.base {
		err := filepath.WalkDir(filepath.Join(f.home, name), func(path string, entry os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.Name() == "bin" { // the program, which has the words in it
				return filepath.SkipDir
			}
			if entry.IsDir() {
				return nil
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte("PRIVATE KEY")) {
				other, known := seen[string(text)]
				assert.False(f.t, known && other != name, "%s has a key of %s", name, other)
				seen[string(text)] = name
			}
			return err
		})
		require.NoError(f.t, err)
	}
	assert.Greater(f.t, len(seen), 4*len(founders))
}
