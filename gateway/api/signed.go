package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// A caller with a ledger key of its own records in three steps. prepare gives the proposal to sign, endorse takes it and
// gives the transaction to sign, and submit takes that and answers as the plain routes do. The gateway keeps nothing
// between the steps: whoever holds the key decides what is signed, and any step can be repeated.

// Signed records what its submitters have signed.
type Signed interface {
	// Endorse returns the payload of the transaction to sign.
	Endorse(ctx context.Context, p *prepared.Proposal, signature []byte) ([]byte, error)
	// Submit returns when the transaction is committed as valid and the index has it, however often it is called.
	Submit(ctx context.Context, txID string, payload, signature []byte) (ledger.Commit, error)
}

// window is how far the time of a proposal may be from the peers' clocks.
const window = 15 * time.Minute

// signedFunctions are the functions that callers may sign calls of, by the noun that they record.
var signedFunctions = map[record.Noun]string{
	record.NounStatement: "Statements:Submit", record.NounArtifact: "Artifacts:Submit",
	record.NounActivity: "Activities:Submit",
}

// preparation is what somebody is to sign, and what it was made of. If the organisation has recorded the same before,
// Recorded says where, and there is nothing to sign.
type preparation struct {
	MSPID       string            `json:"mspId"`
	Records     []json.RawMessage `json:"records"`
	Recorded    *receipt          `json:"recorded,omitempty"`
	Channel     string            `json:"channel,omitempty"`
	Chaincode   string            `json:"chaincode,omitempty"`
	Function    string            `json:"function,omitempty"`
	Transaction string            `json:"tx,omitempty"`
	Time        time.Time         `json:"time,omitzero"`
	Nonce       []byte            `json:"nonce,omitempty"`
	Witnesses   json.RawMessage   `json:"witnesses,omitempty"`
	Proposal    []byte            `json:"proposal,omitempty"`
	Digest      string            `json:"digest,omitempty"` // SHA-256 of Proposal
	Warnings    []warning         `json:"warnings,omitempty"`
}

// prepare makes the proposal that records something in the name of who holds a certificate.
func (s *Server) prepare(c *call) error {
	body, err := c.object(canonical.Limits{Depth: record.MaxDepth + 5}, "noun", "record", "certificate", "nonce", "time")
	if err != nil {
		return err
	}
	noun := record.Noun(body.text("noun"))
	function := signedFunctions[noun]
	if function == "" {
		body.wrong("noun", "bad_value", "must be statement, artifact or activity")
	}
	if body.Get("record").Kind != canonical.Object {
		body.wrong("record", "bad_value", "must be an object, as POST of the noun takes it")
	}
	creator := s.creator(body)
	request := prepared.Request{Channel: s.Channel, Chaincode: s.Chaincode, Function: function, Creator: creator}
	draw(&request, body)
	if err := body.err(); err != nil {
		return err
	}
	records, warnings, err := s.meant(c.Request.Context(), noun, body.Get("record"))
	if err != nil {
		return err
	}
	p := preparation{MSPID: s.MSPID, Warnings: warnings}
	bodies := make([][]byte, len(records))
	for i, r := range records {
		bodies[i] = r.Body
		p.Records = append(p.Records, r.Body)
	}
	if p.Recorded, err = s.known(c.Request.Context(), records[len(records)-1]); err != nil || p.Recorded != nil {
		if err != nil {
			return err
		}
		return c.answer(http.StatusOK, p)
	}
	if p.Witnesses, err = s.Witnesses(c.Request.Context(), s.MSPID, records); err != nil {
		return err
	}
	request.Args = [][]byte{p.Witnesses}
	if request.Pack, err = record.Pack(bodies); err != nil {
		return err
	}
	proposal, err := request.Propose()
	if err != nil {
		return err
	}
	digest := sha256.Sum256(proposal.Bytes)
	p.Channel, p.Chaincode, p.Function = request.Channel, request.Chaincode, function
	p.Transaction, p.Time, p.Nonce = proposal.TransactionID, request.Time, request.Nonce
	p.Proposal, p.Digest = proposal.Bytes, hex.EncodeToString(digest[:])
	return c.answer(http.StatusOK, p)
}

// creator is the holder of a certificate as a member of this gateway's organisation. Whether it is one, peers say.
func (s *Server) creator(body *object) []byte {
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: s.MSPID, IdBytes: []byte(body.text("certificate"))})
	if err == nil {
		_, err = proof.ParseIdentity(creator)
	}
	if err != nil {
		body.wrong("certificate", "bad_value", "must be an X.509 certificate in PEM: %v", err)
	}
	return creator
}

// draw takes nonce and time from the body, or chooses them.
func draw(r *prepared.Request, body *object) {
	r.Nonce, r.Time = body.bytes("nonce"), body.time("time")
	if !body.Has("nonce") {
		r.Nonce = make([]byte, prepared.NonceBytes)
		_, _ = rand.Read(r.Nonce) // never fails
	}
	if !body.Has("time") {
		r.Time = time.Now().UTC()
	}
	if len(r.Nonce) != prepared.NonceBytes {
		body.wrong("nonce", "bad_value", "must be %d random bytes in base64", prepared.NonceBytes)
	}
	if !timely(r.Time) {
		body.wrong("time", "bad_value", "%s", tooOld)
	}
}

