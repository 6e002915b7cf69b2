package web

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Kind says what something on the ledger is. All pages show a kind with the same word, colour and shape. The colour
// is the custom property --kind-SLUG of the style sheet. The shape is a path in a box of 24 by 24.
type Kind struct {
	Slug, Word, Words string // name in the style's class, word for one, word for several
	Path              string
}

// Kinds are all kinds. The last one is for everything that is none of the others.
var Kinds = []Kind{
	{"lot", "lot", "lots", "M12 2.5 20.2 7.2V16.8L12 21.5 3.8 16.8V7.2Z"},
	{"item", "item", "items", "M5 4H19A1 1 0 0 1 20 5V19A1 1 0 0 1 19 20H5A1 1 0 0 1 4 19V5A1 1 0 0 1 5 4Z"},
	{"event", "event", "events", "M12 3.5A8.5 8.5 0 1 1 12 20.5A8.5 8.5 0 1 1 12 3.5Z"},
	{"dataset", "dataset", "datasets", "M4 6.5C4 4.6 7.6 3 12 3S20 4.6 20 6.5V17.5C20 19.4 16.4 21 12 21S4 19.4 4 17.5Z"},
	{"model", "model", "models", "M12 2.5 21.5 12 12 21.5 2.5 12Z"},
	{"code", "code", "code", "M2.5 12 7.5 4.5H16.5L21.5 12 16.5 19.5H7.5Z"},
	{"document", "document", "documents", "M5.5 3H14L19.5 8.5V21H5.5Z"},
	{"activity", "activity", "activities", "M8.5 5.5H15.5A6.5 6.5 0 0 1 15.5 18.5H8.5A6.5 6.5 0 0 1 8.5 5.5Z"},
	{"statement", "statement", "statements", "M4 3.5H20V16.5H13L8 21.5V16.5H4Z"},
	{"member", "organisation", "organisations", "M12 2.8 21 9.2 17.6 20H6.4L3 9.2Z"},
	{"unknown", "unknown", "unknown", "M12 5.5A6.5 6.5 0 1 1 12 18.5A6.5 6.5 0 1 1 12 5.5Z"},
}

// KindOf returns the kind of a node. The argument kind is the word that lineage answers and lists of records use:
// thing, class, event, artifact, activity, statement or member. The name decides which kind of artifact it is.
func KindOf(kind, name string) Kind {
	switch kind {
	case "thing":
		return kindBySlug("item")
	case "class":
		return kindBySlug("lot")
	case "artifact":
		word, _, _ := strings.Cut(name, "/")
		return kindBySlug(word)
	}
	return kindBySlug(kind)
}

func kindBySlug(slug string) Kind {
	for _, k := range Kinds {
		if k.Slug == slug {
			return k
		}
	}
	return Kinds[len(Kinds)-1]
}

// NodeKind returns the kind of a node of which only the name is known. It takes every record for an event.
func NodeKind(node string) Kind {
	name, kind, err := record.ParseNode(node)
	switch {
	case err != nil:
		return KindOf("unknown", "")
	case kind == record.NodeArtifact:
		return KindOf("artifact", name)
	case kind == record.NodeThing && strings.Contains(name, "/10/"):
		return KindOf("class", name)
	case kind == record.NodeThing:
		return KindOf("thing", name)
	}
	return KindOf("event", name)
}

// icon draws the shape of a kind. Templates put the word beside it or in a title.
func icon(k Kind) template.HTML {
	return template.HTML(
		fmt.Sprintf(
			`<svg class="kind kind-%s" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="%s"/></svg>`,
			k.Slug,
			k.Path,
		),
	)
}
