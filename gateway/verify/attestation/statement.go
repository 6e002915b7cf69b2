package attestation

import (
	"fmt"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// StatementType is the type of statements in version 1 of in-toto's attestation framework.
const StatementType = "https://in-toto.io/Statement/v1"

// Statement is the content of an in-toto statement, as far as it is read here. The predicate may be of any type. The
// fields from Builder on are read from SLSA provenance only.
type Statement struct {
	PredicateType string    `json:"predicateType"`
	Subjects      []Subject `json:"subjects"`
	Builder       string    `json:"builder,omitempty"`      // who made the subjects, according to the predicate
	BuildType     string    `json:"buildType,omitempty"`    // how they were made
	Invocation    string    `json:"invocation,omitempty"`   // the run; a record id if a gateway made the statement
	Dependencies  int       `json:"dependencies,omitempty"` // how many things they were made from
	Ledger        *Ledger   `json:"ledger,omitempty"`       // nil unless a gateway made the statement
}

// Subject is something that a statement is about. Any of its digests identifies it.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// Ledger says from which record, and when, a gateway made a statement. In SLSA's metadata it is the member
// "pedigree_ledger".
type Ledger struct {
	Channel     string    `json:"channel"`
	MSPID       string    `json:"mspId"`  // the organisation that recorded it
	Record      string    `json:"record"` // the id of the record that says how the subjects were made
	Transaction string    `json:"transaction"`
	Block       uint64    `json:"block"`
	AsOf        uint64    `json:"asOfBlock"`  // the statement describes the ledger after this block
	ExportedOn  time.Time `json:"exportedOn"` // when the statement was signed, by the signer's clock
	Proof       string    `json:"proof,omitempty"`
}

// Made returns the time at which the statement claims to be signed. It is zero if the statement has none.
func (s *Statement) Made() time.Time {
	if s.Ledger == nil {
		return time.Time{}
	}
	return s.Ledger.ExportedOn
}

// digestLengths are the lengths of digests in hexadecimal. Digests of other algorithms may have any form.
var digestLengths = map[string]int{
	"sha1": 40, "gitCommit": 40, "sha224": 56, "sha256": 64, "dirHash": 64, "sha384": 96, "sha512": 128, "blake2b": 128,
	"blake3": 64,
}

const maxSubjects = 100_000

// readStatement reads a payload. The caller has checked its signatures.
func readStatement(payload []byte) (*Statement, error) {
	v, err := canonical.Parse(payload, canonical.Limits{Bytes: MaxFile, Depth: 64, Values: maxValues})
	if err != nil {
		return nil, refuse(proof.Malformed, "payload", "it is no JSON object with each member once: %v", err)
	}
	if kind := v.Get("_type").Text; kind != StatementType {
		return nil, refuse(proof.UnsupportedVersion, "payload", "it is of the type %q, and this program reads %s",
			brief(kind), StatementType)
	}
	s := &Statement{PredicateType: v.Get("predicateType").Text}
	if s.PredicateType == "" || v.Get("predicate").Kind != canonical.Object {
		return nil, refuse(proof.Malformed, "payload", "a statement has a predicateType and a predicate")
	}
	list := v.Get("subject").Items
	if len(list) == 0 || len(list) > maxSubjects {
		return nil, refuse(proof.Malformed, "payload, subject", "a statement has 1 to %d subjects", maxSubjects)
	}
	for i, item := range list {
		subject, err := readSubject(item, fmt.Sprintf("payload, subject[%d]", i))
		if err != nil {
			return nil, err
		}
		s.Subjects = append(s.Subjects, subject)
	}
	return s, s.readProvenance(v.Get("predicate"))
}

func readSubject(v canonical.Value, where string) (Subject, error) {
	s := Subject{Name: v.Get("name").Text, Digest: map[string]string{}}
	digests := v.Get("digest")
	if len(digests.Members) == 0 {
		return s, refuse(proof.Malformed, where, "a subject has a digest")
	}
	for _, m := range digests.Members {
		n, known := digestLengths[m.Name]
		if m.Value.Kind != canonical.String || m.Value.Text == "" || known && !lowerHex(m.Value.Text, n) {
			return s, refuse(proof.Malformed, where+", "+brief(m.Name),
				"%q isn't a digest of this kind, which has %d lower-case hexadecimal digits", brief(m.Value.Text), n)
		}
		s.Digest[m.Name] = m.Value.Text
	}
	return s, nil
}

// readProvenance reads a predicate if it is SLSA provenance.
func (s *Statement) readProvenance(predicate canonical.Value) error {
	if s.PredicateType != "https://slsa.dev/provenance/v1" {
		return nil
	}
	definition, details := predicate.Get("buildDefinition"), predicate.Get("runDetails")
	s.BuildType = definition.Get("buildType").Text
	s.Dependencies = len(definition.Get("resolvedDependencies").Items)
	s.Builder, s.Invocation = details.Get("builder").Get("id").Text, details.Get("metadata").Get("invocationId").Text
	if s.BuildType == "" || s.Builder == "" || definition.Get("externalParameters").Kind != canonical.Object {
		return refuse(
			proof.Malformed,
			"payload, predicate",
			"SLSA provenance has buildType, externalParameters and builder.id",
		)
	}
	ledger, ok := details.Get("metadata").Lookup("pedigree_ledger")
	if !ok {
		return nil
	}
	const where = "payload, pedigree_ledger"
	l := &Ledger{
		Channel: ledger.Get("channel").Text, MSPID: ledger.Get("mspId").Text, Record: ledger.Get("record").Text,
		Transaction: ledger.Get("transaction").Text, Proof: ledger.Get("proof").Text,
	}
	for name, into := range map[string]*uint64{"block": &l.Block, "asOfBlock": &l.AsOf} {
		n, ok := ledger.Get(name).Int()
		if !ok || n < 0 {
			return refuse(proof.Malformed, where, "%s isn't the number of a block", name)
		}
		*into = uint64(n)
	}
	var err error
	if l.ExportedOn, err = time.Parse(time.RFC3339Nano, ledger.Get("exportedOn").Text); err != nil {
		return refuse(proof.Malformed, where, "exportedOn isn't a time")
	}
	s.Ledger = l
	return nil
}

func lowerHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}

func brief(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