// tooOld is said of a proposal that isn't timely.
const tooOld = "must be within 15 minutes of now, or peers don't endorse the proposal: prepare it again"

// timely tells whether peers endorse a proposal of a time.
func timely(at time.Time) bool { return time.Since(at).Abs() <= window }

// meant makes the records of a body as the plain route of the noun does.
func (s *Server) meant(ctx context.Context, noun record.Noun, body canonical.Value) (
	records []*record.Record, warnings []warning, err error,
) {
	var problems []record.Problem
	var outputs []described
	switch noun {
	case record.NounStatement:
		r, wrong := record.NewStatement(body, s.MSPID, s.digestOf(ctx))
		records, problems = []*record.Record{r}, wrong
	case record.NounArtifact:
		a, wrong := describe(body, s.MSPID)
		records, outputs, problems = []*record.Record{a.Record}, []described{a}, wrong
	default:
		outputs, records, _, problems = readActivity(body, s.MSPID)
	}
	if len(problems) > 0 {
		for i := range problems {
			problems[i].Pointer = "/record" + problems[i].Pointer
		}
		return nil, nil, problem.Refused(problems, false)
	}
	for _, a := range outputs {
		odd, err := s.warnings(ctx, a, a.sources())
		if err != nil {
			return nil, nil, err
		}
		warnings = append(warnings, odd...)
	}
	return records, warnings, nil
}

// known finds the organisation's own recording of a record, if there is one.
func (s *Server) known(ctx context.Context, r *record.Record) (*receipt, error) {
	all, _, err := s.Index.FirstRecordings(ctx, string(r.ID), index.Latest, 1)
	if err != nil && !errors.Is(err, index.ErrNotFound) {
		return nil, err
	}
	for _, one := range all {
		if one.MSPID == s.MSPID {
			v := receiptAt(r, s.MSPID, one.TxID, one.Block)
			v.AlreadyRecorded = true
			return &v, nil
		}
	}
	return nil, nil
}

// signedBody is what endorse and submit take: bytes, and their signature by the holder of the certificate in them.
type signedBody struct{ content, signature []byte }

// signed reads a body whose member name has the bytes.
func (c *call) signed(name string) (signedBody, error) {
	body, err := c.object(canonical.Limits{Depth: 4}, name, "signature")
	if err != nil {
		return signedBody{}, err
	}
	required := func(member string) []byte {
		raw := body.bytes(member)
		if len(raw) == 0 {
			body.wrong(member, "bad_value", "must be bytes in base64")
		}
		return raw
	}
	return signedBody{required(name), required("signature")}, body.err()
}

// endorsement is a transaction that is to be signed.
type endorsement struct {
	Transaction string `json:"tx"`
	Payload     []byte `json:"payload"`
	Digest      string `json:"digest"` // SHA-256 of Payload
}

// endorse has peers endorse a proposal that its submitter has signed.
func (s *Server) endorse(c *call) error {
	release, err := s.signings.Take(c.Request.Context(), c.caller.ID) // for it is held in memory
	if err != nil {
		return err
	}
	defer release()
	b, err := c.signed("proposal")
	if err != nil {
		return err
	}
	p, err := prepared.ReadProposal(b.content)
	if err != nil {
		return wrongMember("proposal", "bad_value", "can't be read: %v", err)
	}
	if !timely(p.Time) {
		return wrongMember("proposal", "bad_value", "has the time %s, which %s", p.Time.Format(time.RFC3339), tooOld)
	}
	if err := s.ours("proposal", p.Channel, p.Chaincode, p.Function); err != nil {
		return err
	}
	if err := s.signer("proposal", p.Creator, b); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.Wait)
	defer cancel()
	payload, err := s.Signed.Endorse(ctx, p, b.signature)
	if err != nil {
		return refusedSigner(err)
	}
	digest := sha256.Sum256(payload)
	return c.answer(http.StatusOK, endorsement{p.TransactionID, payload, hex.EncodeToString(digest[:])})
}

// ours refuses calls that this gateway records nothing by.
func (s *Server) ours(member, channel, chaincode, function string) error {
	if channel != s.Channel || chaincode != s.Chaincode {
		return wrongMember(member, "bad_value", "is for another ledger: this gateway is of the chaincode %s on the channel %s",
			s.Chaincode, s.Channel)
	}
	for _, one := range signedFunctions {
		if one == function {
			return nil
		}
	}
	return wrongMember(member, "bad_value", "calls %s, which doesn't record statements, artifacts or runs",
		record.Brief(problem.Clean(function)))
}

