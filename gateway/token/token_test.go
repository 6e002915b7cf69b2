package token

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/kept"
)

func TestMain(m *testing.M) { indextest.Main(m) }

// actor is somebody whose ID isn't the name.
func actor(name string) Actor { return Actor{ID: "oidc:https://issuer.example#" + name, Name: name} }

// fixture is two processes with the tokens of one organisation. Their clock stands until the test moves it.
type fixture struct {
	t        *testing.T
	one, two *Store
	now      time.Time
}

func newFixture(t *testing.T, place string) *fixture {
	f := &fixture{t: t, now: time.Unix(1_800_000_000, 0).UTC()}
	f.one, f.two = f.open(place, "LabMSP"), f.open(place, "LabMSP")
	return f
}

func (f *fixture) open(place, msp string) *Store {
	db, err := kept.Open(place, Tables...)
	require.NoError(f.t, err)
	s := NewStore(db, msp)
	s.now = func() time.Time { return f.now }
	f.t.Cleanup(func() { assert.NoError(f.t, db.Close()) })
	return s
}

func (f *fixture) create(name string, expires time.Duration) (secret string) {
	f.t.Helper()
	o := Order{Name: name, Kind: "machine", Role: "submitter", By: actor("boss")}
	if expires > 0 {
		o.Expires = f.now.Add(expires)
	}
	made, secret, err := f.one.Create(f.t.Context(), o)
	require.NoError(f.t, err)
	require.Equal(f.t, name, made.Name)
	return secret
}

// places are where tokens are kept, each in a test of its own.
func places(t *testing.T, test func(t *testing.T, place string)) {
	t.Run("in a file", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "kept.db")) })
	t.Run("in PostgreSQL", func(t *testing.T) { test(t, indextest.PostgresURL(t)) })
}

func TestTokensOfBeforeGoOn(t *testing.T) {
	places(t, func(t *testing.T, place string) {
		before, err := kept.Open(place, Tables[:2]...)
		require.NoError(t, err)
		secret := newSecret()
		require.NoError(t, before.Do(t.Context(), func(tx *kept.Tx) error {
			digest := sha256.Sum256([]byte(secret))
			_, err := tx.Exec(t.Context(), `INSERT INTO kept_token VALUES
				('LabMSP', 'erp', 'machine', 'submitter', 1, 'boss', 0, 0, '', 0, '', 0, $1, '', 0)`, hex.EncodeToString(digest[:]))
			return err
		}))
		require.NoError(t, before.Close())
		for range 2 { // the columns are added once
			s := newFixture(t, place).one
			all, err := s.List(t.Context())
			require.NoError(t, err)
			require.Len(t, all, 1)
			assert.Equal(t, Actor{Name: "boss"}, all[0].CreatedBy)
		}
	})
}

func TestASecretCanBeToldFromOtherText(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := newSecret()
		require.Regexp(t, regexp.MustCompile(`^pedigree_[0-9A-Za-z]{49}$`), s)
		require.False(t, Damaged(s))
		require.False(t, seen[s])
		seen[s] = true
	}
	s := newSecret()
	for _, damaged := range []string{s[:57], s + "0", strings.ToLower(s[:20]) + strings.ToUpper(s[20:]), Prefix} {
		assert.True(t, Damaged(damaged), damaged)
	}
	assert.False(t, Damaged("0123456789abcdef"), "it is of another kind")
	assert.Equal(t, "2oam18", string(checksum("pedigree_")), "others compute it, too")
}

func TestATokenIsFoundByItsSecretUntilItEnds(t *testing.T) {
	places(t, func(t *testing.T, place string) {
		f := newFixture(t, place)
		secret := f.create("erp", time.Hour)
		for _, s := range []*Store{f.one, f.two} {
			found, err := s.Find(Digest(secret), true)
			require.NoError(t, err)
			assert.Equal(t, []string{"erp", "machine", "submitter", "boss"}, []string{found.Name, found.Kind, found.Role, found.CreatedBy.Name})
			assert.Equal(t, actor("boss"), found.CreatedBy)
			_, err = s.Find(Digest("another"), true)
			assert.ErrorIs(t, err, ErrUnknown)
		}
		f.now = f.now.Add(time.Hour - time.Second)
		_, err := f.two.Find(Digest(secret), true)
		require.NoError(t, err)
		f.now = f.now.Add(time.Second)
		_, err = f.two.Find(Digest(secret), true)
		assert.ErrorIs(t, err, ErrExpired)
		require.NoError(t, f.one.Close())
		require.NoError(t, f.two.Close())
		list, err := f.one.List(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, f.now.Add(-time.Second), list[0].Used, "the later of two processes")
		assert.Equal(t, Expired, list[0].State(f.now))
		other := f.open(place, "MarketMSP")
		_, err = other.Find(Digest(secret), true)
		assert.ErrorIs(t, err, ErrUnknown, "another organisation's")
	})
}

