// Package audit replays a ledger: it reads every block of a channel from a peer, or from the files of a stopped one, and
// checks everything in it again. All that it trusts is the hash of the first block. It is the strongest of the three proofs
// that package proof and this one give, and the only one that shows that nothing was left out.
//
// # What is checked
//
// Of every block: that it is the next and linked to the one before by hash; that its data has the hash that the header
// says, and is divided into envelopes in the canonical way; that a quorum of the orderers then in charge signed it, each
// once, and nobody badly; which configuration block they say was the last.
//
// Of every change of the configuration: that the signed update makes exactly the new configuration of the old one, and
// that the policies of the old one of all changed elements are met by those who signed it. Package proof does that.
//
// Of every transaction, what Fabric's peers check (packages core/committer/txvalidator and
// core/ledger/kvledger/txmgmt/validation of Fabric 3.1), in their order, so that the outcome is one of their validation
// codes: the signature of its creator, whose certificate must be an organisation's of that configuration; that its id is
// the hash of nonce and creator, and was never used before; that what was endorsed is an answer to what was proposed; that
// those whose endorsements are good meet the policy of each namespace written to, as the chaincode's definition in the
// replayed state, or the organisation's own policy for its implicit collections, has it; that each key that it read, public
// or hashed, still had the version that it read, and each list of keys the same keys. The codes are compared with the
// peer's, which nobody signs, and so is the peer's digest of its state, which is computed anew.
//
// Of every valid transaction, besides: that its creator may write by the channel's policy; that the same identity made the
// proposal; and that it did what the chaincode's rules do. For that the chaincode's own code runs again, on the replayed
// state, with the arguments in the transaction and the pack that stands in what it wrote: all keys written and their
// values, all keys read, and the answer must be the same. So a majority of organisations that endorse what the rules don't
// allow are found out.
//
// # What isn't
//
// Endorsement policies of single keys, private collections other than organisations' own, and validation plugins other
// than Fabric's default: Pedigree's chaincode uses none of them, and a transaction that does is a finding of its own.
// Times are the submitters' claims; that peers held them to a quarter of an hour can't be seen afterwards. Whether a
// configuration is a wise one nobody can compute. Chaincodes other than Pedigree's aren't run again.
package audit
