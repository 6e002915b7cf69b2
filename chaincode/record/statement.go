package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// Statement is a claim about nodes, in the shape of an in-toto Statement v1
// (https://in-toto.io/Statement/v1) with the record's own member beside it,
// which in-toto consumers ignore as they must.
type Statement struct {
	Kind          string // name of one of StatementKinds; "attestation" if the predicate type isn't ours
	PredicateType string
	Subjects      []Subject
	Predicate     canonical.Value
}

// Subject is what a statement speaks about. in-toto wants a digest for each:
// that of a record is its id's; that of an artifact version is its own, or,
// where that isn't SHA-256, and for things, the SHA-256 of the name.
type Subject struct {
	Node   string
	SHA256 string
}

const (
	statementType   = "https://in-toto.io/Statement/v1"
	predicatePrefix = "https://pedigree-ledger.github.io/predicate/"
	predicateSuffix = "/v1"
)

// PredicateType is the URI of one of the kinds above.
func PredicateType(kind string) string { return predicatePrefix + kind + predicateSuffix }

// NewStatement makes the record of a claim that the organisation by makes. Beside the full shape it takes a
// short one, {"kind": "recall", "subject": ["dataset/lab/readings@1"],
// "predicate": {…}}, whose digests it fills in from digestOf (which may be
// nil): the SHA-256 of an artifact version, or "" if it doesn't know.
func NewStatement(v canonical.Value, by string, digestOf func(ref string) string) (*Record, []Problem) {
	if kind, ok := v.Lookup("kind"); ok && v.Kind == canonical.Object {
		if _, known := ownKind(kind.Text); !known {
			return nil, []Problem{{Code: "bad_value", Pointer: "/kind",
				Detail: "kind must be one of " + kindNames() + "; for others give a predicateType"}}
		}
		v = v.Without("kind").With("predicateType", canonical.Str(PredicateType(kind.Text)))
	}
	if v.Kind == canonical.Object && !v.Has("_type") {
		v = v.With("_type", canonical.Str(statementType))
	}
	if v.Kind == canonical.Object && !v.Has("predicate") {
		v = v.With("predicate", canonical.Obj())
	}
	if subject, ok := v.Lookup("subject"); ok {
		v = v.With(
			"subject",
			eachNode(subject, func(item canonical.Value) canonical.Value { return fillSubject(item, digestOf) }),
		)
	}
	return build(NounStatement, by, v)
}

func fillSubject(item canonical.Value, digestOf func(string) string) canonical.Value {
	if item.Kind == canonical.String {
		item = canonical.Obj(canonical.Member{Name: "name", Value: item})
	}
	name := item.Get("name")
	if item.Kind != canonical.Object || name.Kind != canonical.String {
		return item
	}
	node, kind, err := ParseNode(name.Text)
	if err != nil {
		return item
	}
	item = item.With("name", canonical.Str(node))
	if item.Has("digest") {
		return item
	}
	digest := NodeDigest(node, kind)
	if kind == NodeArtifact && digestOf != nil {
		if known := digestOf(node); known != "" {
			digest = known
		}
	}
	return item.With("digest", canonical.Obj(canonical.Member{Name: "sha256", Value: canonical.Str(digest)}))
}

// NodeDigest is the digest of a subject that has none of its own.
func NodeDigest(node string, kind NodeKind) string {
	if kind == NodeRecord {
		return ID(node).Hex()
	}
	sum := sha256.Sum256([]byte(node))
	return hex.EncodeToString(sum[:])
}

func readStatement(f *fields, version int) *Statement {
	s := new(Statement)
	f.named("_type", required, among(statementType))
	s.PredicateType = f.named("predicateType", required, func(text string) string {
		if u, err := url.Parse(text); err != nil || !u.IsAbs() || len(text) > 512 {
			return "is not an absolute URI"
		}
		return ""
	})
	s.Kind = Attestation
	if own, ok := strings.CutPrefix(s.PredicateType, predicatePrefix); ok {
		s.Kind = strings.TrimSuffix(own, predicateSuffix)
		if k, known := ownKind(s.Kind); !known || s.PredicateType != PredicateType(s.Kind) || k.Since > version {
			f.problem("bad_value", "/predicateType", "%q is none of Pedigree's predicate types", Brief(s.PredicateType))
			return s
		}
	}
	seen := map[string]bool{}
	f.list("subject", required, MaxRefs, func(v canonical.Value, pointer string) {
		f.within(v, pointer, func(f *fields) {
			subject := readSubject(f)
			if seen[subject.Node] {
				f.problem("duplicate", "/name", "%q stands twice in subject", Brief(subject.Node))
			}
			seen[subject.Node] = true
			s.Subjects = append(s.Subjects, subject)
		})
	})
	s.Predicate = f.object("predicate", required)
	if s.Kind != Attestation && s.Predicate.Kind == canonical.Object {
		f.within(s.Predicate, "/predicate", func(f *fields) { readPredicate(f, s.Kind) })
	}
	return s
}

func readSubject(f *fields) Subject {
	s := Subject{Node: f.named("name", required, nodeRule)}
	if v, ok := f.get("digest", canonical.Object, required); ok {
		f.within(v, "/digest", func(f *fields) {
			s.SHA256 = f.named("sha256", required, func(text string) string {
				if !lowerHex(text, 2*sha256.Size) {
					return "is not 64 lower-case hexadecimal digits"
				}
				return ""
			})
		})
	}
	if len(f.problems) > 0 {
		return s
	}
	// An artifact's own digest is compared where the artifact is at hand, in the chaincode.
	if _, kind, _ := ParseNode(s.Node); kind != NodeArtifact && s.SHA256 != NodeDigest(s.Node, kind) {
		f.problem("wrong_digest", "/digest/sha256", "the digest of this subject is %s", NodeDigest(s.Node, kind))
	}
	return s
}

func readPredicate(f *fields, kind string) {
	f.text("note", optional, 10_000)
	k, _ := StatementKindOf(kind)
	var from, until time.Time
	for _, m := range k.Predicate {
		switch rule := predicateRules[m.Name]; {
		case rule != nil:
			f.named(m.Name, m.Required, rule)
		case m.Name == "validFrom":
			from = f.time(m.Name, m.Required)
		case m.Name == "validUntil":
			until = f.time(m.Name, m.Required)
		default:
			f.text(m.Name, m.Required, 10_000)
		}
	}
	if !until.IsZero() && until.Before(from) {
		f.problem("bad_time", "/validUntil", "a certificate can't end before it begins")
	}
}

// predicateRules are the rules of members that are names. All other members are free text, but for the two times.
var predicateRules = map[string]func(string) string{"licence": licenceRule, "prefix": prefixRule, "replacedBy": refRule}

func prefixRule(text string) string {
	if !epcis.IsCompanyPrefix(text) {
		return fmt.Sprintf(
			"is not a GS1 Company Prefix, which has %d to %d digits", epcis.ShortestPrefix, epcis.LongestPrefix)
	}
	return ""
}

func (s *Statement) references() []Reference {
	refs := make([]Reference, 0, len(s.Subjects)+1)
	for i, subject := range s.Subjects {
		refs = append(refs, Reference{canonical.Pointer("subject", i, "name"), subject.Node})
	}
	if replacement := s.Predicate.Get("replacedBy"); s.Kind == Correction {
		refs = append(refs, Reference{"/predicate/replacedBy", replacement.Text})
	}
	return refs
}
