package sqlitefile

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errStorage = errors.New("the storage failed")

func config(path string) Config {
	return Config{
		Path: path, Check: true,
		Prepare: func(db *sql.DB) error {
			_, err := db.Exec("CREATE TABLE IF NOT EXISTS word (text TEXT PRIMARY KEY) STRICT")
			return err
		},
		Failed: func(err error) error { return errors.Join(errStorage, err) },
	}
}

func insert(word string) func(*Tx) error {
	return func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO word VALUES (?)", word)
		return err
	}
}

func (f *File) words(t *testing.T) (words []string) {
	t.Helper()
	rows, err := f.Read.Query("SELECT text FROM word ORDER BY rowid")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var word string
		require.NoError(t, rows.Scan(&word))
		words = append(words, word)
	}
	require.NoError(t, rows.Err())
	return words
}

func TestWritesOfAGroupAreOneTransactionInTheirOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "words.db")
	f, err := Open(config(path))
	require.NoError(t, err)
	entered, block := make(chan struct{}), make(chan struct{})
	first := f.Submit(func(*Tx) error { close(entered); <-block; return nil })
	<-entered
	var seen []int
	var group []<-chan error
	for _, word := range []string{"a", "b", "c"} {
		group = append(group, f.Submit(func(tx *Tx) error {
			var n int
			if err := tx.QueryRow("SELECT COUNT(*) FROM word").Scan(&n); err != nil {
				return err
			}
			seen = append(seen, n, len(f.words(t))) // what is committed is seen by all, what isn't by this group alone
			return insert(word)(tx)
		}))
	}
	close(block)
	require.NoError(t, <-first)
	for _, done := range group {
		require.NoError(t, <-done)
	}
	assert.Equal(t, []int{0, 0, 1, 0, 2, 0}, seen)
	assert.Equal(t, []string{"a", "b", "c"}, f.words(t))
	f.Close()
	f.Close()
	require.ErrorIs(t, <-f.Submit(insert("d")), errStorage)

	f, err = Open(config(path))
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, []string{"a", "b", "c"}, f.words(t))
}

func TestAWriteThatFailsFailsAloneAndLeavesNothingBehind(t *testing.T) {
	f, err := Open(config(filepath.Join(t.TempDir(), "words.db")))
	require.NoError(t, err)
	defer f.Close()
	entered, block := make(chan struct{}), make(chan struct{})
	first := f.Submit(func(*Tx) error {
		select {
		case <-entered:
		default:
			close(entered)
		}
		<-block
		return nil
	})
	<-entered
	refusal := errors.New("no")
	good := f.Submit(insert("good"))
	bad := f.Submit(func(tx *Tx) error { return errors.Join(insert("bad")(tx), refusal) })
	late := f.Submit(insert("late"))
	close(block)
	require.NoError(t, <-first)
	require.NoError(t, <-good)
	err = <-bad
	require.ErrorIs(t, err, refusal)
	require.NotErrorIs(t, err, errStorage, "it is the caller's own")
	require.NoError(t, <-late)
	assert.Equal(t, []string{"good", "late"}, f.words(t))
}

func TestWhatWasSubmittedIsWrittenBeforeTheFileCloses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "words.db")
	f, err := Open(config(path))
	require.NoError(t, err)
	var group []<-chan error
	for i := range 2 * maxGroup {
		group = append(group, f.Submit(insert(string(rune('a'+i)))))
	}
	f.Close()
	for _, done := range group {
		require.NoError(t, <-done)
	}
	f, err = Open(config(path))
	require.NoError(t, err)
	defer f.Close()
	assert.Len(t, f.words(t), 2*maxGroup)
}

func TestReadersDoNotWrite(t *testing.T) {
	f, err := Open(config(filepath.Join(t.TempDir(), "words.db")))
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Read.Exec("INSERT INTO word VALUES ('x')")
	require.Error(t, err)
}

func TestDamageIsFoundWhenAFileIsOpened(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"emptied": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) },
		"cut off": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 5000)) },
		"no database": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, make([]byte, 8192), 0o600))
		},
	} {
		path := filepath.Join(t.TempDir(), "words.db")
		f, err := Open(config(path))
		require.NoError(t, err, name)
		require.NoError(t, <-f.Submit(insert("word")), name)
		f.Close()
		harm(t, path)
		_, err = Open(config(path))
		assert.True(t, IsDamage(err), "%s: %v", name, err)
	}
	assert.False(t, IsDamage(errStorage))
}
