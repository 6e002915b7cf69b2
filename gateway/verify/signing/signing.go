// Package signing records with a person's own key, through a gateway that isn't trusted.
//
// The person means a record. The gateway knows the ledger: it finds what the record refers to, collects endorsements and
// submits the transaction. Three things are signed, and each is made here, of what the person means:
//
//	s, _ := signing.Begin(key, intent)      // nonce and time are the person's own
//	first, _ := s.Proposal(preparation)     // POST /v1/prepare has answered with it
//	second, _ := s.Transaction(endorsed)    // POST /v1/endorse has answered with it, to first
//	                                        // POST /v1/submit takes second
//
// Of the gateway's answers only three things are taken: the digest of an artifact version that a statement is about, the
// places where the ledger has what the record refers to, and the endorsers' answer. The chaincode refuses a wrong digest
// and a wrong place. Everything else must be what this package makes itself, or nothing is signed.
package signing

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
)

// Intent is what a person means to record, and where.
type Intent struct {
	Channel, Chaincode string
	// Noun is that of a statement, an artifact or an activity.
	Noun record.Noun
	// Body is what the gateway's route for the noun takes, in JSON. No artifact in it has a card.
	Body []byte
}

// functions record the nouns of which there can be an intent.
var functions = map[record.Noun]string{
	record.NounStatement: "Statements:Submit", record.NounArtifact: "Artifacts:Submit",
	record.NounActivity: "Activities:Submit",
}

// Limits of what a gateway may answer, in bytes.
const (
	maxProposal  = 4 << 20
	maxPayload   = 8 << 20
	maxWitnesses = 1 << 20
)

// Session is one record on its way to the ledger. Its nonce is used for one transaction only.
type Session struct {
	key      *Key
	intent   Intent
	body     canonical.Value
	nonce    []byte
	time     time.Time
	records  []*record.Record // the one that is meant is the last
	proposal *prepared.Proposal
}

// Begin begins to record what a person means.
func Begin(key *Key, intent Intent) (*Session, error) {
	s := &Session{key: key, intent: intent, nonce: make([]byte, prepared.NonceBytes), time: time.Now().UTC()}
	if functions[intent.Noun] == "" {
		return nil, fmt.Errorf("nobody signs a record of the noun %q for themselves", record.Brief(string(intent.Noun)))
	}
	if _, err := rand.Read(s.nonce); err != nil {
		return nil, err
	}
	var err error
	if s.body, err = canonical.Parse(intent.Body, canonical.Limits{Bytes: record.MaxBytes}); err != nil {
		return nil, fmt.Errorf("the record can't be read: %w", err)
	}
	for _, artifact := range append(s.generated(), s.body) {
		if artifact.Has("card") {
			return nil, errors.New(
				"an artifact with a card can't be signed with a key of one's own: the gateway reads the card")
		}
	}
	return s, nil
}

// Request is the body for POST /v1/prepare.
func (s *Session) Request() any {
	return map[string]any{"noun": s.intent.Noun, "record": json.RawMessage(s.intent.Body),
		"certificate": s.key.Certificate(), "nonce": s.nonce, "time": s.time.Format(time.RFC3339Nano)}
}

// Preparation is the answer to POST /v1/prepare, as far as it is read.
type Preparation struct {
	Proposal []byte            `json:"proposal"`
	Digest   string            `json:"digest"`
	Records  []json.RawMessage `json:"records"`
	Recorded json.RawMessage   `json:"recorded"`
}

// Signed are bytes, and the person's signature of them.
type Signed struct{ Bytes, Signature []byte }

// ID is the id of the record, which is known once the gateway has answered.
func (s *Session) ID() record.ID { return s.records[len(s.records)-1].ID }

// TransactionID is the id of the transaction, which is known once the gateway has answered.
func (s *Session) TransactionID() string { return s.proposal.TransactionID }

