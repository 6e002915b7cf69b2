package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/postgres"
)

func fingerprint(t testing.TB, ix *index.Index) string {
	t.Helper()
	f, err := ix.Fingerprint(t.Context())
	require.NoError(t, err)
	return f
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func TestPostgresAndSQLiteHoldTheSame(t *testing.T) {
	l := indextest.Mixed(t)
	file, server := indextest.OpenAt(t, t.TempDir()+"/index.db"), indextest.OpenAt(t, indextest.PostgresURL(t))
	for _, ix := range []*index.Index{file, server} {
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	}
	require.Equal(t, fingerprint(t, file), fingerprint(t, server))
}

// session is a connection of somebody else to the schema of an index.
func session(t *testing.T, place string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), place)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statement string, args ...any) {
	t.Helper()
	_, err := conn.Exec(t.Context(), statement, args...)
	require.NoError(t, err, statement)
}

// eventually waits until a condition holds.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("the condition never held")
		}
	}
}

// applying applies blocks in the background; the error comes when it is done.
func applying(ctx context.Context, ix *index.Index, blocks []index.Block) <-chan error {
	done := make(chan error, 1)
	go func() { done <- ix.ApplyAll(ctx, blocks) }()
	return done
}

// waiting waits until so many sessions hope for blocks that another one writes.
func waiting(t *testing.T, conn *pgx.Conn, n int) {
	t.Helper()
	eventually(t, func() bool {
		var found int
		err := conn.QueryRow(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()
			AND datname = current_database() AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')`).Scan(&found)
		require.NoError(t, err)
		return found >= n
	})
}

func TestPostgresIsWrittenByOneAndReadByAll(t *testing.T) {
	place := indextest.PostgresURL(t)
	l := indextest.Mixed(t)
	one, two := indextest.OpenAt(t, place), indextest.OpenAt(t, place)
	require.NoError(t, one.ApplyAll(t.Context(), l.Blocks[:3]))
	require.ErrorIs(t, two.Claim(t.Context()), index.ErrInUse)

	t.Run("the other one's blocks are there without a word", func(t *testing.T) {
		require.NoError(t, two.ApplyAll(t.Context(), l.Blocks[:3]))
		require.EqualValues(t, 3, two.Height())
		require.Equal(t, one.LastHash(), two.LastHash())
	})
	t.Run("one that follows waits until the blocks are there", func(t *testing.T) {
		done := applying(t.Context(), two, l.Blocks[3:5])
		waiting(t, session(t, place), 1)
		select {
		case err := <-done:
			t.Fatal("it didn't wait:", err)
		default:
		}
		require.NoError(t, one.ApplyAll(t.Context(), l.Blocks[3:]))
		require.NoError(t, <-done)
		require.Equal(t, one.Height(), two.Height())
	})
	t.Run("both give the same answers", func(t *testing.T) {
		for _, block := range []uint64{1, 4, index.Latest} {
			a, err := one.Records(t.Context(), index.RecordFilter{}, block, index.Page{})
			require.NoError(t, err)
			b, err := two.Records(t.Context(), index.RecordFilter{}, block, index.Page{})
			require.NoError(t, err)
			require.NotEmpty(t, a.Items)
			require.Equal(t, a, b)
		}
		require.Equal(t, fingerprint(t, one), fingerprint(t, two))
	})
	t.Run("a block of another ledger is refused by both", func(t *testing.T) {
		odd := l.Blocks[2]
		odd.Hash = []byte("another")
		for _, ix := range []*index.Index{one, two} {
			require.True(t, is[*index.OtherLedgerError](ix.Apply(t.Context(), odd)))
		}
	})
	t.Run("one that is closed hands over", func(t *testing.T) {
		l.Put("Harbor", indextest.Seen(t, 50))
		three := indextest.OpenAt(t, place)
		done := applying(t.Context(), three, l.Blocks)
		waiting(t, session(t, place), 1)
		require.NoError(t, one.Close())
		require.NoError(t, <-done)
		require.ErrorIs(t, two.Claim(t.Context()), index.ErrInUse)
		require.NoError(t, two.Refresh(t.Context()))
		require.Equal(t, uint64(len(l.Blocks)), two.Height())
	})
}

func TestPostgresIsTakenOverFromAProcessThatIsKilled(t *testing.T) {
	place := indextest.PostgresURL(t)
	leader := exec.Command(os.Args[0])
	leader.Env = append(os.Environ(), leaderVariable+"="+place)
	leader.Stderr = os.Stderr
	out, err := leader.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, leader.Start())
	line := make([]byte, len("leads"))
	_, err = out.Read(line)
	require.NoError(t, err)
	require.Equal(t, "leads", string(line))

	l, ix := indextest.Mixed(t), indextest.OpenAt(t, place)
	require.ErrorIs(t, ix.Claim(t.Context()), index.ErrInUse)
	done := applying(t.Context(), ix, l.Blocks)
	waiting(t, session(t, place), 1)
	require.NoError(t, leader.Process.Kill())
	require.Error(t, leader.Wait())
	require.NoError(t, <-done)
	require.Equal(t, uint64(len(l.Blocks)), ix.Height())
}

