package index

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

	_ "modernc.org/sqlite" // SQLite in Go, without cgo
)

// database are the connections to a file: one that writes, any number that read
// and see committed states only, and nothing that makes one wait for the other.
type database struct {
	blocks *sqliteWriter // writes blocks
	writer *sql.Conn     // does all else, never at the same time
	reader *sql.DB
	pool   *sql.DB // writer's
	schema []string
}

const (
	// schemaVersion grows with every change of the tables, of what the numbers in
	// them mean, or of how records are read. A file of another version is built
	// again.
	schemaVersion = 4

	// applicationID marks the file as an index of Pedigree ("Pdgr"), so that
	// no other file is ever deleted as an outdated index.
	applicationID = 0x50646772
)

// errOutdated says that a file is an index, but not one that this version reads.
var errOutdated = errors.New("the index was written by another version")

// openSQLite opens or creates the file at path.
//
// The journal is a write-ahead log, so readers never block the writer nor it
// them. synchronous=NORMAL may lose the last blocks when the machine loses
// power, never consistency; the ledger gives them again.
func openSQLite(ctx context.Context, path string) (*database, error) {
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
	db := &database{writer: writer, pool: pool, schema: sqliteSchema}
	if err := db.prepareFile(ctx, path); err != nil {
		return nil, errors.Join(err, db.close())
	}
	if db.blocks, err = openSQLiteWriter(path, `PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -131072; PRAGMA wal_autocheckpoint = 4000`); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open the index %s for blocks: %w", path, err), db.close())
	}
	db.reader, err = sql.Open("sqlite", dsn(path, "ro", "query_only(1)", "cache_size(-32768)", "mmap_size(1073741824)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open the index for reading: %w", err), db.close())
	}
	readers := max(4, 2*runtime.GOMAXPROCS(0))
	db.reader.SetMaxOpenConns(readers)
	db.reader.SetMaxIdleConns(readers)
	return db, nil
}

func dsn(path, mode string, pragmas ...string) string {
	v := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	// The path goes through url.URL so that ? and # in a folder's name stay part of it.
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: v.Encode()}).String()
}

// prepareFile makes the tables in a new file and checks those of an old one.
func (db *database) prepareFile(ctx context.Context, path string) error {
	var application, version, tables int
	row := db.writer.QueryRowContext(ctx, `SELECT a.application_id, v.user_version, (SELECT COUNT(*) FROM sqlite_master) FROM pragma_application_id a, pragma_user_version v`)
	if err := row.Scan(&application, &version, &tables); err != nil {
		return fmt.Errorf("couldn't read the index %s (it can be deleted, and will then be built again): %w", path, err)
	}
	if application == 0 && tables == 0 {
		return db.create(ctx)
	}
	if application != applicationID {
		return fmt.Errorf("%s is a SQLite database, but not an index of Pedigree; give the index another path", path)
	}
	if version != schemaVersion {
		return fmt.Errorf("%w: %s has schema %d, this version reads schema %d", errOutdated, path, version, schemaVersion)
	}
	return nil
}