// Recorded checks that the gateway says of what the person means, and of nothing else, that it is recorded already.
func (s *Session) Recorded(p Preparation) error {
	bodies := make([][]byte, len(p.Records))
	for i, body := range p.Records {
		bodies[i] = body
	}
	return s.make(bodies)
}

// Proposal returns the proposal and the person's signature, if the gateway has prepared what the person means.
func (s *Session) Proposal(p Preparation) (*Signed, error) {
	if len(p.Proposal) > maxProposal {
		return nil, refuse("its proposal has %d bytes", len(p.Proposal))
	}
	if err := checkDigest(p.Digest, p.Proposal); err != nil {
		return nil, err
	}
	theirs, err := prepared.ReadProposal(p.Proposal)
	if err != nil {
		return nil, refuse("%v", err)
	}
	for _, one := range []struct {
		what         string
		theirs, mine string
	}{
		{"channel", theirs.Channel, s.intent.Channel},
		{"chaincode", theirs.Chaincode, s.intent.Chaincode},
		{"function", theirs.Function, functions[s.intent.Noun]},
	} {
		if one.theirs != one.mine {
			return nil, refuse("its %s is %q instead of %q", one.what, record.Brief(one.theirs), one.mine)
		}
	}
	switch {
	case !bytes.Equal(theirs.Creator, s.key.creator):
		return nil, refuse("it is to be signed by somebody else")
	case !bytes.Equal(theirs.Nonce, s.nonce) || !theirs.Time.Equal(s.time):
		return nil, refuse("it has another nonce or time: it was made for something else")
	}
	bodies, err := record.Unpack(theirs.Pack, record.PackLimits{})
	if err != nil {
		return nil, refuse("its records can't be read: %v", err)
	}
	if err := s.make(bodies); err != nil {
		return nil, err
	}
	if err := s.checkWitnesses(theirs.Args); err != nil {
		return nil, err
	}
	mine := theirs.Request
	if mine.Pack, err = record.Pack(bodies); err != nil { // its compression is the gateway's own
		return nil, err
	}
	if s.proposal, err = mine.Propose(); err != nil {
		return nil, err
	}
	return s.sign(s.proposal.Bytes)
}

func (s *Session) sign(message []byte) (*Signed, error) {
	signature, err := s.key.signed(message)
	return &Signed{message, signature}, err
}

