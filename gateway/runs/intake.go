package runs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// The kinds of row.
const (
	kindRun     = 0
	kindDataset = 1
	kindJob     = 2
)

// maxLate bounds the events after the end that are shown of one run; more are counted.
const maxLate = 100

// Taken is what became of one event.
type Taken struct {
	// ID is the run's id, or the one that the store gave to a dataset event that registers a version; empty if the event
	// only brought facets.
	ID    string
	State State // of the run
	// Duplicate: the run has this very event. Late: the run was over when the event came. What it adds is added all the
	// same.
	Duplicate, Late bool
	// Err is why the event was not taken: a *LimitError, a *BusyError, ErrNotReady, or a *record.Rejection.
	Err error
}

// arrival is one event on its way into the database.
type arrival struct {
	event  *openlineage.Event
	body   []byte
	digest [sha256.Size]byte
	inputs []input
}

// Add takes events, in order, and returns when those without an Err of their own are on disk. An error matches
// ErrStorage or is ctx's own, and then none was taken; if it is ctx's, they may have been.
func (s *Store) Add(ctx context.Context, caller Caller, events ...*openlineage.Event) ([]Taken, error) {
	arrivals := make([]arrival, len(events))
	for i, e := range events {
		a := arrival{event: e, body: e.Value.Bytes()}
		a.digest = sha256.Sum256(a.body)
		var err error
		if a.inputs, err = s.inputsOf(ctx, e); err != nil {
			return nil, err
		}
		arrivals[i] = a
	}
	var taken []Taken
	done := make(chan error, 1)
	go func() { // the write is made even if ctx ends, and then somebody has to know of it
		err := s.db.change(func(tx *sqlitefile.Tx) error {
			taken = make([]Taken, len(arrivals))
			for i := range arrivals {
				if err := s.addOne(tx, caller, &arrivals[i], &taken[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			s.note(taken)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return taken, nil
}

// note counts what was taken, and tells who waits for it.
func (s *Store) note(taken []Taken) {
	s.move(func(c *Counters) {
		for _, t := range taken {
			switch {
			case t.Err != nil:
			case t.Duplicate:
				c.Duplicates++
			case t.Late:
				c.Late++
				c.Events++
			default:
				c.Events++
			}
		}
	})
	s.ring()
}

// addOne adds an event in a savepoint, so that one that is refused leaves nothing behind.
func (s *Store) addOne(tx *sqlitefile.Tx, caller Caller, a *arrival, t *Taken) error {
	if _, err := tx.Exec("SAVEPOINT event"); err != nil {
		return stored(err)
	}
	err := s.learnNames(tx, a.event)
	switch {
	case err != nil:
	case a.event.Kind == openlineage.RunEvent:
		err = s.addToRun(tx, caller, a, t)
	case a.event.Kind == openlineage.DatasetEvent && registers(a.event.Dataset):
		err = s.addVersion(tx, caller, a, t)
	case a.event.Kind == openlineage.JobEvent && len(a.inputs) > 0:
		if err = s.addFacets(tx, caller, a); err == nil {
			err = s.addJob(tx, caller, a, t)
		}
	default:
		err = s.addFacets(tx, caller, a)
	}
	refused := err != nil && !errors.Is(err, ErrStorage)
	if refused {
		*t = Taken{ID: t.ID, Err: err}
		if _, err := tx.Exec("ROLLBACK TO event"); err != nil {
			return stored(err)
		}
		err = nil
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec("RELEASE event")
	return stored(err)
}

// refuse is what is wrong with an input, in the words of a record.
func refuse(code, pointer, format string, args ...any) error {
	return record.Reject([]record.Problem{{Code: code, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}})
}