func TestPostgresIsTakenOverFromOneThatHangs(t *testing.T) {
	place := indextest.PostgresURL(t)
	l, stuck := indextest.Mixed(t), indextest.OpenAt(t, place)
	require.NoError(t, stuck.ApplyAll(t.Context(), l.Blocks[:2]))
	store, err := postgres.New(place)
	require.NoError(t, err)
	postgres.SetPatience(store, 100*time.Millisecond)
	ix := index.New(store)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	require.NoError(t, ix.Connect(t.Context()))
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	require.Equal(t, uint64(len(l.Blocks)), ix.Height())

	err = stuck.ApplyAll(t.Context(), l.Blocks)
	require.ErrorIs(t, err, index.ErrUnavailable, "its connection was ended")
	require.NoError(t, stuck.ApplyAll(t.Context(), l.Blocks), "and then it follows")
	require.ErrorIs(t, stuck.Claim(t.Context()), index.ErrInUse)
}

func TestPostgresIsTheSameHoweverOftenTheLeadChanges(t *testing.T) {
	place := indextest.PostgresURL(t)
	l, conn := indextest.Mixed(t), session(t, place)
	place += "&application_name=" + t.Name()
	for n := range 5 {
		l.Submit("Market", indextest.Seen(t, 60+n), indextest.Seen(t, 70+n%2))
		l.Submit(fmt.Sprintf("Newcomer%d", n/2), indextest.Seen(t, 80+n))
		l.Cut()
	}
	all := []*index.Index{indextest.OpenAt(t, place), indextest.OpenAt(t, place), indextest.OpenAt(t, place)}
	for n := range l.Blocks {
		ix := all[n%len(all)]
		run(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND pid IN (SELECT pid FROM pg_stat_activity WHERE application_name = $1)`, t.Name())
		eventually(t, func() bool {
			err := ix.ApplyAll(t.Context(), l.Blocks[:n+1])
			if err != nil {
				require.ErrorIs(t, err, index.ErrUnavailable, "its connection was ended")
			}
			return err == nil
		})
		for _, other := range all {
			require.NoError(t, other.Refresh(t.Context()))
			require.EqualValues(t, n+1, other.Height())
		}
	}
	file := indextest.OpenAt(t, t.TempDir()+"/index.db")
	require.NoError(t, file.ApplyAll(t.Context(), l.Blocks))
	for _, ix := range all {
		require.Equal(t, fingerprint(t, file), fingerprint(t, ix))
	}
}

func TestPostgresIsEmptiedByAnyOfThem(t *testing.T) {
	place := indextest.PostgresURL(t)
	l, leader, other := indextest.Mixed(t), indextest.OpenAt(t, place), indextest.OpenAt(t, place)
	require.NoError(t, leader.ApplyAll(t.Context(), l.Blocks[:5]))
	require.NoError(t, other.ApplyAll(t.Context(), l.Blocks[:5]))
	want := fingerprint(t, leader)
	require.NoError(t, other.Reset(t.Context()))
	require.Zero(t, other.Height())

	require.True(t, is[*index.GapError](leader.ApplyAll(t.Context(), l.Blocks[5:])), "nothing is written behind a hole")
	require.Zero(t, leader.Height())
	require.NoError(t, leader.ApplyAll(t.Context(), l.Blocks[:5]))
	require.Equal(t, want, fingerprint(t, leader))
	require.NoError(t, other.Refresh(t.Context()))
	require.EqualValues(t, 5, other.Height())
}

func TestPostgresMayBeDown(t *testing.T) {
	server := indextest.StartPostgres(t)
	server.Stop(t)
	l := indextest.Mixed(t)
	ix, err := postgres.Open(server.URL("i"))
	require.NoError(t, err, "it may come")
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	err = ix.Connect(t.Context())
	require.ErrorIs(t, err, index.ErrUnavailable)
	require.EqualError(t, err, fmt.Sprintf("the index can't be used now: PostgreSQL at %s doesn't answer: connection refused", server.Address()))
	require.Zero(t, ix.Height())
	_, err = ix.Records(t.Context(), index.RecordFilter{}, index.Latest, index.Page{})
	require.ErrorIs(t, ix.Diagnose(err), index.ErrUnavailable, "nobody is told that there are no records")

	server.Start(t)
	require.NoError(t, ix.Connect(t.Context()))
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[:3]))

	t.Run("when a block is half written: then all of it is taken back", func(t *testing.T) {
		other := session(t, server.URL("i"))
		run(t, other, "BEGIN")
		run(t, other, "LOCK TABLE pack IN ACCESS EXCLUSIVE MODE")
		done := applying(t.Context(), ix, l.Blocks[3:])
		looker := session(t, server.URL("i"))
		eventually(t, func() bool {
			var n int
			require.NoError(t, looker.QueryRow(t.Context(),
				`SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COPY pack%'`).Scan(&n))
			return n == 1
		})
		server.Stop(t)
		require.ErrorIs(t, <-done, index.ErrUnavailable)
		require.ErrorIs(t, ix.Refresh(t.Context()), index.ErrUnavailable)
		require.ErrorIs(t, ix.ApplyAll(t.Context(), l.Blocks[3:]), index.ErrUnavailable)
		server.Start(t)
		fresh := indextest.OpenAt(t, server.URL("i"))
		require.LessOrEqual(t, fresh.Height(), uint64(3))
		eventually(t, func() bool { return ix.Refresh(t.Context()) == nil })
		require.Equal(t, fresh.Height(), ix.Height(), "what the crash took is known at once")
		for from := uint64(0); ; { // the last blocks before the crash may be gone, too
			err := ix.ApplyAll(t.Context(), l.Blocks[from:])
			if err == nil {
				break
			}
			require.True(t, is[*index.GapError](err), "%v", err)
			from = ix.Height()
		}
		whole := indextest.OpenAt(t, t.TempDir()+"/index.db")
		require.NoError(t, whole.ApplyAll(t.Context(), l.Blocks))
		require.Equal(t, fingerprint(t, whole), fingerprint(t, ix))
	})
	t.Run("while nobody looks: queries find a new connection", func(t *testing.T) {
		server.Stop(t)
		server.Start(t)
		eventually(t, func() bool {
			_, err := ix.Records(t.Context(), index.RecordFilter{}, index.Latest, index.Page{})
			if err != nil { // over a connection of before that has been idle for less than a second
				require.ErrorIs(t, ix.Diagnose(err), index.ErrUnavailable)
			}
			return err == nil
		})
	})
}

