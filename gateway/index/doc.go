// Package index answers questions about the ledger that the ledger itself cannot answer: which events name this lot,
// what was made of it, who said what about it.
//
// An [Index] is fed with blocks by [Index.Apply]. The package projection turns them into rows, and a [Store] keeps the
// rows: the package sqlite in a file, the package postgres in a schema of a database. The package stores opens either
// one. This package has the types, the queries and the contract of a store, and links no SQL driver.
//
// The index is disposable. Everything in it follows from the blocks: no clock, no random number and no order of arrival
// has a part in it. Deleted and built again it gives the same answers and even the same row ids, because ids are handed
// out in ledger order: block, transaction, line of the pack. Two indexes of a ledger are compared by
// [Index.Fingerprint].
//
// One counter numbers records, repeated recordings and every node that records name. So "as of block n" is one
// comparison: id <= the last id of block n. Most queries take such a block; [Latest] asks for the newest.
//
// These rules hold:
//
//   - A block and the height are written in one transaction. A gap, or a block that does not follow from the last one,
//     is refused. A block that the index has already is checked and skipped.
//   - Who recorded a record first never changes. Later recordings of the same bytes are kept as repeats.
//   - Records of invalid transactions are left out. The transaction and its validation code are kept, so that everybody
//     can learn what became of a submit.
//   - A record that this version cannot read is kept with its id and its bytes, and names nothing. It does not stop the
//     index.
//   - Bodies are kept once, in the packs in which they were committed. Rows have the pack and the line.
package index
