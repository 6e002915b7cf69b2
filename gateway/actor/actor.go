// Package actor keeps who had what recorded, for the gateway's own organisation.
//
// The ledger says which organisation recorded something, and by which certificate. With a token, a JWT or a session, the
// gateway signs for many people and machines with one certificate, so the ledger can't tell them apart. A gateway notes
// it at home: for each transaction that it has sent, who had which of its records recorded. The note is durable before
// the caller is told that a record is on the ledger, and before the queue forgets whose record it was.
//
// Each person and machine has a pseudonym, a random one, which says nothing to others. Notes have the pseudonym only.
// Who is behind it is said in one place, which [Store.Forget] erases. The notes then say that two records are by the
// same, and no longer by whom. Nothing of all this is on the ledger, where it could never be erased.
package actor

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/kept"
)

// Tables makes the tables of actors and of what they did. Times are Unix seconds, 0 for none. An actor that was
// forgotten has no id and no name. Lines are those of the records in the transaction, as ranges: "0-3,7".
var Tables = []string{
	`CREATE TABLE IF NOT EXISTS kept_actor (
		msp TEXT NOT NULL, pseudonym TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
		since BIGINT NOT NULL, forgotten BIGINT NOT NULL, PRIMARY KEY (msp, pseudonym)
	)`,
	`CREATE UNIQUE INDEX IF NOT EXISTS kept_actor_id ON kept_actor (msp, id) WHERE id <> ''`,
	`CREATE TABLE IF NOT EXISTS kept_deed (
		msp TEXT NOT NULL, tx TEXT NOT NULL, pseudonym TEXT NOT NULL, lines TEXT NOT NULL, PRIMARY KEY (msp, tx, pseudonym)
	)`,
}

// ErrUnknown means that nobody has a pseudonym.
var ErrUnknown = errors.New("nobody has this pseudonym")

// MaxPseudonym bounds the bytes of a pseudonym.
const MaxPseudonym = 18

// Actor is a person or a machine.
type Actor struct {
	Pseudonym string
	// ID is the caller's as package access has it, and Name what people read. Both are empty once the actor is forgotten.
	ID, Name string
	Kind     string // "person", "machine", or "" if nobody has said
	Since    time.Time
	// Forgotten is when it was, or zero.
	Forgotten time.Time
}

// Store holds the actors of one organisation. Its methods are safe for concurrent use. Errors of the database match
// kept.ErrUnavailable.
type Store struct {
	db  *kept.DB
	msp string
	now func() time.Time

	mu    sync.Mutex
	known map[string]named // by ID
}

// named is how an actor is called, and whether this process has written that down.
type named struct {
	name, kind string
	written    bool
}

// mostKnown bounds the actors that are held in memory.
const mostKnown = 10_000

// NewStore makes the store of an organisation in an open database.
func NewStore(db *kept.DB, mspID string) *Store {
	return &Store{db: db, msp: mspID, now: time.Now, known: map[string]named{}}
}

