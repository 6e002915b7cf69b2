package verify

import (
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/attestation"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	proofs "github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// Trust is everything that a verifier believes without proof: which ledger it is, which organisations it has, and how
// many of them must agree. Its method Text writes it as a file.
type Trust = proofs.Trust

// Wanted says what the caller wants a proof of. The zero value accepts every good proof.
type Wanted = proofs.Wanted

// ReadTrust reads a trust file. The error is a *proof.Refusal.
func ReadTrust(text []byte) (*Trust, error) { return proofs.ParseTrust(text) }

// NewTrust makes a Trust from the genesis block of a channel and the name of the chaincode. genesis is an encoded
// common.Block, as Fabric's tools write it. If the channel's configuration has changed since, newest is a proof file of
// level block that was made after the change. Otherwise newest is nil. agree is how many organisations must agree; 0
// means a majority. An error is a *proof.Refusal.
func NewTrust(genesis, newest []byte, chaincode string, agree int) (*Trust, error) {
	var raw common.Block
	if err := proto.Unmarshal(genesis, &raw); err != nil {
		return nil, &proofs.Refusal{Reason: proofs.BadBlock, Detail: "the genesis block can't be read: " + err.Error()}
	}
	first, err := proofs.OpenBlock(&raw)
	if err != nil {
		return nil, err
	}
	var later []*proofs.Block
	if newest != nil {
		p, err := proofs.Parse(newest)
		if err != nil {
			return nil, err
		}
		if p.Level() != proofs.LevelBlock {
			return nil, &proofs.Refusal{Reason: proofs.LevelTooLow, Detail: "a receipt has no configurations"}
		}
		later = p.Blocks[1:]
	}
	return proofs.NewTrust(first, later, chaincode, agree)
}

// Proof verifies a proof file and says what it proves. An error is a *proof.Refusal, whose Reason is a stable code.
func Proof(text []byte, trust *Trust, wanted Wanted) (*proofs.Verdict, error) {
	p, err := proofs.Parse(text)
	if err != nil {
		return nil, err
	}
	return proofs.Verify(p, trust, wanted)
}

// Answer verifies an answer that several organisations signed, and says who did. An error is a *proof.Refusal.
func Answer(text []byte, trust *Trust, wanted cosigned.Wanted) (*cosigned.Verdict, error) {
	return cosigned.Verify(text, trust, wanted)
}

// Checkpoints verifies signed checkpoints, and compares them with one another. An error is a *proof.Refusal, with the
// reason split_view if two of them contradict each other; then there is a verdict, too, with who signed what.
func Checkpoints(
	notes []checkpoint.Named, consistent []*checkpoint.Consistency, trust *Trust, wanted cosigned.Wanted,
) (*checkpoint.Verdict, error) {
	return checkpoint.Verify(notes, consistent, trust, wanted)
}

// Transparent verifies a transparent statement of RFC 9943, and says who gave receipts. An error is a *proof.Refusal.
func Transparent(text []byte, trust *Trust, wanted scitt.Wanted) (*scitt.Verdict, error) {
	return scitt.Verify(text, trust, wanted)
}

// Statement verifies an in-toto statement in a DSSE envelope or a Sigstore bundle, and says who signed it. An error is
// a *proof.Refusal.
func Statement(text []byte, trust *Trust) (*attestation.Verdict, error) {
	return attestation.Verify(text, trust)
}
