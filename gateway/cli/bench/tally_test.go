package bench

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// onLedger returns the record that a gateway makes of an event.
func onLedger(t *testing.T, event []byte) []byte {
	t.Helper()
	doc, err := canonical.Parse(event, canonical.Limits{})
	require.NoError(t, err)
	events, problems := epcis.Document(doc)
	require.Empty(t, problems)
	require.Len(t, events, 1)
	r, found := record.NewEvent(events[0].Event, events[0].Context)
	require.Empty(t, found)
	return r.Body
}

func TestATallyTellsWhatIsMissingDoubledAndStrange(t *testing.T) {
	for _, c := range []struct {
		name  string
		found []int // numbers of events on the ledger; 0 to 2 were acknowledged, 3 was only sent
		want  Count
	}{
		{"all that was acknowledged", []int{2, 0, 1}, Count{Sent: 3, Events: 3, Distinct: 3}},
		{"and what was sent without an answer", []int{0, 1, 2, 3}, Count{Sent: 3, Events: 4, Distinct: 4}},
		{"nothing", nil, Count{Sent: 3, Missing: 3}},
		{"one is missing", []int{0, 2}, Count{Sent: 3, Events: 2, Distinct: 2, Missing: 1}},
		{"one is there three times", []int{0, 1, 1, 1, 2}, Count{Sent: 3, Events: 5, Distinct: 3, Doubled: 1}},
		{"one without an answer is there twice", []int{0, 1, 2, 3, 3}, Count{Sent: 3, Events: 5, Distinct: 4, Doubled: 1}},
		{"one that nobody sent", []int{0, 1, 2, 9}, Count{Sent: 3, Events: 4, Distinct: 4, Strange: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := newTally(4)
			for n := range 4 {
				require.NoError(t, list.sent(bare("T", n, usualBytes), n < 3))
			}
			for _, n := range c.found {
				require.NoError(t, list.found("HarborMSP", onLedger(t, makeEvent("T", n))))
			}
			assert.Equal(t, c.want, list.count())
			wrong := c.want.Missing+c.want.Doubled+c.want.Strange > 0
			assert.Equal(t, wrong, list.count().Err() != nil)
		})
	}
}

func TestATallyCountsEventsOnly(t *testing.T) {
	list := newTally(0)
	require.NoError(t, list.found("HarborMSP", []byte(`{"mspId":"HarborMSP","record":"member/1"}`)))
	assert.Zero(t, list.count())
	assert.Error(t, list.found("HarborMSP", []byte(`{"record":`)))
}

func TestEventsAreOfTheSizeThatIsAskedForAndAllDifferent(t *testing.T) {
	for _, size := range []int{300, usualBytes, 2_000, 8_000} {
		list, bytes := newTally(0), 0
		for _, run := range []string{"C", "S"} {
			for n := range 3 * eventsPerLot {
				event := bare(run, n, size)
				bytes += len(event)
				require.NoError(t, list.sent(event, true), "none is like another")
				require.Equal(t, event, bare(run, n, size), "and each can be made again")
				require.NoError(t, list.found("HarborMSP",
					onLedger(t, append([]byte("{"+contextMember+","), event[1:]...))), "it is a valid event")
			}
		}
		assert.InEpsilon(t, size, bytes/(6*eventsPerLot), 0.35)
		require.NoError(t, list.count().Err())
	}
}
