package proof_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// troubled is a real network of which some organisations give other answers, or none.
type troubled struct {
	proof.Network
	asked  int
	answer func(round int, a *proof.Answer)
}

func (n *troubled) Ask(ctx context.Context, proposal []byte) ([]proof.Answer, error) {
	n.asked++
	answers, err := n.Network.Ask(ctx, proposal)
	for i := range answers {
		n.answer(n.asked, &answers[i])
	}
	return answers, err
}

// lacks answers as a peer that hasn't committed the record yet.
func lacks(a *proof.Answer) {
	a.Response = &peer.ProposalResponse{Response: &peer.Response{Status: 500, Message: record.Reject([]record.Problem{{Code: "not_found", Detail: "it is not on the ledger"}}).Error()}}
}

func gone(a *proof.Answer) { a.Response, a.Err = nil, errors.New("nobody is there") }

type memory map[record.ID][]byte

func (m memory) Get(id record.ID) ([]byte, bool)     { text, ok := m[id]; return text, ok }
func (m memory) Put(id record.ID, text []byte) error { m[id] = text; return nil }

func TestOrganisationsThatLagOrAreAway(t *testing.T) {
	h := newHarness(t)
	id := h.record("troubled", 1)[0]
	_, err := h.maker.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0) // everybody has it
	require.NoError(t, err)

	make := func(agree int, answer func(round int, a *proof.Answer)) (*proof.Proof, error) {
		m := &proof.Maker{Network: &troubled{Network: h.maker.Network, answer: answer}, Channel: "pedigree", Chaincode: "pedigree", Patience: time.Second}
		return m.Prove(h.within(time.Minute), id, proof.LevelReceipt, agree)
	}
	only := func(mspIDs string, do func(*proof.Answer)) func(int, *proof.Answer) {
		return func(_ int, a *proof.Answer) {
			if strings.Contains(mspIDs, a.MSPID) {
				do(a)
			}
		}
	}
	t.Run("one that lags for a moment is waited for", func(t *testing.T) {
		p, err := make(0, func(round int, a *proof.Answer) {
			if round == 1 && a.MSPID == "MarketMSP" {
				lacks(a)
			}
		})
		require.NoError(t, err)
		assert.Len(t, p.Receipts[0].Endorsements, 3)
	})
	t.Run("one that goes on lagging is told", func(t *testing.T) {
		_, err := make(0, only("MarketMSP", lacks))
		var later *proof.NotYet
		require.ErrorAs(t, err, &later)
		assert.ElementsMatch(t, []string{"HarborMSP", "LabMSP"}, later.Have)
		assert.Equal(t, []string{"MarketMSP"}, later.Lack)
	})
	t.Run("unless fewer are enough", func(t *testing.T) {
		p, err := make(2, only("MarketMSP", lacks))
		require.NoError(t, err)
		assert.Len(t, p.Receipts[0].Endorsements, 2)
	})
	t.Run("one that is away doesn't count", func(t *testing.T) {
		p, err := make(0, only("MarketMSP", gone))
		require.NoError(t, err)
		assert.Len(t, p.Receipts[0].Endorsements, 2)
	})
	t.Run("too few are there", func(t *testing.T) {
		_, err := make(0, only("MarketMSP HarborMSP", gone))
		var few *proof.TooFew
		require.ErrorAs(t, err, &few)
		assert.Equal(t, 2, few.Need)
	})
	t.Run("nobody has it", func(t *testing.T) {
		_, err := make(0, only("MarketMSP HarborMSP LabMSP", lacks))
		assert.ErrorIs(t, err, proof.ErrNotFound)
	})
	badly := func(a *proof.Answer) { a.Response.Endorsement.Signature[10] ^= 1 }
	t.Run("one that signs badly doesn't count, and spoils nothing", func(t *testing.T) {
		p, err := make(0, only("MarketMSP", badly))
		require.NoError(t, err)
		assert.Len(t, p.Receipts[0].Endorsements, 2)
	})
	t.Run("nor does one that lets somebody else sign", func(t *testing.T) {
		c := newConsortium(t, "MarketMSP")
		p, err := make(0, only("MarketMSP", func(a *proof.Answer) {
			s := c.member("MarketMSP", "MarketMSP", "peer")
			a.Response.Endorsement = &peer.Endorsement{Endorser: s.serialized, Signature: s.sign(t, slices.Concat(a.Response.Payload, s.serialized), false)}
		}))
		require.NoError(t, err)
		assert.Len(t, p.Receipts[0].Endorsements, 2)
	})
	t.Run("too few sign well", func(t *testing.T) {
		_, err := make(0, only("MarketMSP LabMSP", badly))
		var few *proof.TooFew
		require.ErrorAs(t, err, &few)
		assert.Contains(t, few.Problem, "signed badly")
	})
	t.Run("what was kept serves when nobody is there", func(t *testing.T) {
		n := &troubled{Network: h.maker.Network, answer: func(int, *proof.Answer) {}}
		m := &proof.Maker{Network: n, Channel: "pedigree", Chaincode: "pedigree", Kept: memory{}}
		first, err := m.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
		require.NoError(t, err)
		n.answer = only("HarborMSP LabMSP MarketMSP", gone)
		second, err := m.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
		require.NoError(t, err)
		assert.Equal(t, string(first.Bytes()), string(second.Bytes()))
		third, err := m.Prove(h.within(time.Minute), id, proof.LevelBlock, 0)
		require.NoError(t, err)
		assert.Equal(t, proof.LevelBlock, third.Level())
	})
}

