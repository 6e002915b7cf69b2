// Package capture takes records, keeps them safe, and sees to it that each comes to the ledger exactly once.
//
// # Durability
//
// The queue is a SQLite database in one folder (write-ahead log, synchronous=FULL). [Queue.Capture] and
// [JobWriter.Commit] return after the transaction that holds the job has been fsynced; one writer goroutine gathers
// what concurrent callers want written into one transaction and one fsync. SQLite was chosen over a log of our own for
// what it has already been tested for: a process killed at any instruction, a torn write, a full disk. What makes it
// fast enough is that a record has no row of its own: records lie packed as a blob, one zstd frame of up to some
// hundreds.
//
// # Exactly once
//
// Records are gathered into batches, one transaction of the ledger each. Before a transaction leaves for the orderers,
// its id and the exact records in it are fsynced. The id is a function of the batch and the attempt (package ledger),
// so after a crash the same records are sent under the same id, and the ledger itself lets only one of them through. A
// batch that may have been sent is first looked up by its id; it is sent again, under the same id, only if it isn't
// there; and it gets another id only when a block has shown the first one to be invalid. So at any instruction a
// process may die:
//
//	before the job's fsync        nothing was acknowledged, nothing is sent
//	before the batch's fsync      the records are pending; nothing was sent
//	after it, before the commit   looked up, then sent again under the same id
//	after the commit              looked up, found, recorded in the queue
//
// Records that the same organisation has already on the ledger (as the index tells) or in the queue are not sent again;
// their result is "duplicate" and names the existing one. Records with [Item].Existing aren't sent either: the caller
// knows that another record says the same. Another organisation's recording of the same record is not a duplicate: it
// corroborates.
//
// A transaction that may have been sent, could not be found, and is meanwhile refused by the chaincode is given up only
// after [Config.Settle]: until then an orderer may still bring it.
//
// # Failures
//
// The ledger's trouble never fails a job: it waits, says why, and tries again for ever, by the rules of package ledger.
// Only a rejection by the chaincode, or transactions that were invalid as often as the rules allow, fail a record.
package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// Defaults of Config, and the limits that a gateway announces.
const (
	DefaultBatchRecords    = 4_000
	DefaultBatchBytes      = 4 << 20
	DefaultBatchAge        = 20 * time.Millisecond
	DefaultInFlight        = 4
	DefaultRollbackRecords = 2_000
	DefaultRollbackBytes   = 4 << 20
	DefaultQueuedRecords   = 1_500_000
	DefaultQueuedBytes     = math.MaxInt32
	DefaultKeep            = 30 * 24 * time.Hour
	DefaultKeepJobs        = 100_000
	DefaultSettle          = 5 * time.Minute
)

// Config is how a queue works. Only Folder and Identity are required.
type Config struct {
	// Folder holds the database. It is made if it isn't there. One process at a time may use it.
	Folder string

	// Identity finds the ledger identity of a token's name. It is asked again after a restart, for jobs that were taken
	// before. A name that it no longer knows makes those jobs wait.
	Identity func(name string) (*ledger.Identity, error)

	// BatchRecords, BatchBytes (of records, before packing) and BatchAge shape a transaction: it is cut when it has as
	// many records or bytes, or when its oldest record has waited this long, or at once while nothing else is under way.
	// Optional. If zero, the defaults above.
	BatchRecords, BatchBytes int
	BatchAge                 time.Duration

	// InFlight is how many transactions may be under way at once. Optional. If zero, DefaultInFlight.
	InFlight int

	// RollbackRecords and RollbackBytes bound a job with error behaviour "rollback", which is one transaction. Optional.
	// If zero, the defaults above. The transaction must fit into one block, which has 10 MB at most by Fabric's default.
	// It holds its pack once, as a write: endorsers get the pack as transient data, which is no part of the transaction.
	RollbackRecords, RollbackBytes int

	// QueuedRecords and QueuedBytes bound the unfinished records; beyond them callers get a *BusyError. Optional. If zero,
	// the defaults above.
	QueuedRecords, QueuedBytes int

	// Keep and KeepJobs bound what is kept of finished jobs, by age and by number. Optional. If zero, the defaults above.
	Keep     time.Duration
	KeepJobs int

	// Settle is how long after it was last sent a transaction can still come up. Optional. If zero, DefaultSettle: more
	// than the 3 min 22 s after which BFT orderers drop what they could not order (SmartBFT's request timeouts).
	Settle time.Duration

	// Journal notes whose records a transaction has, before anybody is told that they are recorded. Optional.
	Journal Journal

	// Logger receives what an operator should know. Optional. If nil, slog.Default().
	Logger *slog.Logger
}

