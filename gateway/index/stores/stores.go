// Package stores opens an index wherever it is kept. Only programs that open one link the SQL drivers: those that use
// the types and queries of the package index alone don't.
package stores

import (
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/postgres"
	"github.com/pedigree-ledger/pedigree/gateway/index/sqlite"
)

// Open opens the index at a place: the path of a SQLite file ([sqlite.Open]), or the URL of a PostgreSQL database
// ([postgres.Open]), which [index.Index.Connect] has to connect.
func Open(place string, options ...index.Option) (*index.Index, error) {
	if postgres.IsURL(place) {
		return postgres.Open(place, options...)
	}
	return sqlite.Open(place, options...)
}
