package proof

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Recording says that an organisation recorded a record in a transaction. The chaincode took the organisation and the
// subject from the submitter's certificate, and the time from the proposal, which has the submitter's clock.
type Recording struct {
	Tx      string `json:"tx"`
	MSPID   string `json:"mspId"`
	Subject string `json:"subject"`
	Time    string `json:"time"`
	// Version is the place of the transaction on the ledger. The peers found the transaction valid, or it would have none.
	Version
}

// Attested is what a receipt proves: that the peers of some organisations had a record in their committed state.
type Attested struct {
	ID     record.ID       `json:"id"`
	Noun   string          `json:"noun"`
	Record json.RawMessage `json:"record"`
	// SignedBy are the MSP ids of the organisations whose peers signed.
	SignedBy []string `json:"signedBy"`
	// Asked is the time of the question. The asker set it, but peers sign it and answer only within 15 minutes of it.
	Asked time.Time `json:"asked"`
	// AskedBy is the MSP id and the certificate's subject in the question. The verifier doesn't check that certificate.
	AskedBy string `json:"askedBy"`
	// Recordings are in ledger order. More means that there are others, which may be earlier.
	Recordings []Recording `json:"recordings"`
	More       bool        `json:"more,omitempty"`

	named []string // the transactions that the question named
}

// reading is the answer of the chaincode's function Read.
type reading struct {
	ID         string          `json:"id"`
	Record     json.RawMessage `json:"record"`
	Recordings []struct {
		Tx      string `json:"tx"`
		MSPID   string `json:"mspId"`
		Subject string `json:"subject"`
		Time    string `json:"time"`
	} `json:"recordings"`
	More  bool     `json:"more"`
	Named []string `json:"named"`
}

// success is the status of a successful answer, as Fabric's shim defines it.
const success = 200

// check verifies a receipt.
func (r *Receipt) check(t *Trust) (*Attested, error) {
	action, err := OpenAction(r.Answer)
	if err != nil {
		return nil, err
	}
	a, err := readAnswer(action, t.Chaincode)
	if err != nil {
		return nil, err
	}
	q := Question{
		Channel: t.Channel, Chaincode: t.Chaincode, ID: a.ID, Named: a.named,
		Creator: r.Creator, Nonce: r.Nonce, Time: r.Time,
	}
	if !bytes.Equal(q.hash(), action.ProposalHash) {
		return nil, refuse(OtherQuestion, "what was signed is no answer to the question for %s on this channel", a.ID)
	}
	creator, err := parseExactIdentity(r.Creator)
	if err != nil {
		return nil, At(err, "who asked")
	}
	if r.Time.IsZero() { // it would be taken for the time at which each certificate was issued
		return nil, refuse(OutsideValidity, "no certificate is valid at the time of the question, the beginning of time")
	}
	a.Asked, a.AskedBy = r.Time, creator.String()
	previous := ""
	for _, e := range r.Endorsements {
		id, err := parseExactIdentity(e.Endorser)
		if err != nil {
			return nil, err
		}
		if err := t.checkPeer(id, r.Time); err != nil {
			return nil, At(err, "%s", id.MSPID)
		}
		if err := id.Verify(slices.Concat(r.Answer, e.Endorser), e.Signature); err != nil {
			return nil, At(err, "%s", id.MSPID)
		}
		if slices.Contains(a.SignedBy, id.MSPID) {
			return nil, refuse(OrganisationTwice, "%s has signed it twice, and counts once", id.MSPID)
		}
		if id.MSPID < previous {
			return nil, refuse(NotCanonical, "the organisations aren't in the order of their names")
		}
		previous = id.MSPID
		a.SignedBy = append(a.SignedBy, id.MSPID)
	}
	if len(a.SignedBy) < t.Agree {
		return nil, refuse(TooFewOrganisations, "%d organisations have signed it (%s), and it takes %d",
			len(a.SignedBy), strings.Join(a.SignedBy, ", "), t.Agree)
	}
	return a, nil
}

