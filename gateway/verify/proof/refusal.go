package proof

import (
	"errors"
	"fmt"
)

// Reason is a stable code that says why something was refused. A code never changes its meaning. New codes may be
// added.
type Reason string

// The reasons.
const (
	// Malformed: the file has the wrong format, is cut off, or contains something that doesn't belong there.
	Malformed Reason = "malformed"
	// NotCanonical: the file is readable, but isn't in the one encoding that proofs have.
	NotCanonical Reason = "not_canonical"
	// UnsupportedVersion: the file is in a version of the format that this program doesn't know.
	UnsupportedVersion Reason = "unsupported_version"
	// TooLarge: the file is larger than a verifier reads.
	TooLarge Reason = "too_large"
	// BadTrust: the trust file can't be used.
	BadTrust Reason = "bad_trust"

	// WrongChannel and WrongChaincode: the proof is of another ledger than the trust file's.
	WrongChannel   Reason = "wrong_channel"
	WrongChaincode Reason = "wrong_chaincode"
	// WrongRecord: the proof is of another record than the caller asked for, or the record doesn't match its id.
	WrongRecord Reason = "wrong_record"
	// LevelTooLow: the proof is of a lower level than the caller asked for.
	LevelTooLow Reason = "level_too_low"

	// OtherQuestion: the organisations signed the answer to a question that wasn't about this record.
	OtherQuestion Reason = "other_question"
	// BadAnswer: the organisations signed something that can't be read as an answer of the chaincode.
	BadAnswer Reason = "bad_answer"
	// NotRecorded: the signed answer doesn't say that the record is on the ledger.
	NotRecorded Reason = "not_recorded"
	// TooFewOrganisations: fewer organisations signed than the trust file demands.
	TooFewOrganisations Reason = "too_few_organisations"
	// OrganisationTwice: the proof has two signatures of one organisation.
	OrganisationTwice Reason = "organisation_twice"
	// UnknownOrganisation: the organisation isn't in the trust file, or wasn't in the channel's configuration at the time.
	UnknownOrganisation Reason = "unknown_organisation"

	// BadIdentity: an identity has no certificate, or isn't in the form that Fabric writes.
	BadIdentity Reason = "bad_identity"
	// UntrustedCertificate: the organisation's authorities didn't issue the certificate.
	UntrustedCertificate Reason = "untrusted_certificate"
	// OutsideValidity: the certificate was expired, or not valid yet, at the time that matters.
	OutsideValidity Reason = "outside_validity"
	// Revoked: the channel's configuration at the time revoked the certificate, or the trust file says that it is revoked.
	Revoked Reason = "revoked"
	// WrongRole: the certificate has another role, such as client where a peer must sign.
	WrongRole Reason = "wrong_role"
	// BadSignature: the named signer didn't make this signature over these bytes.
	BadSignature Reason = "bad_signature"
	// HighS: an ECDSA signature has a high S. Every ECDSA signature has two forms, and Fabric accepts only the one with a
	// low S.
	HighS Reason = "high_s"

	// WrongGenesis: the chain doesn't begin with the pinned genesis block.
	WrongGenesis Reason = "wrong_genesis"
	// BadBlock: the block can't be read, or isn't linked to the block before it.
	BadBlock Reason = "bad_block"
	// SplitEnvelopes: the block's data isn't divided into transactions in the canonical way.
	SplitEnvelopes Reason = "split_envelopes"
	// TooFewOrderers: the orderers that signed the block are no quorum of the orderers in charge at the time.
	TooFewOrderers Reason = "too_few_orderers"
	// OrdererTwice and UnknownOrderer: an orderer signed the block twice, or wasn't in charge at the time.
	OrdererTwice   Reason = "orderer_twice"
	UnknownOrderer Reason = "unknown_orderer"
	// MissingConfig: the block was signed under a configuration that isn't in the proof.
	MissingConfig Reason = "missing_config"
	// BadConfig: the configuration can't be read, or can't work.
	BadConfig Reason = "bad_config"
	// UnauthorisedConfig: a change of the configuration lacks a signature that the policies demand.
	UnauthorisedConfig Reason = "unauthorised_config"

	// MissingBlock: the proof lacks the block with the record, or the block with the chaincode's definition.
	MissingBlock Reason = "missing_block"
	// NeedlessBlock: the proof has a block that contributes nothing to it.
	NeedlessBlock Reason = "needless_block"
	// BadTransaction: the transaction can't be read, or its parts don't belong together.
	BadTransaction Reason = "bad_transaction"
	// WrongTransaction: the block has another transaction at the record's position.
	WrongTransaction Reason = "wrong_transaction"
	// PolicyNotMet: the signers of something, such as the endorsers of a transaction, don't meet its policy.
	PolicyNotMet Reason = "policy_not_met"
	// NotInTransaction: the transaction doesn't contain the record, or contradicts the receipt.
	NotInTransaction Reason = "not_in_transaction"

	// WrongTrace: the proof is of another lineage than the caller asked for, or of no lineage.
	WrongTrace Reason = "wrong_trace"
	// CutTrace: the lineage ends early, and the caller asked for a whole one.
	CutTrace Reason = "cut_trace"
	// BrokenTrace: a record of the trace isn't connected to the trace's node.
	BrokenTrace Reason = "broken_trace"

	// WrongQuestion: a cosigned answer is to another question than the caller asked.
	WrongQuestion Reason = "wrong_question"
	// StaleAnswer: a cosigned answer is as of an earlier block, or was signed earlier, than the caller accepts.
	StaleAnswer Reason = "stale_answer"
	// AlteredAnswer: no organisation signed the answer as it stands in the file.
	AlteredAnswer Reason = "altered_answer"
	// Disputed: too few organisations agree on a cosigned answer, and others signed another one.
	Disputed Reason = "disputed"
	// KeyTwice: two organisations signed with the same key.
	KeyTwice Reason = "key_twice"
	// CutAnswer: a cosigned answer is a part of what was asked for, such as one page of a list.
	CutAnswer Reason = "cut_answer"

	// SplitView: two checkpoints of one ledger contradict each other.
	SplitView Reason = "split_view"
	// NotExtended: a proof doesn't show that one checkpoint extends another.
	NotExtended Reason = "not_extended"
	// BadInclusion: a proof of inclusion isn't one, whatever it is of.
	BadInclusion Reason = "bad_inclusion"
)

// A Refusal says why a proof, or a part of it, isn't accepted.
type Refusal struct {
	Reason Reason
	// Where names the part that was refused: "receipt 0, HarborMSP", "block 7".
	Where  string
	Detail string
}

// Error says where and why.
func (r *Refusal) Error() string {
	if r.Where == "" {
		return fmt.Sprintf("%s: %s", r.Reason, r.Detail)
	}
	return fmt.Sprintf("%s: %s: %s", r.Reason, r.Where, r.Detail)
}

// ReasonOf returns the reason of an error that is, or wraps, a *Refusal. For other errors it returns "".
func ReasonOf(err error) Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

// DetailOf returns what an error that is, or wraps, a *Refusal says, without its reason and place. Of another error it
// returns all.
func DetailOf(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Detail
	}
	return err.Error()
}

func refuse(reason Reason, format string, args ...any) error {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// at adds to a refusal where it happened. The outer place comes first.
func At(err error, format string, args ...any) error {
	var r *Refusal
	if err == nil || !errors.As(err, &r) {
		return err
	}
	where := fmt.Sprintf(format, args...)
	if r.Where != "" {
		where += ", " + r.Where
	}
	return &Refusal{Reason: r.Reason, Where: where, Detail: r.Detail}
}
