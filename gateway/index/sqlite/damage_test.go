package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/sqlite"
)

func TestADamagedFileIsSetAsideAndBuiltAgain(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"cut off": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 5000)) },
		"overwritten at its beginning": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("this is no database, and it is long enough to be read as one would be: 0123456789"), 0o600))
		},
		"marked when it was last used": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+".damaged", nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "index.db")
			ix, err := sqlite.Open(path)
			require.NoError(t, err)
			ledger := indextest.New(t)
			ledger.Put("HarborMSP", indextest.Member(t, `{"mspId":"HarborMSP","name":"Harbor"}`))
			for _, b := range ledger.Blocks {
				require.NoError(t, ix.Apply(context.Background(), b))
			}
			require.NoError(t, ix.Close())

			for _, suffix := range []string{"-wal", "-shm"} { // which could mend what is harmed here
				require.NoError(t, os.RemoveAll(path+suffix))
			}
			harm(t, path)
			ix, err = sqlite.Open(path)
			require.NoError(t, err)
			defer ix.Close()
			assert.Zero(t, ix.Height())
			assert.NotEmpty(t, ix.Rebuilding())
			assert.FileExists(t, path+".broken")
			assert.NoFileExists(t, path+".damaged")
		})
	}
}

func TestADamageFoundInUseIsMarkedForTheNextOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	ix, err := sqlite.Open(path)
	require.NoError(t, err)
	assert.Equal(t, context.Canceled, ix.Diagnose(context.Canceled), "other errors are left alone")
	assert.NoFileExists(t, path+".damaged")

	broken := filepath.Join(t.TempDir(), "broken.db")
	require.NoError(t, os.WriteFile(broken, bytes.Repeat([]byte("no database "), 1000), 0o600))
	db, err := sql.Open("sqlite", broken)
	require.NoError(t, err)
	defer db.Close()
	err = db.QueryRow("SELECT COUNT(*) FROM sqlite_master").Scan(new(int))
	require.ErrorIs(t, ix.Diagnose(err), index.ErrDamaged)
	require.NoError(t, ix.Close())

	ix, err = sqlite.Open(path)
	require.NoError(t, err)
	assert.NotEmpty(t, ix.Rebuilding())
	require.NoError(t, ix.Close())
}
