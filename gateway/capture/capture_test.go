package capture

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

func once(at int, t trouble) func(int, string) trouble {
	return func(n int, _ string) trouble {
		if n == at {
			return t
		}
		return none
	}
}

func always(t trouble) func(int, string) trouble {
	return func(int, string) trouble { return t }
}

// Each trouble passes, and the job ends as if it had never been.
func TestAJobSurvivesTroubleOfTheLedger(t *testing.T) {
	for _, test := range []struct {
		name                string
		endorse, send, look func(int, string) trouble
	}{
		{name: "there is no trouble"},
		{name: "the policy can't be met at first", endorse: once(0, noPolicy)},
		{name: "no peer can be reached at first", endorse: once(0, noPeer)},
		{name: "the peer is overloaded at first", endorse: once(0, overloaded)},
		{name: "endorsers disagree at first", endorse: once(0, disagree)},
		{name: "the answer to a send is lost and the transaction is committed", send: once(0, orderedButFailed)},
		{name: "a send fails and nothing is ordered", send: once(0, notOrderedAndFailed)},
		{name: "the orderers accept a transaction and lose it", send: once(0, acceptedButDropped)},
		{name: "a transaction is committed and the stream doesn't show it", send: once(0, orderedUnseen)},
		{name: "a transaction is committed unseen and the first look-up fails", send: once(0, orderedUnseen), look: once(0, lookupFails)},
		{name: "a transaction is invalid for a read conflict", send: once(0, conflict)},
		{name: "a transaction is invalid for its endorsements", send: once(0, policyFailure)},
	} {
		t.Run(test.name, func(t *testing.T) {
			inNoTime(t, func(t *testing.T) {
				b := newBench(t)
				b.ledger.endorse, b.ledger.send, b.ledger.look = test.endorse, test.send, test.look
				b.run()
				for _, behaviour := range []Behaviour{Proceed, Rollback} {
					from := map[Behaviour]int{Proceed: 0, Rollback: 100}[behaviour]
					j := b.capture(behaviour, items(from, from+7))
					j, results := b.finish(j.ID)
					require.Equal(t, repeat(Recorded, 7), states(results))
					require.True(t, j.Success())
					require.Equal(t, "urn:event:"+fmt.Sprint(from+3), results[3].EventID)
				}
			})
		})
	}
}

func TestAProceedingJobKeepsWhatIsGood(t *testing.T) {
	b := newBench(t, func(c *Config) { c.BatchRecords = 4 })
	b.ledger.reject = refuses(1, 6, 7, 8)
	b.run()
	list := items(0, 10)
	list[3] = Item{EventID: "broken", Problems: []record.Problem{{Code: "missing_field", Pointer: "/type",
		Detail: "type is missing"}}}
	j, results := b.finish(b.capture(Proceed, list).ID)
	require.Equal(t, []State{Recorded, Rejected, Recorded, Rejected, Recorded, Recorded, Rejected, Rejected, Rejected,
		Recorded}, states(results))
	require.Equal(t, []record.Problem{{Index: 6, Code: "bad_number", Pointer: "/n", Detail: "6 is no good"}},
		results[6].Problems)
	require.Equal(t, "missing_field", results[3].Problems[0].Code)
	require.Empty(t, results[3].RecordID)
	require.False(t, j.Success())
	rejected, next, err := b.queue.Results(t.Context(), j.ID, 0, 2, Rejected)
	require.NoError(t, err)
	require.Equal(t, []int{1, 3}, []int{rejected[0].Index, rejected[1].Index})
	rejected, next, err = b.queue.Results(t.Context(), j.ID, next, 10, Rejected)
	require.NoError(t, err)
	require.Equal(t, -1, next)
	require.Equal(t, 6, rejected[0].Index)
}

func TestAnAllOrNothingJobIsOneTransaction(t *testing.T) {
	b := newBench(t, func(c *Config) { c.BatchRecords = 4 })
	b.run()
	_, results := b.finish(b.capture(Rollback, items(0, 50)).ID)
	for _, r := range results {
		require.Equal(t, results[0].TransactionID, r.TransactionID)
	}
}

