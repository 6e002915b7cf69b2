// Package scitt has transparent statements: the file of RFC 9943 (SCITT) in which one organisation states a record, and
// several give their receipts that the record is on the ledger. A receipt is that of RFC 9942, for the tree
// RFC9162_SHA256. So the parts of the file can be read and checked by programs that know COSE (RFC 9052) and nothing of
// Pedigree.
//
// A statement is a tagged COSE_Sign1. Its payload is the record, byte for byte, and its headers are
//
//	protected:   {1: -7, 3: "application/json", 15: {1: issuer, 2: record id, 6: time}, 33: certificate}
//	unprotected: {394: [receipt, …]}
//
// and each receipt is, as a byte string, a tagged COSE_Sign1 with a detached payload, the root of the tree:
//
//	protected:   {1: -7, 15: {1: issuer, 2: tree, 6: time}, 33: certificate, 395: 1}
//	unprotected: {396: {-1: [<<[tree size, leaf index, [hash, …]]>>]}}
//
// The ledger is pedigree:CHANNEL/GENESIS, with the hash of the header of the channel's first block in hexadecimal. An
// issuer is the ledger, a slash and the percent-encoded MSP id of the organisation that signed. Times are seconds since
// 1970, by the signer's clock. A certificate (x5chain) is that of an administrator of the organisation, and signs with
// ECDSA on P-256 (ES256), with a low S.
//
// The tree is the ledger, # and the number of its leaves in decimal. It is signed because a root and a path alone don't
// tell how many leaves there are.
//
// The entry of the leaf is the SHA-256 of the payload, so the leaf is SHA-256(0x00 || SHA-256(payload)): the tree is
// one of records, which were there before anybody stated them, and not of statements.
//
// A file has one encoding, which is the core deterministic one of RFC 8949, and no other header. So nothing is in it
// that isn't checked.
package scitt

import (
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// MediaType is the media type of statements.
const MediaType = "application/scitt-statement+cose"

// Limits of what is read.
const (
	MaxStatement   = 8 << 20 // bytes
	maxReceipts    = 64
	maxPath        = 64 // hashes
	maxCertificate = 64 << 10
	maxText        = 2 << 10
	maxTime        = 1 << 40 // seconds since 1970
)

func refuse(reason proof.Reason, where, format string, args ...any) error {
	return &proof.Refusal{Reason: reason, Where: where, Detail: fmt.Sprintf(format, args...)}
}

func malformed(where, format string, args ...any) error {
	return refuse(proof.Malformed, where, format, args...)
}
