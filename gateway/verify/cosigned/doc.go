// Package cosigned has answers that several organisations sign. A gateway answers a question about the ledger as of a
// block. The gateways of other organisations work out the answer from their own indexes, and each signs what it found:
// the question, the block and the digest of the answer. [File] holds the answer with these signatures, and [Verify]
// checks it offline against a trust file.
//
// A proof shows what is on the ledger. A cosigned answer also says what is not there: the answer is complete as of its
// block, as k of n organisations say. Nothing but the whole chain shows it without their word.
//
// What an organisation signs is a canonical JSON text (RFC 8785) in the pre-authentication encoding of DSSE, under a
// payload type of its own. So the signature is good for nothing else, and no signature for anything else is good here.
// The file has no copy of the text. Whoever verifies builds it again from the question and the answer.
package cosigned

import (
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Format is the format of cosigned answers that this package reads and writes.
const Format = formatPrefix + "1"

const formatPrefix = "pedigree-cosigned/"

// PayloadType is the type of what organisations sign, as DSSE has it.
const PayloadType = "application/vnd.pedigree.cosigned-answer+json;version=1"

// Limits of what is read.
const (
	MaxFile         = 24 << 20 // bytes
	MaxQuestion     = 8 << 10
	MaxCosignatures = 64
	maxDepth        = 96
	maxValues       = 4_000_000
	maxCertificate  = 64 << 10
	maxSignature    = 1 << 10
	maxSilent       = 64
)

func refuse(reason proof.Reason, where, format string, args ...any) error {
	return &proof.Refusal{Reason: reason, Where: where, Detail: fmt.Sprintf(format, args...)}
}