// Journal is what a queue needs of package actor's Store.
type Journal interface {
	// Note makes durable whose records a transaction has: owners[i] is the owner of the job of the record in line i. It may
	// be called again with the same.
	Note(ctx context.Context, txID string, owners []string) error
}

// Ledger is what a queue needs of package ledger's Client, which see for the contracts.
type Ledger interface {
	TransactionID(id *ledger.Identity, key string, attempt int) string
	Propose(id *ledger.Identity, call ledger.Call, key string, attempt int) (*ledger.Proposal, error)
	Endorse(ctx context.Context, p *ledger.Proposal) (*ledger.Envelope, error)
	Send(ctx context.Context, e *ledger.Envelope) error
	Lookup(ctx context.Context, id *ledger.Identity, txID string) (ledger.Commit, error)
	// Handed MUST NOT return nil before the index has applied the block, and neither MUST the waiters of Commits resolve.
	Handed(ctx context.Context, block uint64) error
	Commits() *ledger.Commits
}

// Index knows what is on the ledger.
type Index interface {
	// Recorded tells which of the records the organisation has on the ledger, by the first valid transaction of its own
	// that has it. It MUST know every transaction whose commit has been resolved.
	Recorded(ctx context.Context, mspID string, ids []record.ID) (map[record.ID]Recording, error)
}

// Recording is where a record is on the ledger.
type Recording struct {
	TransactionID string
	Block         uint64
}

// The errors of this package that callers tell apart.
var (
	// ErrNoJob: no such job, or it is kept no longer.
	ErrNoJob = errors.New("there is no such capture job")
	// ErrStorage: the queue could not be written: a full disk, say. Nothing was acknowledged.
	ErrStorage = errors.New("the queue's storage failed")
	// ErrTooLarge: the job is larger than one may be.
	ErrTooLarge = errors.New("the job is too large")
)

// BusyError says that the queue is full. Nothing was taken.
type BusyError struct {
	// RetryAfter is when there should be room again.
	RetryAfter time.Duration
	Records    int
}

// Error says what to do.
func (e *BusyError) Error() string {
	return fmt.Sprintf("the queue is full with %d records; try again in %v", e.Records, e.RetryAfter)
}

// PendingError says that the caller's time was over while its records may still come to the ledger: they are in the
// queue, or under way in a transaction. The job says what became of them.
type PendingError struct {
	JobID string
	// TransactionID is the transaction that carries the records.
	TransactionID string
	// Waiting is what the queue waits for, if it is something unusual.
	Waiting string
	Err     error
}

// Error says what is known.
func (e *PendingError) Error() string {
	s := fmt.Sprintf("the caller's time was over; job %s goes on", e.JobID)
	if e.TransactionID != "" {
		s += " with transaction " + e.TransactionID
	}
	if e.Waiting != "" {
		s += " (waiting: " + e.Waiting + ")"
	}
	return s
}

// Unwrap gives the context's error.
func (e *PendingError) Unwrap() error { return e.Err }

// Queue is the durable queue. It is safe for concurrent use.
type Queue struct {
	cfg   Config
	store *store
	log   *slog.Logger

	mu       sync.Mutex
	jobs     map[string]*job   // unfinished ones
	claims   map[claim]place   // who is to bring a record to the ledger
	waiting  map[claim][]place // who waits for the one above, in order
	lanes    []*lane           // in the order in which they were first used
	inFlight int               // batches that hold a slot
	resume   []*batch          // may have been sent by an earlier process
	unsaved  unsaved           // what has changed since it was written
	saving   *saving           // the next write of it, if it is asked for and has not begun
	load                       // of unfinished records
	done     int               // records finished since the last look at the rate
	rate     float64           // finished records per second, smoothed
	rateAt   time.Time
	wake     chan struct{} // has room for one
	running  bool
	drivers  sync.WaitGroup
	ledger   Ledger              // set by Run
	index    Index               // set by Run
	batches  map[*batch]struct{} // under way
}

