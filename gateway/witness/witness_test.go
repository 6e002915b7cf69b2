package witness

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestWitnessesAreOurOwnWhereWeHaveThem(t *testing.T) {
	l, ix := indextest.New(t), indextest.Open(t)
	for _, b := range l.Blocks {
		require.NoError(t, ix.Apply(t.Context(), b))
	}
	l.Follower = ix
	finder := &Finder{Index: ix}
	const thing = "https://id.gs1.org/01/09520051010106/21/S1"
	byHarbor := l.Put("Harbor", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"ADD","epcList":["`+thing+`"]}`))
	shared := indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T09:00:00Z","action":"OBSERVE","epcList":["`+thing+`"]}`)
	l.Put("Harbor", shared)
	l.Put("Market", shared)
	byLab := l.Put("Lab", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T10:00:00Z","action":"OBSERVE","epcList":["`+thing+`"]}`))
	for msp, want := range map[string]string{"LabMSP": byLab, "HarborMSP": byHarbor, "MarketMSP": string(shared.ID), "OtherMSP": byHarbor, "": byHarbor} {
		place, known, err := finder.witness(t.Context(), thing, msp)
		require.NoError(t, err)
		assert.True(t, known)
		assert.Equal(t, want, string(place.ID), msp)
		tx, err := ix.Transaction(t.Context(), place.Tx, l.Height())
		require.NoError(t, err)
		assert.Contains(t, tx.Records, want)
		if msp == "MarketMSP" {
			assert.Equal(t, msp, tx.MSPID, "the organisation's own recording, though another's came first")
		}
	}
	_, known, err := finder.witness(t.Context(), "https://id.gs1.org/01/09520051010106/21/S2", "LabMSP")
	require.NoError(t, err)
	assert.False(t, known)
}

func TestWhatNobodyRecordedIsRefusedWithItsPlace(t *testing.T) {
	l, ix := indextest.New(t), indextest.Open(t)
	for _, b := range l.Blocks {
		require.NoError(t, ix.Apply(t.Context(), b))
	}
	l.Follower = ix
	finder := &Finder{Index: ix}
	id := l.Put("Harbor", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"ADD","epcList":["https://id.gs1.org/01/09520051010106/21/S1"]}`))
	known := indextest.Statement(t, "recall", `{"reason":"wrong label"}`, id)
	text, err := finder.Find(t.Context(), "HarborMSP", []*record.Record{known})
	require.NoError(t, err)
	assert.Contains(t, string(text), `"`+id+`"`)

	unknown := indextest.Statement(t, "recall", `{"reason":"wrong label"}`, "dataset/lab/nowhere@1")
	_, err = finder.Find(t.Context(), "HarborMSP", []*record.Record{known, unknown})
	var rejection *record.Rejection
	require.ErrorAs(t, err, &rejection)
	require.Len(t, rejection.Problems, 1)
	assert.Equal(t, 1, rejection.Problems[0].Index)
	assert.Equal(t, "unknown_reference", rejection.Problems[0].Code)
	assert.Equal(t, "/subject/0/name", rejection.Problems[0].Pointer)

	text, err = finder.Find(t.Context(), "HarborMSP", nil)
	require.NoError(t, err)
	assert.Empty(t, text, "no records need no witnesses")
}
