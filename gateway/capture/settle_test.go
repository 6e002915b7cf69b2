package capture

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// Transactions end at the same time, and each end is written when its turn comes. Whatever is on disk between two
// writes is a queue that the next process can go on with.
func TestAProcessThatIsKilledBetweenTwoWritesLeavesAQueueThatIsWhole(t *testing.T) {
	for _, test := range []struct {
		name    string
		records int
		places  [2][2]int // the part and the item that each transaction carries
	}{
		{name: "two transactions carry records of one part", records: 2, places: [2][2]int{{0, 0}, {0, 1}}},
		{name: "two transactions carry a part of one job each", records: 4, places: [2][2]int{{0, 0}, {1, 0}}},
		{name: "two of three records are on the ledger", records: 3, places: [2][2]int{{0, 0}, {0, 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, func(c *Config) { c.BatchRecords = 3 })
			q := b.open()
			id := b.capture(Proceed, items(0, test.records)).ID
			var batches []*batch
			for n, at := range test.places {
				p := q.jobs[id].parts[at[0]]
				batches = append(batches, &batch{
					key: newKey(), txID: string(rune('a' + n)), lane: q.lane(p.job), members: []member{{p, []int{at[1]}}},
				})
				require.NoError(t, q.leave(t.Context(), batches[n]))
			}

			// The writer stands still until both have ended. There are so many writes between the two that these come
			// into two groups, of which only the first is on disk when the process is killed.
			first, second := blocked(q), make(chan struct{})
			ended := make(chan error, 2)
			end := func(b *batch, block uint64) {
				ended <- q.recorded(t.Context(), b, ledger.Commit{TransactionID: b.txID, Block: block})
			}
			go end(batches[0], 0)
			b.eventually("the first end waits to be written", func() bool { return q.store.file.Waiting() == 1 })
			for range 300 {
				q.store.submit(func(*sqlitefile.Tx) error { return nil })
			}
			reached := make(chan struct{})
			q.store.submit(func(*sqlitefile.Tx) error { close(reached); <-second; return nil })
			go end(batches[1], 1)
			b.eventually("the second end is known", func() bool {
				q.mu.Lock()
				defer q.mu.Unlock()
				return len(batches[1].members) == 0
			})
			close(first)
			<-reached
			killed := copyQueue(t, b.cfg.Folder)
			close(second)
			require.NoError(t, <-ended)
			require.NoError(t, <-ended)

			again := newBench(t, func(c *Config) { c.Folder, c.BatchRecords = killed, 3 })
			for n, b := range batches {
				at := test.places[n]
				again.ledger.packs[b.txID] = [][]byte{body(at[0]*3 + at[1])}
				again.ledger.commit(b.txID, peer.TxValidationCode_VALID, false)
			}
			again.open()
			require.Empty(t, again.queue.Damage())
			again.run()
			j, results := again.finish(id)
			require.Len(t, results, test.records)
			require.Equal(t, test.records, j.Recorded, "each record is counted once")
		})
	}
}

// Earlier versions wrote what a transaction decided before they wrote that it had ended.
func TestAQueueOfAnEarlierVersionThatWasKilledBetweenTwoWritesGoesOn(t *testing.T) {
	for _, test := range []struct {
		name string
		edit string
	}{
		{"a job has nothing pending and is marked as running", "DELETE FROM batch"},
		{"a transaction carries what is decided", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			q := b.open()
			id := b.capture(Proceed, items(0, 2)).ID
			p := q.jobs[id].parts[0]
			sent := &batch{key: newKey(), txID: "t", lane: q.lane(p.job), members: []member{{p, []int{0, 1}}}}
			require.NoError(t, q.leave(t.Context(), sent))
			done := partCopy{part: p, finished: true, runs: encodeOutcomes(slices.Repeat([]*outcome{{State: Recorded, Tx: "t"}}, 2))}
			require.NoError(t, <-q.store.submit(func(tx *sqlitefile.Tx) error {
				if test.edit != "" {
					if _, err := tx.Exec(test.edit); err != nil {
						return err
					}
				}
				return done.write(tx)
			}))
			b.close()
			b.ledger.packs["t"] = [][]byte{body(0), body(1)}
			b.ledger.commit("t", peer.TxValidationCode_VALID, false)
			b.open()
			require.Empty(t, b.queue.Damage())
			b.run()
			j, results := b.finish(id)
			require.Equal(t, repeat(Recorded, 2), states(results))
			require.Equal(t, 2, j.Recorded)
			b.close()
			b.open()
			require.Equal(t, Stats{}, b.queue.Stats(), "nothing is left to do")
		})
	}
}

// blocked lets no write be made until the channel is closed.
func blocked(q *Queue) chan<- struct{} {
	reached, over := make(chan struct{}), make(chan struct{})
	q.store.submit(func(*sqlitefile.Tx) error { close(reached); <-over; return nil })
	<-reached
	return over
}

// copyQueue copies the files of a queue as a killed process would leave them.
func copyQueue(t *testing.T, from string) string {
	to := t.TempDir()
	for _, suffix := range databaseSuffixes[:2] {
		require.NoError(t, copyFile(filepath.Join(from, "queue.db"+suffix), filepath.Join(to, "queue.db"+suffix)))
	}
	return to
}
