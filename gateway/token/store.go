package token

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/kept"
)

const (
	freshness = time.Second      // for so long, what was read counts as what there is
	patience  = 2 * time.Second  // for the database, while a request waits
	pause     = time.Second      // after the database failed
	usedEvery = 10 * time.Second // how often it is written down which tokens were used
)

// Tables makes the tables of tokens. Times are Unix seconds, 0 for none; digests are hexadecimal. The number in
// kept_token_change rises whenever a token changes, except for its last use.
var Tables = []string{
	`CREATE TABLE IF NOT EXISTS kept_token (
		msp TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, role TEXT NOT NULL,
		created BIGINT NOT NULL, created_by TEXT NOT NULL, expires BIGINT NOT NULL,
		rotated BIGINT NOT NULL, rotated_by TEXT NOT NULL, revoked BIGINT NOT NULL, revoked_by TEXT NOT NULL,
		used BIGINT NOT NULL, digest TEXT NOT NULL, old_digest TEXT NOT NULL, old_until BIGINT NOT NULL,
		PRIMARY KEY (msp, name)
	)`,
	`CREATE TABLE IF NOT EXISTS kept_token_change (msp TEXT PRIMARY KEY, number BIGINT NOT NULL)`,
	// Gateways before had names only.
	`ALTER TABLE kept_token ADD COLUMN IF NOT EXISTS created_by_id TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE kept_token ADD COLUMN IF NOT EXISTS rotated_by_id TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE kept_token ADD COLUMN IF NOT EXISTS revoked_by_id TEXT NOT NULL DEFAULT ''`,
}

// Store holds the tokens of one organisation. Its methods are safe for concurrent use.
type Store struct {
	db  *kept.DB
	msp string
	now func() time.Time

	known   atomic.Pointer[snapshot]
	reading sync.Mutex // held while the database is asked
	failed  failure    // guarded by reading

	mu      sync.Mutex
	used    map[string]int64 // last uses that aren't written down, by name
	written time.Time        // when they were last
	writing sync.WaitGroup
}

// failure is what the database said last, if it failed, and when.
type failure struct {
	err error
	at  time.Time
}

// snapshot is all tokens, as they were when they were read.
type snapshot struct {
	change   int64
	asOf     time.Time // when the reading began
	byDigest map[[sha256.Size]byte]*Token
}

// NewStore makes the store of an organisation in an open database.
func NewStore(db *kept.DB, mspID string) *Store {
	return &Store{db: db, msp: mspID, now: time.Now, used: map[string]int64{}}
}

// Find returns the token with a secret of this digest. The error is ErrUnknown, ErrExpired, ErrRevoked or ErrReplaced
// or, if the database doesn't answer, kept.ErrUnavailable. With ErrExpired, ErrRevoked and ErrReplaced the token comes,
// too. If use is true, the token counts as used.
func (s *Store) Find(digest [sha256.Size]byte, use bool) (*Token, error) {
	known, err := s.fresh()
	if err != nil {
		return nil, err
	}
	t := known.byDigest[digest]
	if t == nil {
		return nil, ErrUnknown
	}
	now := s.now()
	switch t.State(now) {
	case Revoked:
		return t, ErrRevoked
	case Expired:
		return t, ErrExpired
	}
	if digest != t.digest && !now.Before(t.OldUntil) {
		return t, ErrReplaced
	}
	if use {
		s.use(t.Name, now)
	}
	return t, nil
}