func TestARevocationReachesTheOtherProcessWithinASecond(t *testing.T) {
	places(t, func(t *testing.T, place string) {
		f := newFixture(t, place)
		secret := f.create("erp", 0)
		for _, s := range []*Store{f.one, f.two} {
			_, err := s.Find(Digest(secret), true)
			require.NoError(t, err)
		}
		revoked, err := f.one.Revoke(t.Context(), "erp", actor("boss"))
		require.NoError(t, err)
		assert.Equal(t, f.now, revoked.Revoked)
		_, err = f.one.Find(Digest(secret), true)
		assert.ErrorIs(t, err, ErrRevoked, "at once where it was revoked")
		f.now = f.now.Add(time.Second)
		_, err = f.two.Find(Digest(secret), true)
		assert.ErrorIs(t, err, ErrRevoked)

		again, err := f.two.Revoke(t.Context(), "erp", actor("somebody else"))
		require.NoError(t, err)
		assert.Equal(t, revoked.Revoked, again.Revoked)
		assert.Equal(t, actor("boss"), again.RevokedBy)
		_, _, err = f.one.Rotate(t.Context(), Rotation{Name: "erp"})
		assert.ErrorIs(t, err, ErrRevoked)
		_, err = f.one.Revoke(t.Context(), "none", actor("boss"))
		assert.ErrorIs(t, err, ErrUnknown)
		_, _, err = f.one.Create(t.Context(), Order{Name: "ERP", Kind: "machine", Role: "auditor"})
		assert.ErrorIs(t, err, ErrTaken, "what it did stays told from what another does")
	})
}

// Whoever has the old secret, perhaps by theft, gains nothing by a rotation.
func TestAnOldSecretDoesNotOutliveItsExpiry(t *testing.T) {
	places(t, func(t *testing.T, place string) {
		f := newFixture(t, place)
		first := f.create("erp", time.Minute)
		_, second, err := f.one.Rotate(t.Context(), Rotation{Name: "erp", Overlap: time.Hour, Expires: f.now.Add(90 * time.Minute)})
		require.NoError(t, err)
		_, err = f.one.Find(Digest(first), true)
		require.NoError(t, err)
		f.now = f.now.Add(time.Minute)
		_, err = f.one.Find(Digest(first), true)
		assert.ErrorIs(t, err, ErrReplaced)

		f.now = f.now.Add(90 * time.Minute)
		_, err = f.one.Find(Digest(second), true)
		require.ErrorIs(t, err, ErrExpired)
		_, third, err := f.one.Rotate(t.Context(), Rotation{Name: "erp", Overlap: time.Hour, Expires: f.now.Add(time.Hour)})
		require.NoError(t, err)
		_, err = f.one.Find(Digest(second), true)
		assert.ErrorIs(t, err, ErrReplaced)
		_, err = f.one.Find(Digest(third), true)
		require.NoError(t, err)
	})
}

func TestANewSecretTakesThePlaceOfTheOldOne(t *testing.T) {
	places(t, func(t *testing.T, place string) {
		f := newFixture(t, place)
		first := f.create("erp", 0)
		_, second, err := f.one.Rotate(t.Context(), Rotation{Name: "erp", By: actor("boss")})
		require.NoError(t, err)
		_, err = f.one.Find(Digest(first), true)
		assert.ErrorIs(t, err, ErrReplaced)
		_, err = f.one.Find(Digest(second), true)
		require.NoError(t, err)
		_, third, err := f.two.Rotate(t.Context(), Rotation{Name: "erp", By: actor("ann"), Overlap: time.Minute, Expires: f.now.Add(time.Hour)})
		require.NoError(t, err)
		f.now = f.now.Add(59 * time.Second)
		for _, secret := range []string{second, third} {
			_, err = f.one.Find(Digest(secret), true)
			require.NoError(t, err)
		}
		f.now = f.now.Add(time.Second)
		_, err = f.one.Find(Digest(second), true)
		assert.ErrorIs(t, err, ErrReplaced)
		f.now = f.now.Add(time.Hour)
		_, err = f.one.Find(Digest(third), true)
		assert.ErrorIs(t, err, ErrExpired)
		_, _, err = f.one.Rotate(t.Context(), Rotation{Name: "erp"})
		assert.ErrorIs(t, err, ErrExpired)
		_, _, err = f.one.Rotate(t.Context(), Rotation{Name: "none"})
		assert.ErrorIs(t, err, ErrUnknown)
	})
}

