package capture

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// trouble is what goes wrong with one step of one transaction. Each says what happens before the error is returned.
type trouble string

const (
	none trouble = ""

	noPolicy        trouble = "no combination of peers can endorse"
	noPeer          trouble = "no peer can be reached"
	overloaded      trouble = "the peer is overloaded"
	disagree        trouble = "the endorsers disagree"
	chaincodeFailed trouble = "the chaincode fails unforeseen"

	orderedButFailed    trouble = "the orderers have it and the answer is lost"
	notOrderedAndFailed trouble = "the orderers don't have it and the call fails"
	acceptedButDropped  trouble = "the orderers say yes and lose it"
	orderedUnseen       trouble = "it is committed and the stream doesn't show it"

	conflict      trouble = "committed as invalid: read conflict"
	policyFailure trouble = "committed as invalid: endorsement policy"
	badPayload    trouble = "committed as invalid: bad payload"

	lookupFails trouble = "the look-up fails"
)

// fakeLedger behaves as a channel does towards one organisation: it lets each transaction id through once, and shows
// what it has committed. It outlives the queues that use it.
type fakeLedger struct {
	mu       sync.Mutex
	commits  *ledger.Commits
	calls    map[string]string // transaction id -> digest of what was proposed under it
	packs    map[string][][]byte
	chain    map[string]ledger.Commit
	order    []string // ids of transactions in the order of commit
	recorded map[record.ID][]string
	height   uint64
	wrong    []string // broken promises of the queue

	// endorse, send and look are asked before each step; n counts the steps of this kind, from 0.
	endorse, send, look func(n int, txID string) trouble
	// reject is the chaincode's judgement of a record.
	reject func(body []byte) []record.Problem
	counts map[string]int
	sizes  []int
}

func newFakeLedger() *fakeLedger {
	return &fakeLedger{
		commits: ledger.NewCommits(), calls: make(map[string]string), packs: make(map[string][][]byte),
		chain: make(map[string]ledger.Commit), recorded: make(map[record.ID][]string), counts: make(map[string]int),
	}
}

func (f *fakeLedger) TransactionID(id *ledger.Identity, key string, attempt int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s/%d", id.MSPID, id.Subject, key, attempt))
	return hex.EncodeToString(sum[:])
}

func (f *fakeLedger) Propose(id *ledger.Identity, call ledger.Call, key string, attempt int) (*ledger.Proposal, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	txID := f.TransactionID(id, key, attempt)
	bodies, err := record.Unpack(call.Transient[record.TransientPack], record.PackLimits{})
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %s", call.Function, bodies, call.Args[0])
	digest := hex.EncodeToString(h.Sum(nil))
	if before, ok := f.calls[txID]; ok && before != digest {
		f.wrong = append(f.wrong, "two calls under the transaction id "+txID)
	}
	f.calls[txID], f.packs[txID] = digest, bodies
	return &ledger.Proposal{TransactionID: txID}, nil
}

func (f *fakeLedger) step(name string, ask func(int, string) trouble, txID string) trouble {
	n := f.counts[name]
	f.counts[name]++
	if ask == nil {
		return none
	}
	return ask(n, txID)
}

func failure(phase ledger.Phase, kind ledger.Kind, txID, message string) error {
	return &ledger.Error{Phase: phase, Kind: kind, TransactionID: txID, Message: message}
}

func (f *fakeLedger) Endorse(ctx context.Context, p *ledger.Proposal) (*ledger.Envelope, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fail := func(kind ledger.Kind, t trouble) (*ledger.Envelope, error) {
		return nil, failure(ledger.Endorsing, kind, p.TransactionID, string(t))
	}
	switch t := f.step("endorse", f.endorse, p.TransactionID); t {
	case noPolicy:
		return fail(ledger.PolicyUnsatisfiable, t)
	case noPeer:
		return fail(ledger.NoPeer, t)
	case overloaded:
		return fail(ledger.Overloaded, t)
	case disagree:
		return fail(ledger.Disagreement, t)
	case chaincodeFailed:
		return fail(ledger.ChaincodeFailed, t)
	}
	if _, ok := f.chain[p.TransactionID]; ok {
		return fail(ledger.DuplicateProposal, "duplicate transaction found")
	}
	var problems []record.Problem
	for i, body := range f.packs[p.TransactionID] {
		if f.reject == nil {
			break
		}
		for _, problem := range f.reject(body) {
			problem.Index = i
			problems = append(problems, problem)
		}
	}
	if len(problems) > 0 {
		r := record.Reject(problems)
		return nil, &ledger.Error{Phase: ledger.Endorsing, Kind: ledger.Rejected, TransactionID: p.TransactionID,
			Message: r.Error(), Err: r}
	}
	return &ledger.Envelope{TransactionID: p.TransactionID}, nil
}

