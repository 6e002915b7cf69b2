package proof

import (
	"errors"
	"fmt"
)

// Reason is a stable code for why something was refused. Codes are never given another meaning; new ones may come.
type Reason string

// The reasons.
const (
	// Malformed: the file is none of its kind, is cut off, or has something in it that it shouldn't.
	Malformed Reason = "malformed"
	// NotCanonical: the file says something in another way than the one way there is.
	NotCanonical Reason = "not_canonical"
	// UnsupportedVersion: another version of the format, which this program can't judge.
	UnsupportedVersion Reason = "unsupported_version"
	// TooLarge: more than a verifier will read.
	TooLarge Reason = "too_large"
	// BadTrust: the trust file can't be used.
	BadTrust Reason = "bad_trust"

	// WrongChannel and WrongChaincode: the proof is of another ledger than the trust file's.
	WrongChannel   Reason = "wrong_channel"
	WrongChaincode Reason = "wrong_chaincode"
	// WrongRecord: what was proved is another record than the one that was asked for, or than the id that it bears.
	WrongRecord Reason = "wrong_record"
	// LevelTooLow: the proof is weaker than was asked for.
	LevelTooLow Reason = "level_too_low"

	// OtherQuestion: the organisations signed the answer to another question than that for this record.
	OtherQuestion Reason = "other_question"
	// BadAnswer: what they signed isn't an answer of the chaincode that can be understood.
	BadAnswer Reason = "bad_answer"
	// NotRecorded: what they signed doesn't say that the record is on the ledger.
	NotRecorded Reason = "not_recorded"
	// TooFewOrganisations: fewer have signed than the trust file asks for.
	TooFewOrganisations Reason = "too_few_organisations"
	// OrganisationTwice: one organisation stands in the proof more than once.
	OrganisationTwice Reason = "organisation_twice"
	// UnknownOrganisation: an organisation that the trust file, or the channel's configuration then, doesn't have.
	UnknownOrganisation Reason = "unknown_organisation"

	// BadIdentity: an identity that isn't one: no certificate, or not in the form that Fabric gives it.
	BadIdentity Reason = "bad_identity"
	// UntrustedCertificate: a certificate that its organisation's authorities haven't issued.
	UntrustedCertificate Reason = "untrusted_certificate"
	// OutsideValidity: a certificate that wasn't valid yet, or any more, at the time that matters.
	OutsideValidity Reason = "outside_validity"
	// Revoked: a certificate that the channel's configuration then had revoked.
	Revoked Reason = "revoked"
	// WrongRole: a certificate of another role, such as a client's where a peer must have signed.
	WrongRole Reason = "wrong_role"
	// BadSignature: a signature that isn't its owner's over these bytes.
	BadSignature Reason = "bad_signature"
	// HighS: an ECDSA signature in the one of its two forms that Fabric doesn't take.
	HighS Reason = "high_s"

	// WrongGenesis: the chain doesn't begin with the pinned genesis block.
	WrongGenesis Reason = "wrong_genesis"
	// BadBlock: a block that can't be read, or isn't linked as its numbers say.
	BadBlock Reason = "bad_block"
	// SplitEnvelopes: a block whose data isn't divided into transactions in the one canonical way.
	SplitEnvelopes Reason = "split_envelopes"
	// TooFewOrderers: fewer orderers than a quorum of those then in charge have signed a block.
	TooFewOrderers Reason = "too_few_orderers"
	// OrdererTwice and UnknownOrderer: signatures that make no quorum.
	OrdererTwice   Reason = "orderer_twice"
	UnknownOrderer Reason = "unknown_orderer"
	// MissingConfig: a block was signed under a configuration that isn't in the proof.
	MissingConfig Reason = "missing_config"
	// BadConfig: a configuration that can't be read, or that no consortium could run with.
	BadConfig Reason = "bad_config"
	// UnauthorisedConfig: a change of the configuration that wasn't signed by those whom it needed.
	UnauthorisedConfig Reason = "unauthorised_config"

	// MissingBlock: the block in which the record is, or the chaincode's definition, isn't in the proof.
	MissingBlock Reason = "missing_block"
	// NeedlessBlock: a block that proves nothing that the proof is about.
	NeedlessBlock Reason = "needless_block"
	// BadTransaction: a transaction that can't be read, or whose parts don't belong together.
	BadTransaction Reason = "bad_transaction"
	// WrongTransaction: the block has another transaction where the record's should be.
	WrongTransaction Reason = "wrong_transaction"
	// PolicyNotMet: too few, or not the right organisations have endorsed a transaction.
	PolicyNotMet Reason = "policy_not_met"
	// NotInTransaction: the transaction doesn't hold the record, or not as the receipt says.
	NotInTransaction Reason = "not_in_transaction"

	// WrongTrace: what was proved is another lineage than the one that was asked for, or none.
	WrongTrace Reason = "wrong_trace"
	// CutTrace: the lineage was ended early, where a whole one was asked for.
	CutTrace Reason = "cut_trace"
	// BrokenTrace: records of a trace that aren't connected with what it is of.
	BrokenTrace Reason = "broken_trace"
)

// A Refusal is why a proof, or a part of it, isn't accepted.
type Refusal struct {
	Reason Reason
	// Where is the part that was looked at: "receipt 0, HarborMSP", "block 7".
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

// ReasonOf is the reason of an error that is, or wraps, a *Refusal; "" of others.
func ReasonOf(err error) Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func refuse(reason Reason, format string, args ...any) error {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// at adds where something was refused; the place of an outer part stands first.
func at(err error, format string, args ...any) error {
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
