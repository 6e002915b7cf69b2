package sqlite_test

import (
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/sqlite"
)

func fingerprint(t testing.TB, ix *index.Index) string {
	t.Helper()
	f, err := ix.Fingerprint(t.Context())
	require.NoError(t, err)
	return f
}

func TestFilesAtOpen(t *testing.T) {
	quiet := index.WithLogger(slog.New(slog.DiscardHandler))
	t.Run("an index of another version is built again, and says so", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "i.db")
		l := indextest.Mixed(t)
		ix, err := sqlite.Open(path)
		require.NoError(t, err)
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
		require.Empty(t, ix.Rebuilding())
		want := fingerprint(t, ix)
		require.NoError(t, ix.Close())
		execute(t, path, "PRAGMA user_version = 77")

		ix, err = sqlite.Open(path, quiet)
		require.NoError(t, err)
		require.Contains(t, ix.Rebuilding(), "schema 77")
		require.Zero(t, ix.Height())
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
		require.Equal(t, want, fingerprint(t, ix))
		require.NoError(t, ix.Close())
	})
	t.Run("somebody else's database is left alone", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "i.db")
		execute(t, path, "CREATE TABLE precious (x)")
		_, err := sqlite.Open(path, quiet)
		require.ErrorContains(t, err, "not an index of Pedigree")
		require.FileExists(t, path)
	})
	t.Run("a file that is no database is set aside, and nothing of it is lost", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "i.db")
		require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("precious\n", 1000)), 0o600))
		ix, err := sqlite.Open(path, quiet)
		require.NoError(t, err)
		require.NoError(t, ix.Close())
		kept, err := os.ReadFile(path + ".broken")
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(kept), "precious"))
	})
	t.Run("a folder's name may have marks that mean something in URLs", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a?b#c%20d é", "i.db")
		ix, err := sqlite.Open(path, quiet)
		require.NoError(t, err)
		require.NoError(t, ix.Close())
		require.FileExists(t, path)
	})
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}
