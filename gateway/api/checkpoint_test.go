package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

func TestACheckpointIsSignedAsTheNoteSaysIt(t *testing.T) {
	f := newFixture(t)
	for n := range 3 {
		f.ledger.Put("Harbor", indextest.Seen(t, n+1), indextest.Seen(t, n+2))
	}
	for at := range f.ledger.Blocks {
		tree, err := f.server.Index.Tree(t.Context(), uint64(at))
		require.NoError(t, err)
		c := checkpoint.Checkpoint{
			Ledger: cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte(f.ledger.Blocks[0].Hash)},
			Height: cosigned.Height{Block: uint64(at), Hash: [32]byte(f.ledger.Blocks[at].Hash)},
			Size:   tree.Size, Root: tree.Root,
		}
		signed, err := f.server.signable(t.Context(), checkpoint.Question, uint64(at))
		require.NoError(t, err)
		want := c.Answer()
		assert.Equal(t, want.Digest(), signed.Digest(), "what a verifier makes of the note is what a gateway signs")
	}
	var newest checkpoint.Body
	f.do(request{path: "/v1/checkpoint"}).json(t, &newest)
	assert.EqualValues(t, 6, newest.Size, "records that were recorded again have another leaf")
	assert.EqualValues(t, f.ledger.Height(), newest.Block)
	assert.Equal(t, http.StatusBadRequest, f.do(request{path: "/v1/checkpoint?at=99"}).status)
}

func TestTheGrowthOfTheLedgerIsProved(t *testing.T) {
	f := newFixture(t)
	var notes []*checkpoint.Checkpoint
	for n := range 4 {
		f.ledger.Put("Harbor", indextest.Seen(t, 2*n), indextest.Seen(t, 2*n+1))
		tree, err := f.server.Index.Tree(t.Context(), index.Latest)
		require.NoError(t, err)
		notes = append(notes, &checkpoint.Checkpoint{
			Ledger: cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte(f.ledger.Blocks[0].Hash)}, Size: tree.Size, Root: tree.Root,
		})
	}
	a := f.do(request{path: "/v1/checkpoint/consistency?from=4&to=8"})
	require.Equal(t, http.StatusOK, a.status, a.body)
	proof, err := checkpoint.ParseConsistency([]byte(a.body))
	require.NoError(t, err)
	require.NoError(t, proof.Check(notes[1], notes[3]))
	require.Error(t, proof.Check(notes[0], notes[3]), "it is about another size")
	for path, status := range map[string]int{
		"?from=0&to=0": http.StatusOK, "?from=8&to=8": http.StatusOK, "?from=5&to=4": http.StatusBadRequest,
		"?from=1&to=9": http.StatusBadRequest, "?from=-1&to=9": http.StatusBadRequest, "?to=8": http.StatusBadRequest,
		"?from=9007199254740993&to=99999999999999999999": http.StatusBadRequest,
	} {
		assert.Equal(t, status, f.do(request{path: "/v1/checkpoint/consistency" + path}).status, path)
	}
}
