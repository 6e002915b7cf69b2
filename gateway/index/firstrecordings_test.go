package index_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestFirstRecordingsAreThoseOfEachOrganisation(t *testing.T) {
	l, ix := follow(t)
	e := indextest.Seen(t, 1)
	id := l.Put("Harbor", e)
	for range 20 {
		l.Put("Market", e)
	}
	l.Put("Lab", e)
	l.Put("Harbor", e)
	list, more, err := ix.FirstRecordings(t.Context(), id, index.Latest, 1)
	require.NoError(t, err)
	var who []string
	for _, r := range list {
		who = append(who, r.MSPID)
	}
	require.Equal(t, []string{"HarborMSP", "MarketMSP", "LabMSP"}, who)
	require.Equal(t, 20, more)
	list, more, err = ix.FirstRecordings(t.Context(), id, index.Latest, 8)
	require.NoError(t, err)
	require.Len(t, list, 11)
	require.Equal(t, 12, more)
}