func (f *fakeLedger) Send(ctx context.Context, e *ledger.Envelope) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch t := f.step("send", f.send, e.TransactionID); t {
	case none:
		f.commit(e.TransactionID, peer.TxValidationCode_VALID, true)
	case orderedButFailed:
		f.commit(e.TransactionID, peer.TxValidationCode_VALID, true)
		return failure(ledger.Sending, ledger.FateUnknown, e.TransactionID, string(t))
	case notOrderedAndFailed:
		return failure(ledger.Sending, ledger.OrderersUnavailable, e.TransactionID, string(t))
	case acceptedButDropped:
		return failure(ledger.Committing, ledger.FateUnknown, e.TransactionID, string(t))
	case orderedUnseen:
		f.commit(e.TransactionID, peer.TxValidationCode_VALID, false)
		return failure(ledger.Committing, ledger.FateUnknown, e.TransactionID, string(t))
	case conflict:
		f.commit(e.TransactionID, peer.TxValidationCode_MVCC_READ_CONFLICT, true)
	case policyFailure:
		f.commit(e.TransactionID, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, true)
	case badPayload:
		f.commit(e.TransactionID, peer.TxValidationCode_BAD_PAYLOAD, true)
	}
	return nil
}

// commit puts a transaction into a block of its own. mu is held.
func (f *fakeLedger) commit(txID string, code peer.TxValidationCode, seen bool) {
	block := ledger.Block{Number: f.height}
	f.height++
	c := ledger.Commit{TransactionID: txID, Code: int32(code), Block: block.Number}
	if _, again := f.chain[txID]; again {
		c.Code = int32(peer.TxValidationCode_DUPLICATE_TXID)
	} else {
		f.chain[txID] = c
		f.order = append(f.order, txID)
		if c.Valid() {
			f.sizes = append(f.sizes, len(f.packs[txID]))
			for _, body := range f.packs[txID] {
				id := record.Sum(body)
				f.recorded[id] = append(f.recorded[id], txID)
			}
		}
	}
	block.Transactions = []ledger.Transaction{{ID: txID, Code: c.Code}}
	if seen {
		f.commits.Resolve(&block)
	}
}

func (f *fakeLedger) Lookup(ctx context.Context, id *ledger.Identity, txID string) (ledger.Commit, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.step("look", f.look, txID); t == lookupFails {
		return ledger.Commit{}, failure(ledger.LookingUp, ledger.NoPeer, txID, string(t))
	}
	c, ok := f.chain[txID]
	if !ok {
		return ledger.Commit{}, failure(ledger.LookingUp, ledger.NotFound, txID, "no such transaction")
	}
	return c, nil
}

func (f *fakeLedger) Handed(ctx context.Context, block uint64) error { return nil }
func (f *fakeLedger) Commits() *ledger.Commits                       { return f.commits }

func (f *fakeLedger) Recorded(ctx context.Context, mspID string, ids []record.ID) (map[record.ID]Recording, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := make(map[record.ID]Recording)
	for _, id := range ids {
		if list := f.recorded[id]; len(list) > 0 {
			known[id] = Recording{TransactionID: list[0], Block: f.chain[list[0]].Block}
		}
	}
	return known, nil
}

// bench is a queue under test with its ledger.
type bench struct {
	*testing.T
	cfg    Config
	ledger *fakeLedger
	queue  *Queue
	stop   context.CancelFunc
	ended  chan error
}

func newBench(t *testing.T, change ...func(*Config)) *bench {
	b := &bench{T: t, ledger: newFakeLedger(), cfg: Config{
		Folder: t.TempDir(), Identity: identityOf("cert-1"), Logger: slog.New(slog.DiscardHandler),
	}}
	for _, c := range change {
		c(&b.cfg)
	}
	t.Cleanup(b.close)
	return b
}

// packed makes what the packages that pack records keep for all of them. It must not be made in the time of one test.
var packed = sync.OnceFunc(func() {
	pack, err := record.Pack([][]byte{body(0)})
	if err == nil {
		_, err = record.Unpack(pack, record.PackLimits{})
	}
	if err != nil {
		panic(err)
	}
})

// inNoTime runs a test with a clock of its own, on which each pause takes no time. What is written to the disk is
// written all the same.
func inNoTime(t *testing.T, test func(*testing.T)) {
	packed()
	synctest.Test(t, test)
}