func TestAWholeTraceIsProved(t *testing.T) {
	h := newHarness(t)
	ids := h.lineage("whole")
	trace := proof.Trace{Node: "model/harbor/whole@1", Direction: "ancestors"}
	p, err := h.maker.ProveTrace(h.within(time.Minute), trace, ids, proof.LevelBlock, 0)
	require.NoError(t, err)
	read, err := proof.Parse(p.Bytes())
	require.NoError(t, err)
	v, err := proof.Verify(read, h.trust, proof.Wanted{Level: proof.LevelBlock})
	require.NoError(t, err)
	assert.Len(t, v.Records, 4)
	assert.Equal(t, trace.Node, v.Trace.Node)

	_, err = h.maker.ProveTrace(h.within(time.Minute), proof.Trace{Node: trace.Node, Direction: "descendants"}, ids, proof.LevelReceipt, 0)
	assert.Equal(t, proof.BrokenTrace, proof.ReasonOf(err), "a model's descendants aren't what it was made of")
	for i := range ids {
		rest := append(append([]record.ID{}, ids[:i]...), ids[i+1:]...)
		_, err := h.maker.ProveTrace(h.within(time.Minute), trace, rest, proof.LevelReceipt, 0)
		assert.Equal(t, proof.BrokenTrace, proof.ReasonOf(err), "without record %d: %v", i, err)
	}
	cut := trace
	cut.Cut = true
	_, err = h.maker.ProveTrace(h.within(time.Minute), cut, ids[2:], proof.LevelReceipt, 0)
	assert.NoError(t, err, "a trace that says that it was cut may lack what lies behind")
	stranger := h.record("stranger", 1)
	_, err = h.maker.ProveTrace(h.within(time.Minute), trace, append(stranger, ids...), proof.LevelReceipt, 0)
	assert.Equal(t, proof.BrokenTrace, proof.ReasonOf(err), "%v", err)
}

// What is said of a lineage's records belongs to its proof: that they were recalled, and that this was taken back.
func TestWhatIsSaidOfATraceIsProvedWithIt(t *testing.T) {
	h := newHarness(t)
	ids := h.lineage("said")
	recall := h.state(record.Finding, "dataset/harbor/said@1", map[string]any{"detail": "one sensor was off"})
	answer := h.state(record.Acknowledgement, string(recall), map[string]any{"action": "not used any more"})
	elsewhere := h.state(record.Finding, "dataset/harbor/said-elsewhere@0", map[string]any{"detail": "nothing"}, h.artifact("dataset", "said-elsewhere", "0"))
	for _, trace := range []proof.Trace{{Node: "model/harbor/said@1", Direction: proof.Ancestors}, {Node: "dataset/harbor/said@1", Direction: proof.Descendants}} {
		t.Run(trace.Direction, func(t *testing.T) {
			_, err := h.maker.ProveTrace(h.within(time.Minute), trace, ids, proof.LevelReceipt, 0)
			require.NoError(t, err, "nobody can tell that statements are missing")
			p, err := h.maker.ProveTrace(h.within(time.Minute), trace, append([]record.ID{recall, answer}, ids...), proof.LevelReceipt, 0)
			require.NoError(t, err)
			assert.Len(t, p.Receipts, 6)
			_, err = h.maker.ProveTrace(h.within(time.Minute), trace, append([]record.ID{elsewhere}, ids...), proof.LevelReceipt, 0)
			assert.Equal(t, proof.BrokenTrace, proof.ReasonOf(err), "of something else: %v", err)
			_, err = h.maker.ProveTrace(h.within(time.Minute), trace, append([]record.ID{answer}, ids...), proof.LevelReceipt, 0)
			assert.Equal(t, proof.BrokenTrace, proof.ReasonOf(err), "an answer to nothing: %v", err)
		})
	}
}

// state makes a statement about a node, after the records that it needs.
func (h *harness) state(kind, node string, predicate map[string]any, first ...*record.Record) record.ID {
	if len(first) > 0 {
		h.submit("Artifacts:Submit", first...)
	}
	v, err := canonical.From(map[string]any{"kind": kind, "subject": []any{node}, "predicate": predicate})
	require.NoError(h, err)
	r, problems := record.NewStatement(v, "HarborMSP", func(ref string) string {
		_, rest, _ := strings.Cut(ref, "/harbor/")
		name, version, _ := strings.Cut(rest, "@")
		digest := sha256.Sum256([]byte("dataset" + name + version))
		return hex.EncodeToString(digest[:])
	})
	require.Empty(h, problems)
	places := map[string]record.Place{} // where the records are that it is about
	if id, err := record.ParseID(node); err == nil {
		p, err := h.maker.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
		require.NoError(h, err)
		v, err := proof.Verify(p, h.trust, proof.Wanted{ID: id})
		require.NoError(h, err)
		places[node] = record.Place{ID: id, Tx: v.Records[0].Recordings[0].Tx}
	}
	witnesses, err := json.Marshal(places)
	require.NoError(h, err)
	pack, err := record.Pack([][]byte{r.Body})
	require.NoError(h, err)
	_, err = h.client.Submit(h.within(time.Minute), h.id, ledger.Call{Function: "Statements:Submit", Args: [][]byte{witnesses}, Transient: map[string][]byte{record.TransientPack: pack}})
	require.NoError(h, err)
	return r.ID
}