// make makes the records that the person means, and refuses others in their place.
func (s *Session) make(theirs [][]byte) error {
	var mine []*record.Record
	var problems []record.Problem
	add := func(r *record.Record, wrong []record.Problem) {
		mine, problems = append(mine, r), append(problems, wrong...)
	}
	switch s.intent.Noun {
	case record.NounStatement:
		var first []byte
		if len(theirs) > 0 {
			first = theirs[0]
		}
		add(record.NewStatement(s.body, s.key.MSPID, digestsIn(first)))
	case record.NounArtifact:
		add(record.NewArtifact(s.body, s.key.MSPID))
	default:
		for _, artifact := range s.generated() {
			add(record.NewArtifact(artifact, s.key.MSPID))
		}
		if len(problems) == 0 {
			add(record.NewActivity(s.run(mine), s.key.MSPID))
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("what is to be recorded isn't valid: %s (%s)", problems[0].Detail, problems[0].Pointer)
	}
	if len(mine) != len(theirs) {
		return refuse("it has %d records instead of %d", len(theirs), len(mine))
	}
	for i, r := range mine {
		if !bytes.Equal(r.Body, theirs[i]) {
			return refuse("it is about another record: %s", record.Brief(string(theirs[i])))
		}
	}
	s.records = mine
	return nil
}

// generated are the artifact versions that stand in full in a run's body.
func (s *Session) generated() (artifacts []canonical.Value) {
	if s.intent.Noun != record.NounActivity {
		return nil
	}
	for _, entry := range s.body.Get("generated").Items {
		if full, ok := entry.Lookup("artifact"); ok {
			artifacts = append(artifacts, full)
		}
	}
	return artifacts
}

// run is a run's body, with the names of the artifact versions that stand in it in full.
func (s *Session) run(artifacts []*record.Record) canonical.Value {
	list, ok := s.body.Lookup("generated")
	if !ok || list.Kind != canonical.Array {
		return s.body
	}
	entries := slices.Clone(list.Items)
	for i, entry := range entries {
		if entry.Has("artifact") {
			ref := artifacts[0].Artifact.ArtifactRef.String()
			entries[i], artifacts = entry.Without("artifact").With("ref", canonical.Str(ref)), artifacts[1:]
		}
	}
	return s.body.With("generated", canonical.Arr(entries...))
}

// digestsIn finds the digests of artifact versions in a statement. They are the ledger's to know.
func digestsIn(statement []byte) func(ref string) string {
	r, problems := record.Decode(statement)
	return func(ref string) string {
		if len(problems) > 0 || r.Statement == nil {
			return ""
		}
		for _, subject := range r.Statement.Subjects {
			if subject.Node == ref {
				return subject.SHA256
			}
		}
		return ""
	}
}

// checkWitnesses holds the argument of the call to its form: it says where on the ledger lies what the record refers
// to, and nothing else.
func (s *Session) checkWitnesses(args [][]byte) error {
	if len(args) != 1 || len(args[0]) > maxWitnesses {
		return refuse("it has other arguments than the places of what the record refers to")
	}
	if len(args[0]) == 0 {
		return nil
	}
	var places map[string]record.Place
	err := json.Unmarshal(args[0], &places)
	again, encoding := json.Marshal(places)
	if errors.Join(err, encoding) != nil || !bytes.Equal(again, args[0]) {
		return refuse("its argument isn't a list of places on the ledger")
	}
	var references []record.Reference
	for _, r := range s.records {
		references = append(references, r.References()...)
	}
	for node, place := range places {
		if !slices.ContainsFunc(references, func(r record.Reference) bool { return r.Node == node }) {
			return refuse("it shows the place of %q, to which no record refers", record.Brief(node))
		}
		if _, err := record.ParseID(string(place.ID)); err != nil || !transactionID(place.Tx) {
			return refuse("it shows no place on the ledger for %q", record.Brief(node))
		}
	}
	return nil
}

func transactionID(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size && hex.EncodeToString(raw) == text
}

// Endorsed is the answer to POST /v1/endorse.
type Endorsed struct {
	Payload []byte `json:"payload"`
	Digest  string `json:"digest"`
}

// Transaction returns the transaction and the person's signature, if what was endorsed is what the proposal means: the
// chaincode has answered it, and writes the record and what follows from it alone.
func (s *Session) Transaction(e Endorsed) (*Signed, error) {
	if s.proposal == nil {
		return nil, errors.New("nothing has been proposed")
	}
	if len(e.Payload) > maxPayload {
		return nil, refuse("its transaction has %d bytes", len(e.Payload))
	}
	if err := checkDigest(e.Digest, e.Payload); err != nil {
		return nil, err
	}
	mine, err := s.proposal.Transaction(&common.Envelope{Payload: e.Payload})
	if err != nil {
		return nil, refuse("of the transaction, %v", err)
	}
	if !bytes.Equal(mine, e.Payload) {
		return nil, refuse("it is another transaction than the one that was proposed")
	}
	return s.sign(mine)
}

func checkDigest(digest string, message []byte) error {
	if sum := sha256.Sum256(message); digest != hex.EncodeToString(sum[:]) {
		return refuse("the digest isn't that of the bytes to sign")
	}
	return nil
}

// RefusedError says that a gateway wanted something else signed than the person meant.
type RefusedError struct{ why string }

func (e *RefusedError) Error() string {
	return "nothing was signed: the gateway's answer isn't what was asked for: " + e.why
}

func refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }
