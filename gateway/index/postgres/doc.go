// Package postgres stores the index in a schema of a PostgreSQL database.
//
// Several gateways may share it. One of them leads, and writes: the session of its connection holds an advisory lock,
// which the server gives back when the connection ends, however it ends. The others wait for the blocks that it
// writes, and for the lock (leader.go).
//
// All columns of all tables are bigint or bytea. Texts are bytea, because they come from records and certificates,
// where PostgreSQL's text would refuse some characters, and because bytea compares byte by byte.
package postgres

import "github.com/pedigree-ledger/pedigree/gateway/index"

// Open opens the index in the database that a URL names, without connecting. A server may be down, so
// [index.Index.Connect] may need several tries; before it has succeeded the index is empty and queries fail.
//
// The schema that the URL names is made if it doesn't exist. An index in it that an older program wrote, or that was
// found damaged, is thrown away and built again. An index that a newer program wrote, and tables of somebody else, are
// errors. The error of a URL that can't be read is a [*URLError].
func Open(url string, options ...index.Option) (*index.Index, error) {
	s, err := New(url)
	if err != nil {
		return nil, err
	}
	return index.New(s, options...), nil
}
