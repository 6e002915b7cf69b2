package capture

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// waiting is a part of a job of its own with so many pending records, of which some wait for another part, and bytes.
func waiting(behaviour Behaviour, records, waits, bytes int) *part {
	return &part{job: &job{behaviour: behaviour}, n: records, left: records, waits: waits, bytes: bytes,
		outcomes: make([]*outcome, records)}
}

func alone(p *part) *part {
	p.alone = true
	return p
}

func withdrawn(p *part) *part {
	p.job.withdrawn = true
	return p
}

func TestATransactionTakesNeighboursUntilItIsFull(t *testing.T) {
	for name, test := range map[string]struct {
		parts []*part
		n     int
		full  bool
	}{
		"nothing waits":                   {nil, 0, false},
		"there is room for more":          {[]*part{waiting(Proceed, 4, 0, 40), waiting(Proceed, 5, 0, 40)}, 2, false},
		"it has just as many records":     {[]*part{waiting(Proceed, 4, 0, 4), waiting(Proceed, 6, 0, 6)}, 2, true},
		"one more would be too many":      {[]*part{waiting(Proceed, 4, 0, 4), waiting(Proceed, 7, 0, 6)}, 1, true},
		"it has just as many bytes":       {[]*part{waiting(Proceed, 1, 0, 40), waiting(Proceed, 1, 0, 60)}, 2, true},
		"one more byte would be too much": {[]*part{waiting(Proceed, 1, 0, 40), waiting(Proceed, 1, 0, 61)}, 1, true},
		"a part that is too large alone":  {[]*part{waiting(Proceed, 20, 0, 400), waiting(Proceed, 1, 0, 1)}, 1, true},
		"records that wait don't count":   {[]*part{waiting(Proceed, 8, 4, 4), waiting(Proceed, 7, 1, 6)}, 2, true},
		"all or nothing goes alone":       {[]*part{waiting(Rollback, 2, 0, 4), waiting(Proceed, 1, 0, 6)}, 1, true},
		"all or nothing doesn't join":     {[]*part{waiting(Proceed, 1, 0, 4), waiting(Rollback, 2, 0, 6)}, 1, true},
		"all of one record may join":      {[]*part{waiting(Proceed, 1, 0, 4), waiting(Rollback, 1, 0, 6)}, 2, false},
		"what is to go alone goes alone":  {[]*part{alone(waiting(Proceed, 1, 0, 4)), waiting(Proceed, 1, 0, 6)}, 1, true},
		"what is to go alone waits":       {[]*part{waiting(Proceed, 1, 0, 4), alone(waiting(Proceed, 1, 0, 6))}, 1, true},
		"a withdrawn part ends it":        {[]*part{waiting(Proceed, 1, 0, 4), withdrawn(waiting(Proceed, 1, 0, 6))}, 1, true},
		"a part that only waits ends it":  {[]*part{waiting(Proceed, 1, 0, 4), waiting(Proceed, 2, 2, 6)}, 1, true},
	} {
		n, full := (&lane{parts: test.parts}).fill(10, 100)
		require.Equal(t, test.n, n, name)
		require.Equal(t, test.full, full, name)
	}
}

func TestALaneDropsInFrontWhatHasNothingToSend(t *testing.T) {
	gone, decided, only := withdrawn(waiting(Proceed, 1, 0, 1)), waiting(Proceed, 0, 0, 1), waiting(Proceed, 2, 2, 1)
	good, behind := waiting(Proceed, 2, 1, 1), withdrawn(waiting(Proceed, 1, 0, 1))
	l := &lane{parts: []*part{gone, decided, only, good, behind}}
	for _, p := range l.parts {
		p.queued = true
	}
	l.tidy()
	require.Equal(t, []*part{good, behind}, l.parts)
	require.Equal(t, []bool{false, false, false, true, true},
		[]bool{gone.queued, decided.queued, only.queued, good.queued, behind.queued})
	l.parts = []*part{gone}
	l.tidy()
	require.Empty(t, l.parts)
}