// checkPeer checks that an identity is a peer of a trusted organisation, and that its certificate was valid at a time.
func (t *Trust) checkPeer(id *Identity, when time.Time) error {
	o := t.organisation(id.MSPID)
	if o == nil {
		return refuse(UnknownOrganisation,
			"the trust file doesn't have it; if it has joined since, export the trust file again; "+
				"if it has left, use the old one")
	}
	if err := o.Check(id, when); err != nil {
		return err
	}
	if !o.Is(id, Peer) {
		return refuse(WrongRole, "%s is no peer", id)
	}
	return nil
}

// readAnswer reads the chaincode's answer and the versions of the keys that it read.
func readAnswer(action *Action, chaincode string) (*Attested, error) {
	if action.Chaincode != chaincode {
		return nil, refuse(WrongChaincode, "the chaincode %q has answered", action.Chaincode)
	}
	if action.Status != success {
		return nil, refuse(NotRecorded, "the answer is a failure: status %d", action.Status)
	}
	for namespace, set := range action.Results {
		if len(set.GetWrites()) > 0 || len(set.GetMetadataWrites()) > 0 {
			return nil, refuse(BadAnswer, "a question writes nothing, and this wrote to the namespace %q", namespace)
		}
	}
	var m reading
	decoder := json.NewDecoder(bytes.NewReader(action.Answer))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, refuse(BadAnswer, "the chaincode's answer can't be understood: %v", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, refuse(BadAnswer, "something stands after the chaincode's answer")
	}
	id, err := record.ParseID(m.ID)
	if err != nil {
		return nil, refuse(BadAnswer, "the answer's id: %v", err)
	}
	if sum := record.Sum(m.Record); sum != id {
		return nil, refuse(WrongRecord, "the answer calls the record %s, and its bytes make %s", id, sum)
	}
	a := &Attested{ID: id, Record: m.Record, More: m.More, named: m.Named}
	if a.Noun, err = nounOf(m.Record); err != nil {
		return nil, err
	}
	// A map, because the signatures aren't checked yet, so the answer may be very long.
	versions := map[string]Version{}
	for _, r := range action.Results[chaincode].GetReads() {
		if r.GetVersion() != nil {
			versions[r.GetKey()] = Version{Block: r.GetVersion().GetBlockNum(), Position: r.GetVersion().GetTxNum()}
		}
	}
	for _, one := range m.Recordings {
		version, ok := versions[record.PackKey(one.Tx)]
		if !ok {
			return nil, refuse(NotRecorded, "the peers haven't read the records of transaction %s, in which they say it is",
				one.Tx)
		}
		a.Recordings = append(a.Recordings, Recording{one.Tx, one.MSPID, one.Subject, one.Time, version})
	}
	if len(a.Recordings) == 0 {
		return nil, refuse(NotRecorded, "no transaction has recorded it")
	}
	slices.SortFunc(a.Recordings, func(x, y Recording) int { return x.Version.compare(y.Version) })
	return a, nil
}

func (v Version) compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Block, w.Block), cmp.Compare(v.Position, w.Position))
}

// nounOf reads the noun of a record. It doesn't check the rest: the rules may have changed since the ledger accepted
// the record.
func nounOf(body []byte) (string, error) {
	v, err := canonical.ParseCanonical(body, canonical.Limits{Bytes: record.MaxBytes, Depth: record.MaxDepth})
	if err != nil {
		return "", refuse(BadAnswer, "the record isn't canonical JSON: %v", err)
	}
	noun, version, ok := strings.Cut(v.Get("record").Text, "/")
	if !ok || version == "" {
		return "", refuse(BadAnswer, "the record doesn't say what it is")
	}
	return noun, nil
}

// String describes a version for people.
func (v Version) String() string { return fmt.Sprintf("block %d, position %d", v.Block, v.Position) }
