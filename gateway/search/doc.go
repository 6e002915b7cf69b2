// Package search finds what a person means by an identifier. It accepts the spellings that are in common use: the text
// that a scanner types, the text printed on a label, a URL, or the name that another program uses.
//
// [Things] lists the names that a text could be a spelling of. It needs no ledger. [Search] looks up which of these
// names, and of records, events, artifacts, statements, transactions and organisations, are on the ledger. A text may
// mean several things: thirteen digits are a product or a place. Search returns everything that it finds.
package search
