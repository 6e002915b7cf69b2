package index

import (
	"context"
	"database/sql"
	"errors"
)

// store is the SQL database under an index: a file of SQLite's, or a schema of a
// PostgreSQL database that several gateways may share. Those that read see
// committed blocks only, and nothing makes them and the one that writes wait for
// each other.
type store interface {
	// prepare connects, and makes or checks the tables. It tells why it threw away
	// those that were there. Everything else comes after it.
	prepare(ctx context.Context) (rebuilt string, err error)

	// reader is the pool of those that read. Queries are written with ? and go
	// through spell; queryOften is for those of which there are few, which are kept
	// prepared.
	reader() *sql.DB
	spell(query string, args []any) (string, []any)
	queryOften(ctx context.Context, query string, args []any) (*sql.Rows, error)
	// among is a condition on a column and its arguments: that it has one of some
	// ids, at most amongMost. between is one on the URI of things: that it is at least
	// one text and less than another.
	among(column string, ids []int64) (condition string, args []any)
	between(from, below string) (condition string, args []any)
	// pairs finds nodes by hashes of their names, and allPairs lists what it finds them in.
	pairs(ctx context.Context, hashes []uint64) ([]pair, error)
	allPairs(ctx context.Context, tx *sql.Tx) ([]pair, error)

	// stored calls each with nodes, whose ids are sorted, and later with the packed links
	// to nodes in the table link, by node and record, that begin at most at last.
	stored(ctx context.Context, ids []int64, each func(*stored)) error
	later(ctx context.Context, nodes []int64, last int64, each func(node int64, data []byte) error) error

	// snapshot begins a transaction that reads one state of all tables, and takes its time.
	snapshot(ctx context.Context) (*sql.Tx, error)

	// epoch is a number that changes whenever the tables are emptied by others.
	epoch(ctx context.Context) (int64, error)

	// turn waits until this index may write, or until somebody else has written all
	// blocks below height: then it is false. claim doesn't wait: its error is ErrInUse.
	turn(ctx context.Context, height uint64) (bool, error)
	claim(ctx context.Context) error
	// write does work in one transaction, which it commits if work succeeds and
	// takes back otherwise. The error is errStale if the tables don't stand at from.
	write(ctx context.Context, from tip, work func(tables) error) error
	// clear empties all tables.
	clear(ctx context.Context) error

	// suspect looks at an error that any of these gave: it makes it match ErrDamaged
	// or ErrUnavailable if that is what it means, and sees to it that a damaged
	// index is built again.
	suspect(err error) error
	close() error
}

// tables are an index's tables within a transaction that writes. One goroutine at
// a time uses them.
type tables interface {
	// pairs calls f with the pairs of hashes, which are sorted; may is false of hashes
	// that have none for sure; add adds some, in any order.
	may(hash uint64) bool
	pairs(hashes []uint64, f func(pair)) error
	add(pairs []pair) error
	// nodes calls each with the kinds and names of nodes, whose ids are sorted.
	nodes(ids []int64, each func(id int64, kind Kind, text string)) error
	// version is the node that an artifact record describes, 0 if there is none.
	version(record int64) (int64, error)
	// insert writes the rows collected.
	insert(*bulk) error
}

// ErrInUse says that another gateway writes the index.
var ErrInUse = errors.New("another gateway is using it")

// errStale says that the tables aren't where this index believes them to be:
// another gateway has written to them or emptied them, or the server has lost the
// last blocks in a crash.
var errStale = errors.New("the index has moved")

// amongMost is how many ids a query asks for at most.
const amongMost = 512
