package audit

import (
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Code is a stable name for a kind of finding. The codes are those below and every proof.Reason, which says why a block
// doesn't belong to the channel. A code never changes its meaning. New codes may be added.
type Code string

// The codes.
const (
	// DamagedFile: a block file contains something that isn't a block. The audit ends there.
	DamagedFile Code = "damaged_file"
	// OutOfOrder: the source gave another block than the next one. The audit ends there.
	OutOfOrder Code = "out_of_order"
	// Fork: somebody has another block with the number of an audited one, so there are two histories.
	Fork Code = "fork"
	// SplitView: a signed checkpoint contradicts the audited blocks, or another checkpoint. Who signed it has shown, or was
	// shown, another ledger.
	SplitView Code = "split_view"

	// FlagDiffers: the peer's validation code of a transaction isn't the one that Fabric's rules give.
	FlagDiffers Code = "flag_differs"
	// CommitHashDiffers: the peer's digest of all changes up to a block isn't the digest of the replayed changes.
	CommitHashDiffers Code = "commit_hash_differs"
	// BadMetadata: the metadata of a block isn't in the form that Fabric's peers write.
	BadMetadata Code = "bad_metadata"

	// NotAWriter: the channel doesn't allow the creator of a valid transaction to write.
	NotAWriter Code = "not_a_writer"
	// OtherProposer: somebody other than its creator proposed a valid transaction.
	OtherProposer Code = "other_proposer"
	// RulesRefuse: the chaincode's rules refuse a valid transaction.
	RulesRefuse Code = "rules_refuse"
	// WritesDiffer: a valid transaction wrote something else than the chaincode's rules write.
	WritesDiffer Code = "writes_differ"
	// ReadsDiffer: a valid transaction read something else than the chaincode's rules read.
	ReadsDiffer Code = "reads_differ"
	// AnswerDiffers: a valid transaction has another answer than the chaincode gives.
	AnswerDiffers Code = "answer_differs"
	// ForeignWrites: a valid transaction of another chaincode wrote into Pedigree's namespace, or one of Pedigree's
	// chaincode wrote into another namespace.
	ForeignWrites Code = "foreign_writes"
	// Unjudged: a valid transaction uses something that the audit doesn't follow: endorsement policies of single keys,
	// private collections that aren't implicit ones, or other validation plugins.
	Unjudged Code = "unjudged"

	// NoBlocks: the source gave no block at all, so nothing was audited. A peer that joined from a snapshot, for one,
	// can't give the blocks before it. The audit ends there.
	NoBlocks Code = "no_blocks"
	// HiddenTip: the source has fewer blocks than several organisations sign that there are, or than it had before.
	HiddenTip Code = "hidden_tip"
)

// Finding is something that is wrong.
type Finding struct {
	Code Code `json:"code"`
	// Block is the number of the block, if the finding is about one.
	Block *uint64 `json:"block,omitempty"`
	// Position is the transaction's position in the block, from 0, and Tx its id, if the finding is about a transaction.
	Position *int   `json:"position,omitempty"`
	Tx       string `json:"tx,omitempty"`
	Detail   string `json:"detail"`
}

// String writes a finding on one line.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(string(f.Code))
	if f.Block != nil {
		fmt.Fprintf(&b, ": block %d", *f.Block)
	}
	if f.Position != nil {
		fmt.Fprintf(&b, ", transaction %d", *f.Position)
	}
	if f.Tx != "" {
		fmt.Fprintf(&b, " (%s)", f.Tx)
	}
	return b.String() + ": " + f.Detail
}

func inBlock(block uint64, code Code, format string, args ...any) Finding {
	return Finding{Code: code, Block: &block, Detail: fmt.Sprintf(format, args...)}
}

// inTransaction makes a finding about a transaction.
func inTransaction(block uint64, t *transaction, code Code, format string, args ...any) Finding {
	f := inBlock(block, code, format, args...)
	f.Position, f.Tx = &t.position, t.id
	return f
}

// refused makes a finding from a refusal by package proof.
func refused(block uint64, err error) Finding {
	code := Code(proof.ReasonOf(err))
	if code == "" {
		code = Code(proof.BadBlock)
	}
	return inBlock(block, code, "%v", err)
}
