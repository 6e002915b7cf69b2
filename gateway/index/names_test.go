package index_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// noise is a text of n characters that can't be made shorter.
func noise(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256(fmt.Append(nil, i))
		b.WriteString(hex.EncodeToString(sum[:]))
	}
	return b.String()[:n]
}

func TestNamesMayBeLongAndStrange(t *testing.T) {
	for _, name := range []string{"x/" + noise(990), "x/" + noise(9_000), "x/" + noise(100_000),
		"%C3%A9/%00?a=b&c='--%5C"} {
		t.Run(fmt.Sprintf("%.10s… of %d bytes", name, len(name)), func(t *testing.T) {
			l, ix := follow(t)
			thing, order := "https://example.com/"+name, "urn:order:"+name
			r := indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":[%q,"https://example.com/y"],
				"bizTransactionList":[{"type":"po","bizTransaction":%q}],"readPoint":{"id":%q}}`, thing, order, thing))
			id := l.Put("Harbor", r)
			l.Put("Lab", indextest.Statement(t, "recall", `{"reason":"a \u0000 in the middle"}`, id))
			wrong := indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":[%q],"eventID":"urn:x:%s",
				"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z","reason":"https://example.com/%s"}}`, thing, "odd", noise(5_000)))
			l.Put("Harbor", wrong)

			snap, err := ix.Snapshot(t.Context(), index.Latest)
			require.NoError(t, err)
			v, err := ix.Find(t.Context(), thing, snap)
			require.NoError(t, err)
			require.NotZero(t, v.ID)
			links, err := ix.LinksTo(t.Context(), []int64{v.ID}, snap)
			require.NoError(t, err)
			require.Len(t, links, 2)
			for _, q := range []index.EventQuery{
				{Match: []index.MatchQuery{{Parameter: "MATCH_anyEPC", Values: []string{thing}}}, BizTransactions: []index.TypedQuery{{Type: "po", Values: []string{order}}}},
				{ReadPoints: []string{thing}},
			} {
				list, err := ix.Events(t.Context(), q, index.Latest, index.Page{})
				require.NoError(t, err)
				require.Len(t, list.Items, 1)
				require.Equal(t, r.Body, list.Items[0].Body)
			}
			below, err := ix.Things(t.Context(), thing[:strings.LastIndexByte(thing, '/')], index.Latest, index.Page{})
			require.NoError(t, err)
			require.Contains(t, below.Items, thing)
		})
	}
}

func TestTransactionIDsMayBeAnything(t *testing.T) {
	l, ix := follow(t)
	for n, id := range []string{noise(20_000), "a\x00b", "\xff\xfe"} {
		b := index.Block{Number: uint64(n + 1), Hash: []byte{byte(n + 1)}, PreviousHash: ix.LastHash(),
			Transactions: []index.Transaction{{ID: id, MSPID: "x\x00\xff", Subject: noise(5_000), Code: 8}}}
		require.NoError(t, ix.Apply(t.Context(), b))
		tx, err := ix.Transaction(t.Context(), id, index.Latest)
		require.NoError(t, err)
		require.EqualValues(t, 8, tx.Code)
		require.Equal(t, "x\x00\xff", tx.MSPID)
	}
	require.Greater(t, ix.Height(), l.Height())
}