// laned is a queue of two lanes, with a part in each that came in at some time.
func laned(since time.Time) (*Queue, *lane, *lane) {
	q := &Queue{cfg: Config{BatchRecords: 10, BatchBytes: 100, BatchAge: time.Second}, claims: map[claim]place{}}
	for range 2 {
		l := &lane{}
		for range 2 {
			p := waiting(Proceed, 2, 0, 10)
			p.digests = make([][32]byte, 2)
			p.digests[0][0], p.digests[1][0] = byte(len(q.claims)), byte(len(q.claims)+1)
			p.since, p.queued = since, true
			for i := range p.outcomes {
				q.claims[p.claim(i)] = place{p, i}
			}
			l.parts = append(l.parts, p)
		}
		q.lanes = append(q.lanes, l)
	}
	return q, q.lanes[0], q.lanes[1]
}

func TestLanesTakeTurns(t *testing.T) {
	now := time.Now()
	q, first, second := laned(now)
	b, wait := q.nextBatch(now)
	require.Same(t, first, b.lane)
	require.Zero(t, wait)
	require.NotEmpty(t, b.key)
	require.Len(t, b.members, 2)
	require.Equal(t, []int{0, 1}, b.members[1].items)
	require.Equal(t, 4, b.records())
	for _, m := range b.members {
		require.False(t, m.part.queued)
		require.Same(t, b, m.part.batch)
	}
	require.Empty(t, first.parts)
	require.Equal(t, []*lane{second, first}, q.lanes)
	next, _ := q.nextBatch(now)
	require.Same(t, second, next.lane)
	require.NotEqual(t, b.key, next.key)
	none, wait := q.nextBatch(now)
	require.Nil(t, none)
	require.Equal(t, time.Hour, wait, "nothing waits")
}

func TestWhatWaitsForCompanyWaitsForTheBatchAgeAtMost(t *testing.T) {
	now := time.Now()
	q, first, second := laned(now.Add(-300 * time.Millisecond))
	first.inFlight, second.inFlight = 1, 1
	second.parts[0].since = now.Add(-800 * time.Millisecond)
	none, wait := q.nextBatch(now)
	require.Nil(t, none)
	require.Equal(t, 200*time.Millisecond, wait, "the oldest of all lanes")
	b, _ := q.nextBatch(now.Add(200 * time.Millisecond))
	require.Same(t, second, b.lane)
	first.inFlight = 0
	b, _ = q.nextBatch(now)
	require.Same(t, first, b.lane, "nothing of its own is under way, so there is nothing to wait for")

	q, first, _ = laned(now)
	first.inFlight = 1
	first.parts[1].left, first.parts[1].n = 8, 8
	b, _ = q.nextBatch(now)
	require.Same(t, first, b.lane, "it is full")
}

func TestAPartSendsTheRecordsThatItHoldsTheClaimOf(t *testing.T) {
	q, first, second := laned(time.Now())
	p, other := first.parts[0], second.parts[0]
	require.Equal(t, []int{0, 1}, q.free(p))
	q.claims[p.claim(0)] = place{other, 0}
	require.Equal(t, []int{1}, q.free(p), "another part brings the first")
	p.outcomes[1] = &outcome{State: Recorded}
	require.Empty(t, q.free(p), "and the second is decided")
}

func TestAQueueSaysWhenToComeAgain(t *testing.T) {
	for _, test := range []struct {
		records int
		rate    float64
		want    time.Duration
	}{
		{1000, 0, 5 * time.Second},
		{1000, 10, 10 * time.Second},
		{1004, 10, 10 * time.Second},
		{10, 1000, time.Second},
		{1_000_000, 1, time.Minute},
	} {
		q := &Queue{rate: test.rate, rateAt: time.Now(), load: load{held: held{records: test.records}}}
		require.Equal(t, test.want, q.retryAfter(), "%v", test)
	}
}

