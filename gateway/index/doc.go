// Package index projects the ledger's blocks into SQL, so that questions can
// be answered that the ledger itself cannot: which events name this lot, what
// was made of it, who said what about it.
//
// The index is disposable. Everything in it follows from the blocks and from
// nothing else: no clock, no random number, no order of arrival. Deleted and
// built again it gives the same answers, and even the same row ids, because
// ids are handed out in ledger order (block, transaction, line of the pack).
// [Index.Fingerprint] puts that to the test.
//
// One counter numbers records, repeated recordings and every node that records
// name. So "as it was at block n" is one comparison, id <= the last id of
// block n, and every query function takes such a height. [Latest] asks for
// the newest.
//
// Bodies are kept once, in the packs they were committed in; rows hold the
// pack and the line.
//
// What costs most in such an index are trees with random keys, each of whose
// rows needs a page of its own. There are none: names of all kinds are found
// by their hashes, which SQLite keeps in sorted runs (see keys.go), and
// the links of the graph lie packed beside the nodes that they join (see links.go).
//
// Rules that hold here:
//
//   - A block and the height are written in one SQL transaction. A gap, or a
//     block that does not follow from the last one, is refused; a block that is
//     already there is checked and skipped.
//   - Who recorded first never changes. Later recordings of the same bytes are
//     kept as repeats.
//   - Records of invalid transactions are left out; the transaction and its
//     validation code are kept, so that the fate of every submit can be told.
//   - A record that this version cannot read is kept by its id and bytes
//     and connects nothing; it does not stop the index.
//
// The tables lie in a file of SQLite's or in a schema of a PostgreSQL database,
// which several gateways may share (see store). They hold the same rows, so that the
// fingerprint is the same, too. SQL stays within what both understand, and what
// only one does lies in files that begin with its name.
package index