// signer checks that the submitter is of this gateway's organisation and has signed.
func (s *Server) signer(member string, creator []byte, b signedBody) error {
	id, err := proof.ParseIdentity(creator)
	if err != nil {
		return wrongMember(member, "bad_value", "has a submitter that can't be read: %v", err)
	}
	if id.MSPID != s.MSPID {
		return problem.New(problem.NotYours, "the submitter is of %s, and this gateway records for %s alone: "+
			"use the gateway of the submitter's own organisation", record.Brief(id.MSPID), s.MSPID)
	}
	if err := id.Verify(b.content, b.signature); err != nil {
		return wrongMember("signature", "bad_value", "is refused: %v", err)
	}
	return nil
}

// refusedSigner says of an identity that the ledger refuses that it is the caller's own.
func refusedSigner(err error) error {
	if ledger.KindOf(err) != ledger.Denied {
		return err
	}
	p := problem.New(problem.IdentityRefused, "the peers refuse the certificate: it is none that the organisation's "+
		"authority has issued, or it has expired or is revoked (%v)", err)
	p.Cause = err
	return p
}

// submitSigned records a transaction that its submitter has signed.
func (s *Server) submitSigned(c *call) error {
	release, err := s.signings.Take(c.Request.Context(), c.caller.ID) // for it is held in memory
	if err != nil {
		return err
	}
	defer release()
	b, err := c.signed("payload")
	if err != nil {
		return err
	}
	envelope, err := proto.Marshal(&common.Envelope{Payload: b.content, Signature: b.signature})
	if err != nil {
		return err
	}
	t, err := proof.OpenTransaction(envelope)
	if err != nil {
		return wrongMember("payload", "bad_value", "is no transaction: %v", err)
	}
	function := ""
	if len(t.Arguments) > 0 {
		function = string(t.Arguments[0])
	}
	if err := s.ours("payload", t.Channel, t.Action.Chaincode, function); err != nil {
		return err
	}
	if err := s.signer("payload", t.Creator.Serialized(), b); err != nil {
		return err
	}
	records, err := recordsIn(t)
	if err != nil {
		return wrongMember("payload", "bad_value", "has records that can't be read: %v", err)
	}
	if err := s.know(c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.Wait)
	defer cancel()
	commit, err := s.Signed.Submit(ctx, t.ID, b.content, b.signature)
	if err != nil {
		return unsettled(t.ID, err)
	}
	if err := s.hasRecorded(ctx, commit.TransactionID, records); err != nil {
		return err
	}
	if err := s.noteSigned(c, commit.TransactionID, len(records)); err != nil {
		return err
	}
	receipts := make([]receipt, len(records))
	for i, r := range records {
		receipts[i] = receiptAt(r, t.Creator.MSPID, commit.TransactionID, commit.Block)
	}
	last := receipts[len(receipts)-1]
	for _, r := range receipts[:len(receipts)-1] {
		last.Generated = append(last.Generated, generatedBy{r.Ref, r.ID})
	}
	return c.recorded(last)
}

// hasRecorded returns an error if a transaction that is committed has other records than these. Its id follows from
// its submitter and the nonce alone, so whoever holds the key can sign two transactions with one id. The ledger takes
// only the first.
func (s *Server) hasRecorded(ctx context.Context, txID string, records []*record.Record) error {
	t, err := s.Index.Transaction(ctx, txID, index.Latest)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(t.Records, records, func(id string, r *record.Record) bool { return id == string(r.ID) }) {
		return problem.New(problem.Conflict, "transaction %s is on the ledger with other records, so these are not: "+
			"prepare them again, with another nonce", txID)
	}
	return nil
}

// recordsIn reads the records that a transaction writes.
func recordsIn(t *proof.Transaction) ([]*record.Record, error) {
	value, ok := t.Action.Written(t.Action.Chaincode, record.PackKey(t.ID))
	if !ok {
		return nil, errors.New("it writes no pack")
	}
	_, pack, err := record.ParsePackValue(value)
	if err != nil {
		return nil, err
	}
	bodies, err := record.Unpack(pack, record.PackLimits{})
	if err != nil {
		return nil, err
	}
	records := make([]*record.Record, len(bodies))
	for i, body := range bodies {
		r, problems := record.Decode(bytes.Clone(body))
		if len(problems) > 0 {
			return nil, errors.New(problems[0].Detail)
		}
		records[i] = r
	}
	return records, nil
}

// unsettled says what became of a transaction that isn't committed as valid.
func unsettled(txID string, err error) error {
	switch kind := ledger.KindOf(err); {
	case kind == ledger.ReadConflict || kind == ledger.PolicyFailure || kind == ledger.Invalid:
		return problem.Refused([]record.Problem{{Code: "not_committed", Detail: "the ledger found the transaction " +
			"invalid, because what it read had changed or its endorsements aren't enough; prepare it again: " +
			err.Error()}}, false)
	case kind == ledger.FateUnknown || errors.Is(err, ledger.ErrUnavailable):
		p := problem.New(problem.Pending, "%s; submitting the same again is safe", strings.TrimSuffix(err.Error(), "."))
		p.Transaction, p.RetryAfter, p.Cause = txID, ledger.RetryAfter, err
		return p
	}
	return refusedSigner(err)
}