func TestPostgresSaysWhatIsWrongWithoutThePassword(t *testing.T) {
	server := indextest.SharedPostgres(t)
	owner := session(t, server.URL("public"))
	run(t, owner, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
	good := server.URL("nowhere")
	secret := good[strings.Index(good, ":not-")+1 : strings.Index(good, "@")]
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	free := nobody.Addr().String()
	require.NoError(t, nobody.Close())
	for _, c := range []struct{ name, place, want string }{
		{"a wrong password", strings.Replace(good, secret, "wr0ng", 1), `refuses the user "pedigree": password authentication failed`},
		{"an unknown user", strings.Replace(good, "//pedigree:", "//stranger:", 1), `refuses the user "stranger"`},
		{"an unknown database", strings.Replace(good, "/pedigree?", "/ledger?", 1), `database "ledger" does not exist; create it`},
		{"a user who may not make a schema", strings.Replace(strings.Replace(good, secret, "guest", 1), "//pedigree:", "//guest:", 1), `CREATE SCHEMA nowhere AUTHORIZATION "guest"`},
		{"nobody at that address", strings.Replace(good, server.Address(), free, 1), "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			ix, err := postgres.Open(c.place, index.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			require.NoError(t, err)
			err = ix.Connect(t.Context())
			require.ErrorIs(t, err, index.ErrUnavailable)
			require.ErrorContains(t, err, c.want)
			require.NoError(t, ix.Close())
			for _, text := range []string{err.Error(), log.String()} {
				for _, password := range []string{secret, indextest.PostgresPassword, "wr0ng"} {
					require.NotContains(t, text, password)
				}
				require.NotContains(t, text, "\n")
			}
		})
	}
	_, err = postgres.Open("postgres://pedigree:" + indextest.PostgresPassword + "@host/db")
	require.True(t, is[*postgres.URLError](err))
	require.NotContains(t, err.Error(), "secret")
}

