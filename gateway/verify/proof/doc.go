// Package proof makes proofs of records on a Pedigree ledger, and verifies them without trusting whoever made them.
//
// Start with [Verify]. It needs a proof file and a [Trust] file. It opens no other file, asks no network and reads no
// clock, so it gives the same answer for ever.
//
//	trust, err := proof.ParseTrust(trustFile)
//	p, err := proof.Parse(proofFile)
//	verdict, err := proof.Verify(p, trust, proof.Wanted{Level: proof.LevelBlock, ID: id})
//	if proof.ReasonOf(err) == proof.BadSignature { … }
//
// [Maker] makes proofs, with the help of a Fabric network. The package reads Fabric's messages itself. It imports
// Fabric's message definitions and the standard library. From this module it imports only packages of the chaincode:
// record, which defines records, canonical, which defines their encoding, and epcis, which reads events.
//
// # Level receipt
//
// A receipt is the chaincode's answer to one question: “read this record”. Peers of several organisations sign the
// answer, and nobody submits it to the orderers. The verifier builds the question itself, byte by byte, and accepts
// only an answer to that question. A receipt proves three things:
//
//   - The peers of the listed organisations had the record in their committed state on this channel, exactly as it is
//     in the proof. There are at least as many of these organisations as the trust file demands.
//   - Who recorded it, in which transactions, and where these are on the ledger. Peers sign the versions of the keys
//     that they read. Only valid transactions write keys, so a receipt also says that the transactions were valid.
//   - Roughly when the peers answered. They sign the time of the question, and answer only if it is within 15 minutes
//     of their own clocks. (The limit is Fabric's setting peer.authentication.timewindow. Its filter TimeWindowCheck
//     enforces it, and is on by default.)
//
// A receipt doesn't prove that the record is true. It doesn't prove that nothing was recorded later, or that some other
// record doesn't exist. If as many organisations as the trust file demands work together, they can sign a false
// receipt. Fewer can't.
//
// An answer lists 16 recordings, and those of transactions that the question names. If it says that there are more, one
// of them may be earlier than all in the list. A gateway names the first recording of each organisation that it knows,
// so that nobody can keep another out by repeating its records. No proof shows that there was none before.
//
// The signed answer contains the channel's name, but not its genesis block. Suppose that a trial was started anew, and
// the same peers and orderers served both channels with the same keys. If both channels have one name, a proof of one
// passes for a proof of the other. Give such channels different names.
//
// # Level block
//
// A block proof is a receipt together with the blocks that it refers to. It proves two more things:
//
//   - The blocks belong to the chain that begins with the genesis block in the trust file. A quorum of the orderers
//     then in charge signed each block. The verifier follows the configuration from the genesis block through every
//     configuration block. Each of these was signed by the quorum before it, and changes only what its own signed
//     update is allowed to change.
//   - The first of the recordings that the receipt names is in its block, at the position that the receipt says. The
//     named submitter signed it, and it has the endorsements that the chaincode's definition demanded at the time. The
//     transaction read a version of that definition. The version leads to the definition's own block, which is in the
//     proof and is checked too.
//
// A block proof holds if the receipt in it holds, and if fewer than a third of the orderers lied at any time. Orderers
// don't sign whether a transaction is valid: each peer decides that later. So validity remains the word of the
// organisations that signed the receipt. A block proof discloses whole blocks, with everything that others recorded in
// them.
//
// # A trace
//
// A proof of a trace is one file with a receipt for every record of a lineage. The verifier walks the lineage again,
// from what the records say (see [Trace]). The proof shows that each record is on the ledger and that they are
// connected. It doesn't show that the lineage is complete: nobody notices a recall that was left out of the file. To be
// sure that nothing was left out, audit the ledger. Name the lineage that you asked for in [Wanted.Trace]. Otherwise
// Verify also accepts a proof of another lineage, or of a part.
//
// # Times and certificates
//
// The verifier never asks what time it is now. The certificate of a peer must have been valid at the time of the
// question that the peer answered. The certificate of an authority must have been valid when the authority issued the
// peer's. So a receipt stays good when certificates expire. Somebody who steals an expired key can sign receipts with
// old times. To forge a proof, they need the keys of as many organisations as must agree.
//
// Blocks contain the certificates of submitters, endorsers, orderers and administrators. These are judged as Fabric
// judges them at commit: at the time of their issue, by the authorities and revocation lists of the configuration under
// which their block was made. Later configurations don't change the verdict on earlier blocks.
//
// Trust files have no revocation lists. Remove what you no longer trust. A signature of an organisation that isn't in
// the trust file is refused, not skipped, so that every byte of a proof counts. If an organisation leaves, keep the old
// trust file for the proofs that it signed.
//
// # Encoding
//
// A proof file has exactly one encoding (see [Proof.Bytes]). Every byte of it is either signed, or decides whether
// something that is signed fits. In some places Fabric signs byte strings one after the other, without saying where one
// ends. There, this package accepts only the encoding that Fabric itself writes. ECDSA signatures must be DER with a
// low S. A block is refused if its data isn't divided into envelopes in the canonical way (CVE-2023-46132).
package proof