// Know writes down who is about to have something recorded, if it isn't known yet, or has another name by now. If the
// database can't be used, Note writes the name down with what it notes, as long as this process runs.
func (s *Store) Know(ctx context.Context, id, name, kind string) error {
	if s.remember(id, named{name: name, kind: kind}) {
		return nil
	}
	err := s.db.Do(ctx, func(tx *kept.Tx) error {
		if _, err := s.pseudonym(ctx, tx, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE kept_actor SET name = $1, kind = $2 WHERE msp = $3 AND id = $4`, name, kind, s.msp, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("couldn't write down who is calling: %w", err)
	}
	s.remember(id, named{name, kind, true})
	return nil
}

// remember holds how an actor is called, and reports whether that was written down before.
func (s *Store) remember(id string, now named) (written bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.known[id]; before == (named{now.name, now.kind, true}) {
		return true
	}
	if len(s.known) >= mostKnown {
		s.known = map[string]named{}
	}
	s.known[id] = now
	return false
}

// pseudonym finds that of an ID, or makes one.
func (s *Store) pseudonym(ctx context.Context, tx *kept.Tx, id string) (pseudonym string, err error) {
	s.mu.Lock()
	known := s.known[id]
	s.mu.Unlock()
	if _, err := tx.Exec(ctx, `INSERT INTO kept_actor VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT DO NOTHING`, s.msp,
		newPseudonym(), id, known.name, known.kind, s.now().Unix()); err != nil {
		return "", err
	}
	err = tx.Row(ctx, `SELECT pseudonym FROM kept_actor WHERE msp = $1 AND id = $2`, []any{s.msp, id}, &pseudonym)
	return pseudonym, err
}

func newPseudonym() string {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails
	return "p-" + strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
}

// Note writes down who had the records of a transaction recorded: by[i] is the ID of the caller behind the one in line
// i. It is durable when Note returns. Noting the same again changes nothing.
func (s *Store) Note(ctx context.Context, txID string, by []string) error {
	lines := map[string][]int{}
	for line, id := range by {
		lines[id] = append(lines[id], line)
	}
	err := s.db.Do(ctx, func(tx *kept.Tx) error {
		for _, id := range slices.Sorted(maps.Keys(lines)) {
			pseudonym, err := s.pseudonym(ctx, tx, id)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO kept_deed VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, s.msp, txID, pseudonym,
				ranges(lines[id])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't write down who had transaction %s recorded: %w", txID, err)
	}
	return nil
}

// ranges writes ascending numbers: "0-3,7".
func ranges(numbers []int) string {
	var b strings.Builder
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(numbers[i]))
		if last > i {
			b.WriteString("-" + strconv.Itoa(numbers[last]))
		}
		i = last + 1
	}
	return b.String()
}

// within reports whether a number is in what ranges wrote.
func within(text string, number int) bool {
	for one := range strings.SplitSeq(text, ",") {
		from, to, _ := strings.Cut(one, "-")
		first, err := strconv.Atoi(from)
		last, wrong := strconv.Atoi(cmp.Or(to, from))
		if err == nil && wrong == nil && first <= number && number <= last {
			return true
		}
	}
	return false
}

// Of finds who had a record of a transaction recorded, or nil if nobody has noted it.
func (s *Store) Of(ctx context.Context, txID string, line int) (*Actor, error) {
	var found *Actor
	err := s.actors(ctx, `JOIN kept_deed d ON d.msp = a.msp AND d.pseudonym = a.pseudonym WHERE a.msp = $1 AND d.tx = $2`,
		[]any{s.msp, txID}, true, func(a *Actor, lines string) {
			if within(lines, line) {
				found = a
			}
		})
	return found, err
}

// List lists up to size actors in the order of their pseudonyms, beginning after one.
func (s *Store) List(ctx context.Context, after string, size int) ([]*Actor, error) {
	all := []*Actor{}
	err := s.actors(ctx, `WHERE a.msp = $1 AND a.pseudonym > $2 ORDER BY a.pseudonym LIMIT $3`, []any{s.msp, after, size}, false,
		func(a *Actor, _ string) { all = append(all, a) })
	return all, err
}

// Get finds who has a pseudonym. The error is ErrUnknown if nobody has it.
func (s *Store) Get(ctx context.Context, pseudonym string) (*Actor, error) {
	var found *Actor
	err := s.actors(ctx, `WHERE a.msp = $1 AND a.pseudonym = $2`, []any{s.msp, pseudonym}, false,
		func(a *Actor, _ string) { found = a })
	if err == nil && found == nil {
		err = ErrUnknown
	}
	return found, err
}

// actors calls f with actors and, if the query joins the notes, with the lines of each.
func (s *Store) actors(ctx context.Context, where string, args []any, noted bool, f func(a *Actor, lines string)) error {
	columns := `a.pseudonym, a.id, a.name, a.kind, a.since, a.forgotten`
	if noted {
		columns += `, d.lines`
	}
	return s.db.Rows(ctx, `SELECT `+columns+` FROM kept_actor a `+where, args, func(scan func(...any) error) error {
		a, lines := new(Actor), ""
		var since, forgotten int64
		into := []any{&a.Pseudonym, &a.ID, &a.Name, &a.Kind, &since, &forgotten}
		if noted {
			into = append(into, &lines)
		}
		if err := scan(into...); err != nil {
			return err
		}
		a.Since = time.Unix(since, 0).UTC()
		if forgotten != 0 {
			a.Forgotten = time.Unix(forgotten, 0).UTC()
		}
		f(a, lines)
		return nil
	})
}

// Forget erases who is behind a pseudonym, for good. If the same caller has something recorded later, it gets another
// pseudonym. Forgetting again changes nothing. The error is ErrUnknown if nobody has the pseudonym.
func (s *Store) Forget(ctx context.Context, pseudonym string) (*Actor, error) {
	id := ""
	err := s.db.Do(ctx, func(tx *kept.Tx) error {
		err := tx.Row(ctx, `SELECT id FROM kept_actor WHERE msp = $1 AND pseudonym = $2`, []any{s.msp, pseudonym}, &id)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE kept_actor SET id = '', name = '', forgotten = CASE WHEN forgotten = 0 THEN $1 ELSE forgotten END
			WHERE msp = $2 AND pseudonym = $3`, s.now().Unix(), s.msp, pseudonym)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.known, id)
	s.mu.Unlock()
	return s.Get(ctx, pseudonym)
}
