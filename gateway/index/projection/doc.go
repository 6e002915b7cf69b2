// Package projection turns the blocks of the ledger into the rows of the index's tables.
//
// It knows no SQL. A store hands it [Tables], which look up what earlier blocks left, and takes its [Rows]. The same
// blocks give the same rows, with the same ids, in every store, however many blocks each call gets.
//
// A block goes through these steps:
//
//   - Its packs are unpacked and each body is read into an entry: the names in it, and the fields that have columns
//     (portion.go, entry.go).
//   - The names that earlier blocks may have are looked up by their hashes, all at once (lookup.go).
//   - Transaction by transaction, records and new names get the next ids, and rows are made (batch.go).
//   - The links between records and nodes are packed, once for each direction (links.go).
//
// The Merkle tree over all recordings, of package merkle, is kept as the hashes of its subtrees of 256 leaves, of 256
// times 256, and so on. The leaves themselves follow from the digests of records.
//
// A [Node] of the graph is a record or something that records name. [Kind] says what it is, and a [Link] says in which
// [Role] a record names it.
package projection

// Version is the version of the tables. It grows with every change of a column, of what a stored number means, of how
// records are read, and of how a block is divided into portions. An index of another version is built again.
const Version = 9

// TileHeight is the logarithm of 256: the tree of recordings is kept in steps of so many levels.
const TileHeight = 8
