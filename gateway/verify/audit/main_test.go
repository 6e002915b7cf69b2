package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/test/program"
)

// shared is a network that has run, was restarted and is running: with records of all nouns, and a transaction that is
// invalid because another was faster.
var shared struct {
	once    sync.Once
	dir     string
	program string
	network *network.Network
	blocks  []*common.Block // as Harbor's peer gives them
	late    string          // the invalid transaction's id
	err     error
}

// keptIn names the variable with a folder in which the shared network's files stay after the tests. If it has such files
// already, the tests that need only them start no network, and run with -short, too: so test/mutation can run them.
const keptIn = "PEDIGREE_TEST_AUDIT"

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.network != nil {
		if err := shared.network.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" && os.Getenv(keptIn) == "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// realNetwork is the shared network, which is running.
func realNetwork(t testing.TB) *network.Network {
	t.Helper()
	realFiles(t)
	if shared.network == nil {
		t.Skipf("it needs a running network, and %s has the files of one that has ended", os.Getenv(keptIn))
	}
	return shared.network
}

// realFiles makes sure that the files of the shared network and its ledger are there.
func realFiles(t testing.TB) {
	t.Helper()
	shared.once.Do(func() {
		if dir := os.Getenv(keptIn); (dir == "" || !readStory(dir)) && !testing.Short() {
			shared.err = tellStory()
		}
	})
	require.NoError(t, shared.err)
	if len(shared.blocks) == 0 {
		t.Skip("it starts a network")
	}
}

// ledgerDir has the block files of an organisation's peer.
func ledgerDir(org string) string {
	return filepath.Join(networkDir(), org, "peer", "ledger", "ledgersData", "chains", "chains", network.ChannelName)
}

// readStory reads the shared ledger that an earlier run of the tests left in a folder. It reports whether one did.
func readStory(dir string) bool {
	shared.dir = dir
	err := (&audit.Files{Dir: ledgerDir("harbor")}).Blocks(context.Background(), 0, func(b *common.Block) error {
		shared.blocks = append(shared.blocks, b)
		return nil
	})
	return err == nil && len(shared.blocks) > 0
}

func networkDir() string { return filepath.Join(shared.dir, "network") }

// tellStory makes the shared network and its ledger.
func tellStory() (err error) {
	if shared.dir = os.Getenv(keptIn); shared.dir == "" {
		if shared.dir, err = os.MkdirTemp("", "audit"); err != nil {
			return err
		}
	}
	if shared.program, err = program.Build("github.com/pedigree-ledger/pedigree", shared.dir); err != nil {
		return err
	}
	run := func(name string, args ...string) error {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	options := network.Options{Dir: networkDir(), Executable: shared.program}
	ctx := context.Background()
	if shared.network, err = network.Start(ctx, options); err != nil {
		return err
	}
	if err := run(shared.program, "demo", "--dir", networkDir()); err != nil {
		return err
	}
	if err := shared.network.Stop(); err != nil {
		return err
	}
	if shared.network, err = network.Start(ctx, options); err != nil {
		return err
	}
	if err := race(ctx); err != nil {
		return err
	}
	p, err := peerOf("harbor")
	if err != nil {
		return err
	}
	return p.Blocks(ctx, 0, func(b *common.Block) error {
		shared.blocks = append(shared.blocks, b)
		return nil
	})
}

// race has the same artifact version registered twice at once: both are endorsed, and the second is too late.
func race(ctx context.Context) error {
	cfg := ledger.Config{Channel: network.ChannelName, Chaincode: network.ChaincodeName, MSPID: "HarborMSP", Logger: slog.New(slog.DiscardHandler)}
	for _, org := range shared.network.Orgs() {
		cfg.Peers = append(cfg.Peers, ledger.Peer{MSPID: org.MSPID, Address: org.PeerAddress(), ServerName: org.PeerName(), TLSRoots: shared.network.TLSRoots(org.Name)})
	}
	c, err := ledger.Open(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	certificate, key := shared.network.Identity("harbor", network.Submitter)
	id, err := ledger.LoadIdentity("HarborMSP", certificate, key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var envelopes []*ledger.Envelope
	for attempt := range 2 {
		proposal, err := c.Propose(id, ledger.Call{Function: "Artifacts:Submit", Transient: map[string][]byte{record.TransientPack: artifactPack("raced")}}, "race", attempt)
		if err != nil {
			return err
		}
		envelope, err := c.Endorse(ctx, proposal)
		if err != nil {
			return err
		}
		envelopes = append(envelopes, envelope)
	}
	for _, envelope := range envelopes {
		if err := c.Send(ctx, envelope); err != nil {
			return err
		}
		for {
			commit, err := c.Lookup(ctx, id, envelope.TransactionID)
			if err == nil {
				if commit.Code != 0 {
					shared.late = envelope.TransactionID
				}
				break
			}
			if !errors.Is(err, ledger.ErrNotFound) {
				return err
			}
		}
	}
	if shared.late == "" {
		return errors.New("no transaction was too late")
	}
	return nil
}

func artifactPack(name string) []byte {
	digest := sha256.Sum256([]byte(name))
	v, err := canonical.From(map[string]any{
		"kind": "dataset", "namespace": "harbor", "name": name, "version": "1",
		"digest": map[string]any{"algorithm": "sha-256", "value": hex.EncodeToString(digest[:]), "coverage": "full"},
	})
	if err != nil {
		panic(err)
	}
	r, problems := record.NewArtifact(v, "HarborMSP")
	if len(problems) > 0 {
		panic(problems)
	}
	pack, err := record.Pack([][]byte{r.Body})
	if err != nil {
		panic(err)
	}
	return pack
}

// peerOf is an organisation's peer, asked by its auditor.
func peerOf(org string) (*audit.Peer, error) {
	orgs := shared.network.Orgs()
	o := orgs[slices.IndexFunc(orgs, func(o network.Org) bool { return o.Name == org })]
	certificate, key := shared.network.Identity(org, network.Auditor)
	as, err := audit.LoadMember(o.MSPID, certificate, key)
	if err != nil {
		return nil, err
	}
	return &audit.Peer{Address: o.PeerAddress(), ServerName: o.PeerName(), TLSRoots: shared.network.TLSRoots(org), Channel: network.ChannelName, As: as}, nil
}

// chain is a copy of the shared ledger's blocks, which a test may change.
func chain(t testing.TB) []*common.Block {
	realFiles(t)
	blocks := make([]*common.Block, len(shared.blocks))
	for i, b := range shared.blocks {
		blocks[i] = proto.CloneOf(b)
	}
	return blocks
}

func genesisHash(t testing.TB) []byte {
	realFiles(t)
	b, err := proof.OpenBlock(shared.blocks[0])
	require.NoError(t, err)
	return b.Hash()
}

// memory is a source of blocks that a test has.
type memory []*common.Block

func (m memory) Blocks(ctx context.Context, from uint64, take func(*common.Block) error) error {
	for _, b := range m {
		if b.GetHeader().GetNumber() < from {
			continue
		}
		if err := take(b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m memory) Share(next uint64) (read, all int64) { return int64(next), int64(len(m)) }
func (m memory) String() string                      { return "the blocks of a test" }

// replay audits a source from the first block.
func replay(t testing.TB, source audit.Source) *audit.Report {
	t.Helper()
	a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	require.NoError(t, a.Run(t.Context(), source))
	return a.Report(source)
}

// codes are those of a report's findings, once each.
func codes(r *audit.Report) (list []audit.Code) {
	for _, f := range r.Findings {
		if !slices.Contains(list, f.Code) {
			list = append(list, f.Code)
		}
	}
	return list
}
