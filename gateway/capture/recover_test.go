package capture

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// crash stops the queue in the middle of trouble that doesn't end, and takes the trouble away.
func (b *bench) crashWhen(what string, condition func() bool) {
	b.Helper()
	b.eventually(what, condition)
	b.close()
	b.ledger.mu.Lock()
	b.ledger.endorse, b.ledger.send, b.ledger.look = nil, nil, nil
	b.ledger.mu.Unlock()
}

func (b *bench) counted(step string, n int) func() bool {
	return func() bool {
		b.ledger.mu.Lock()
		defer b.ledger.mu.Unlock()
		return b.ledger.counts[step] >= n
	}
}

// Wherever a process stops, the next one ends the job, with each record on the ledger once.
func TestTheNextProcessGoesOn(t *testing.T) {
	for _, test := range []struct {
		name                string
		endorse, send, look func(int, string) trouble
		step                string
		transactions        int // on the ledger in the end; 0 if there may be more or fewer
	}{
		{name: "after a job was taken and nothing was sent", endorse: always(noPolicy), step: "endorse"}, // it may get company
		{name: "after a transaction was lost on its way", send: always(notOrderedAndFailed), step: "send", transactions: 1},
		{name: "after the orderers took a transaction and lost it", send: always(acceptedButDropped), step: "send", transactions: 1},
		{name: "after a transaction was committed unseen", send: always(orderedUnseen), look: always(lookupFails), step: "look", transactions: 1},
		{name: "after a transaction was committed and the answer was lost", send: always(orderedButFailed), look: always(lookupFails), step: "look", transactions: 1},
		{name: "after a transaction became invalid", send: always(conflict), step: "send"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inNoTime(t, func(t *testing.T) {
				b := newBench(t)
				b.ledger.endorse, b.ledger.send, b.ledger.look = test.endorse, test.send, test.look
				b.run()
				j := b.capture(Proceed, items(0, 5))
				b.crashWhen("the trouble has struck", b.counted(test.step, 1))
				b.open()
				got, err := b.queue.Job(t.Context(), j.ID)
				require.NoError(t, err)
				require.True(t, got.Running())
				require.Equal(t, j.CreatedAt.UnixMilli(), got.CreatedAt.UnixMilli())
				require.NotEmpty(t, got.Waiting)
				b.run()
				again := b.capture(Proceed, items(4, 6))
				_, results := b.finish(j.ID)
				require.Equal(t, repeat(Recorded, 5), states(results))
				_, results = b.finish(again.ID)
				require.Equal(t, []State{Duplicate, Recorded}, states(results))
				if test.transactions > 0 {
					require.Len(t, b.ledger.order, test.transactions+1)
				}
				b.close()
				b.open()
				require.Equal(t, Stats{}, b.queue.Stats(), "nothing is left to do")
				_, err = b.queue.Job(t.Context(), j.ID)
				require.NoError(t, err)
			})
		})
	}
}

func TestResultsOfRefusedAndKnownRecordsSurviveARestart(t *testing.T) {
	inNoTime(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.BatchRecords = 3 })
		b.ledger.reject = refuses(1)
		b.ledger.send = func(n int, txID string) trouble {
			if n > 1 {
				return notOrderedAndFailed
			}
			return none
		}
		b.run()
		_, first := b.finish(b.capture(Proceed, items(100, 101)).ID)
		list := append(items(0, 8), Item{Problems: []record.Problem{{Code: "wrong_type"}}})
		list = slices.Insert(list, 4, known(first[0]))
		j := b.capture(Proceed, list)
		b.crashWhen("the second transaction waits", b.counted("send", 4))
		b.run()
		_, results := b.finish(j.ID)
		require.Equal(t, []State{Recorded, Rejected, Recorded, Recorded, Duplicate, Recorded, Recorded, Recorded, Recorded,
			Rejected}, states(results))
		require.Equal(t, "bad_number", results[1].Problems[0].Code)
		require.Equal(t, first[0].RecordID, results[4].RecordID)
		require.Equal(t, first[0].TransactionID, results[4].TransactionID)
		require.Equal(t, "wrong_type", results[9].Problems[0].Code)
	})
}

func TestATransactionOfAnotherCertificateIsGivenUpOnlyWhenItCantComeAnyMore(t *testing.T) {
	t.Run("it was committed", func(t *testing.T) {
		inNoTime(t, func(t *testing.T) {
			b := newBench(t)
			b.ledger.send, b.ledger.look = always(orderedUnseen), always(lookupFails)
			b.run()
			j := b.capture(Proceed, items(0, 2))
			b.crashWhen("it was sent", b.counted("look", 1))
			b.cfg.Identity = identityOf("cert-2")
			b.run()
			_, results := b.finish(j.ID)
			require.Equal(t, b.ledger.order[0], results[0].TransactionID)
			require.Len(t, b.ledger.order, 1)
		})
	})
	t.Run("it was lost", func(t *testing.T) {
		inNoTime(t, func(t *testing.T) {
			b := newBench(t)
			b.ledger.send = always(acceptedButDropped)
			b.run()
			j := b.capture(Proceed, items(0, 2))
			b.crashWhen("it was sent", b.counted("send", 1))
			b.cfg.Identity = identityOf("cert-2")
			b.run()
			b.eventually("it waits", func() bool { return b.queue.Stats().Waiting != "" })
			require.Contains(t, b.queue.Stats().Waiting, "another certificate")
			b.notOnLedger(items(0, 2))
			b.close()
			b.cfg.Settle = time.Nanosecond
			b.run()
			_, results := b.finish(j.ID)
			require.Equal(t, repeat(Recorded, 2), states(results))
		})
	})
}