// fresh returns the tokens as they were at most a second ago.
func (s *Store) fresh() (*snapshot, error) {
	asked := s.now()
	if known := s.known.Load(); known != nil && asked.Sub(known.asOf) < freshness {
		return known, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.read(ctx, asked.Add(-freshness))
}

// read returns the tokens as they were after a moment. If others have read them meanwhile, it doesn't ask again.
func (s *Store) read(ctx context.Context, after time.Time) (*snapshot, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	known := s.known.Load()
	if known != nil && known.asOf.After(after) {
		return known, nil
	}
	now := s.now()
	if s.failed.err != nil && now.Sub(s.failed.at) < pause {
		return nil, s.failed.err
	}
	next, err := s.load(ctx, known, now)
	if s.failed = (failure{}); err != nil {
		s.failed = failure{err, s.now()}
		return nil, err
	}
	s.known.Store(next)
	return next, nil
}

// load reads the tokens if they have changed.
func (s *Store) load(ctx context.Context, known *snapshot, now time.Time) (*snapshot, error) {
	var change int64
	err := s.db.Row(ctx, `SELECT number FROM kept_token_change WHERE msp = $1`, []any{s.msp}, &change)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if known != nil && known.change == change {
		return &snapshot{change, now, known.byDigest}, nil
	}
	// What changes between the two queries is read here, and once more next time.
	next := &snapshot{change, now, map[[sha256.Size]byte]*Token{}}
	return next, s.each(ctx, "", func(t *Token) {
		next.byDigest[t.digest] = t
		if t.old != ([sha256.Size]byte{}) {
			next.byDigest[t.old] = t
		}
	})
}

// each calls f with tokens in the order of their names: with the one that has a name or, if that is empty, with all.
func (s *Store) each(ctx context.Context, name string, f func(*Token)) error {
	return s.db.Rows(ctx, `SELECT name, kind, role, created, created_by, created_by_id, expires, rotated, rotated_by,
		rotated_by_id, revoked, revoked_by, revoked_by_id, used, digest, old_digest, old_until FROM kept_token WHERE msp = $1 AND ($2 = '' OR name = $2) ORDER BY name`,
		[]any{s.msp, name}, func(scan func(...any) error) error {
			t := new(Token)
			var created, expires, rotated, revoked, used, oldUntil int64
			var digest, old string
			if err := scan(&t.Name, &t.Kind, &t.Role, &created, &t.CreatedBy.Name, &t.CreatedBy.ID, &expires, &rotated,
				&t.RotatedBy.Name, &t.RotatedBy.ID, &revoked, &t.RevokedBy.Name, &t.RevokedBy.ID, &used, &digest, &old,
				&oldUntil); err != nil {
				return err
			}
			for into, seconds := range map[*time.Time]int64{
				&t.Created: created, &t.Expires: expires, &t.Rotated: rotated, &t.Revoked: revoked, &t.Used: used,
				&t.OldUntil: oldUntil,
			} {
				*into = moment(seconds)
			}
			for into, text := range map[*[sha256.Size]byte]string{&t.digest: digest, &t.old: old} {
				raw, err := hex.DecodeString(text)
				if err != nil || len(raw) != 0 && len(raw) != sha256.Size {
					return fmt.Errorf("the digest of the token %q is damaged", t.Name)
				}
				copy(into[:], raw)
			}
			f(t)
			return nil
		})
}

func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// List lists all tokens, in the order of their names.
func (s *Store) List(ctx context.Context) ([]*Token, error) {
	if err := s.writeUsed(ctx); err != nil {
		return nil, err
	}
	all := []*Token{}
	return all, s.each(ctx, "", func(t *Token) { all = append(all, t) })
}

// Get finds a token by its name. The error is ErrUnknown if there is none.
func (s *Store) Get(ctx context.Context, name string) (*Token, error) {
	var found *Token
	if name == "" {
		return nil, ErrUnknown
	}
	if err := s.each(ctx, name, func(t *Token) { found = t }); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, ErrUnknown
	}
	return found, nil
}

// change does something to the tokens, and has this process know of it before it returns.
func (s *Store) change(ctx context.Context, f func(*kept.Tx) error) error {
	err := s.db.Do(ctx, func(tx *kept.Tx) error {
		// This comes first, so that changes wait for each other.
		if _, err := tx.Exec(ctx, `INSERT INTO kept_token_change VALUES ($1, 1)
			ON CONFLICT (msp) DO UPDATE SET number = kept_token_change.number + 1`, s.msp); err != nil {
			return err
		}
		return f(tx)
	})
	if err != nil {
		return err
	}
	s.reading.Lock()
	s.failed = failure{}
	s.reading.Unlock()
	_, err = s.read(ctx, s.now())
	return err
}

