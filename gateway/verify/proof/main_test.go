package proof_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/networktest"
)

// shared is the network of real processes that the tests of this package share.
var shared networktest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

// harness is a client of one organisation of the shared network.
type harness struct {
	testing.TB
	net    *network.Network
	client *ledger.Client
	id     *ledger.Identity
	maker  *proof.Maker
	trust  *proof.Trust // of the network's genesis block
}

func newHarness(t testing.TB) *harness {
	n := shared.Network(t)
	cfg := ledger.Config{Channel: network.ChannelName, Chaincode: network.ChaincodeName, MSPID: "HarborMSP", Logger: slog.New(slog.DiscardHandler)}
	for _, org := range n.Orgs() {
		cfg.Peers = append(cfg.Peers, ledger.Peer{MSPID: org.MSPID, Address: org.PeerAddress(), ServerName: org.PeerName(), TLSRoots: n.TLSRoots(org.Name)})
	}
	c, err := ledger.Open(cfg)
	require.NoError(t, err)
	h := &harness{TB: t, net: n, client: c}
	certificate, key := n.Identity("harbor", network.Submitter)
	h.id, err = ledger.LoadIdentity("HarborMSP", certificate, key)
	require.NoError(t, err)
	h.maker = &proof.Maker{Network: c.Inquire(func() *ledger.Identity { return h.id }), Channel: network.ChannelName, Chaincode: network.ChaincodeName, Patience: 30 * time.Second}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Follow(ctx, h.id, ledger.Start{}, func(*ledger.Block) error { return nil }) }()
	t.Cleanup(func() {
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.NoError(t, c.Close())
	})
	h.trust, err = proof.NewTrust(h.genesis(), nil, network.ChaincodeName, 0)
	require.NoError(t, err)
	return h
}

// genesis is the channel's first block, as the network's folder has it.
func (h *harness) genesis() *proof.Block {
	text, err := os.ReadFile(h.net.GenesisFile())
	require.NoError(h, err)
	var m common.Block
	require.NoError(h, proto.Unmarshal(text, &m))
	b, err := proof.OpenBlock(&m)
	require.NoError(h, err)
	return b
}

// record puts artifact versions on the ledger, in one transaction, and gives their ids.
func (h *harness) record(name string, versions int) []record.ID {
	var made []*record.Record
	for i := range versions {
		made = append(made, h.artifact("dataset", name, fmt.Sprint(i)))
	}
	return h.submit("Artifacts:Submit", made...)
}

// lineage records a dataset, one that is derived from it, and a model that was trained on that one.
func (h *harness) lineage(name string) []record.ID {
	source := h.artifact("dataset", name, "1")
	derived := h.artifact("dataset", name, "2", "dataset/harbor/"+name+"@1")
	model := h.artifact("model", name, "1")
	v, err := canonical.From(map[string]any{"type": "training", "used": []any{map[string]any{"ref": "dataset/harbor/" + name + "@2"}},
		"generated": []any{map[string]any{"ref": "model/harbor/" + name + "@1"}}})
	require.NoError(h, err)
	training, problems := record.NewActivity(v, "HarborMSP")
	require.Empty(h, problems)
	ids := h.submit("Artifacts:Submit", source)
	ids = append(ids, h.submit("Artifacts:Submit", derived)...)
	return append(ids, h.submit("Activities:Submit", model, training)...)
}

func (h *harness) artifact(kind, name, version string, derivedFrom ...string) *record.Record {
	digest := sha256.Sum256([]byte(kind + name + version))
	v := canonical.Obj(
		canonical.Member{Name: "kind", Value: canonical.Str(kind)}, canonical.Member{Name: "namespace", Value: canonical.Str("harbor")},
		canonical.Member{Name: "name", Value: canonical.Str(name)}, canonical.Member{Name: "version", Value: canonical.Str(version)},
		canonical.Member{Name: "digest", Value: canonical.Obj(canonical.Member{Name: "algorithm", Value: canonical.Str("sha-256")},
			canonical.Member{Name: "coverage", Value: canonical.Str("full")}, canonical.Member{Name: "value", Value: canonical.Str(hex.EncodeToString(digest[:]))})},
	)
	if len(derivedFrom) > 0 {
		v = v.With("derivedFrom", canonical.Arr(canonical.Str(derivedFrom[0])))
	}
	r, problems := record.NewArtifact(v, "HarborMSP")
	require.Empty(h, problems)
	return r
}

// submit records in one transaction, and gives the ids.
func (h *harness) submit(function string, records ...*record.Record) []record.ID {
	var bodies [][]byte
	var ids []record.ID
	for _, r := range records {
		bodies, ids = append(bodies, r.Body), append(ids, r.ID)
	}
	pack, err := record.Pack(bodies)
	require.NoError(h, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = h.client.Submit(ctx, h.id, ledger.Call{Function: function, Transient: map[string][]byte{record.TransientPack: pack}})
	require.NoError(h, err)
	return ids
}
