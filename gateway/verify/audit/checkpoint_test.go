package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// growing are blocks of which each valid transaction records one record more than the one before, and invalid ones none.
func growing(t *testing.T, n int) (blocks []Block) {
	for i := range n {
		var bodies [][]byte
		for k := range i {
			bodies = append(bodies, fmt.Appendf(nil, `{"block":%d,"record":%d}`, i, k))
		}
		if i == 0 {
			blocks = append(blocks, Block{Hash: hashOf(0)})
			continue
		}
		pack, err := record.Pack(bodies)
		require.NoError(t, err)
		blocks = append(blocks, Block{Number: uint64(i), Hash: hashOf(i), Transactions: []Transaction{
			{Packs: [][]byte{pack}}, {Code: 11}, {Packs: [][]byte{[]byte("no pack"), pack}},
		}})
	}
	return blocks
}

func hashOf(i int) []byte {
	sum := sha256.Sum256([]byte{byte(i)})
	return sum[:]
}

func follow(t *testing.T, f Follower, blocks []Block) {
	t.Helper()
	given := make(chan Block)
	go func() {
		defer close(given)
		for _, b := range blocks {
			given <- b
		}
	}()
	require.NoError(t, f.Follow(t.Context(), given))
}

// signedAt makes the note of a checkpoint as of a block, with a change that organisations sign.
func signedAt(t *testing.T, c *formatstest.Consortium, block int, change func(*checkpoint.Checkpoint), by ...string) checkpoint.Named {
	t.Helper()
	n := &checkpoint.Note{}
	n.Channel, n.Genesis = "pedigree", [32]byte(c.Trust.Genesis)
	n.Block, n.Hash = uint64(block), [32]byte(hashOf(block))
	var tree merkle.Frontier
	for i := range block + 1 {
		for range 2 {
			for k := range i {
				tree.Append(merkle.Leaf(sha256.Sum256(fmt.Appendf(nil, `{"block":%d,"record":%d}`, i, k))), nil)
			}
		}
	}
	n.Size, n.Root = tree.Size(), tree.Root()
	if change != nil {
		change(&n.Checkpoint)
	}
	answer := n.Answer()
	for _, mspID := range by {
		said := cosigned.Said{Height: n.Height, Digest: answer.Digest(), Time: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
		one, err := cosigned.Sign(n.Ledger, checkpoint.Question, said, c.Member(mspID, "admin"))
		require.NoError(t, err)
		n.Cosignatures = append(n.Cosignatures, one)
	}
	return checkpoint.Named{Name: fmt.Sprintf("%d.note", block), Note: n}
}

func TestCheckpointsAreComputedAgainFromTheBlocks(t *testing.T) {
	c := formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	shifted := func(n *checkpoint.Checkpoint) { n.Root[0] ^= 1 }
	for about, one := range map[string]struct {
		note   checkpoint.Named
		want   []Finding // the code and what the detail contains
		remark string    // what a note of the report contains
	}{
		"as it is":           {note: signedAt(t, c, 3, nil, "HarborMSP")},
		"of the first block": {note: signedAt(t, c, 0, nil, "HarborMSP", "LabMSP")},
		"with another root": {note: signedAt(t, c, 3, shifted, "LabMSP", "HarborMSP"), want: []Finding{{Code: SplitView,
			Detail: "3.note, signed by HarborMSP, LabMSP, contradicts the audited blocks: with 12 recordings the root is"}}},
		"with a recording more": {note: signedAt(t, c, 3, func(n *checkpoint.Checkpoint) { n.Size++ }, "LabMSP"), want: []Finding{{
			Code: SplitView, Detail: "up to block 3 there are 12 recordings in one and 13 in the other"}}},
		"of another block of the number": {note: signedAt(t, c, 3, func(n *checkpoint.Checkpoint) { n.Hash[0] ^= 1 }, "LabMSP"),
			want: []Finding{{Code: SplitView, Detail: "block 3 has the hash"}}},
		"of a block that the source hides": {note: signedAt(t, c, 7, nil, "LabMSP", "HarborMSP"), want: []Finding{{Code: HiddenTip,
			Detail: "7.note is a checkpoint of block 7, signed by HarborMSP, LabMSP, and there are only 4 blocks"}}},
		"of a block of which one organisation speaks": {note: signedAt(t, c, 7, nil, "LabMSP"),
			remark: "7.note, signed by LabMSP, is of block 7, which wasn't audited"},
		"with a root that nobody signed": {note: func() checkpoint.Named {
			n := signedAt(t, c, 3, nil, "LabMSP")
			n.Root[0] ^= 1
			read, err := checkpoint.Parse(n.Bytes())
			require.NoError(t, err)
			return checkpoint.Named{Name: n.Name, Note: read}
		}(), want: []Finding{{Code: "bad_signature", Detail: "3.note"}}},
	} {
		t.Run(about, func(t *testing.T) {
			a := audited(t)
			a.replay.progress.Next = 4
			roots := NewRoots([]checkpoint.Named{one.note})
			follow(t, roots, growing(t, 4))
			require.EqualValues(t, 4, roots.Height())
			judged := a.Checkpoints([]checkpoint.Named{one.note}, roots, c.Trust, 2)
			require.Len(t, a.Findings(), len(one.want))
			for i, f := range one.want {
				assert.Equal(t, f.Code, a.Findings()[i].Code)
				assert.Contains(t, a.Findings()[i].Detail, f.Detail)
			}
			if one.remark != "" {
				assert.Contains(t, fmt.Sprint(a.notes), one.remark)
			}
			if len(one.want) == 0 {
				require.Len(t, judged, 1)
				assert.Equal(t, one.note.Size, judged[0].Size)
			}
		})
	}
}

func TestTwoCheckpointsOfLaterBlocksCanContradictEachOther(t *testing.T) {
	c := formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	notes := []checkpoint.Named{
		signedAt(t, c, 9, nil, "HarborMSP"), signedAt(t, c, 9, func(n *checkpoint.Checkpoint) { n.Root[0] ^= 1 }, "LabMSP"),
	}
	a := audited(t)
	a.Checkpoints(notes, NewRoots(notes), c.Trust, 0)
	require.Len(t, a.Findings(), 1)
	assert.Equal(t, SplitView, a.Findings()[0].Code)
	assert.Contains(t, a.Findings()[0].Detail, "9.note, signed by HarborMSP, and 9.note, signed by LabMSP, contradict each other")
}

func TestWithoutATrustFileTheAuditedConfigurationSaysWhoSigns(t *testing.T) {
	c := formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	a := audited(t)
	a.replay.genesis = c.Trust.Genesis
	config := &proof.Config{Channel: "pedigree", Organisations: map[string]*proof.Organisation{}, Members: []string{"GoneMSP"}}
	for _, o := range c.Trust.Organisations {
		config.Members, config.Organisations[o.MSPID] = append(config.Members, o.MSPID), o
	}
	trust := a.trustOf(config)
	assert.Equal(t, c.Trust.Organisations, trust.Organisations)
	note := []checkpoint.Named{signedAt(t, c, 3, nil, "HarborMSP")}
	roots := NewRoots(note)
	follow(t, roots, growing(t, 4))
	require.Len(t, a.Checkpoints(note, roots, trust, 0), 1)
	require.Empty(t, a.Findings())
}

// counting is a follower that notes which blocks it got.
type counting struct {
	from uint64
	got  []uint64
	err  error
}

func (c *counting) Height() uint64 { return c.from }
func (c *counting) Follow(_ context.Context, blocks <-chan Block) error {
	for b := range blocks {
		if c.got = append(c.got, b.Number); c.err != nil {
			return c.err
		}
	}
	return nil
}

func TestEachOfSeveralFollowersGetsTheBlocksThatItNeeds(t *testing.T) {
	one, other := &counting{from: 2}, &counting{}
	both := Followers(one, other)
	assert.Zero(t, both.Height())
	follow(t, both, growing(t, 4))
	assert.Equal(t, []uint64{2, 3}, one.got)
	assert.Equal(t, []uint64{0, 1, 2, 3}, other.got)
	assert.Same(t, one, Followers(one))

	broken := &counting{err: assert.AnError}
	given := make(chan Block, 1)
	given <- Block{}
	close(given)
	assert.ErrorIs(t, Followers(broken, &counting{}).Follow(t.Context(), given), assert.AnError)
}