func identityOf(subject string) func(string) (*ledger.Identity, error) {
	return func(name string) (*ledger.Identity, error) {
		if name == "nobody" {
			return nil, fmt.Errorf("no token has the name %q", name)
		}
		return &ledger.Identity{MSPID: "HarborMSP", Subject: subject}, nil
	}
}

func (b *bench) open() *Queue {
	b.Helper()
	q, err := Open(b.cfg)
	require.NoError(b, err)
	b.queue = q
	return q
}

// run opens the queue if it isn't, and lets it work.
func (b *bench) run() *Queue {
	b.Helper()
	if b.queue == nil {
		b.open()
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop, b.ended = cancel, make(chan error, 1)
	go func(q *Queue) { b.ended <- q.Run(ctx, b.ledger, b.ledger) }(b.queue)
	return b.queue
}

func (b *bench) close() {
	if b.stop != nil {
		b.stop()
		<-b.ended
		b.stop = nil
	}
	if b.queue != nil {
		require.NoError(b, b.queue.Close())
		b.queue = nil
	}
}

// body is a record: of no noun, since the queue doesn't look into records.
func body(n int) []byte { return fmt.Appendf(nil, `{"n":%d}`, n) }

func items(from, to int) []Item {
	var list []Item
	for n := from; n < to; n++ {
		list = append(list, Item{Body: body(n), EventID: fmt.Sprintf("urn:event:%d", n)})
	}
	return list
}

func request(behaviour Behaviour, list []Item) Request {
	return Request{Owner: "submitter", Identity: "submitter", Function: "Events:Submit", Behaviour: behaviour,
		Items: list}
}

func (b *bench) capture(behaviour Behaviour, list []Item) Job {
	b.Helper()
	j, err := b.queue.Capture(b.Context(), request(behaviour, list))
	require.NoError(b, err)
	return j
}

// eventually waits for a condition.
func (b *bench) eventually(what string, condition func() bool) {
	b.Helper()
	require.Eventually(b, condition, 30*time.Second, 5*time.Millisecond, what)
}

// finish waits for a job, checks the whole ledger against its results, and returns them.
func (b *bench) finish(id string) (Job, []Result) {
	b.Helper()
	var j Job
	b.eventually("job "+id+" is finished", func() bool {
		var err error
		j, err = b.queue.Job(b.Context(), id)
		require.NoError(b, err)
		return !j.Running()
	})
	results, next, err := b.queue.Results(b.Context(), id, 0, 1<<20, "")
	require.NoError(b, err)
	require.Negative(b, next)
	require.Len(b, results, j.Total)
	b.audit(j, results)
	return j, results
}

// audit checks the promises: what is said to be recorded is on the ledger, once, where it is said to be; what is said
// to be refused is not there; nothing is there twice.
func (b *bench) audit(j Job, results []Result) {
	b.Helper()
	f := b.ledger
	f.mu.Lock()
	defer f.mu.Unlock()
	require.Empty(b, f.wrong)
	for id, list := range f.recorded {
		require.Len(b, list, 1, "record %s is on the ledger more than once", id)
	}
	count := map[State]int{}
	for i, r := range results {
		require.Equal(b, i, r.Index)
		count[r.State]++
		switch r.State {
		case Recorded, Duplicate:
			require.Equal(b, []string{r.TransactionID}, f.recorded[r.RecordID], "record %d", i)
			require.Equal(b, f.chain[r.TransactionID].Block, r.Block)
		case Rejected:
			require.NotEmpty(b, r.Problems)
		}
	}
	require.Equal(b, map[State]int{Recorded: j.Recorded, Duplicate: j.Duplicate, Rejected: j.Rejected},
		map[State]int{Recorded: count[Recorded], Duplicate: count[Duplicate], Rejected: count[Rejected]})
	require.Zero(b, count[Pending])
}

// notOnLedger checks that none of the records is there.
func (b *bench) notOnLedger(list []Item) {
	b.Helper()
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	for _, item := range list {
		require.Empty(b, b.ledger.recorded[record.Sum(item.Body)])
	}
}

func states(results []Result) []State {
	var list []State
	for _, r := range results {
		list = append(list, r.State)
	}
	return list
}

func repeat(s State, n int) []State { return slices.Repeat([]State{s}, n) }

// refuses is a chaincode that refuses some records.
func refuses(bad ...int) func([]byte) []record.Problem {
	return func(raw []byte) []record.Problem {
		var v struct{ N int }
		if json.Unmarshal(raw, &v) == nil && slices.Contains(bad, v.N) {
			return []record.Problem{{Code: "bad_number", Pointer: "/n", Detail: fmt.Sprintf("%d is no good", v.N)}}
		}
		return nil
	}
}
