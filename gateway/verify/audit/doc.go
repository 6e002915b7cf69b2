// Package audit replays a ledger. It reads every block of a channel, from a running peer or from the files of a stopped
// one, and checks everything in the blocks again. It trusts only the hash of the first block. Package proof gives
// proofs of single records and lineages; an audit is stronger, because only an audit shows that nothing was left out.
//
// [New] begins an audit, or continues one whose state was kept. [Auditor.Run] audits the blocks of a [Source]: a
// [Peer], or [Files]. [Auditor.Report] returns what was found.
//
// # What is checked
//
// For every block:
//
//   - It is the next block, and its header has the hash of the block before.
//   - Its data has the hash in its header, and is divided into envelopes in the canonical way.
//   - A quorum of the orderers then in charge signed it. None signed twice, and no signature is bad.
//   - The orderers signed the number of the right configuration block.
//
// For every change of the configuration (package proof does this):
//
//   - The signed update turns the old configuration into the new one, and nothing else has changed.
//   - The signers of the update meet the old configuration's policy of each element that they change.
//
// For every transaction, the audit makes the checks of Fabric's peers, in their order. So the outcome is one of
// Fabric's validation codes. The checks are those of the packages core/committer/txvalidator and
// core/ledger/kvledger/txmgmt/validation of Fabric 3.1:
//
//   - The creator signed it, and the creator's certificate belongs to an organisation of the configuration.
//   - Its id is the hash of nonce and creator, and no earlier transaction has the same id.
//   - The endorsed answer is an answer to the proposal.
//   - The good endorsements meet the policy of each namespace that it wrote to. The policy is that of the chaincode's
//     definition in the replayed state. For an organisation's implicit collection, it is the organisation's own.
//   - Each key that it read, public or hashed, still had the version that it read. Each range that it read still had
//     the same keys.
//
// The audit compares the codes with the peer's, which nobody signs. It also computes the peer's digest of its state,
// and compares the two.
//
// For every valid transaction, the audit checks more than Fabric:
//
//   - The channel's policy allows the creator to write.
//   - The creator also made the proposal.
//   - The transaction did what the chaincode's rules do. The chaincode's own code runs again, on the replayed state,
//     with the transaction's arguments and the pack that it wrote. All keys that it writes, their values, all keys that
//     it reads, and the answer must be the same as in the transaction. So the audit finds out if a majority of the
//     organisations endorsed something that the rules don't allow. The rules are those of the version that the
//     chaincode's definition in the replayed state names, so old transactions are judged by the rules of their time.
//
// # What isn't checked
//
// The audit doesn't follow endorsement policies of single keys, private collections that aren't implicit ones, and
// validation plugins other than Fabric's default. Pedigree's chaincode uses none of them. A transaction that does is a
// finding of its own. Chaincodes other than Pedigree's don't run again.
//
// Times are claims of the submitters. Peers refuse a time that is more than 15 minutes from their own, but nobody can
// see afterwards that they did. The audit can't tell whether a configuration is sensible.
package audit
