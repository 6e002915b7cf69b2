package croissant

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/formats/tree"
)

// namespaces maps the prefixes that this package uses to namespaces.
var namespaces = map[string]string{
	"sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
	"dct":  "http://purl.org/dc/terms/",
	"prov": "http://www.w3.org/ns/prov#", "odrl": "http://www.w3.org/ns/odrl/2/",
	"rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}

// terms maps those terms of Croissant's standard context that aren't from schema.org.
var terms = map[string]string{
	"conformsTo": "dct:conformsTo", "citeAs": "cr:citeAs", "isLiveDataset": "cr:isLiveDataset",
	"sdVersion": "cr:sdVersion", "md5": "cr:md5",
	"containedIn": "cr:containedIn", "recordSet": "cr:recordSet", "fileObject": "cr:fileObject",
	"fileSet": "cr:fileSet",
}

// aliases maps other names of a property to the one that this package uses.
var aliases = map[string]string{
	"sc:containedIn": "cr:containedIn",
	"sc:md5":         "cr:md5",
	"cr:sha256":      "sc:sha256",
	"sc:licence":     "sc:license",
}

// names resolves the names that a document uses.
type names struct {
	vocabulary string            // namespace of names without a prefix; "" if the document doesn't set one
	own        map[string]string // names and prefixes that the document's context defines, with their IRIs
	known      map[string]string // names resolved before
}

// namesOf reads a context. A context that is only a URL is taken for Croissant's standard one.
func namesOf(context tree.Node) *names {
	n := &names{own: map[string]string{}, known: map[string]string{}}
	for _, c := range context.Each() {
		for _, m := range c.Members {
			meaning := m.Value.Scalar()
			if m.Value.Kind == tree.Object {
				meaning = m.Value.Get("@id").Scalar()
			}
			switch {
			case m.Name == "@vocab":
				n.vocabulary = meaning
			case meaning != "" && !strings.HasPrefix(m.Name, "@"):
				n.own[m.Name] = meaning
			}
		}
	}
	return n
}

// meaning resolves a name. The result has one of this package's prefixes if there is one for its namespace.
func (n *names) meaning(name string) string {
	found, ok := n.known[name]
	if !ok {
		found = n.look(name)
		n.known[name] = found
	}
	return found
}

func (n *names) look(name string) string {
	if meaning, ok := n.own[name]; ok && meaning != name {
		name = meaning
	} else if standard, ok := terms[name]; ok {
		name = standard
	}
	prefix, rest, ok := strings.Cut(name, ":")
	switch {
	case !ok && n.vocabulary != "":
		name = n.vocabulary + name
	case !ok:
		name = "sc:" + name
	case n.own[prefix] != "":
		name = n.own[prefix] + rest
	}
	return called(name)
}

// called replaces a known namespace at the start of an IRI by its prefix.
func called(name string) string {
	name = strings.Replace(name, "http://schema.org/", "https://schema.org/", 1)
	name = strings.Replace(name, "https://mlcommons.org/", "http://mlcommons.org/", 1)
	if prefix, rest, ok := strings.Cut(name, ":"); ok && prefix == "schema" {
		name = "sc:" + rest
	}
	best := ""
	for prefix, address := range namespaces {
		if strings.HasPrefix(name, address) && len(address) > len(namespaces[best]) {
			best = prefix
		}
	}
	if best != "" {
		name = best + ":" + name[len(namespaces[best]):]
	}
	if other, ok := aliases[name]; ok {
		return other
	}
	return name
}

// Node is a node of the document. Its members are looked up by the meaning of their names.
type Node struct {
	tree.Node
	names *names
}

// all returns the values of a property.
func (n Node) all(name string) []Node {
	var all []Node
	for _, m := range n.Members {
		if strings.HasPrefix(m.Name, "@") || n.names.meaning(m.Name) != name {
			continue
		}
		for _, v := range m.Value.Each() {
			if v.Kind == tree.Object && v.Has("@list") {
				for _, item := range v.Get("@list").Each() {
					all = append(all, Node{item, n.names})
				}
				continue
			}
			all = append(all, Node{v, n.names})
		}
	}
	return all
}

// first returns the first value of the first given property that has one, or a null node.
func (n Node) first(names ...string) Node {
	for _, name := range names {
		if all := n.all(name); len(all) > 0 {
			return all[0]
		}
	}
	return Node{tree.Node{Pointer: n.Pointer, Line: n.Line}, n.names}
}

func (n Node) has(names ...string) bool {
	for _, name := range names {
		if len(n.all(name)) > 0 {
			return true
		}
	}
	return false
}

func (n Node) texts(name string) []string {
	var all []string
	for _, v := range n.all(name) {
		if text := v.text(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// text returns the text of a value. In an object it is the member @value or @id, the English text, or the text in the
// first of its other languages.
func (n Node) text() string {
	if n.Kind != tree.Object {
		return n.Scalar()
	}
	for _, name := range []string{"@value", "@id", "en"} {
		if text := n.Get(name).Scalar(); text != "" {
			return text
		}
	}
	for _, m := range n.Members {
		if isLanguage(m.Name) && m.Value.Kind == tree.String {
			return m.Value.Scalar()
		}
	}
	return ""
}

// isLanguage reports whether a name is a language tag such as de or pt-BR, in an object that maps languages to texts.
func isLanguage(name string) bool {
	tag, _, _ := strings.Cut(name, "-")
	return len(tag) == 2 && strings.ToLower(tag) == tag && !strings.ContainsAny(name, ":@")
}

// is reports whether a node has a type.
func (n Node) is(name string) bool {
	for _, t := range n.Get("@type").Texts() {
		if n.names.meaning(t) == name {
			return true
		}
	}
	return false
}