func TestPostgresHasToBeNewEnough(t *testing.T) {
	require.NoError(t, postgres.CheckVersion(150018))
	require.NoError(t, postgres.CheckVersion(180001))
	require.EqualError(t, postgres.CheckVersion(140011), "this is PostgreSQL 14, and the index needs 15 or newer")
	require.EqualError(t, postgres.CheckVersion(90624), "this is PostgreSQL 9, and the index needs 15 or newer")
}

func TestPostgresTablesAtTheStart(t *testing.T) {
	l := indextest.Mixed(t)
	quiet := index.WithLogger(slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		name, harm string
		rebuilt    string // or
		refused    string
	}{
		{"of an older version are made anew", "UPDATE about SET version = 0", "has schema 0", ""},
		{"of a newer version are left alone", "UPDATE about SET version = 7777", "", "written by a newer version (schema 7777"},
		{"that were found damaged are made anew", "UPDATE about SET damaged = 'a page was torn'", "a page was torn", ""},
		{"of which one is lost are made anew", "DROP TABLE node", "has lost its table node", ""},
		{"of somebody else are left alone", "DROP TABLE about", "", "no index of Pedigree; give the index another schema"},
		{"that are sound are used", "SELECT 1", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			place := indextest.PostgresURL(t)
			ix := indextest.OpenAt(t, place)
			require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
			want := fingerprint(t, ix)
			conn := session(t, place)
			run(t, conn, c.harm)

			again, err := postgres.Open(place, quiet)
			require.NoError(t, err)
			defer again.Close()
			err = again.Connect(t.Context())
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				var blocks int
				require.NoError(t, conn.QueryRow(t.Context(), "SELECT COUNT(*) FROM block").Scan(&blocks))
				require.Equal(t, len(l.Blocks), blocks)
				return
			}
			require.NoError(t, err)
			if c.rebuilt == "" {
				require.Empty(t, again.Rebuilding())
				require.Equal(t, uint64(len(l.Blocks)), again.Height())
				return
			}
			require.Contains(t, again.Rebuilding(), c.rebuilt)
			require.Zero(t, again.Height())
			require.NoError(t, ix.Close(), "the one that led")
			require.NoError(t, again.ApplyAll(t.Context(), l.Blocks))
			require.Equal(t, want, fingerprint(t, again))
		})
	}
}

func TestPostgresTablesThatVanishAreDamage(t *testing.T) {
	place := indextest.PostgresURL(t)
	l, ix := indextest.Mixed(t), indextest.OpenAt(t, place)
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[:3]))
	run(t, session(t, place), "DROP TABLE pack")
	require.ErrorIs(t, ix.ApplyAll(t.Context(), l.Blocks[3:]), index.ErrDamaged)
	require.NoError(t, ix.Reset(t.Context()), "an operator can mend it")
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
}

func TestPostgresQueriesAreBounded(t *testing.T) {
	place := indextest.PostgresURL(t)
	l, ix := indextest.Mixed(t), indextest.OpenAt(t, place+"&statement_timeout=200")
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	other := session(t, place)
	run(t, other, "BEGIN")
	run(t, other, "LOCK TABLE node IN ACCESS EXCLUSIVE MODE")
	_, err := ix.Record(t.Context(), string(indextest.Seen(t, 1).ID), index.Latest)
	err = ix.Diagnose(err)
	require.ErrorIs(t, err, index.ErrUnavailable)
	require.ErrorContains(t, err, "took longer than")
	run(t, other, "COMMIT")
	_, err = ix.Record(t.Context(), string(indextest.Seen(t, 1).ID), index.Latest)
	require.NoError(t, err)
}
