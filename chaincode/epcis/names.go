package epcis

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// The GS1 vocabularies. The prefix gs1 means the first of them whatever a
// document says, because documents in use still declare an older address.
const (
	gs1Vocabulary   = "https://ref.gs1.org/voc/"
	cbvVocabulary   = "https://ref.gs1.org/cbv/"
	epcisVocabulary = "https://ref.gs1.org/epcis/"
	rdfsVocabulary  = "http://www.w3.org/2000/01/rdf-schema#"
)

// namespaces resolves prefixes as the @context of a document and of an event
// declare them. Contexts named by address only are not fetched: what a record
// means may not depend on what a web server says today. The prefixes of GS1's
// own context are known.
type namespaces struct {
	document, event *canonical.Value // either may be nil
}

// namespace gives the URI of a prefix.
func (n namespaces) namespace(prefix string) (string, bool) {
	if prefix == "gs1" {
		return gs1Vocabulary, true
	}
	if uri, ok := declared(n.event, prefix); ok {
		return uri, true
	}
	if uri, ok := declared(n.document, prefix); ok {
		return uri, true
	}
	switch prefix {
	case "cbv":
		return cbvVocabulary, true
	case "epcis":
		return epcisVocabulary, true
	case "cbvmda":
		return "urn:epcglobal:cbv:mda", true // as the hash rules have it: without a final colon
	case "rdfs":
		return rdfsVocabulary, true
	case "owl":
		return "http://www.w3.org/2002/07/owl#", true
	case "xsd":
		return "http://www.w3.org/2001/XMLSchema#", true
	case "dcterms":
		return "http://purl.org/dc/terms/", true
	}
	return "", false
}

// declared searches one @context: the last declaration counts.
func declared(context *canonical.Value, prefix string) (string, bool) {
	if context == nil {
		return "", false
	}
	switch context.Kind {
	case canonical.Array:
		for i := len(context.Items) - 1; i >= 0; i-- {
			if uri, ok := declared(&context.Items[i], prefix); ok {
				return uri, true
			}
		}
	case canonical.Object:
		if v := find(context, prefix); v != nil {
			if v.Kind == canonical.Object {
				v = find(v, "@id")
			}
			if v != nil && v.Kind == canonical.String && v.Text != "" {
				return v.Text, true
			}
		}
	}
	return "", false
}

// expand splits the name of an extension member into namespace and local name:
// a compact name by its declared prefix; a full URI (https://…, urn:…) after
// its last slash, hash or, in URNs, colon, so that both spellings of one name
// are equal. It reports false for a bare name and for an undeclared prefix.
func (n namespaces) expand(name string) (namespace, local string, ok bool) {
	prefix, local, found := strings.Cut(name, ":")
	if !found {
		return "", name, false
	}
	if strings.HasPrefix(local, "//") {
		end := strings.LastIndexAny(name, "/#") + 1
		return name[:end], name[end:], true
	}
	if uri, ok := n.namespace(prefix); ok {
		return uri, local, true
	}
	if prefix == "urn" {
		end := strings.LastIndexAny(name, "/#:") + 1
		return name[:end], name[end:], true
	}
	return "", name, false
}

// curie gives the two parts of a value that is a compact name in one of the
// GS1 vocabularies. Compact names in other people's vocabularies are left as
// they are, as the hash rules say.
func (n namespaces) curie(value string) (namespace, local string, ok bool) {
	prefix, local, found := strings.Cut(value, ":")
	if !found || strings.HasPrefix(local, "//") || prefix == "urn" || prefix == "http" || prefix == "https" {
		return "", "", false
	}
	switch uri, _ := n.namespace(prefix); uri {
	case gs1Vocabulary, cbvVocabulary, epcisVocabulary:
		return uri, local, true
	}
	return "", "", false
}

// find is Lookup without copying.
func find(v *canonical.Value, name string) *canonical.Value {
	for i := range v.Members {
		if v.Members[i].Name == name {
			return &v.Members[i].Value
		}
	}
	return nil
}