func TestAnAllOrNothingJobWithOneBadRecordRecordsNothing(t *testing.T) {
	t.Run("when the chaincode refuses it", func(t *testing.T) {
		b := newBench(t)
		b.ledger.reject = refuses(2)
		b.run()
		_, results := b.finish(b.capture(Rollback, items(0, 4)).ID)
		require.Equal(t, repeat(Rejected, 4), states(results))
		require.Equal(t, "bad_number", results[2].Problems[0].Code)
		require.Equal(t, CodeRolledBack, results[0].Problems[0].Code)
		b.notOnLedger(items(0, 4))
	})
	t.Run("when it was refused before", func(t *testing.T) {
		b := newBench(t)
		b.open() // not even run: it is finished at once
		list := append(items(0, 3), Item{Problems: []record.Problem{{Code: "wrong_type"}}})
		j := b.capture(Rollback, list)
		require.False(t, j.Running())
		_, results := b.finish(j.ID)
		require.Equal(t, repeat(Rejected, 4), states(results))
		require.Equal(t, "wrong_type", results[3].Problems[0].Code)
		require.Equal(t, Stats{}, b.queue.Stats())
	})
}

func TestAnEmptyJobIsFinishedAtOnce(t *testing.T) {
	b := newBench(t)
	b.open()
	j := b.capture(Proceed, nil)
	require.True(t, j.Success())
	_, results := b.finish(j.ID)
	require.Empty(t, results)
}

func TestTheSameRecordIsRecordedOnce(t *testing.T) {
	t.Run("when it comes again later", func(t *testing.T) {
		b := newBench(t)
		b.run()
		_, first := b.finish(b.capture(Proceed, items(0, 5)).ID)
		_, again := b.finish(b.capture(Rollback, items(3, 8)).ID)
		require.Equal(t, []State{Duplicate, Duplicate, Recorded, Recorded, Recorded}, states(again))
		require.Equal(t, first[3].TransactionID, again[0].TransactionID)
	})
	t.Run("when it is twice in a job", func(t *testing.T) {
		b := newBench(t)
		b.run()
		_, results := b.finish(b.capture(Proceed, append(items(0, 2), items(0, 2)...)).ID)
		require.Equal(t, []State{Recorded, Recorded, Duplicate, Duplicate}, states(results))
	})
	t.Run("when it is twice in an all-or-nothing job", func(t *testing.T) {
		b := newBench(t)
		b.ledger.reject = refuses(7)
		b.run()
		_, results := b.finish(b.capture(Rollback, append(items(0, 2), items(0, 2)...)).ID)
		require.Equal(t, []State{Recorded, Recorded, Duplicate, Duplicate}, states(results))
		_, results = b.finish(b.capture(Rollback, append(items(5, 8), items(5, 8)...)).ID)
		require.Equal(t, repeat(Rejected, 6), states(results))
		b.notOnLedger(items(5, 8))
	})
	t.Run("when many send it at once", func(t *testing.T) {
		b := newBench(t)
		b.run()
		var wg sync.WaitGroup
		recorded := make([]int, 20)
		for c := range recorded {
			wg.Go(func() {
				results, err := b.queue.Record(t.Context(), request(Rollback, items(0, 1)))
				if err == nil && results[0].State == Recorded {
					recorded[c] = 1
				}
			})
		}
		wg.Wait()
		sum := 0
		for _, n := range recorded {
			sum += n
		}
		require.Equal(t, 1, sum)
	})
	t.Run("when the one before is refused together with others", func(t *testing.T) {
		b := newBench(t)
		b.open()
		b.ledger.reject = refuses(9)
		bad := b.capture(Rollback, append(items(0, 2), items(9, 10)...))
		good := b.capture(Proceed, items(0, 2))
		last := b.capture(Rollback, items(0, 1))
		b.run()
		_, results := b.finish(bad.ID)
		require.Equal(t, repeat(Rejected, 3), states(results))
		_, results = b.finish(good.ID)
		require.Equal(t, repeat(Recorded, 2), states(results))
		_, results = b.finish(last.ID)
		require.Equal(t, repeat(Duplicate, 1), states(results))
	})
}

// known is an item of which the caller knows that another record says the same.
func known(of Result) Item {
	return Item{EventID: "urn:event:other", Existing: &Existing{RecordID: of.RecordID,
		Recording: Recording{of.TransactionID, of.Block}}}
}

