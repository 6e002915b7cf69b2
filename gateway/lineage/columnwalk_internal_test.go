package lineage

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

var errAsked = errors.New("the index was asked")

// asked is an index that can only be asked for names, and says that it was.
type asked struct{ Graph }

func (asked) Names(context.Context, []int64) (map[int64]string, error) { return nil, errAsked }

func TestAWalkOverColumnsReadsTwoThousandRunsAndSaysThatThereAreMore(t *testing.T) {
	w := &columnWalk{links: &links{graph: asked{}}, runs: map[int64]*record.Activity{}, reasons: map[string]bool{}}
	for id := range int64(1999) {
		w.runs[id] = &record.Activity{}
	}
	_, err := w.read(t.Context(), 5000)
	require.ErrorIs(t, err, errAsked, "there is room for one more")
	require.Empty(t, w.reasons)
	w.runs[1999] = nil
	run, err := w.read(t.Context(), 5000)
	require.NoError(t, err)
	require.Nil(t, run)
	require.Equal(t, map[string]bool{"nodes": true}, w.reasons)
	run, err = w.read(t.Context(), 7)
	require.NoError(t, err)
	require.NotNil(t, run, "what was read is there")
}