func (db *database) create(ctx context.Context) error {
	statements := append([]string{"PRAGMA application_id = " + strconv.Itoa(applicationID), "PRAGMA user_version = " + strconv.Itoa(schemaVersion)}, db.schema...)
	err := db.transact(ctx, func() error {
		for _, s := range statements {
			if _, err := db.writer.ExecContext(ctx, s); err != nil {
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

// transact does work in one SQL transaction, which it commits if work succeeds
// and takes back otherwise.
func (db *database) transact(ctx context.Context, work func() error) error {
	if _, err := db.writer.ExecContext(ctx, "BEGIN"); err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	err := work()
	if err == nil {
		if _, err = db.writer.ExecContext(ctx, "COMMIT"); err == nil {
			return nil
		}
		err = fmt.Errorf("couldn't commit: %w", err)
	}
	// The caller's context may have ended; the transaction must end all the same.
	if _, undone := db.writer.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); undone != nil {
		err = errors.Join(err, fmt.Errorf("couldn't roll back: %w", undone))
	}
	return err
}

// close ends all connections: those that only read first, as the last one
// moves what is in the journal to the file, which they can't.
func (db *database) close() error {
	var err error
	if db.reader != nil {
		err = db.reader.Close()
	}
	err = errors.Join(err, db.writer.Close(), db.pool.Close())
	if db.blocks != nil {
		err = errors.Join(err, db.blocks.close())
	}
	return err
}

// removeSQLite deletes an index and what SQLite keeps beside it.
func removeSQLite(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("couldn't delete the index: %w", err)
		}
	}
	return nil
}

// sqliteSchema are the tables. All ids count upwards in ledger order, so
// most of these trees grow at their right edge only. Times are microseconds
// since 1970; words (business steps, places) are nodes of their own.
var sqliteSchema = []string{
	`CREATE TABLE block (
		number INTEGER PRIMARY KEY, hash BLOB NOT NULL, previous BLOB NOT NULL,
		transactions INTEGER NOT NULL,
		last INTEGER NOT NULL, -- the greatest id handed out up to and with this block
		earliest INTEGER, latest INTEGER -- the times of its events; null if there are none
	)`,
	`CREATE TABLE creator (id INTEGER PRIMARY KEY, msp TEXT NOT NULL, subject TEXT NOT NULL)`,
	`CREATE TABLE tx (
		id INTEGER PRIMARY KEY, txid TEXT NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
		creator INTEGER NOT NULL, time INTEGER NOT NULL, code INTEGER NOT NULL,
		before INTEGER NOT NULL -- the greatest id handed out before this transaction
	)`,
	`CREATE INDEX tx_txid ON tx (txid)`,
	`CREATE INDEX tx_time ON tx (time)`,
	`CREATE TABLE pack (id INTEGER PRIMARY KEY, data BLOB NOT NULL)`,
	`CREATE TABLE node (
		id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,
		tx INTEGER NOT NULL, pack INTEGER, line INTEGER, -- where first recorded, or first named
		thing TEXT, -- the URI of a thing
		name TEXT, digest BLOB, -- the text of anything else; the digest of a record
		links BLOB, -- of a record: what it names; of others: the links to it of the block that made it
		time INTEGER, -- of a record: when it happened, by its own word
		shape INTEGER, hash BLOB, eventid TEXT -- of an event; eventid is null when it is the hash
	)`,
	`CREATE INDEX node_thing ON node (thing) WHERE thing IS NOT NULL`,
	`CREATE TABLE again (id INTEGER PRIMARY KEY, record INTEGER NOT NULL, tx INTEGER NOT NULL, pack INTEGER NOT NULL, line INTEGER NOT NULL)`,
	`CREATE INDEX again_record ON again (record)`,
	`CREATE TABLE link ( -- links to a node, of blocks after the one that made it, and all links to records
		node INTEGER NOT NULL, since INTEGER NOT NULL, -- the first record
		data BLOB NOT NULL,
		PRIMARY KEY (node, since)
	) WITHOUT ROWID`,
	`CREATE TABLE shape (
		id INTEGER PRIMARY KEY, type INTEGER NOT NULL, action INTEGER NOT NULL,
		step INTEGER, disposition INTEGER, readpoint INTEGER, location INTEGER
	)`,
	`CREATE TABLE keychunk (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, level INTEGER NOT NULL, data BLOB NOT NULL)`,
	`CREATE TABLE declaration (
		event INTEGER PRIMARY KEY, hash INTEGER NOT NULL, eventid INTEGER NOT NULL,
		time INTEGER NOT NULL, reason TEXT NOT NULL, corrective TEXT NOT NULL -- event ids, a JSON array
	)`,
	`CREATE INDEX declaration_hash ON declaration (hash)`,
	`CREATE INDEX declaration_eventid ON declaration (eventid)`,
	`CREATE TABLE artifact (
		record INTEGER PRIMARY KEY, node INTEGER NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
		algorithm TEXT NOT NULL, digest TEXT NOT NULL, coverage TEXT NOT NULL
	)`,
	`CREATE INDEX artifact_node ON artifact (node)`,
	`CREATE INDEX artifact_series ON artifact (kind, namespace, name)`,
	`CREATE INDEX artifact_digest ON artifact (digest)`,
	`CREATE TABLE activity (record INTEGER PRIMARY KEY, type TEXT NOT NULL, started INTEGER, ended INTEGER)`,
	`CREATE TABLE statement (record INTEGER PRIMARY KEY, kind TEXT NOT NULL)`,
	`CREATE TABLE member (record INTEGER PRIMARY KEY, msp TEXT NOT NULL, name TEXT NOT NULL)`,
	`CREATE TABLE namespace (name TEXT NOT NULL, record INTEGER NOT NULL, msp TEXT NOT NULL, PRIMARY KEY (name, record))`,
}

// allTables lists every table but the keys with the columns that order it, for Fingerprint.
var allTables = []struct{ name, order string }{
	{"block", "number"}, {"creator", "id"}, {"tx", "id"}, {"pack", "id"}, {"node", "id"}, {"again", "id"},
	{"link", "node, since"}, {"shape", "id"}, {"declaration", "event"}, {"artifact", "record"},
	{"activity", "record"}, {"statement", "record"}, {"member", "record"}, {"namespace", "name, record"},
}
