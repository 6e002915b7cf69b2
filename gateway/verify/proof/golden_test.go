package proof_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/test/thorough"
)

var update = flag.Bool("update", false, "make the golden proofs anew, from a network")

// The golden files are proofs that a real network made once. Whatever becomes of this package, they must verify: others
// have such files.
var golden = []string{"receipt.proof", "block.proof", "trace.proof"}

func goldenFile(t testing.TB, name string) []byte {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return text
}

func goldenTrust(t testing.TB) *proof.Trust {
	trust, err := proof.ParseTrust(goldenFile(t, "consortium.json"))
	require.NoError(t, err)
	return trust
}

func TestProofsMadeLongAgoVerify(t *testing.T) {
	if *update {
		makeGolden(t)
	}
	for _, name := range golden {
		t.Run(name, func(t *testing.T) {
			text := goldenFile(t, name)
			p, err := proof.Parse(text)
			require.NoError(t, err)
			assert.Equal(t, string(text), string(p.Bytes()))
			v, err := proof.Verify(p, goldenTrust(t), proof.Wanted{})
			require.NoError(t, err)
			assert.Equal(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, v.Records[0].SignedBy)
			if name == "receipt.proof" {
				assert.Less(t, len(text), 16_000, "a receipt is small")
			}
		})
	}
}

// makeGolden has a dataset, another that is derived from it, and a model that was trained on that one.
func makeGolden(t *testing.T) {
	h := newHarness(t)
	ids := h.lineage("golden")
	write := func(name string, text []byte) {
		require.NoError(t, os.WriteFile(filepath.Join("testdata", name), text, 0o644))
	}
	write("consortium.json", h.trust.Text())
	for name, level := range map[string]proof.Level{"receipt.proof": proof.LevelReceipt, "block.proof": proof.LevelBlock} {
		p, err := h.maker.Prove(h.within(time.Minute), ids[0], level, 0)
		require.NoError(t, err)
		write(name, p.Bytes())
	}
	p, err := h.maker.ProveTrace(h.within(time.Minute), proof.Trace{Node: "model/harbor/golden@1", Direction: "ancestors"}, ids, proof.LevelBlock, 0)
	require.NoError(t, err)
	write("trace.proof", p.Bytes())
}

func TestAFlippedBitIsFound(t *testing.T) {
	trust := goldenTrust(t)
	for _, name := range golden {
		text := goldenFile(t, name)
		step := max(1, len(text)/thorough.Of(500, 2500)) // some hundred places are enough each time, and all bits come up
		for i := 0; i < len(text); i += step {
			changed := bytes.Clone(text)
			changed[i] ^= 1 << (i / step % 8)
			p, err := proof.Parse(changed)
			if err == nil {
				_, err = proof.Verify(p, trust, proof.Wanted{})
			}
			if !assert.NotEmpty(t, proof.ReasonOf(err), "%s: bit %d of byte %d, in …%s…", name, i/step%8, i, text[max(0, i-40):min(len(text), i+40)]) {
				break
			}
		}
	}
}

func TestAProofThatWasCutOffIsRefused(t *testing.T) {
	text := goldenFile(t, "receipt.proof")
	for i := range text {
		_, err := proof.Parse(text[:i])
		require.NotEmpty(t, proof.ReasonOf(err), "after %d bytes", i)
	}
}

func TestAVerifierSaysWhatItWasNotGiven(t *testing.T) {
	receipt, err := proof.Parse(goldenFile(t, "receipt.proof"))
	require.NoError(t, err)
	trust := goldenTrust(t)
	_, err = proof.Verify(receipt, trust, proof.Wanted{Level: proof.LevelBlock})
	assert.Equal(t, proof.LevelTooLow, proof.ReasonOf(err))
	_, err = proof.Verify(receipt, trust, proof.Wanted{ID: record.Sum([]byte("another"))})
	assert.Equal(t, proof.WrongRecord, proof.ReasonOf(err))
}

func TestTheVerifierIsMadeOfNothingOfTheGateway(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	const module = "github.com/pedigree-ledger/pedigree/"
	for _, name := range strings.Fields(string(out)) {
		if rest, ours := strings.CutPrefix(name, module); ours {
			assert.Contains(t, []string{"chaincode/record", "chaincode/canonical", "chaincode/epcis", "chaincode/manifest", "gateway/verify/proof"}, rest)
		}
		for _, other := range []string{"github.com/hyperledger/fabric/", "github.com/hyperledger/fabric-gateway", "github.com/gin-gonic", "database/sql"} {
			assert.False(t, strings.HasPrefix(name, other), name)
		}
	}
}

