package scitt

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Wanted says what the caller wants a statement of. The zero value accepts every good one.
type Wanted struct {
	// ID refuses statements of another record. Optional.
	ID record.ID
	// Agree is how many organisations must give receipts. The trust file's number counts if it is higher.
	Agree int
}

// Verdict says what a statement shows.
type Verdict struct {
	Channel string          `json:"channel"`
	ID      record.ID       `json:"id"`
	Record  json.RawMessage `json:"record"`
	// Statement is who stated the record, and Receipts are in the order of the MSP ids.
	Statement Voice     `json:"statement"`
	Receipts  []Receive `json:"receipts"`
	// SetAside are receipts that don't count, because the signers' certificates have been revoked.
	SetAside []SetAside `json:"setAside,omitempty"`
	// Of is how many organisations the trust file has, and Needed how many of them had to give a receipt.
	Of     int `json:"of"`
	Needed int `json:"needed"`
	// NotProved says what all this doesn't show.
	NotProved []string `json:"notProved"`
}

// Voice is who signed.
type Voice struct {
	MSPID   string    `json:"mspId"`
	Subject string    `json:"subject"` // of the certificate
	Time    time.Time `json:"time"`    // by the signer's clock
}

// Receive is a receipt that counts.
type Receive struct {
	Voice
	Size uint64 `json:"size"` // of the tree
	Leaf uint64 `json:"leaf"` // of the record, from 0
	Root string `json:"root"` // in hexadecimal
}

// SetAside is a receipt that doesn't count, and why.
type SetAside struct {
	Voice
	Why string `json:"why"`
}

// Verify checks a statement against a trust file. It accepts the statement if enough organisations of the trust file
// give a receipt, each with a key of its own. It refuses the whole file if any signature in it is wrong. A receipt with
// a certificate that the trust file's revocation lists have doesn't count. Verify asks no network and no clock. The
// error is a *proof.Refusal.
func Verify(text []byte, trust *proof.Trust, wanted Wanted) (*Verdict, error) {
	s, err := Parse(text)
	if err != nil {
		return nil, err
	}
	v := &Verdict{
		Channel: s.Channel, ID: record.Sum(s.Record), Record: s.Record, Statement: s.voice(), Of: len(trust.Organisations),
		Needed: max(trust.Agree, wanted.Agree, 1), NotProved: []string{
			"that what the record says is true",
			"that nothing contradicts it, and that it is still in force: ask for an answer that several organisations sign",
			"who recorded it: the statement's issuer states that it is on the ledger, and may be somebody else",
			"that these organisations don't lie together; only the whole chain shows that (pedigree audit)",
		},
	}
	switch {
	case s.Channel != trust.Channel:
		return nil, refuse(proof.WrongChannel, "", "the statement is about the channel %.100q, and the trust file is of %q",
			s.Channel, trust.Channel)
	case string(s.Genesis[:]) != string(trust.Genesis):
		return nil, refuse(proof.WrongGenesis, "", "the statement is about a ledger with another first block")
	case wanted.ID != "" && wanted.ID != v.ID:
		return nil, refuse(proof.WrongRecord, "", "it states %s", v.ID)
	}
	if err := s.check(message(s.ofStatement(s.Ledger, s.Record), s.Record), trust); err != nil {
		return nil, proof.At(err, "statement")
	}
	var signers proof.Signers
	for i := range s.Receipts {
		if err := v.take(&s.Receipts[i], s, &signers, trust); err != nil {
			return nil, proof.At(err, "receipt %d, %.100s", i, s.Receipts[i].MSPID)
		}
	}
	slices.SortFunc(v.Receipts, func(a, b Receive) int { return strings.Compare(a.MSPID, b.MSPID) })
	switch {
	case len(v.Receipts) < v.Needed && len(v.Receipts)+len(v.SetAside) >= v.Needed:
		return nil, refuse(proof.Revoked, "", "%d receipts count, and %d must; %s", len(v.Receipts), v.Needed, v.SetAside[0].Why)
	case len(v.Receipts) < v.Needed:
		return nil, refuse(proof.TooFewOrganisations, "", "%d organisations gave a receipt, and %d must", len(v.Receipts),
			v.Needed)
	}
	return v, nil
}

// take checks a receipt, and adds it to the verdict.
func (v *Verdict) take(r *Receipt, s *Statement, signers *proof.Signers, trust *proof.Trust) error {
	root, ok := r.Root(s.Record)
	if !ok {
		return refuse(proof.BadInclusion, "", "a tree of %d leaves has no leaf %d with a path of %d hashes", r.Size, r.Leaf,
			len(r.Path))
	}
	err := r.check(r.ReceiptMessage(s.Ledger, r.Size, root), trust)
	if proof.ReasonOf(err) == proof.Revoked {
		v.SetAside = append(v.SetAside, SetAside{r.voice(), proof.DetailOf(err)})
		return nil
	}
	if err != nil {
		return err
	}
	if err := signers.Add(r.MSPID, r.Certificate); err != nil {
		return err
	}
	v.Receipts = append(v.Receipts, Receive{r.voice(), r.Size, r.Leaf, hex.EncodeToString(root[:])})
	return nil
}

func (s *Signature) voice() Voice { return Voice{s.MSPID, s.Certificate.Subject.String(), s.Time} }

// check checks that an administrator of an organisation in the trust file signed. A revoked certificate is reported
// last, when nothing else is wrong.
func (s *Signature) check(text []byte, trust *proof.Trust) error {
	if !onP256(s.Certificate) {
		return refuse(proof.BadSignature, "", "the key isn't on P-256, and so it can't sign with ES256")
	}
	id, revoked, err := cosigned.Identify(s.MSPID, s.Certificate, s.Time, trust)
	if err != nil {
		return err
	}
	der, err := toDER(s.Signature)
	if err != nil {
		return refuse(proof.BadSignature, "", "%v", err)
	}
	if err := id.Verify(text, der); err != nil {
		return err
	}
	return revoked
}