func TestWhatSaysTheSameAsAnotherRecordIsADuplicateOfThat(t *testing.T) {
	b := newBench(t, func(c *Config) { c.BatchRecords = 3 })
	b.run()
	_, first := b.finish(b.capture(Proceed, items(0, 3)).ID)

	check := func(t *testing.T, want, got Result) {
		require.Equal(t, Result{Index: got.Index, State: Duplicate, RecordID: want.RecordID, EventID: "urn:event:other",
			TransactionID: want.TransactionID, Block: want.Block}, got)
	}
	t.Run("among others", func(t *testing.T) {
		list := append(items(3, 8), items(8, 9)...)
		list[1], list[4] = known(first[2]), known(first[0])
		j, results := b.finish(b.capture(Proceed, list).ID)
		require.Equal(t, []State{Recorded, Duplicate, Recorded, Recorded, Duplicate, Recorded}, states(results))
		check(t, first[2], results[1])
		check(t, first[0], results[4])
		require.True(t, j.Success())
		require.Zero(t, b.queue.Stats().Records)
	})
	t.Run("in an all-or-nothing job", func(t *testing.T) {
		_, results := b.finish(b.capture(Rollback, append(items(20, 22), known(first[1]))).ID)
		require.Equal(t, []State{Recorded, Recorded, Duplicate}, states(results))
		check(t, first[1], results[2])
	})
	t.Run("and alone, the job is finished at once", func(t *testing.T) {
		for _, behaviour := range []Behaviour{Proceed, Rollback} {
			j := b.capture(behaviour, []Item{known(first[1]), known(first[2])})
			require.False(t, j.Running())
			require.Equal(t, 2, j.Duplicate)
			_, results := b.finish(j.ID)
			check(t, first[2], results[1])
		}
		require.Equal(t, 0, b.queue.Stats().Bytes)
	})
	t.Run("in an all-or-nothing job with a bad record", func(t *testing.T) {
		list := append(items(30, 31), known(first[1]), Item{Problems: []record.Problem{{Code: "wrong_type"}}})
		_, results := b.finish(b.capture(Rollback, list).ID)
		require.Equal(t, []State{Rejected, Duplicate, Rejected}, states(results))
		b.notOnLedger(items(30, 31))
	})
	t.Run("for a caller who waits", func(t *testing.T) {
		results, err := b.queue.Record(t.Context(), request(Rollback, []Item{known(first[0])}))
		require.NoError(t, err)
		require.Len(t, results, 1)
		check(t, first[0], results[0])
		results, err = b.queue.Record(t.Context(), request(Rollback, append(items(40, 41), known(first[0]))))
		require.NoError(t, err)
		require.Equal(t, []State{Recorded, Duplicate}, states(results))
		results, err = b.queue.Record(t.Context(),
			request(Rollback, []Item{{Problems: []record.Problem{{Code: "wrong_type"}}}}))
		require.NoError(t, err)
		require.Equal(t, "wrong_type", results[0].Problems[0].Code)
	})
}

func TestBatchesGatherRecordsOfSeveralJobs(t *testing.T) {
	b := newBench(t, func(c *Config) { c.InFlight = 1 })
	b.open()
	b.ledger.reject = refuses(5)
	var ids []string
	for n := range 20 {
		ids = append(ids, b.capture(Proceed, items(n, n+1)).ID)
	}
	b.run()
	for n, id := range ids {
		_, results := b.finish(id)
		if n == 5 {
			require.Equal(t, Rejected, results[0].State)
		} else {
			require.Equal(t, Recorded, results[0].State)
		}
	}
	require.Less(t, len(b.ledger.sizes), 5, "twenty jobs were to share a few transactions: %v", b.ledger.sizes)
}

func TestWhatCantBeBlamedOnARecordIsTriedAlone(t *testing.T) {
	b := newBench(t, func(c *Config) { c.InFlight = 1 })
	b.open()
	first, second := b.capture(Proceed, items(0, 2)), b.capture(Proceed, items(2, 4))
	b.ledger.endorse = func(n int, txID string) trouble {
		if strings.Contains(fmt.Sprintf("%s", b.ledger.packs[txID]), `{"n":3}`) {
			return chaincodeFailed
		}
		return none
	}
	b.run()
	_, results := b.finish(first.ID)
	require.Equal(t, repeat(Recorded, 2), states(results))
	_, results = b.finish(second.ID)
	require.Equal(t, repeat(Rejected, 2), states(results))
	require.Equal(t, CodeRefused, results[0].Problems[0].Code)
}

