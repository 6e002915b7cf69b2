// Package runs takes events of OpenLineage, keeps them safe, adds them up until a run has ended, and sees to it that
// what the run did comes to the ledger once: one activity, with the exact versions that it used, and the artifact
// versions that it generated, in one transaction.
//
// # Durability
//
// [Store.Add] returns after the transaction that holds the events has been fsynced. When a run's turn comes, the
// records of it are made and fsynced before anything is sent, and from then on they are what is sent, by this process
// or a later one. Their ids are the digests of their bytes, and the queue (package capture) recognises what is on the
// ledger already, so that at any instruction a process may die: nothing is lost, and nothing is recorded twice.
//
// # Versions
//
// A dataset is the artifact dataset/NAMESPACE/NAME, or model/… if its datasetType is MODEL, in the namespace of the
// organisation. Its version is what a version facet says; all that the events of a run say count. Without one, an
// output's is run-RUNID. An input's is that of the moment at which the run first named it, by the time of the event:
// the newest that runs had made by then, as far as this store or the index knows. Of an input of which none is known,
// the version "declared" is registered, whose digest covers its names and nothing else. A pedigree_digest facet chooses
// the version of an input by its content. Names that a symlinks facet joins are names of one dataset (aliases.go).
//
// Events come late. A version that comes to light later is joined to those that would have read it (join.go): in their
// records, or, if these are made, by a further part.
//
// A dataset that a run both writes and reads, as facets say, isn't an input of the run. Outputs that were made of it
// have its inputs, and are derived from it. Writes add up: an output is derived from the version that lay there before,
// unless the run says that it has replaced it (outputs.go).
//
// # Ends and parts
//
// COMPLETE, FAIL and ABORT end a run. A run that failed or was aborted is recorded as an activity that has used its
// inputs and generated nothing. If the end comes before the START, the run waits a little for it ([Config.Linger]).
// What comes later than that, or doesn't fit one transaction, is a part of its own: an activity that extends the first.
// A run that streams is recorded in parts while it runs, and a run without an end after [Config.Expire], as far as it
// is known.
//
// The run has happened, so what can't be said of it on the ledger doesn't keep the rest of it from there: it is left
// out, and told. A run that used withdrawn data is recorded as a breach. A run whose records the ledger refuses whole
// stays, with the reasons; sending its last event again tries again.
package runs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Defaults of Config.
const (
	DefaultOpenRuns  = 10_000
	DefaultBytes     = 256 << 20
	DefaultRunBytes  = 32 << 20
	DefaultRunEvents = 20_000
	DefaultDatasets  = 10_000
	DefaultLinger    = 2 * time.Second
	DefaultExpire    = 30 * 24 * time.Hour
	DefaultKeep      = 30 * 24 * time.Hour
	DefaultKeepRuns  = 100_000
)

// Config is how a store works. Folder and Namespace are required.
type Config struct {
	// Folder holds the database. It is made if it isn't there. One process at a time may use it.
	Folder string

	// Namespace is that of the organisation in which datasets are registered.
	Namespace string

	// OpenRuns and Bytes bound the runs that are not recorded yet and the bytes of their events, for each organisation:
	// beyond them events are refused with a *BusyError. RunBytes, RunEvents and Datasets bound a single run: beyond them
	// its events are refused with a *LimitError. Optional. If zero, the defaults above.
	OpenRuns, Bytes               int
	RunBytes, RunEvents, Datasets int

	// Linger is how long a run whose end has come waits for its START. Optional. If zero, DefaultLinger.
	Linger time.Duration

	// Expire is how long after its last event a run without an end is recorded as it is. Optional. If zero, DefaultExpire.
	Expire time.Duration

	// Keep and KeepRuns bound what is kept of runs that are over, by age and by number. Optional. If zero, the defaults
	// above.
	Keep     time.Duration
	KeepRuns int

	// Logger receives what an operator should know. Optional. If nil, slog.Default().
	Logger *slog.Logger
}

// Index knows what is on the ledger.
type Index interface {
	// DatedVersions lists the versions of an artifact that were registered last, the newest first.
	DatedVersions(ctx context.Context, kind, namespace, name string, limit int) ([]index.DatedVersion, error)
	// Generator finds the activity that has generated a version; "" if there is none.
	Generator(ctx context.Context, ref string) (activity string, err error)
	// Digest finds the digest of a version and the id of its record; false if there is no such version.
	Digest(ctx context.Context, ref string) (digest record.Digest, id string, found bool, err error)
	// ByDigest finds the newest version of an artifact that has a digest; "" if there is none.
	ByDigest(ctx context.Context, kind, namespace, name, digest string) (version string, err error)
	// Ready tells whether the index has what the ledger has.
	Ready() bool
}

// Recorder brings records to the ledger. *capture.Queue is one, and says what its errors mean.
type Recorder interface {
	Record(ctx context.Context, r capture.Request) ([]capture.Result, error)
}

// Witnesses finds where on the ledger lies what the records refer to, for capture.Request. An error of type
// *record.Rejection says what is unknown.
type Witnesses func(ctx context.Context, mspID string, records []*record.Record) ([]byte, error)

