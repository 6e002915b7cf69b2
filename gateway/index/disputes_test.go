package index_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// of describes the event of a record.
func labelOf(t *testing.T, ix *index.Index, id string) *index.Label {
	t.Helper()
	snap, err := ix.Snapshot(t.Context(), index.Latest)
	require.NoError(t, err)
	v, err := ix.Find(t.Context(), id, snap)
	require.NoError(t, err)
	labels, err := ix.Describe(t.Context(), []int64{v.ID}, snap)
	require.NoError(t, err)
	return labels[v.ID]
}

func numbered(t *testing.T, thing int, rest string) *record.Record {
	return indextest.Event(t, fmt.Sprintf(
		`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":["https://example.com/%d"]%s}`, thing, rest,
	))
}

func TestAnEventIsInErrorIfAllThatRecordedItSaySo(t *testing.T) {
	l, ix := follow(t)
	const id = `,"eventID":"urn:x:1"`
	declared := func(reason string) *record.Record {
		return numbered(t, 1, id+`,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z","reason":"`+reason+
			`","correctiveEventIDs":["urn:x:2"]}`)
	}
	event := l.Put("Harbor", numbered(t, 1, id))
	l.Put("Lab", declared("urn:x:lab"))
	e := labelOf(t, ix, event)
	require.False(t, e.InError, "somebody else's word")
	require.Len(t, e.Errors, 1)
	require.True(t, e.Errors[0].Dispute)
	require.Equal(t, []string{"urn:x:2"}, e.Errors[0].Corrective)

	l.Put("Harbor", declared("urn:x:harbor"))
	e = labelOf(t, ix, event)
	require.True(t, e.InError)
	require.Len(t, e.Errors, 2)
	require.False(t, e.Errors[1].Dispute)

	// Market has reported the same, and goes on doing so.
	l.Put("Market", numbered(t, 1, id))
	require.False(t, labelOf(t, ix, event).InError)
	l.Put("Market", declared("urn:x:market"))
	e = labelOf(t, ix, event)
	require.True(t, e.InError)
	require.Equal(t, []bool{true, false, false}, []bool{e.Errors[0].Dispute, e.Errors[1].Dispute, e.Errors[2].Dispute})
}

// Whoever records a declaration first doesn't take the word of those who record the same bytes after them.
func TestEachThatRecordsADeclarationDeclares(t *testing.T) {
	l, ix := follow(t)
	reports := func(thing int) (event, declaration *record.Record) {
		id := fmt.Sprintf(`,"eventID":"urn:x:%d"`, thing)
		return numbered(t, thing, id), numbered(t, thing, id+`,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z"}`)
	}
	report, declaration := reports(1)
	event := l.Put("Harbor", report)
	l.Put("Lab", declaration)
	require.False(t, labelOf(t, ix, event).InError, "somebody else's word")
	l.Put("Harbor", declaration)
	e := labelOf(t, ix, event)
	require.True(t, e.InError, "Harbor has declared it in the same bytes")
	require.Len(t, e.Errors, 2)
	require.Equal(t, []string{"LabMSP", "HarborMSP"}, []string{e.Errors[0].MSPID, e.Errors[1].MSPID})
	require.Equal(t, []bool{true, false}, []bool{e.Errors[0].Dispute, e.Errors[1].Dispute})

	// Two organisations report one event, and both withdraw it.
	report, declaration = reports(2)
	shared := l.Put("Harbor", report)
	l.Put("Lab", report)
	l.Put("Lab", declaration)
	require.False(t, labelOf(t, ix, shared).InError, "Harbor stands by its report")
	l.Put("Harbor", declaration)
	require.True(t, labelOf(t, ix, shared).InError)
}

func TestAnEventIDStaysWithWhoUsedItFirst(t *testing.T) {
	l, ix := follow(t)
	const id = `,"eventID":"urn:x:mine"`
	first := l.Put("Harbor", numbered(t, 1, id))
	taken := l.Put("Market", numbered(t, 2, id))
	same := l.Put("Lab", numbered(t, 1, id+`,"bizStep":"https://ref.gs1.org/cbv/BizStep-storing"`))
	own := l.Put("Harbor", numbered(t, 3, id))
	require.Empty(t, labelOf(t, ix, first).IDOf)
	require.Equal(t, first, labelOf(t, ix, taken).IDOf)
	require.Equal(t, first, labelOf(t, ix, same).IDOf)
	require.Empty(t, labelOf(t, ix, own).IDOf)
	plain := l.Put("Market", numbered(t, 4, ""))
	require.Empty(t, labelOf(t, ix, plain).IDOf)

	list, err := ix.EventsByEventID(t.Context(), "urn:x:mine", index.Latest)
	require.NoError(t, err)
	require.Len(t, list, 4)
	require.Equal(t, first, list[0].ID, "the first one first")

	declaration := l.Put("Market", numbered(t, 1, id+`,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z"}`))
	require.Empty(t, labelOf(t, ix, declaration).IDOf, "a declaration has the eventID of what it is about")
	require.True(t, labelOf(t, ix, first).Errors[0].Dispute)
}
