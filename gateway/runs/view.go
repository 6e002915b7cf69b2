package runs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// Run is a run as it is shown.
type Run struct {
	// ID is the run's id; Kind is "run", or "dataset" for a dataset event that registers a version, or "job" for what job
	// events say of a job.
	ID, Kind string
	MSPID    string
	State    State
	// Job is that of the run, or the dataset that a dataset event is about.
	Job openlineage.Identity
	// CreatedAt is when its first event came, UpdatedAt when the last one that counts, EndedAt when that which ended it,
	// or when it was dropped; zero if neither has happened.
	CreatedAt, UpdatedAt, EndedAt time.Time
	// Type is the type of event that ended it.
	Type   string
	Events int // that count
	Late   int // of these, came after the end
	Bytes  int // of the events that count

	// Of a run that is recorded, whole or in part; a dataset event has no activity. Extensions are the
	// activities that add to the first.
	Activity    record.ID
	Extensions  []Extension
	Transaction string
	Block       uint64
	Used        []string
	Generated   []Version
	Declared    []Version // versions that were registered because the run used them and none was known

	// LeftOut is what the ledger can't say of the run, and why. Adjusted is what it says otherwise than the run did.
	LeftOut, Adjusted []Problem
	// Breaches is what the run has used after consent to it had been withdrawn.
	Breaches []Breach

	// Of a run that can't be recorded.
	Problems []Problem
	// Waiting is why a run that has ended doesn't get on; empty if it does.
	Waiting string
	// Inputs are the versions that the inputs of an unfinished run are settled to be.
	Inputs []Input
	// LateEvents are the events that came after the end, the oldest first; Run alone has them.
	LateEvents []Event
}

// Input is an input of an unfinished run.
type Input struct {
	openlineage.Identity
	Ref string
}

// Event is an event that came after the end of its run.
type Event struct{ EventType, EventTime string }

// Filter chooses runs; empty fields choose all.
type Filter struct {
	State State
	Job   string // name of the job
	MSPID string // MSP id of the organisation
}

const runColumns = "id, kind, run, msp, state, job_namespace, job_name, created, updated, ended, type, events, late, bytes, result"

func scanRun(row interface{ Scan(...any) error }) (r Run, id int64, err error) {
	var kind, state int
	var created, updated, ended int64
	var result string
	err = row.Scan(
		&id,
		&kind,
		&r.ID,
		&r.MSPID,
		&state,
		&r.Job.Namespace,
		&r.Job.Name,
		&created,
		&updated,
		&ended,
		&r.Type,
		&r.Events,
		&r.Late,
		&r.Bytes,
		&result,
	)
	r.Kind = [...]string{kindRun: "run", kindDataset: "dataset", kindJob: "job"}[kind%3]
	r.State = public[state]
	r.CreatedAt, r.UpdatedAt, r.EndedAt = fromMillis(created), fromMillis(updated), fromMillis(ended)
	o := readOutcome(result)
	r.Activity, r.Transaction, r.Block, r.Used, r.Generated, r.Declared = o.Activity, o.Transaction, o.Block, o.Used,
		o.Generated, o.Declared
	r.Extensions, r.LeftOut, r.Adjusted = o.Extensions, o.LeftOut, o.Adjusted
	r.Breaches = o.Breaches
	switch r.State {
	case Failed:
		r.Problems = o.Problems
	case Recording:
		r.Waiting = o.Waiting
	}
	return r, id, err
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func readOutcome(text string) (o outcome) {
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return outcome{Waiting: "what became of the run can't be read"}
	}
	return o
}

// Get tells about one run. A UUID may be spelled in capitals. An error that matches ErrNoRun means that there is none of
// this id, or none any more.
func (s *Store) Get(ctx context.Context, msp, run string) (Run, error) {
	r, id, err := scanRun(
		s.db.file.Read.QueryRowContext(
			ctx,
			"SELECT "+runColumns+" FROM run WHERE msp = ?1 AND run IN (?2, ?3) ORDER BY run = ?3 DESC, kind LIMIT 1",
			msp,
			openlineage.RunID(run),
			run, // as a program wrote it that told capitals from small letters
		),
	)
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, fmt.Errorf("%w: %.80q", ErrNoRun, run)
	}
	if err != nil {
		return Run{}, stored(err)
	}
	if r.LateEvents, err = s.after(ctx, id); err != nil {
		return r, err
	}
	if r.State == Running || r.State == Recording {
		r.Inputs, err = s.inputs(ctx, id)
	}
	return r, err
}

func (s *Store) after(ctx context.Context, id int64) (list []Event, err error) {
	rows, err := s.db.file.Read.QueryContext(ctx,
		"SELECT body FROM event WHERE run = ? AND late > 0 AND body IS NOT NULL ORDER BY id LIMIT ?", id, maxLate)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var e Event
		if err := rows.Scan(&body); err != nil {
			return nil, stored(err)
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, stored(err)
		}
		list = append(list, e)
	}
	return list, stored(rows.Err())
}

func (s *Store) inputs(ctx context.Context, id int64) (list []Input, err error) {
	rows, err := s.db.file.Read.QueryContext(
		ctx,
		"SELECT namespace, name, kind, artifact, version FROM pin WHERE run = ? AND use = 0 ORDER BY namespace, name",
		id,
	)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	for rows.Next() {
		var in Input
		var kind, where, version string
		if err := rows.Scan(&in.Namespace, &in.Name, &kind, &where, &version); err != nil {
			return nil, stored(err)
		}
		in.Ref = kind + "/" + where + "@" + version
		list = append(list, in)
	}
	return list, stored(rows.Err())
}

// List lists runs, those first whose first event came last. It begins after the run whose place is after, or with the
// first if that is 0. next is the place to go on after, 0 at the end.
func (s *Store) List(ctx context.Context, f Filter, after int64, limit int) (list []Run, next int64, err error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, values ...any) { where, args = append(where, condition), append(args, values...) }
	if f.MSPID != "" {
		add("msp = ?", f.MSPID)
	}
	if f.Job != "" {
		add("job_name = ?", f.Job)
	}
	switch f.State {
	case "":
	case Recording:
		add("state IN (?, ?)", stateEnded, stateRecording)
	default:
		for row, state := range public {
			if state == f.State {
				add("state = ?", row)
			}
		}
	}
	if after > 0 {
		add("id < ?", after)
	}
	rows, err := s.db.file.Read.QueryContext(
		ctx,
		"SELECT "+runColumns+" FROM run WHERE "+strings.Join(where, " AND ")+" ORDER BY id DESC LIMIT ?",
		append(args, limit+1)...)
	if err != nil {
		return nil, 0, stored(err)
	}
	defer rows.Close()
	for rows.Next() {
		r, id, err := scanRun(rows)
		if err != nil {
			return nil, 0, stored(err)
		}
		if len(list) == limit {
			return list, next, nil
		}
		list, next = append(list, r), id
	}
	return list, 0, stored(rows.Err())
}

// Await waits until nothing more becomes of a run that has ended by itself, or until ctx ends, and tells about it. It
// doesn't wait for a run that has not ended.
func (s *Store) Await(ctx context.Context, msp, run string) (Run, error) {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		r, err := s.Get(context.WithoutCancel(ctx), msp, run)
		if err != nil || r.State != Recording {
			return r, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return r, nil
		}
	}
}