func TestTheRateIsSmoothed(t *testing.T) {
	inNoTime(t, func(t *testing.T) {
		q := &Queue{rateAt: time.Now(), done: 100, rate: 10}
		time.Sleep(999 * time.Millisecond)
		require.InDelta(t, 10, q.currentRate(), 0, "within a second it stays as it is")
		time.Sleep(1001 * time.Millisecond)
		require.InDelta(t, 0.3*50+0.7*10, q.currentRate(), 1e-9)
		require.Zero(t, q.done)
		require.Equal(t, time.Now(), q.rateAt)
	})
}

func TestOneTokenFillsThreeQuartersUnlessItsJobIsAlone(t *testing.T) {
	cfg := &Config{QueuedRecords: 100, QueuedBytes: 1000}
	l := load{by: map[string]held{}}
	l.add("a", 50, 500)
	require.True(t, l.fits("a", held{25, 250}, held{}, cfg))
	require.False(t, l.fits("a", held{26, 250}, held{}, cfg))
	require.False(t, l.fits("a", held{25, 251}, held{}, cfg))
	require.True(t, l.fits("b", held{50, 500}, held{}, cfg), "its first may take what is left")
	require.False(t, l.fits("b", held{51, 500}, held{}, cfg))
	require.False(t, l.fits("b", held{50, 501}, held{}, cfg))
	require.True(t, l.fits("a", held{50, 500}, held{50, 500}, cfg), "all that the token has is of this job")
	l.add("b", 10, 100)
	require.Equal(t, held{60, 600}, l.held)
	l.add("a", -50, -500)
	require.Equal(t, map[string]held{"b": {10, 100}}, l.by, "nothing is kept of who has nothing")
	l.add("b", -10, 0)
	require.Equal(t, map[string]held{"b": {0, 100}}, l.by)
}

func TestAFinalFailureRefusesWhatItIsAbout(t *testing.T) {
	one := &batch{members: []member{{waiting(Proceed, 3, 0, 1), []int{0, 2}}}}
	first, second := waiting(Proceed, 2, 0, 1), waiting(Proceed, 1, 0, 1)
	two := &batch{members: []member{{first, []int{1}}, {second, []int{0}}}}
	problem := func(index int, code string) record.Problem { return record.Problem{Index: index, Code: code} }
	rejected := func(problems ...record.Problem) error {
		return &ledger.Error{Kind: ledger.Rejected, Err: &record.Rejection{Problems: problems}}
	}
	for name, test := range map[string]struct {
		batch   *batch
		failure error
		codes   map[place][]string
		split   bool
	}{
		"a failure that names no record, of one part": {one, errors.New("no"),
			map[place][]string{{one.members[0].part, 0}: {CodeRefused}, {one.members[0].part, 2}: {CodeRefused}}, false},
		"a transaction that was invalid": {one, &ledger.Error{Kind: ledger.PolicyFailure},
			map[place][]string{{one.members[0].part, 0}: {CodeNotCommitted}, {one.members[0].part, 2}: {CodeNotCommitted}}, false},
		"a failure that names no record, of two parts": {two, errors.New("no"), nil, true},
		"a rejection of the second record": {two, rejected(problem(1, "x"), problem(1, "y")),
			map[place][]string{{second, 0}: {"x", "y"}}, false},
		"a rejection of both": {two, rejected(problem(1, "x"), problem(0, "y")),
			map[place][]string{{second, 0}: {"x"}, {first, 1}: {"y"}}, false},
		"a rejection of records that aren't there, too": {two, rejected(problem(-1, "x"), problem(0, "y"), problem(2, "z")),
			map[place][]string{{first, 1}: {"y"}}, false},
		"a rejection of no record, of two parts": {two, rejected(problem(2, "x")), nil, true},
		"a rejection of no record, of one part": {one, rejected(problem(-1, "x")),
			map[place][]string{{one.members[0].part, 0}: {"x"}, {one.members[0].part, 2}: {"x"}}, false},
	} {
		outcomes, split := test.batch.verdict(test.failure)
		require.Equal(t, test.split, split, name)
		codes := map[place][]string{}
		for at, o := range outcomes {
			require.Equal(t, Rejected, o.State, name)
			for _, p := range o.Problems {
				codes[at] = append(codes[at], p.Code)
				require.True(t, p.Code != CodeRefused || p.Detail == "no", name)
			}
		}
		if test.codes == nil {
			require.Empty(t, codes, name)
		} else {
			require.Equal(t, test.codes, codes, name)
		}
	}
}

