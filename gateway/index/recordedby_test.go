package index_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// following makes a ledger with an index that has every block at once.
func following(t testing.TB) (*indextest.Ledger, *index.Index) {
	l, ix := indextest.New(t), indextest.Open(t)
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	l.Follower = ix
	return l, ix
}

func ownArtifact(t testing.TB, n int) *record.Record {
	return indextest.Artifact(t, fmt.Sprintf("dataset/lab/own@%d", n))
}

func TestWhatAnOrganisationItselfHasRecorded(t *testing.T) {
	l, ix := following(t)
	first, again, twice, never, invalid := ownArtifact(t, 1), ownArtifact(t, 2), ownArtifact(t, 3), ownArtifact(t, 4),
		ownArtifact(t, 5)
	mine := l.Submit("Lab", first)
	l.Submit("Harbor", again, twice, never)
	l.Cut()
	l.SubmitAs("Lab", 11, invalid)
	l.Submit("Market", again)
	corroborated := l.Submit("Lab", twice, again)
	l.Cut()
	l.Submit("Lab", again, first)
	l.Cut()

	ids := []string{string(first.ID), string(again.ID), string(twice.ID), string(never.ID), string(invalid.ID),
		string(ownArtifact(t, 6).ID), "no id at all", string(first.ID)}
	found, err := ix.RecordedBy(t.Context(), "LabMSP", ids)
	require.NoError(t, err)
	require.Len(t, found, 3, "neither what others recorded, nor what an invalid transaction brought")
	for _, c := range []struct {
		name  string
		id    record.ID
		tx    string
		block uint64
		line  int
	}{
		{"what it recorded first, where it did so first", first.ID, mine, 1, 0},
		{"what it recorded after two others, by its own first recording", again.ID, corroborated, 2, 1},
		{"what it recorded after another", twice.ID, corroborated, 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := found[string(c.id)]
			assert.Equal(t, c.tx, r.TxID)
			assert.Equal(t, "LabMSP", r.MSPID)
			assert.Equal(t, c.block, r.Block)
			assert.Equal(t, c.line, r.Line)
		})
	}

	t.Run("nothing for an organisation that is unknown, and nothing for no ids", func(t *testing.T) {
		found, err := ix.RecordedBy(t.Context(), "NobodyMSP", ids)
		require.NoError(t, err)
		assert.Empty(t, found)
		found, err = ix.RecordedBy(t.Context(), "LabMSP", nil)
		require.NoError(t, err)
		assert.Empty(t, found)
	})
	t.Run("more ids than one query takes", func(t *testing.T) {
		var records []*record.Record
		var ids []string
		for n := range 1500 {
			r := ownArtifact(t, 1000+n)
			records, ids = append(records, r), append(ids, string(r.ID))
		}
		l.Submit("Lab", records[:700]...)
		l.Submit("Lab", records[700:1400]...)
		l.Cut()
		found, err := ix.RecordedBy(t.Context(), "LabMSP", ids)
		require.NoError(t, err)
		assert.Len(t, found, 1400)
		assert.Equal(t, 699, found[ids[1399]].Line)
	})
}

const ownEventID = "urn:uuid:4f2d2f5c-9c0c-4a6c-9a3e-0d1c8f3d0001"

func ownEvent(t testing.TB, serial, extra string) *record.Record {
	return indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":["urn:epc:id:sgtin:952005.0101010.`+serial+`"]`+extra+`}`)
}