func FuzzProof(f *testing.F) {
	for _, name := range golden {
		f.Add(goldenFile(f, name))
	}
	f.Add([]byte(`{"chaincode":"a","channel":"b","format":"pedigree-proof/1","identities":[],"receipts":[]}`))
	trust := goldenTrust(f)
	accepted := map[string]bool{}
	for _, name := range golden {
		accepted[string(goldenFile(f, name))] = true
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := proof.Parse(text)
		if err != nil {
			require.NotEmpty(t, proof.ReasonOf(err))
			return
		}
		require.Equal(t, string(text), string(p.Bytes()), "a proof has one encoding")
		if _, err = proof.Verify(p, trust, proof.Wanted{}); err != nil {
			require.NotEmpty(t, proof.ReasonOf(err))
		}
	})
}

func FuzzTrust(f *testing.F) {
	f.Add(goldenFile(f, "consortium.json"))
	f.Fuzz(func(t *testing.T, text []byte) {
		trust, err := proof.ParseTrust(text)
		if err != nil {
			require.NotEmpty(t, proof.ReasonOf(err))
			return
		}
		again, err := proof.ParseTrust(trust.Text())
		require.NoError(t, err)
		require.Equal(t, string(trust.Text()), string(again.Text()))
	})
}

// goldenBlocks are the blocks of the golden proofs.
func goldenBlocks(t testing.TB) []*proof.Block {
	p, err := proof.Parse(goldenFile(t, "trace.proof"))
	require.NoError(t, err)
	return p.Blocks
}

func FuzzTransaction(f *testing.F) {
	for _, b := range goldenBlocks(f)[1:] {
		f.Add(b.Data[0])
	}
	chain, err := proof.NewChain(goldenBlocks(f)[0], goldenTrust(f).Genesis)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, envelope []byte) {
		tx, err := proof.OpenTransaction(envelope)
		if err == nil {
			_, err = chain.Config().CheckTransaction(tx, nil)
		}
		require.NotEmpty(t, proof.ReasonOf(err), "no policy is met by nobody")
	})
}

// FuzzConfig gives a chain genesis blocks, whose hash it takes as it is, and blocks after them.
func FuzzConfig(f *testing.F) {
	blocks := goldenBlocks(f)
	f.Add(blocks[0].Data[0], blocks[1].Data[0], blocks[1].Metadata)
	f.Fuzz(func(t *testing.T, genesis, next, metadata []byte) {
		first := &proof.Block{Data: [][]byte{genesis}}
		text := (&proof.Proof{Channel: "a", Chaincode: "b", Receipts: []*proof.Receipt{{}}, Blocks: []*proof.Block{first,
			{Number: 1, Data: [][]byte{next}, Metadata: metadata, Signatures: blocks[1].Signatures}}}).Bytes()
		p, err := proof.Parse(text)
		if err != nil {
			return
		}
		chain, err := proof.NewChain(p.Blocks[0], p.Blocks[0].Hash())
		if err != nil {
			require.NotEmpty(t, proof.ReasonOf(err))
			return
		}
		if _, err = chain.Take(p.Blocks[1]); err != nil {
			require.NotEmpty(t, proof.ReasonOf(err))
		}
	})
}

func FuzzIdentity(f *testing.F) {
	p, err := proof.Parse(goldenFile(f, "receipt.proof"))
	require.NoError(f, err)
	f.Add(p.Receipts[0].Creator, p.Receipts[0].Endorsements[0].Signature)
	f.Fuzz(func(t *testing.T, serialized, signature []byte) {
		id, err := proof.ParseIdentity(serialized)
		if err == nil {
			err = id.Verify([]byte("what nobody signed"), signature)
		}
		require.NotEmpty(t, proof.ReasonOf(err))
	})
}

func BenchmarkVerify(b *testing.B) {
	pinned := goldenFile(b, "consortium.json")
	for _, name := range golden {
		b.Run(strings.TrimSuffix(name, ".proof"), func(b *testing.B) {
			benchmarkVerify(b, goldenFile(b, name), pinned)
		})
	}
}