func TestOutcomesComeBackAsTheyWere(t *testing.T) {
	a, b := &outcome{State: Recorded, Tx: "tx", Block: 7}, &outcome{State: Duplicate, Existing: "ni:x"}
	for _, list := range [][]*outcome{{}, {nil}, {a}, {a, a, b}, {nil, a, a, nil, a, b, b, nil}} {
		runs := encodeOutcomes(list)
		require.Equal(t, list, decodeOutcomes(runs, len(list)), fmt.Sprint(runs))
	}
	require.Equal(t, []run{{From: 1, N: 2, outcome: *a}, {From: 3, N: 1, outcome: *b}}, encodeOutcomes([]*outcome{nil, a, a, b}))
	require.Equal(t, []run{{From: 0, N: 2, outcome: *a}}, encodeOutcomes([]*outcome{a, a}))
	outside := []run{{From: -2, N: 3, outcome: *a}, {From: 2, N: 9, outcome: *b}, {From: 5, N: 1, outcome: *a}}
	require.Equal(t, []*outcome{a, nil, b}, decodeOutcomes(outside, 3), "what lies outside is left out")
}

func TestTheLimitsOfAJob(t *testing.T) {
	l := Limits{RollbackRecords: 10, RollbackBytes: 100, JobRecords: 20, JobBytes: 200}
	for _, test := range []struct {
		behaviour      Behaviour
		records, bytes int
		ok             bool
	}{
		{Rollback, 10, 100, true}, {Rollback, 11, 100, false}, {Rollback, 10, 101, false},
		{Proceed, 11, 101, true}, {Proceed, 20, 200, true}, {Proceed, 21, 200, false}, {Proceed, 20, 201, false},
	} {
		err := l.Allow(test.behaviour, test.records, test.bytes)
		if test.ok {
			require.NoError(t, err, "%v", test)
		} else {
			require.ErrorIs(t, err, ErrTooLarge, "%v", test)
		}
	}
}

func TestWhatAConfigurationLeavesOutHasItsDefault(t *testing.T) {
	b := newBench(t)
	q := b.open()
	got, want := q.cfg, Config{
		BatchRecords: DefaultBatchRecords, BatchBytes: DefaultBatchBytes, BatchAge: DefaultBatchAge, InFlight: DefaultInFlight,
		RollbackRecords: DefaultRollbackRecords, RollbackBytes: DefaultRollbackBytes, QueuedRecords: DefaultQueuedRecords,
		QueuedBytes: DefaultQueuedBytes, Keep: DefaultKeep, KeepJobs: DefaultKeepJobs, Settle: DefaultSettle,
		Folder: q.cfg.Folder, Logger: q.cfg.Logger,
	}
	got.Identity = nil
	require.Equal(t, want, got)
	n := 7
	orDefault(&n, 5)
	require.Equal(t, 7, n)
}

func TestABatchIsAnotherTransactionExactlyIfItsMembersAreOthers(t *testing.T) {
	first, second := waiting(Proceed, 2, 0, 1), waiting(Proceed, 0, 0, 1)
	sent := func() *batch {
		return &batch{key: "key", attempt: 2, sent: true, saved: true, envelope: &ledger.Envelope{}, composed: true,
			pack: []byte("pack"), witnesses: []byte("{}"), members: []member{{first, []int{0, 1}}, {second, []int{0}}}}
	}
	q := &Queue{}
	b := sent()
	q.keep(b, func(place) bool { return true })
	require.Equal(t, sent(), b, "nothing has changed")

	b.members[1].part.batch = b
	q.keep(b, func(at place) bool { return at == place{first, 1} })
	require.NotEqual(t, "key", b.key)
	require.NotEmpty(t, b.key)
	require.Nil(t, second.batch, "nothing of it is left in the batch")
	b.key = ""
	require.Equal(t, &batch{members: []member{{first, []int{1}}}}, b)
}
