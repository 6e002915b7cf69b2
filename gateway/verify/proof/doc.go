// Package proof makes proofs of what is on a Pedigree ledger, and verifies them without trusting whoever made them.
//
// It knows Fabric's bytes by itself: it imports Fabric's message definitions, the standard library and, of this module,
// only what says what a record is (chaincode/record). [Verify] reads no file, no clock and no network, so its answer is the
// same for ever. A verifier trusts a [Trust] file and nothing else.
//
//	trust, err := proof.ParseTrust(trustFile)
//	p, err := proof.Parse(proofFile)
//	verdict, err := proof.Verify(p, trust, proof.Wanted{Level: proof.LevelBlock, ID: id})
//	if proof.ReasonOf(err) == proof.BadSignature { … }
//
// # Level receipt
//
// A receipt is the chaincode's answer to one question, “read this record”, signed by the peers of several organisations and
// never submitted. The verifier makes the question itself, byte by byte, and accepts answers to that one only. It proves:
//
//   - the peers of the listed organisations, at least as many as the trust file asks for, had the record, bit by bit, in
//     their committed state on this channel;
//   - who had recorded it, in which transactions, and where on the ledger these are. Peers sign the versions of the keys
//     that they read, and only valid transactions write, so a receipt also says that they were valid;
//   - about when this was: peers sign the time of the question, and answer only within 15 minutes of it by their clocks
//     (peer.authentication.timewindow of Fabric, with the filter TimeWindowCheck that is on unless it is taken out).
//
// It doesn't prove that the record is true, that nothing was recorded since, nor what is absent. As many organisations as
// the trust file asks for could together sign what is not so; nobody else can.
//
// What is signed names the channel, and not its genesis block. Peers and orderers whose keys served two channels of one name,
// such as a trial that was begun anew, have made proofs of one that pass for the other's: give such channels other names.
//
// # Level block
//
// A block proof is a receipt and the blocks that it speaks of. It proves, besides:
//
//   - the blocks are of the chain that begins with the pinned genesis block: a quorum of the orderers that were in charge
//     signed each, under a configuration that is reached from the genesis block through every configuration block between,
//     each of which was signed by the quorum before it and changes just what its own signed update may change;
//   - the record's first recording, of those that the receipt names, stands in its block at the place that the receipt says,
//     was signed by the named submitter, and endorsed as the chaincode's definition in force asked for. The definition is
//     found through the version of it that the transaction read, and its own block is in the proof and is checked too.
//
// It needs, in addition to what a receipt needs, that fewer than a third of the orderers lied at any time. That a
// transaction was valid is not in what orderers sign (peers find out later, each for itself), so it stays the word of the
// receipt's organisations. Whole blocks are disclosed, with whatever others recorded in them.
//
// # A trace
//
// A proof of a trace is one file with a receipt for every record of a lineage. The verifier makes the walk again from what
// the records say (see [Trace]). It proves each record, and that they are connected; not that there are no others: a recall
// that was left out of the file is not missed. Whoever must be sure of what is not there audits the ledger. Say by
// [Wanted.Trace] which lineage you asked for, or a proof of another one, or of a part, is as good.
//
// # Times and certificates
//
// Nothing here asks what time it is now. A peer's certificate must have been valid at the time of the question that it
// answered, and certificates of authorities when they issued it; a receipt stays good when they expire. Who steals an
// expired key can sign receipts of old times: as many organisations as must agree would have to lose theirs. Certificates
// in blocks (of submitters, endorsers, orderers and administrators) are judged as Fabric judges them when it commits: at
// the time of their issue, by the authorities and revocation lists of the configuration that their block was made under.
// Later configurations change nothing about earlier blocks. Trust files know no revocation: take out what isn't trusted
// any more. Signatures of an organisation that a trust file doesn't have are refused and not skipped, so that every byte of a
// proof counts: keep the trust file with which an organisation was still trusted for the proofs from before it left.
//
// # Encoding
//
// A proof file has one encoding (see [Proof.Bytes]); every byte of it is signed, or decides whether something else that is
// signed fits. Where Fabric signs byte strings one after the other without saying where one ends, parts are only taken in
// the one encoding that Fabric writes. ECDSA signatures must be DER with low S. Blocks whose data isn't divided into
// envelopes in the canonical way are refused (CVE-2023-46132).
package proof