func TestEventsThatAnOrganisationHasGivenAnID(t *testing.T) {
	l, ix := following(t)
	named := `,"eventID":"` + ownEventID + `"`
	one, other := ownEvent(t, "1", named), ownEvent(t, "2", named)
	wrong := ownEvent(t, "1", named+`,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00.5Z"}`)
	hashed := ownEvent(t, "3", "")
	hash := hashed.Event.Hash
	borrowed := ownEvent(t, "4", `,"eventID":"`+hash+`"`) // another event, with that hash for its id
	l.Put("Harbor", other)
	l.Put("Lab", one)
	l.Put("Lab", wrong, hashed)
	l.Put("Market", hashed, borrowed, one)

	t.Run("the event and the declaration that it was wrong, in ledger order, and not what others recorded",
		func(t *testing.T) {
			found, err := ix.EventsRecordedBy(t.Context(), "LabMSP", []string{ownEventID, "urn:nobody:has:this", ""})
			require.NoError(t, err)
			require.Len(t, found, 1)
			events := found[ownEventID]
			require.Len(t, events, 2)
			assert.Equal(t, string(one.ID), events[0].ID)
			assert.Equal(t, one.Event.Hash, events[0].Hash)
			assert.False(t, events[0].Declaration)
			assert.Equal(t, uint64(2), events[0].Block)
			assert.Equal(t, l.Blocks[2].Transactions[0].ID, events[0].TxID)
			assert.Equal(t, string(wrong.ID), events[1].ID)
			assert.True(t, events[1].Declaration)
			assert.Equal(t, time.Date(2026, 3, 2, 8, 0, 0, 5e8, time.UTC), events[1].DeclaredAt)
		})
	t.Run("what it recorded after another organisation, with its own recording", func(t *testing.T) {
		found, err := ix.EventsRecordedBy(t.Context(), "MarketMSP", []string{ownEventID, hash})
		require.NoError(t, err)
		require.Len(t, found[ownEventID], 1)
		assert.Equal(t, string(one.ID), found[ownEventID][0].ID)
		assert.Equal(t, uint64(4), found[ownEventID][0].Block)
		assert.Equal(t, "MarketMSP", found[ownEventID][0].MSPID)
		require.Len(t, found[hash], 2, "an id that is the hash, and the same id borrowed")
		assert.Equal(t, []string{string(hashed.ID), string(borrowed.ID)},
			[]string{found[hash][0].ID, found[hash][1].ID})
	})
	t.Run("an id that is the hash", func(t *testing.T) {
		found, err := ix.EventsRecordedBy(t.Context(), "LabMSP", []string{hash})
		require.NoError(t, err)
		require.Len(t, found[hash], 1)
		assert.Equal(t, hash, found[hash][0].Hash)
	})
	t.Run("events that have ids of their own, by their hash", func(t *testing.T) {
		found, err := ix.EventsRecordedBy(t.Context(), "LabMSP", []string{one.Event.Hash})
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Len(t, found[one.Event.Hash], 2, "the event, and the declaration that it was wrong")
		assert.Equal(t, string(one.ID), found[one.Event.Hash][0].ID)
	})
}

// BenchmarkKnown is what looking for duplicates costs a batch of five hundred events in an index of 100,000.
func BenchmarkKnown(b *testing.B) {
	l, ix := shipments(b, 100_000), indextest.Open(b)
	if err := ix.ApplyAll(b.Context(), l.Blocks); err != nil {
		b.Fatal(err)
	}
	const size = 500
	for _, c := range []struct {
		name  string
		first int
		known int
	}{{"nothing known", 1_000_000, 0}, {"all known", 40_000, size}} {
		var ids, eventIDs []string
		for n := range size {
			r := shippingEvent(b, c.first+n)
			ids, eventIDs = append(ids, string(r.ID)), append(eventIDs, r.Event.Event.EventID)
		}
		b.Run("records, "+c.name, func(b *testing.B) {
			for b.Loop() {
				if found, err := ix.RecordedBy(b.Context(), "HarborMSP", ids); err != nil || len(found) != c.known {
					b.Fatal(err, len(found))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/event")
		})
		b.Run("event ids, "+c.name, func(b *testing.B) {
			for b.Loop() {
				if found, err := ix.EventsRecordedBy(b.Context(), "HarborMSP", eventIDs); err != nil ||
					len(found) != c.known {
					b.Fatal(err, len(found))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/event")
		})
	}
}
