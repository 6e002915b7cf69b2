package network

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// hosts are the nodes of organisations that share no key, each in a folder of its own.
type hosts struct {
	t     *testing.T
	names []string
	dirs  map[string]string
	nodes map[string]*Node
	said  map[string]*transcript
}

// A transcript is what a node has said.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *transcript) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return io.MultiWriter(&s.text, os.Stderr).Write(text)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func startHosts(t *testing.T) *hosts {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a real network, which -short leaves out")
	}
	dirs, file := founders(t, 2, 1, 1)
	h := &hosts{t: t, names: []string{"harbor", "market", "lab"}, dirs: map[string]string{}, nodes: map[string]*Node{},
		said: map[string]*transcript{}}
	t.Cleanup(func() {
		for _, node := range h.nodes {
			assert.NoError(t, node.Stop())
		}
	})
	started := make([]*Node, len(dirs))
	var starts []func() error
	for i, name := range h.names {
		h.dirs[name], h.said[name] = dirs[i], &transcript{}
		starts = append(starts, func() (err error) {
			if name == "lab" { // comes later than the others
				for _, other := range h.names[:2] {
					if !h.says(other, "it is the turn of LabMSP, who haven't approved it") {
						return errors.New(other + " doesn't say for whom it waits")
					}
				}
			}
			started[i], err = StartNode(within(t, 2*time.Minute), NodeOptions{Dir: dirs[i], Charter: file, Out: h.said[name]})
			return err
		})
	}
	err := together(starts...)
	for i, node := range started {
		if node != nil {
			h.nodes[h.names[i]] = node
		}
	}
	require.NoError(t, err)
	return h
}

func (h *hosts) start(name string, file *charter.File) {
	h.t.Helper()
	node, err := StartNode(within(h.t, time.Minute), NodeOptions{Dir: h.dirs[name], Charter: file, Out: h.said[name]})
	require.NoError(h.t, err)
	h.nodes[name] = node
}

// as runs a verb as an organisation, and returns what it prints.
func (h *hosts) as(name string, want int, args ...string) string {
	h.t.Helper()
	var b bytes.Buffer
	root := &cobra.Command{Use: "pedigree"}
	root.AddCommand(proposal.Verbs(Definitions{})...)
	root.SetArgs(append(args, "--dir="+filepath.Join(h.dirs[name], name)))
	root.SetOut(&b)
	root.SetErr(&b)
	root.SetContext(h.t.Context())
	require.Equal(h.t, want, cli.Run(root), "%v: %s", args, &b)
	return b.String()
}

// endorses reports whether the peer of an organisation endorses alone.
func (h *hosts) endorses(name string) bool {
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Second)
	defer cancel()
	node := h.nodes[name]
	_, err := node.network.clients[0].endorse(ctx, ChaincodeName, provenFunction, nil, node.org.Org.MSPID)
	return err == nil
}

// says reports whether a node says something within a minute.
func (h *hosts) says(name, what string) bool {
	h.t.Helper()
	return assert.Eventually(h.t, func() bool { return strings.Contains(h.said[name].String(), what) }, time.Minute,
		50*time.Millisecond, "%s never says: %s", name, what)
}

func (h *hosts) saysSoon(name, what string) {
	h.t.Helper()
	require.True(h.t, h.says(name, what))
}

// TestADefinitionIsDecidedOnByHostsThatShareNoKey is the life of a definition: an approval is lost and made anew, who
// must endorse changes without one of them, and that one comes after.
func TestADefinitionIsDecidedOnByHostsThatShareNoKey(t *testing.T) {
	h := startHosts(t)
	dir := t.TempDir()
	loses := func() {
		require.NoError(t, h.nodes["lab"].Stop())
		delete(h.nodes, "lab")
		require.NoError(t, os.RemoveAll(filepath.Join(h.dirs["lab"], "lab", "peer", "ledger")))
	}
	loses()
	h.start("lab", nil)
	assert.NotContains(t, h.said["lab"].String(), "endorses nothing")
	assert.True(t, h.endorses("lab"), "the ledger has the hash of what it has approved, and its package is the same")

	loses()
	_, err := folder(h.dirs["lab"]).changeOrganisation(t.Context(), func(o *organisation) { o.Org.ChaincodePort += 3 })
	require.NoError(t, err)
	h.start("lab", nil) // with another package
	h.saysSoon("lab", "LabMSP endorses nothing: its peer's ledger was lost")
	for _, name := range h.names { // the nodes of the others approve it again by themselves
		h.saysSoon(name, "definition 2 is in force, with rules 2")
		require.Eventually(t, func() bool { return h.endorses(name) }, time.Minute, 100*time.Millisecond, name)
	}

	again := filepath.Join(dir, "again.json")
	said := h.as("harbor", exit.Done, "propose", "chaincode", "--out="+again)
	assert.Contains(t, said, "keep the rules of version 2")
	assert.Contains(t, said, "change nothing: all approve the same again")
	assert.Contains(t, said, "still needs the approval of 2 more of HarborMSP, LabMSP, MarketMSP")
	h.as("harbor", exit.Usage, "propose", "chaincode", "--out="+again) // it is there already
	assert.Contains(t, h.as("market", exit.Refused, "apply", again), "2 more of HarborMSP, LabMSP, MarketMSP")

	other := filepath.Join(dir, "other.json")
	said = h.as("harbor", exit.Done, "propose", "chaincode", "--endorsement=2 of HarborMSP,MarketMSP", "--out="+other)
	assert.Contains(t, said, "to: 2 of (HarborMSP.peer, MarketMSP.peer)")
	assert.Contains(t, said, "nothing is recorded while one of these is out: HarborMSP, MarketMSP")
	assert.Contains(t, h.as("harbor", exit.Done, "approve", other, "--yes"),
		"Approved for HarborMSP, on the ledger. It still needs the approval of")
	assert.Contains(t, h.as("market", exit.Done, "approve", other, "--yes"), "Enough have approved it")
	assert.Contains(t, h.as("market", exit.Done, "review", other), "The peers of LabMSP will endorse nothing")
	assert.Contains(t, h.as("harbor", exit.Done, "apply", other), "LabMSP haven't approved it")
	assert.Contains(t, h.as("harbor", exit.Refused, "apply", other), "in force already")
	h.saysSoon("lab", "definition 3 is in force, with rules 2, and LabMSP hasn't approved it")
	assert.Contains(t, h.as("lab", exit.Refused, "review", again), "another one came first")

	late := filepath.Join(dir, "late.json")
	said = h.as("lab", exit.Done, "propose", "chaincode", "--in-force", "--out="+late)
	assert.Contains(t, said, "Not approved by LabMSP")
	assert.Contains(t, h.as("lab", exit.Done, "approve", late, "--yes"), "It is in force")
	require.Eventually(t, func() bool { return h.endorses("lab") }, time.Minute, 100*time.Millisecond)

	// Nobody can endorse when one of the two that the definition names has left.
	leave := filepath.Join(dir, "leave.json")
	said = h.as("harbor", exit.Done, "propose", "remove-organisation", "MarketMSP", "--out="+leave)
	assert.Contains(t, said, "names MarketMSP as one that endorses, and it isn't a member")
	assert.Contains(t, said, "nobody can endorse any more by the chaincode's definition")
	assert.Contains(t, said, "MarketMSP still runs the orderer")

	// A node that starts again keeps to what its operator has approved.
	require.NoError(t, h.nodes["harbor"].Stop())
	delete(h.nodes, "harbor")
	h.start("harbor", nil)
	assert.True(t, h.endorses("harbor"))
}