// Open opens the queue of a folder and reads what is unfinished. Jobs are taken from now on; Run brings them to the
// ledger.
func Open(cfg Config) (*Queue, error) {
	if cfg.Folder == "" || cfg.Identity == nil {
		return nil, errors.New("capture: the folder or the source of identities is missing")
	}
	orDefault(&cfg.BatchRecords, DefaultBatchRecords)
	orDefault(&cfg.BatchBytes, DefaultBatchBytes)
	orDefault(&cfg.BatchAge, DefaultBatchAge)
	orDefault(&cfg.InFlight, DefaultInFlight)
	orDefault(&cfg.RollbackRecords, DefaultRollbackRecords)
	orDefault(&cfg.RollbackBytes, DefaultRollbackBytes)
	orDefault(&cfg.QueuedRecords, DefaultQueuedRecords)
	orDefault(&cfg.QueuedBytes, DefaultQueuedBytes)
	orDefault(&cfg.Keep, DefaultKeep)
	orDefault(&cfg.KeepJobs, DefaultKeepJobs)
	orDefault(&cfg.Settle, DefaultSettle)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s, err := openStore(cfg.Folder, cfg.Logger)
	if err != nil {
		return nil, err
	}
	q := newQueue(cfg, s)
	err = q.recover()
	if isDamage(err) { // the file can be read, but what it says can't be true
		if err = s.replace(err); err == nil {
			q = newQueue(cfg, s)
			err = q.recover()
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return q, nil
}

func newQueue(cfg Config, s *store) *Queue {
	return &Queue{
		load: load{by: map[string]held{}},
		cfg:  cfg, store: s, log: cfg.Logger,
		jobs: make(map[string]*job), claims: make(map[claim]place), waiting: make(map[claim][]place),
		wake: make(chan struct{}, 1), rateAt: time.Now(), batches: make(map[*batch]struct{}),
		unsaved: unsaved{parts: make(map[*part]struct{}), batches: make(map[string]struct{})},
	}
}

func orDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Secret is the queue's own secret for transaction ids (ledger.Config.Secret). It lives as long as the queue does.
func (q *Queue) Secret() []byte { return q.store.secret }

// Close closes the queue's files. Run must have returned.
func (q *Queue) Close() error {
	q.store.close()
	return nil
}

// Limits are what a gateway announces.
type Limits struct {
	// RollbackRecords and RollbackBytes bound a job of behaviour Rollback; JobRecords and JobBytes any job.
	RollbackRecords, RollbackBytes int
	JobRecords, JobBytes           int
}

// Allow says, with an error that wraps ErrTooLarge, if a job of so many records, and bytes of them, is beyond the
// limits.
func (l Limits) Allow(b Behaviour, records, bytes int) error {
	if b == Rollback && (records > l.RollbackRecords || bytes > l.RollbackBytes) {
		return fmt.Errorf(
			"%w: with the error behaviour rollback it may have %d records and %d bytes of them; use proceed, or send it in pieces",
			ErrTooLarge,
			l.RollbackRecords,
			l.RollbackBytes,
		)
	}
	if records > l.JobRecords || bytes > l.JobBytes {
		return fmt.Errorf("%w: it may have %d records and %d bytes of them; send it in pieces", ErrTooLarge, l.JobRecords,
			l.JobBytes)
	}
	return nil
}

// Limits tells the limits of one job.
func (q *Queue) Limits() Limits {
	return Limits{
		RollbackRecords: q.cfg.RollbackRecords, RollbackBytes: q.cfg.RollbackBytes,
		JobRecords: q.cfg.QueuedRecords, JobBytes: q.cfg.QueuedBytes,
	}
}

// Stats is the state of the queue at one moment.
type Stats struct {
	// Jobs, Records and Bytes are unfinished.
	Jobs, Records, Bytes int
	// InFlight is the number of transactions under way.
	InFlight int
	// Rate is how many records were finished per second of late.
	Rate float64
	// Sent is when the oldest transaction under way left for the orderers, or was about to; zero if none has.
	Sent time.Time
	// Waiting is why the oldest transaction under way does not get on; empty if all do.
	Waiting string
}

// Damage tells the operator that the queue's file was damaged and set aside, and what may be lost. It is empty once the
// operator has deleted the text that says so. It looks into the queue's folder.
func (q *Queue) Damage() string { return damageNotice(q.cfg.Folder) }

// Stats tells how the queue is doing.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Stats{Jobs: len(q.jobs), Records: q.records, Bytes: q.bytes, InFlight: q.inFlight, Rate: q.currentRate()}
	var oldest time.Time
	for b := range q.batches {
		if b.problem != "" && (oldest.IsZero() || b.begun.Before(oldest)) {
			s.Waiting, oldest = b.problem, b.begun
		}
		if b.sent && (s.Sent.IsZero() || b.sentAt.Before(s.Sent)) {
			s.Sent = b.sentAt
		}
	}
	return s
}
