// Package search finds what somebody means by an identifier, in whatever spelling they have it: what a scanner reads,
// what is printed on a label, what stands in a URL, what another program says.
//
// [Spellings] is the part that needs no ledger: which names a text could be a spelling of. [Search] looks which of them
// are on the ledger. A text may mean several things at once (thirteen digits are a product or a place), so all that are
// found are told.
package search