func TestARefusalAfterARestartCountsOnlyWhenTheTransactionCantComeAnyMore(t *testing.T) {
	inNoTime(t, func(t *testing.T) {
		b := newBench(t)
		b.ledger.send = always(acceptedButDropped)
		b.run()
		j := b.capture(Proceed, items(0, 1))
		b.crashWhen("it was sent", b.counted("send", 1))
		b.ledger.reject = refuses(0)
		b.run()
		b.eventually("it waits", func() bool { return b.queue.Stats().Waiting != "" })
		require.Contains(t, b.queue.Stats().Waiting, "may be under way")
		// Late, an orderer brings it after all.
		b.ledger.mu.Lock()
		for txID := range b.ledger.calls {
			b.ledger.commit(txID, 0, true)
		}
		b.ledger.mu.Unlock()
		b.close()
		b.run()
		_, results := b.finish(j.ID)
		require.Equal(t, Recorded, results[0].State)

		b.ledger.mu.Lock()
		b.ledger.send, b.ledger.reject = always(acceptedButDropped), nil
		b.ledger.mu.Unlock()
		j = b.capture(Proceed, items(1, 2))
		b.crashWhen("it was sent", b.counted("send", 2))
		b.ledger.reject = refuses(1)
		b.cfg.Settle = time.Nanosecond
		b.run()
		_, results = b.finish(j.ID)
		require.Equal(t, "bad_number", results[0].Problems[0].Code)
	})
}

func TestAJobThatWasNotCommittedIsGoneAfterARestart(t *testing.T) {
	b := newBench(t, func(c *Config) { c.BatchRecords = 2 })
	b.open()
	in, err := b.queue.Begin(request(Proceed, nil))
	require.NoError(t, err)
	require.NoError(t, in.Add(t.Context(), items(0, 9)...))
	b.close()
	b.run()
	require.Equal(t, 0, b.queue.Stats().Records)
	for _, table := range []string{"job", "part", "pack"} {
		var n int
		require.NoError(t, b.queue.store.file.Read.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
		require.Zero(t, n, table)
	}
	b.notOnLedger(items(0, 9))
}

func TestAJobWhoseIdentityIsGoneWaits(t *testing.T) {
	inNoTime(t, func(t *testing.T) {
		b := newBench(t)
		b.open()
		j := b.capture(Proceed, items(0, 1))
		b.close()
		known := b.cfg.Identity
		b.cfg.Identity = func(string) (*ledger.Identity, error) { return nil, errors.New("the token was revoked") }
		b.run()
		b.eventually("it waits", func() bool {
			got, err := b.queue.Job(t.Context(), j.ID)
			return err == nil && got.Waiting != ""
		})
		b.close()
		b.cfg.Identity = known
		b.run()
		b.finish(j.ID)
	})
}

func TestRunCanBeCalledAgainOnAnOpenQueue(t *testing.T) {
	inNoTime(t, func(t *testing.T) {
		b := newBench(t)
		b.ledger.send = always(acceptedButDropped)
		q := b.run()
		j := b.capture(Proceed, items(0, 3))
		b.eventually("it was sent", b.counted("send", 1))
		require.ErrorContains(t, q.Run(t.Context(), b.ledger, b.ledger), "runs already")
		b.stop()
		require.ErrorIs(t, <-b.ended, context.Canceled)
		b.stop = nil
		b.ledger.mu.Lock()
		b.ledger.send = nil
		b.ledger.mu.Unlock()
		b.run()
		_, results := b.finish(j.ID)
		require.Equal(t, repeat(Recorded, 3), states(results))
		require.Len(t, b.ledger.order, 1)
	})
}

// A group of writes in which one fails is not all lost.
func TestAFailedWriteFailsAlone(t *testing.T) {
	b := newBench(t)
	q := b.open()
	block, entered := make(chan struct{}), make(chan struct{}, 9)
	first := q.store.submit(func(*sqlitefile.Tx) error { entered <- struct{}{}; <-block; return nil })
	<-entered
	good := q.store.submit(func(tx *sqlitefile.Tx) error {
		_, err := tx.Exec("INSERT INTO meta VALUES ('good', x'01')")
		return err
	})
	bad := q.store.submit(func(tx *sqlitefile.Tx) error { return errors.New("no") })
	close(block)
	require.NoError(t, <-first)
	require.NoError(t, <-good)
	require.ErrorIs(t, <-bad, ErrStorage)
	var n int
	require.NoError(t, q.store.file.Read.QueryRow("SELECT count(*) FROM meta WHERE name = 'good'").Scan(&n))
	require.Equal(t, 1, n)
}