func TestNoSecretIsKept(t *testing.T) {
	place := filepath.Join(t.TempDir(), "kept.db")
	f := newFixture(t, place)
	secret := f.create("erp", 0)
	files, err := filepath.Glob(place + "*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.NotContains(t, string(content), secret[len(Prefix):])
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, "-rw-------", info.Mode().String(), name)
	}
	require.NoError(t, os.Chmod(place, 0o640))
	_, err = kept.Open(place, Tables...)
	assert.ErrorContains(t, err, "make it 0600")
}

func TestWithoutTheDatabaseNoTokenIsAccepted(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "kept.db"))
	secret := f.create("erp", 0)
	_, err := f.two.Find(Digest(secret), true)
	require.NoError(t, err)
	open := f.two.db
	f.two.db, err = kept.Open(filepath.Join(t.TempDir(), "other.db"))
	require.NoError(t, err)
	f.now = f.now.Add(time.Second)
	_, err = f.two.Find(Digest(secret), true)
	assert.ErrorIs(t, err, kept.ErrUnavailable)
	require.NoError(t, f.two.db.Close())
	f.two.db = open
	_, err = f.two.Find(Digest(secret), true)
	assert.ErrorIs(t, err, kept.ErrUnavailable, "the database is left in peace for a moment")
	f.now = f.now.Add(pause)
	_, err = f.two.Find(Digest(secret), true)
	assert.NoError(t, err)
}

func TestOrdersThatAreRefused(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "kept.db"))
	good := Order{Name: "erp", Kind: "person", Role: "auditor"}
	for field, orders := range map[string][]func(*Order){
		"name": {
			func(o *Order) { o.Name = "" }, func(o *Order) { o.Name = strings.Repeat("a", 65) }, func(o *Order) { o.Name = "a b" },
			func(o *Order) { o.Name = "oidc:ann" }, func(o *Order) { o.Name = "a\n" }, func(o *Order) { o.Name = ".." }, func(o *Order) { o.Name = "é" },
		},
		"kind": {func(o *Order) { o.Kind = "" }, func(o *Order) { o.Kind = "robot" }},
		"role": {func(o *Order) { o.Role = "king" }},
		"expires": {
			func(o *Order) { o.Expires = f.now }, func(o *Order) { o.Expires = f.now.Add(Longest + time.Second) },
		},
	} {
		for i, spoil := range orders {
			o := good
			spoil(&o)
			_, _, err := f.one.Create(t.Context(), o)
			var invalid *InvalidError
			require.ErrorAs(t, err, &invalid, "%s %d", field, i)
			assert.Equal(t, field, invalid.Field)
		}
	}
	for _, overlap := range []time.Duration{-1, LongestOverlap + 1} {
		_, _, err := f.one.Rotate(t.Context(), Rotation{Name: "erp", Overlap: overlap})
		assert.ErrorContains(t, err, "overlap")
	}
}

func TestThereIsABoundOfTokens(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "kept.db"))
	insert := func(n int, revoked int64) {
		require.NoError(t, f.one.db.Do(t.Context(), func(tx *kept.Tx) error {
			for i := range n {
				_, err := tx.Exec(t.Context(), `INSERT INTO kept_token VALUES ('LabMSP', $1, 'person', 'auditor', 1, '', 0, 0, '', $2, '', 0, '', '', 0, '', '', '')`,
					fmt.Sprintf("%d-%d", revoked, i), revoked+int64(i)*min(revoked, 1))
				if err != nil {
					return err
				}
			}
			return nil
		}))
	}
	insert(MostValid-1, 0)
	insert(mostEnded+1, 1000)
	f.create("last", 0)
	_, err := f.one.Get(context.Background(), "1000-0")
	assert.ErrorIs(t, err, ErrUnknown, "the one that ended first is forgotten")
	_, err = f.one.Get(context.Background(), "1000-1")
	require.NoError(t, err)
	_, _, err = f.one.Create(t.Context(), Order{Name: "more", Kind: "person", Role: "auditor"})
	assert.ErrorIs(t, err, ErrFull)
}
