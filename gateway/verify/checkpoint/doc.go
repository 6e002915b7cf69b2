// Package checkpoint has checkpoints of a ledger: how many recordings there are up to a block, and the root of the
// Merkle tree over them (see package merkle), as organisations sign it. Two organisations that show different ledgers
// sign different roots. So a split view becomes visible to everybody who has two checkpoints, with the signatures of
// those who gave them.
//
// A [Note] is a signed note of C2SP (c2sp.org/signed-note) with a checkpoint of c2sp.org/tlog-checkpoint:
//
//	pedigree/<hash of the first block's header, in hexadecimal>
//	<number of recordings>
//	<root, in base64>
//	block <number of the block as of which it is>
//	hash <hash of that block's header, in base64>
//
//	— HarborMSP <base64>
//
// The origin is the name of the channel and the hash of its first block, because many consortia have a channel of the
// same name. The last two lines are extension lines of tlog-checkpoint.
//
// # Signatures
//
// Organisations on Fabric have ECDSA keys with certificates, which change, and of which the trust file knows only the
// authority; none of the types that signed-note has a number for carries a certificate. A key of another kind,
// certified by this one, would be one more secret to keep and to revoke. So the signature is of a type of its own, with
// the identifier 0xff and [SignatureType]. The key name is the MSP id, with what a key name can't have percent-encoded.
// The key id is the beginning of
//
//	SHA-256(key name || 0x0A || 0xff || SignatureType || SubjectPublicKeyInfo in DER)
//
// and after it come the time of signing, in seconds since 1970 as a big-endian number of 8 bytes; the certificate, in
// DER; and the signature, in DER. The signature is that of a cosigned answer: the one to the question [Question], with
// the body that [Checkpoint.Answer] makes of the text. So organisations sign a checkpoint as they sign any answer, by
// the same rules and with nothing new that a gateway could be made to sign. Programs that don't know the type ignore
// the signature, as signed-note demands, and so does this package with those of other types.
package checkpoint
