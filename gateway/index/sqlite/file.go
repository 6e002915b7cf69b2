package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	_ "modernc.org/sqlite" // the driver: SQLite in Go, without cgo

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// file is the connections to a file: those that write, and any number that read.
type file struct {
	blocks *conn     // writes blocks
	writer *sql.Conn // does everything else that writes, never at the same time
	reader *sql.DB
	pool   *sql.DB // of writer
}

// errOutdated says that a file is an index, but not one that this version reads.
var errOutdated = errors.New("the index was written by another version")

// openFile opens or makes the file at a path.
//
// With synchronous=NORMAL, a machine that loses power may lose the last blocks, never consistency. The ledger gives
// these blocks again.
func openFile(ctx context.Context, path string) (*file, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("couldn't make the index's folder: %w", err)
	}
	pool, err := sql.Open("sqlite", dsn(path, "rwc",
		"journal_mode(WAL)", "synchronous(NORMAL)", "wal_autocheckpoint(4000)"))
	if err != nil {
		return nil, fmt.Errorf("couldn't open the index: %w", err)
	}
	writer, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open the index %s: %w", path, err), pool.Close())
	}
	f := &file{writer: writer, pool: pool}
	if err := f.prepare(ctx, path); err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.blocks, err = openConn(path, `PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL;
		PRAGMA cache_size = -131072; PRAGMA wal_autocheckpoint = 4000`)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open the index %s for blocks: %w", path, err), f.close())
	}
	f.reader, err = sql.Open("sqlite", dsn(path, "ro", "query_only(1)", "cache_size(-32768)", "mmap_size(1073741824)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open the index for reading: %w", err), f.close())
	}
	f.reader.SetMaxOpenConns(mostReaders())
	f.reader.SetMaxIdleConns(mostReaders())
	return f, nil
}

func mostReaders() int { return max(4, 2*runtime.GOMAXPROCS(0)) }

func dsn(path, mode string, pragmas ...string) string {
	v := url.Values{
		"mode": {mode}, "_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(10000)"}, pragmas...),
	}
	// url.URL escapes ? and # in a folder's name.
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: v.Encode()}).String()
}

// prepare makes the tables in a new file, and checks those of an old one.
func (f *file) prepare(ctx context.Context, path string) error {
	var application, version, tables int
	err := f.writer.QueryRowContext(ctx, `SELECT a.application_id, v.user_version, (SELECT COUNT(*) FROM sqlite_master)
		FROM pragma_application_id a, pragma_user_version v`).Scan(&application, &version, &tables)
	if err != nil {
		return fmt.Errorf("couldn't read the index %s (it can be deleted, and will then be built again): %w", path, err)
	}
	if application == 0 && tables == 0 {
		return f.create(ctx)
	}
	if application != index.ApplicationID {
		return fmt.Errorf("%s is a SQLite database, but not an index of Pedigree; give the index another path", path)
	}
	if version != projection.Version {
		return fmt.Errorf("%w: %s has schema %d, this version reads schema %d",
			errOutdated, path, version, projection.Version)
	}
	return nil
}

func (f *file) create(ctx context.Context) error {
	statements := append([]string{
		"PRAGMA application_id = " + strconv.Itoa(index.ApplicationID),
		"PRAGMA user_version = " + strconv.Itoa(projection.Version),
	}, schema...)
	err := f.transact(ctx, func() error {
		for _, s := range statements {
			if _, err := f.writer.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't create the index's tables: %w", err)
	}
	return nil
}

// transact does work in one transaction. It commits if work succeeds, and rolls back otherwise.
func (f *file) transact(ctx context.Context, work func() error) error {
	if _, err := f.writer.ExecContext(ctx, "BEGIN"); err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	err := work()
	if err == nil {
		if _, err = f.writer.ExecContext(ctx, "COMMIT"); err == nil {
			return nil
		}
		err = fmt.Errorf("couldn't commit: %w", err)
	}
	// The transaction has to end even if the caller's context has ended.
	if _, undone := f.writer.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); undone != nil {
		err = errors.Join(err, fmt.Errorf("couldn't roll back: %w", undone))
	}
	return err
}

// close closes all connections. Those that only read come first: the last one to close moves the journal into the
// file, and they can't write.
func (f *file) close() error {
	var err error
	if f.reader != nil {
		err = f.reader.Close()
	}
	err = errors.Join(err, f.writer.Close(), f.pool.Close())
	if f.blocks != nil {
		err = errors.Join(err, f.blocks.close())
	}
	return err
}

// remove deletes an index, and the files that SQLite keeps beside it.
func remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("couldn't delete the index: %w", err)
		}
	}
	return nil
}
