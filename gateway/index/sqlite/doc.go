// Package sqlite stores the index in a SQLite file.
//
// A file has one program that writes it; whoever opens it sees to that. Its journal is a write-ahead log, so that
// readers and the writer never wait for each other.
//
// Two things cost most in such an index, and are done without SQL's help:
//
//   - Names are found by their hashes. A tree of random keys would write a page of its own for each key. Instead, keys
//     lie in sorted runs that are merged now and then (keys.go, runs.go).
//   - Blocks are written, and nodes read, by calls of SQLite's own functions (conn.go): database/sql would box, check
//     and copy each value of each row.
package sqlite

import (
	"context"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Open opens the index in a file, and makes the file if there is none.
//
// A file that an older or a newer program wrote is deleted, and a damaged one is set aside. The log and
// [index.Index.Rebuilding] say so: the caller applies blocks from [index.Index.Height] on, and so builds it again. A
// database that is no index of Pedigree is left alone and is an error.
func Open(path string, options ...index.Option) (*index.Index, error) {
	ix := index.New(New(path), options...)
	if err := ix.Connect(context.Background()); err != nil {
		return nil, err
	}
	return ix, nil
}
