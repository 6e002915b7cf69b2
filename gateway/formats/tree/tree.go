// Package tree reads JSON and YAML that others have written, into one kind of tree that remembers where everything
// stood.
//
// It is for documents that are kept as they are and only looked at, such as model cards: numbers keep the spelling they
// have, and a document that is merely unusual is read. What two readers could understand in two ways, such as a name
// that stands twice in one object, is refused, and so is what would cost more than a card is worth: deep nesting, very
// many values, and aliases that multiply.
package tree

import (
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Limits of one document.
const (
	MaxDepth  = 64     // arrays and objects inside each other
	MaxValues = 50_000 // values in the document, after aliases are followed

	maxPointer = 1024 // bytes
)

// Kind says what a node is.
type Kind uint8

// The kinds. The zero Node is null.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "text", "list", "object"}[k]
}

// Node is one value of a document.
type Node struct {
	Kind    Kind
	Text    string // of text, numbers and booleans, as it was written
	Items   []Node
	Members []Member // in the order of the document, names unique
	Pointer string   // RFC 6901, from the document's top; of what is called by very long names, that of what it stands in
	Line    int      // counted from 1
}

// Member is a name and its value.
type Member struct {
	Name  string
	Value Node
}

// Error says why a document can't be read, and where.
type Error struct {
	Line    int // counted from 1; 0 if it isn't known
	Pointer string
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Get finds a member by its name; one that isn't there is null.
func (n Node) Get(name string) Node {
	for i := range n.Members {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return Node{Pointer: below(n.Pointer, name), Line: n.Line}
}

// Has tells whether an object has a member of that name, which may be null.
func (n Node) Has(name string) bool {
	for i := range n.Members {
		if n.Members[i].Name == name {
			return true
		}
	}
	return false
}

// Each is a list's items; anything else but null is a list of itself, as many formats allow.
func (n Node) Each() []Node {
	switch n.Kind {
	case Null:
		return nil
	case Array:
		return n.Items
	}
	return []Node{n}
}

// Scalar is the text of a text, number or boolean, without space around it; of anything else nothing.
func (n Node) Scalar() string {
	switch n.Kind {
	case String, Number, Bool:
		return strings.TrimSpace(n.Text)
	}
	return ""
}

// Texts are the texts of a list, or of one text; what is empty is left out.
func (n Node) Texts() []string {
	var all []string
	for _, item := range n.Each() {
		if text := item.Scalar(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// counter bounds what one document costs.
type counter struct{ values int }

func (c *counter) count(line int, pointer string, depth int) *Error {
	if c.values++; c.values > MaxValues {
		return &Error{line, pointer, fmt.Sprintf("there are more than %d values, counting what aliases stand for", MaxValues)}
	}
	if depth > MaxDepth {
		return &Error{line, pointer, fmt.Sprintf("there are more than %d lists and objects inside each other", MaxDepth)}
	}
	return nil
}

// below is the pointer to something by its name, or its place in a list. Each value of a document has one, so they
// can't all have a name in them that is as long as the document.
func below(pointer string, step any) string {
	if name, ok := step.(string); ok && len(name) > maxPointer {
		return pointer
	}
	if longer := pointer + canonical.Pointer(step); len(longer) <= maxPointer {
		return longer
	}
	return pointer
}

func twice(line int, pointer, name string) *Error {
	return &Error{
		line,
		pointer,
		fmt.Sprintf("%q stands twice in one object, and readers take the one or the other; leave one", brief(name)),
	}
}

func brief(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