func TestARecordFailsOnlyAfterAsManyInvalidAttemptsAsTheRulesAllow(t *testing.T) {
	inNoTime(t, func(t *testing.T) {
		b := newBench(t)
		b.ledger.send = always(policyFailure)
		b.run()
		_, results := b.finish(b.capture(Proceed, items(0, 1)).ID)
		require.Equal(t, CodeNotCommitted, results[0].Problems[0].Code)
		require.Equal(t, ledger.Rules[ledger.PolicyFailure].Limit, b.ledger.counts["send"])
	})
}

func TestRecordSaysWhatBecameOfIt(t *testing.T) {
	t.Run("recorded", func(t *testing.T) {
		b := newBench(t)
		b.run()
		results, err := b.queue.Record(t.Context(), request("", items(0, 2)))
		require.NoError(t, err)
		require.Equal(t, repeat(Recorded, 2), states(results))
		jobs, _, err := b.queue.Jobs(t.Context(), "", "", 10)
		require.NoError(t, err)
		require.Empty(t, jobs, "what somebody waited for is no job to list")
	})
	t.Run("rejected", func(t *testing.T) {
		b := newBench(t)
		b.ledger.reject = refuses(1)
		b.run()
		results, err := b.queue.Record(t.Context(), request("", items(0, 2)))
		require.NoError(t, err)
		require.Equal(t, repeat(Rejected, 2), states(results))
		require.Equal(t, "bad_number", results[1].Problems[0].Code)
	})
	t.Run("withdrawn, since the ledger was unavailable for as long as the caller had", func(t *testing.T) {
		inNoTime(t, func(t *testing.T) {
			b := newBench(t)
			b.ledger.endorse = always(noPolicy)
			b.run()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := b.queue.Record(ctx, request("", items(0, 2)))
			require.ErrorIs(t, err, ledger.ErrUnavailable)
			b.ledger.mu.Lock()
			b.ledger.endorse = nil
			b.ledger.mu.Unlock()
			_, results := b.finish(b.capture(Proceed, items(7, 8)).ID)
			require.Equal(t, Recorded, results[0].State)
			b.notOnLedger(items(0, 2))
			require.Zero(t, b.queue.Stats().Records)
		})
	})
	t.Run("denied, since the certificate of the caller's identity has expired", func(t *testing.T) {
		inNoTime(t, func(t *testing.T) {
			past := time.Now().Add(-time.Hour)
			b := newBench(t, func(c *Config) {
				c.Identity = func(name string) (*ledger.Identity, error) {
					return &ledger.Identity{MSPID: "HarborMSP", Subject: "CN=" + name, Expires: past}, nil
				}
			})
			b.run()
			j := b.capture(Proceed, items(0, 1))
			b.eventually("the job says why it waits", func() bool {
				now, err := b.queue.Job(t.Context(), j.ID)
				require.NoError(t, err)
				return strings.Contains(now.Waiting, "expired at "+past.UTC().Format(time.RFC3339))
			})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := b.queue.Record(ctx, request("", items(1, 2)))
			require.ErrorContains(t, err, "an operator must renew it")
			require.Equal(t, ledger.Denied, ledger.KindOf(err))
			require.NotErrorIs(t, err, ledger.ErrUnavailable)
		})
	})
	t.Run("withdrawn, and whoever waited for the same record brings it", func(t *testing.T) {
		b := newBench(t)
		b.open()
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := b.queue.Record(ctx, request("", items(0, 2)))
			gone <- err
		}()
		b.eventually("the record is in the queue", func() bool { return b.queue.Stats().Records == 2 })
		j := b.capture(Proceed, items(1, 3))
		cancel()
		require.ErrorIs(t, <-gone, ledger.ErrUnavailable)
		b.run()
		_, results := b.finish(j.ID)
		require.Equal(t, repeat(Recorded, 2), states(results))
		b.notOnLedger(items(0, 1))
	})
	t.Run("unknown, since the transaction may have left, and the job goes on", func(t *testing.T) {
		inNoTime(t, func(t *testing.T) {
			b := newBench(t)
			b.ledger.send = always(acceptedButDropped)
			b.run()
			ctx, cancel := context.WithCancel(t.Context())
			gone := make(chan error, 1)
			go func() {
				_, err := b.queue.Record(ctx, request("", items(0, 1)))
				gone <- err
			}()
			b.eventually("the transaction waits", func() bool { return b.queue.Stats().Waiting != "" })
			cancel()
			var pending *PendingError
			require.ErrorAs(t, <-gone, &pending)
			require.NotEmpty(t, pending.TransactionID)
			b.ledger.mu.Lock()
			b.ledger.send = nil
			b.ledger.mu.Unlock()
			_, results := b.finish(pending.JobID)
			require.Equal(t, Recorded, results[0].State)
			require.Equal(t, pending.TransactionID, results[0].TransactionID)
		})
	})
}

