package index_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestDeclarationsOfIDsThatBeginAlikeAreOfNobodyElse(t *testing.T) {
	l, ix := follow(t)
	event := `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":["https://example.com/%s"]%s}`
	good := indextest.Event(t, fmt.Sprintf(event, "good", ""))
	l.Put("Harbor", good)
	// The number that ids are looked up by is the first eight bytes of the digest in this one.
	const known = len("ni:///sha-256;") + 16
	alike := good.Event.Hash[:known] + strings.Repeat("0", 48) + "?ver=CBV2.0"
	declare := func(thing, eventID string) {
		l.Put("Market", indextest.Event(t, fmt.Sprintf(event, thing,
			fmt.Sprintf(`,"eventID":%q,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z"}`, eventID))))
	}
	errorsOfGood := func() []index.Declaration {
		snap, err := ix.Snapshot(t.Context(), index.Latest)
		require.NoError(t, err)
		v, err := ix.Find(t.Context(), string(good.ID), snap)
		require.NoError(t, err)
		labels, err := ix.Describe(t.Context(), []int64{v.ID}, snap)
		require.NoError(t, err)
		return labels[v.ID].Errors
	}

	declare("bad", alike)
	require.Empty(t, errorsOfGood())
	declare("worse", good.Event.Hash) // by its event id
	require.Len(t, errorsOfGood(), 1)
	declare("good", "urn:x:another") // by its hash
	require.Len(t, errorsOfGood(), 2)
}
