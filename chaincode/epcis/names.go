package epcis

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// The GS1 vocabularies. The prefix gs1 always means the first of them, whatever
// a document declares: documents in use still declare an older address.
const (
	gs1Vocabulary   = "https://ref.gs1.org/voc/"
	cbvVocabulary   = "https://ref.gs1.org/cbv/"
	epcisVocabulary = "https://ref.gs1.org/epcis/"
	rdfsVocabulary  = "http://www.w3.org/2000/01/rdf-schema#"
)

// namespaces resolves the prefixes that the @context of a document and of an
// event declare. It doesn't fetch a context that is only an address: the meaning
// of a record must not depend on what a web server says today. It knows the
// prefixes of GS1's own context.
type namespaces struct {
	document, event *canonical.Value // either may be nil
}

// namespace returns the URI of a prefix.
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
		return "urn:epcglobal:cbv:mda", true // without a final colon, as in the hash rules
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

// declared searches one @context for a prefix. The last declaration counts.
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

// expand splits the name of an extension member into namespace and local name.
// For a compact name the namespace is that of its declared prefix. A full URI
// (https://…, urn:…) is split after its last slash or hash or, in URNs, colon. So
// both spellings of a name give the same result. expand reports false for a bare
// name and for an undeclared prefix.
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

// curie splits a value that is a compact name in one of the GS1 vocabularies. It
// reports false for compact names in other vocabularies, because the hash rules
// leave those as they are.
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

// find is [canonical.Value.Lookup] without copying the value.
func find(v *canonical.Value, name string) *canonical.Value {
	for i := range v.Members {
		if v.Members[i].Name == name {
			return &v.Members[i].Value
		}
	}
	return nil
}