// The errors of this package that callers tell apart.
var (
	// ErrStorage: the events could not be written: a full disk, say. Nothing was taken.
	ErrStorage = errors.New("the storage of runs failed")
	// ErrNotReady: it can't be told now which version an input is, because the index has not caught up. Nothing was taken.
	ErrNotReady = errors.New(
		"the gateway is catching up with the ledger, and can't tell yet which versions the inputs are",
	)
	// ErrNoRun: no such run, or it is kept no longer.
	ErrNoRun = errors.New("there is no such run")
)

// errDamaged is of a run alone, and stays: what is kept of it can't be read. Without it, the other runs would wait for
// one that never gets on.
var errDamaged = errors.New("what is kept of the run is damaged")

// BusyError says that there are too many unfinished runs. Nothing was taken.
type BusyError struct {
	Runs, Bytes int
	RetryAfter  time.Duration
}

// Error says what to do.
func (e *BusyError) Error() string {
	return fmt.Sprintf(
		"there are %d runs that have not ended or are not recorded yet, with %d bytes of events, and there is no room for more; end some, or try again in %v",
		e.Runs,
		e.Bytes,
		e.RetryAfter,
	)
}

// LimitError says that a run has become too large. The event was not taken, and what was before it stands.
type LimitError struct{ Detail string }

func (e *LimitError) Error() string { return e.Detail }

// Caller is who sends events.
type Caller struct {
	Name   string // tells the caller from others; the owner of the jobs that record the run
	Signer string // the name of the ledger identity that signs; Name if empty
	MSPID  string
}

// Store keeps runs. It is safe for concurrent use.
type Store struct {
	cfg Config
	db  *database
	log *slog.Logger

	index Index

	mu       sync.Mutex
	counters Counters
	changed  chan struct{}       // closed and replaced whenever a run has got on
	wake     chan struct{}       // for the recorder; has room for one
	claimed  map[string]struct{} // versions that are being registered
}

// Counters count what happened since the store was opened.
type Counters struct {
	Events, Duplicates, Late  int
	Recorded, Failed, Expired int
}

// Stats is the state of the store at one moment.
type Stats struct {
	Counters
	// Runs are the runs there are, by state; those recorded, failed and expired as far as they are kept.
	Runs map[State]int
	// Bytes are those of the events of unfinished runs.
	Bytes int
}

// Open opens the store of a folder. Events are taken from now on; Run brings what has ended to the ledger.
func Open(cfg Config, ix Index) (*Store, error) {
	if cfg.Folder == "" || ix == nil {
		return nil, errors.New("runs: the folder or the index is missing")
	}
	if _, err := record.ParseArtifactRef("dataset/" + cfg.Namespace + "/x@1"); err != nil {
		return nil, fmt.Errorf(
			"%q can't be the namespace of datasets: a namespace is 1 to 64 of a-z, 0-9, - and ., beginning with a letter or digit",
			cfg.Namespace,
		)
	}
	orDefault(&cfg.OpenRuns, DefaultOpenRuns)
	orDefault(&cfg.Bytes, DefaultBytes)
	orDefault(&cfg.RunBytes, DefaultRunBytes)
	orDefault(&cfg.RunEvents, DefaultRunEvents)
	orDefault(&cfg.Datasets, DefaultDatasets)
	orDefault(&cfg.Linger, DefaultLinger)
	orDefault(&cfg.Expire, DefaultExpire)
	orDefault(&cfg.Keep, DefaultKeep)
	orDefault(&cfg.KeepRuns, DefaultKeepRuns)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	db, err := openDatabase(cfg.Folder)
	if err != nil {
		return nil, err
	}
	return &Store{
		cfg:     cfg,
		db:      db,
		log:     cfg.Logger,
		index:   ix,
		changed: make(chan struct{}),
		wake:    make(chan struct{}, 1),
		claimed: map[string]struct{}{},
	}, nil
}

func orDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Close closes the store's files. Run must have returned.
func (s *Store) Close() error {
	s.db.close()
	return nil
}

// Stats tells how the store is doing.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	st := Stats{Counters: s.counters, Runs: map[State]int{}}
	s.mu.Unlock()
	for _, state := range States {
		st.Runs[state] = 0
	}
	// A figure that can't be read is left as it is: what is wrong with the storage is told to whoever writes.
	_ = s.db.file.Read.QueryRow("SELECT COALESCE(SUM(bytes), 0) FROM load").Scan(&st.Bytes)
	rows, err := s.db.file.Read.Query("SELECT state, COUNT(*) FROM run GROUP BY state")
	if err != nil {
		return st
	}
	defer rows.Close()
	for rows.Next() {
		var state, n int
		if rows.Scan(&state, &n) == nil {
			st.Runs[public[state]] += n
		}
	}
	return st
}

// move says that something has become of a run.
func (s *Store) move(count func(*Counters)) {
	s.mu.Lock()
	if count != nil {
		count(&s.counters)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
}

func (s *Store) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