// Create makes a token, and returns its secret, which is kept nowhere. Its error may be an *InvalidError, ErrTaken or
// ErrFull. Names don't become free again, and names that differ only in capitals are the same.
func (s *Store) Create(ctx context.Context, o Order) (*Token, string, error) {
	now := s.now()
	if err := o.check(now); err != nil {
		return nil, "", err
	}
	secret := newSecret()
	digest := Digest(secret)
	err := s.change(ctx, func(tx *kept.Tx) error {
		var taken, valid, ended int
		err := tx.Row(ctx, `SELECT COUNT(CASE WHEN lower(name) = $1 THEN 1 END),
			COUNT(CASE WHEN revoked = 0 AND (expires = 0 OR expires > $2) THEN 1 END),
			COUNT(CASE WHEN NOT (revoked = 0 AND (expires = 0 OR expires > $2)) THEN 1 END) FROM kept_token WHERE msp = $3`,
			[]any{strings.ToLower(o.Name), now.Unix(), s.msp}, &taken, &valid, &ended)
		switch {
		case err != nil:
			return err
		case taken > 0:
			return ErrTaken
		case valid >= MostValid:
			return ErrFull
		}
		if ended > mostEnded {
			if _, err := tx.Exec(ctx, `DELETE FROM kept_token WHERE msp = $1 AND name IN (SELECT name FROM kept_token
				WHERE msp = $1 AND NOT (revoked = 0 AND (expires = 0 OR expires > $2))
				ORDER BY CASE WHEN revoked = 0 THEN expires ELSE revoked END LIMIT $3)`,
				s.msp, now.Unix(), ended-mostEnded); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO kept_token (msp, name, kind, role, created, created_by, created_by_id, expires,
			rotated, rotated_by, revoked, revoked_by, used, digest, old_digest, old_until)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, '', 0, '', 0, $9, '', 0)`, s.msp, o.Name, o.Kind, o.Role, now.Unix(), o.By.Name, o.By.ID, seconds(o.Expires), hex.EncodeToString(digest[:]))
		return err
	})
	if err != nil {
		return nil, "", err
	}
	t, err := s.Get(ctx, o.Name)
	return t, secret, err
}

// Revoke ends a token for good. Revoking it again changes nothing. The error is ErrUnknown if there is none.
func (s *Store) Revoke(ctx context.Context, name string, by Actor) (*Token, error) {
	now := s.now()
	err := s.change(ctx, func(tx *kept.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE kept_token SET revoked_by = CASE WHEN revoked = 0 THEN $1 ELSE revoked_by END,
			revoked_by_id = CASE WHEN revoked = 0 THEN $2 ELSE revoked_by_id END,
			revoked = CASE WHEN revoked = 0 THEN $3 ELSE revoked END WHERE msp = $4 AND name = $5`, by.Name, by.ID, now.Unix(),
			s.msp, name)
		if err == nil && n == 0 {
			return ErrUnknown
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, name)
}

// Rotation asks for a new secret of a token.
type Rotation struct {
	Name    string
	Expires time.Time     // of the token with the new secret; zero: as before
	Overlap time.Duration // for how long the old secret is valid, too, but not beyond its own expiry
	By      Actor
}

// Rotate gives a token a new secret, and returns that. The error may be an *InvalidError, ErrUnknown or ErrRevoked. A
// token that has expired needs a new expiry, or else ErrExpired.
func (s *Store) Rotate(ctx context.Context, r Rotation) (*Token, string, error) {
	now := s.now()
	if err := checkExpiry(r.Expires, now); err != nil {
		return nil, "", err
	}
	if r.Overlap < 0 || r.Overlap > LongestOverlap {
		return nil, "", &InvalidError{"overlap", "must be 0 to 604800 seconds, which are seven days"}
	}
	secret := newSecret()
	digest := Digest(secret)
	until := int64(0)
	if r.Overlap > 0 {
		until = now.Add(r.Overlap).Unix()
	}
	err := s.change(ctx, func(tx *kept.Tx) error {
		var revoked, expires int64
		err := tx.Row(ctx, `SELECT revoked, expires FROM kept_token WHERE msp = $1 AND name = $2`, []any{s.msp, r.Name},
			&revoked, &expires)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrUnknown
		case err != nil:
			return err
		case revoked != 0:
			return ErrRevoked
		}
		until := until
		if expires != 0 {
			until = min(until, expires) // the old secret, which others may have, doesn't live longer than it would have
		}
		if !r.Expires.IsZero() {
			expires = r.Expires.Unix()
		}
		if expires != 0 && expires <= now.Unix() {
			return ErrExpired
		}
		_, err = tx.Exec(ctx, `UPDATE kept_token SET old_digest = digest, old_until = $1, digest = $2, expires = $3,
			rotated = $4, rotated_by = $5, rotated_by_id = $6 WHERE msp = $7 AND name = $8`,
			until, hex.EncodeToString(digest[:]), expires, now.Unix(), r.By.Name, r.By.ID, s.msp, r.Name)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	t, err := s.Get(ctx, r.Name)
	return t, secret, err
}

// use notes that a token was used, and has that written down from time to time.
func (s *Store) use(name string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[name] = now.Unix()
	if now.Sub(s.written) < usedEvery {
		return
	}
	s.written = now
	s.writing.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), usedEvery)
		defer cancel()
		_ = s.writeUsed(ctx) // what isn't written down now is next time
	})
}

// writeUsed writes down when tokens were used last.
func (s *Store) writeUsed(ctx context.Context) error {
	s.mu.Lock()
	used := maps.Clone(s.used)
	s.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	err := s.db.Do(ctx, func(tx *kept.Tx) error {
		for name, at := range used {
			if _, err := tx.Exec(ctx, `UPDATE kept_token SET used = $1 WHERE msp = $2 AND name = $3 AND used < $1`, at, s.msp,
				name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, at := range used {
		if s.used[name] == at {
			delete(s.used, name)
		}
	}
	return nil
}

// Close writes down what is to be written. The database stays open.
func (s *Store) Close() error {
	s.writing.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.writeUsed(ctx)
}