func TestAFullQueueSaysWhenToComeAgain(t *testing.T) {
	b := newBench(t, func(c *Config) { c.QueuedRecords = 10 })
	b.open()
	first := b.capture(Proceed, items(0, 8))
	_, err := b.queue.Capture(t.Context(), request(Proceed, items(8, 12)))
	var busy *BusyError
	require.ErrorAs(t, err, &busy)
	require.GreaterOrEqual(t, busy.RetryAfter, time.Second)
	require.Equal(t, 8, b.queue.Stats().Records, "what was refused takes no room")
	b.run()
	b.finish(first.ID)
	b.finish(b.capture(Proceed, items(8, 12)).ID)
}

func TestOneTokenLeavesRoomForOthers(t *testing.T) {
	b := newBench(t, func(c *Config) { c.QueuedRecords = 40 })
	b.open()
	by := func(token string, from, to int) error {
		r := request(Proceed, items(from, to))
		r.Identity = token
		_, err := b.queue.Capture(t.Context(), r)
		return err
	}
	var busy *BusyError
	require.NoError(t, by("ann", 0, 25))
	require.ErrorAs(t, by("ann", 25, 31), &busy, "more than three quarters")
	require.ErrorAs(t, b.queue.Room("ann", math.MaxInt32/5*4), &busy)
	require.NoError(t, b.queue.Room("ann", 10))
	require.NoError(t, by("ann", 31, 36))
	require.NoError(t, by("bob", 40, 50))
	require.ErrorAs(t, by("bob", 50, 51), &busy, "now it is full")
	b.run()
	b.eventually("everything is recorded, and no transaction is under way", func() bool {
		s := b.queue.Stats()
		return s.Jobs == 0 && s.InFlight == 0
	})
	require.Equal(t, Stats{Rate: b.queue.Stats().Rate}, b.queue.Stats())
	require.NoError(t, by("ann", 60, 100), "a token's only job may fill the queue")
	b.eventually("everything is recorded", func() bool { return b.queue.Stats().Jobs == 0 })
	b.queue.mu.Lock()
	defer b.queue.mu.Unlock()
	require.Empty(t, b.queue.load.by, "who has nothing in the queue is forgotten")
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	b := newBench(t, func(c *Config) { c.RollbackRecords, c.QueuedRecords, c.QueuedBytes = 5, 10, 1<<10 })
	b.open()
	for name, r := range map[string]Request{
		"an all-or-nothing job of too many records": request(Rollback, items(0, 6)),
		"a job of more records than the queue":      request(Proceed, items(0, 11)),
		"a job of more bytes than the queue":        request(Proceed, []Item{{Body: make([]byte, 1<<11)}}),
		"a record that is too long":                 request(Proceed, []Item{{Body: make([]byte, record.MaxBytes+1)}}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.queue.Capture(t.Context(), r)
			require.ErrorIs(t, err, ErrTooLarge)
			require.Equal(t, Stats{}, b.queue.Stats())
		})
	}
}

func TestAnUnknownIdentityIsRefusedAtOnce(t *testing.T) {
	b := newBench(t)
	b.open()
	_, err := b.queue.Capture(t.Context(), Request{Identity: "nobody", Function: "Events:Submit", Items: items(0, 1)})
	require.ErrorContains(t, err, "nobody")
}
