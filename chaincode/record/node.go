package record

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// ArtifactRef is the name of one version of an artifact:
// kind/namespace/name@version.
type ArtifactRef struct{ Kind, Namespace, Name, Version string }

func (r ArtifactRef) String() string { return r.Series() + "@" + r.Version }

// Series is the name that all versions of the artifact share.
func (r ArtifactRef) Series() string { return r.Kind + "/" + r.Namespace + "/" + r.Name }

// ArtifactKinds are the kinds of artifact there are.
var ArtifactKinds = []string{"dataset", "model", "code", "document"}

// ParseArtifactRef reads kind/namespace/name@version.
func ParseArtifactRef(s string) (ArtifactRef, error) {
	series, version, ok := strings.Cut(s, "@")
	parts := strings.Split(series, "/")
	if !ok || len(parts) != 3 {
		return ArtifactRef{}, fmt.Errorf(
			"%q is not the name of an artifact version, such as dataset/lab/readings@1",
			Brief(s),
		)
	}
	r := ArtifactRef{parts[0], parts[1], parts[2], version}
	for _, part := range []struct {
		what, text string
		rule       func(string) string
	}{{"kind", r.Kind, among(ArtifactKinds...)}, {"namespace", r.Namespace, namespaceRule}, {"name", r.Name, nameRule},
		{"version", r.Version, versionRule}} {
		if complaint := part.rule(part.text); complaint != "" {
			return ArtifactRef{}, fmt.Errorf("in %q, the %s %q %s", Brief(s), part.what, Brief(part.text), complaint)
		}
	}
	return r, nil
}

// namespaceRule restricts namespaces to lower-case ASCII, so that two namespaces
// never look alike.
func namespaceRule(s string) string {
	if !spelled(s, 64, func(c byte) bool { return c == '-' || c == '.' || lower(c) || digit(c) }) {
		return "must be 1 to 64 of a-z, 0-9, - and ., beginning with a letter or digit"
	}
	return ""
}

func nameRule(s string) string {
	if !spelled(s, 128, func(c byte) bool { return strings.IndexByte("-._", c) >= 0 || lower(c|0x20) || digit(c) }) {
		return "must be 1 to 128 of letters a-z, digits, -, . and _, beginning with a letter or digit"
	}
	return ""
}

func versionRule(s string) string {
	if !spelled(s, 64, func(c byte) bool { return strings.IndexByte("-._+", c) >= 0 || lower(c|0x20) || digit(c) }) {
		return "must be 1 to 64 of letters a-z, digits, -, ., _ and +, beginning with a letter or digit"
	}
	return ""
}

func spelled(s string, most int, may func(byte) bool) bool {
	if s == "" || len(s) > most || !(lower(s[0]|0x20) || digit(s[0])) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !may(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func digit(c byte) bool { return c >= '0' && c <= '9' }

// NodeKind says what a node of the lineage graph is.
type NodeKind uint8

// The kinds of node.
const (
	NodeThing    NodeKind = iota + 1 // a serialised item, a lot, or another URI that events name
	NodeArtifact                     // kind/namespace/name@version
	NodeRecord                       // a record id
)

// maxNode bounds the text of a node, in bytes.
const maxNode = 2048

// ParseNode reads a node in any spelling and returns its canonical spelling. For
// things with a GS1 key that is the canonical GS1 Digital Link URI.
func ParseNode(s string) (string, NodeKind, error) {
	if len(s) > maxNode {
		return "", 0, fmt.Errorf("%q has %d bytes, more than the %d that a node may have", Brief(s), len(s), maxNode)
	}
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, idPrefix) {
		id, err := ParseID(s)
		return string(id), NodeRecord, err
	}
	for _, kind := range ArtifactKinds {
		if strings.HasPrefix(s, kind+"/") {
			r, err := ParseArtifactRef(s)
			return r.String(), NodeArtifact, err
		}
	}
	thing := epcis.Thing(s)
	if u, err := url.Parse(thing); err != nil || !u.IsAbs() {
		return "", 0, fmt.Errorf(
			"%q is no node: give a record id (ni:///sha-256;…), an artifact version (dataset/lab/readings@1), or the URI of a thing (https://id.gs1.org/01/…/10/…, urn:epc:id:…)",
			Brief(s),
		)
	}
	return thing, NodeThing, nil
}

// refRule accepts what an activity may use and an artifact may be derived from: an artifact version or a record.
func refRule(s string) string {
	if _, err := ParseID(s); err == nil {
		return ""
	}
	if _, err := ParseArtifactRef(s); err == nil {
		return ""
	}
	return "is neither an artifact version (dataset/lab/readings@1) nor a record id (ni:///sha-256;…)"
}

func recordRule(s string) string {
	if _, err := ParseID(s); err != nil {
		return "is not a record id (ni:///sha-256;…)"
	}
	return ""
}

// nodeRule accepts any node in its canonical spelling.
func nodeRule(s string) string {
	node, _, err := ParseNode(s)
	if err != nil {
		return "is neither a thing, an artifact version nor a record id"
	}
	if node != s {
		return fmt.Sprintf("must be spelled %q here", node)
	}
	return ""
}
