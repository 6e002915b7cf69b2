package capture

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// twinOf is an item that says the same as an earlier one of its request.
func twinOf(item Item) Item { return Item{Twin: record.Sum(item.Body), EventID: item.EventID} }

func TestATwinHasTheFateOfTheRecordThatItRepeats(t *testing.T) {
	for _, behaviour := range []Behaviour{Rollback, Proceed} {
		for _, batch := range []int{2, 50} {
			b := newBench(t, func(c *Config) { c.BatchRecords = batch })
			b.run()
			list := items(0, 3)
			list = append(list, twinOf(list[0]), twinOf(list[0]), twinOf(list[2]))
			_, results := b.finish(b.capture(behaviour, list).ID)
			require.Equal(t, []State{Recorded, Recorded, Recorded, Duplicate, Duplicate, Duplicate}, states(results))
			for twin, first := range map[int]int{3: 0, 4: 0, 5: 2} {
				require.Equal(t, results[first].RecordID, results[twin].RecordID)
				require.Equal(t, results[first].TransactionID, results[twin].TransactionID)
			}
			require.Zero(t, b.queue.Stats().Records)
		}
	}
	t.Run("which is refused", func(t *testing.T) {
		b := newBench(t)
		b.ledger.reject = refuses(1)
		b.run()
		list := items(0, 3)
		_, results := b.finish(b.capture(Proceed, append(list, twinOf(list[1]), twinOf(list[0]))).ID)
		require.Equal(t, []State{Recorded, Rejected, Recorded, Rejected, Duplicate}, states(results))
		require.Equal(t, "bad_number", results[3].Problems[0].Code)
		require.Zero(t, b.queue.Stats().Records)
	})
	t.Run("across a restart", func(t *testing.T) {
		b := newBench(t)
		b.ledger.endorse = always(noPolicy)
		b.run()
		list := items(0, 3)
		list = append(list[:1], append([]Item{twinOf(list[0])}, list[1:]...)...)
		list[0].Warnings = []record.Problem{{Code: "odd", Detail: "it is odd"}}
		j := b.capture(Proceed, list)
		b.crashWhen("the trouble has struck", b.counted("endorse", 1))
		b.open()
		b.run()
		_, results := b.finish(j.ID)
		require.Equal(t, []State{Recorded, Duplicate, Recorded, Recorded}, states(results))
		w, err := b.queue.Warnings(t.Context(), j.ID)
		require.NoError(t, err)
		require.Equal(t, Warnings{List: []record.Problem{{Code: "odd", Detail: "it is odd"}}, Total: 1}, w)
	})
}
