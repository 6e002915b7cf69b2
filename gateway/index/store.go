package index

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Store is the SQL database under an index. The packages sqlite and postgres have one each.
//
// A store keeps the tables of [projection.AllTables], with these columns and no meaning of its own, and keys, in
// whatever form it likes. It promises:
//
//   - Ids: it stores the ids that it is given and makes none.
//   - Order: a method that returns rows by id returns them in the order of the ids. [Store.Query] has the order that
//     its query asks for.
//   - Atomicity: what Write writes is seen whole or not at all, by readers and after a crash. Whoever reads sees
//     committed blocks only. A crash may take the last blocks, never a part of one.
//   - Concurrency: all methods of [Reader] may be called by several goroutines at once, also during a Write, and
//     neither waits for the other. Those of [Writer] are called by one goroutine at a time.
//   - Texts and bytes come back byte for byte, whatever is in them, and compare as bytes.
type Store interface {
	// Prepare connects, and makes or checks the tables. If it had to throw away tables that were there, it says why. All
	// other methods are called after it has succeeded, but for Diagnose and Close.
	Prepare(ctx context.Context) (rebuilt string, err error)

	Reader
	Writer

	// Diagnose looks at an error that another method, or a scan of rows, gave. If the error means that the tables are
	// damaged, the store marks them, so that the next Prepare makes new ones, and returns an error that matches
	// ErrDamaged. If it means that the database can't be used now, the error returned matches ErrUnavailable.
	Diagnose(err error) error
	Close() error
}

// Reader is the part of a store that answers queries.
type Reader interface {
	// Query runs a query. Its parameters are written as ?, and its arguments are numbers, texts, bytes or kinds. SQL that
	// only one store understands comes from Among and Between.
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// QueryPrepared is Query for a text of which there are few, whose statement may be kept for ever.
	QueryPrepared(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// Among is a condition, with its arguments, that a column has one of at most MostAmong ids.
	Among(column string, ids []int64) (condition string, args []any)
	// Between is a condition, with its arguments, that the URI of a thing is at least one text and less than another.
	Between(from, below string) (condition string, args []any)

	// Keys are the keys that have one of the hashes, in any order.
	Keys(ctx context.Context, hashes []uint64) ([]projection.Key, error)
	// Nodes calls f with nodes, whose ids are sorted, in their order. Ids that don't exist are left out.
	Nodes(ctx context.Context, ids []int64, f func(*Node)) error
	// LaterLinks calls f with the packed links to nodes that lie in the table link and whose first record is at most
	// last. Nodes are sorted; the links come by node and record. f must not keep the slice.
	LaterLinks(ctx context.Context, nodes []int64, last int64, f func(node int64, data []byte) error) error

	// ReadAll calls f with a transaction that sees one state of all tables, however long it takes, and all keys of that
	// state, in any order.
	ReadAll(ctx context.Context, f func(tx *sql.Tx, keys []projection.Key) error) error
	// Epoch is a number that changes whenever somebody empties the tables. It stays 0 where nobody else can.
	Epoch(ctx context.Context) (int64, error)
}

// Writer is the part of a store that takes blocks. Several gateways may share a store: one of them writes at a time.
type Writer interface {
	// AwaitTurn waits until this gateway may write, or until another one has written all blocks below height. In the
	// second case it returns false.
	AwaitTurn(ctx context.Context, height uint64) (bool, error)
	// Claim makes this gateway the one that writes. It doesn't wait: its error is ErrInUse if another one does.
	Claim(ctx context.Context) error
	// Write calls f within one transaction. It commits if f succeeds, and takes everything back otherwise. If the tables
	// have another epoch or height it calls nothing, and the error is ErrMoved.
	Write(ctx context.Context, epoch int64, height uint64, f func(projection.Tables) error) error
	// Clear empties all tables.
	Clear(ctx context.Context) error
}

// Node is a row of the table node. It never changes once it is committed.
type Node struct {
	ID       int64
	Kind     Kind
	Tx, Line int64
	Time     int64  // of a record: when it happened, in microseconds
	Text     string // the name; the digest of a record
	Links    string // packed, as projection.UnpackLinksOf and UnpackLinksTo read them
	Shape    int64  // of an event

	// Of an event. EventID is empty if it is the hash.
	EventHash, EventID string
}

// name is what answers call the node.
func (n *Node) name() string {
	if n.Kind.IsRecord() {
		return projection.RecordID([]byte(n.Text))
	}
	return n.Text
}

// Errors of stores.
var (
	// ErrDamaged says that the file or the tables are broken. They have been marked, so that the next start builds the
	// index again.
	ErrDamaged = errors.New("the index is damaged and will be built again from the ledger when it is opened anew")
	// ErrUnavailable says that the database can't be used now: it is down, refuses its user, or takes too long. It is
	// right to ask again later.
	ErrUnavailable = errors.New("the index can't be used now")
	// ErrInUse says that another gateway writes the index.
	ErrInUse = errors.New("another gateway is using it")
	// ErrMoved says that the tables are not at the block at which this index believes them to be: another gateway has
	// written or emptied them, or a crash of the server has taken the last blocks.
	ErrMoved = errors.New("the index has moved")
)

const (
	// MostAmong is how many ids a query asks for at most.
	MostAmong = 512

	// ApplicationID marks a database as an index of Pedigree ("Pdgr"), so that no other is ever emptied as an outdated
	// index.
	ApplicationID = 0x50646772
)

// Scan calls f with every row, and closes the rows.
func Scan(rows *sql.Rows, f func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
