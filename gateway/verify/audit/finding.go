package audit

import (
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Code is a stable name for what kind of thing was found. Besides those below, every proof.Reason is one: why a block
// isn't the channel's. Codes are never given another meaning; new ones may come.
type Code string

// The codes.
const (
	// DamagedFile: a block file holds something else than blocks. The audit ends there.
	DamagedFile Code = "damaged_file"
	// OutOfOrder: the source gave another block than the next one. The audit ends there.
	OutOfOrder Code = "out_of_order"
	// Fork: somebody's block isn't the one that was audited at that number: there are two histories.
	Fork Code = "fork"

	// FlagDiffers: a peer calls a transaction valid, or invalid for a reason, and by Fabric's rules it is otherwise.
	FlagDiffers Code = "flag_differs"
	// CommitHashDiffers: the peer's digest of all changes up to a block isn't that of the replayed ones.
	CommitHashDiffers Code = "commit_hash_differs"
	// BadMetadata: a block's metadata, which peers add, isn't as Fabric's peers write it.
	BadMetadata Code = "bad_metadata"

	// NotAWriter: a valid transaction whose creator the channel lets read only.
	NotAWriter Code = "not_a_writer"
	// OtherProposer: a valid transaction whose proposal was made by somebody else than its creator.
	OtherProposer Code = "other_proposer"
	// RulesRefuse: a valid transaction that the chaincode's rules refuse.
	RulesRefuse Code = "rules_refuse"
	// WritesDiffer: a valid transaction that wrote something else than the chaincode's rules make of it.
	WritesDiffer Code = "writes_differ"
	// ReadsDiffer: a valid transaction that read something else than the chaincode's rules ask for.
	ReadsDiffer Code = "reads_differ"
	// AnswerDiffers: a valid transaction whose answer isn't the chaincode's.
	AnswerDiffers Code = "answer_differs"
	// ForeignWrites: a valid transaction that wrote into the chaincode's state through another chaincode, or through it
	// into another's.
	ForeignWrites Code = "foreign_writes"
	// Unjudged: something that this audit can't recompute, because the chaincode has no use for it: endorsement policies of
	// single keys, private collections, other validation plugins.
	Unjudged Code = "unjudged"

	// HiddenTip: the audited source ends before a height that several organisations sign.
	HiddenTip Code = "hidden_tip"
)

// Finding is one thing that isn't as it should be.
type Finding struct {
	Code Code `json:"code"`
	// Block is where, if it is about a block.
	Block *uint64 `json:"block,omitempty"`
	// Position is the transaction's in the block, from 0, and Tx its id, if it is about one.
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

// inTransaction is a finding about a transaction of a block.
func inTransaction(block uint64, t *transaction, code Code, format string, args ...any) Finding {
	f := inBlock(block, code, format, args...)
	f.Position, f.Tx = &t.position, t.id
	return f
}

// refused is the finding that a refusal of package proof stands for.
func refused(block uint64, err error) Finding {
	code := Code(proof.ReasonOf(err))
	if code == "" {
		code = Code(proof.BadBlock)
	}
	return inBlock(block, code, "%v", err)
}
