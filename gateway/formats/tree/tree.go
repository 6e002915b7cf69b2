// Package tree reads JSON and YAML documents into one kind of tree, in which each value knows its line and its JSON
// pointer. [JSON] and [YAML] are the two readers; both return a [Node].
//
// The package is for documents that are stored unchanged and only looked at, such as model cards. Numbers keep their
// spelling, and an unusual document is still read. A document that two readers could understand in two ways is refused,
// for example one with the same name twice in an object. So is a document that would cost too much to read: deep
// nesting, very many values, or aliases that multiply.
package tree

import (
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Limits of one document.
const (
	MaxDepth  = 64     // levels of nested arrays and objects
	MaxValues = 50_000 // values in the document, with aliases expanded

	maxPointer = 1024 // bytes
)

// Kind is the type of a node's value.
type Kind uint8

// The kinds of nodes. The zero Node is null.
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
	Text    string // spelling of a text, number or boolean, as in the document
	Items   []Node
	Members []Member // in the order of the document; names are unique
	Pointer string   // RFC 6901, from the root; the parent's where the names on the way are very long
	Line    int      // counted from 1
}

// Member is one name of an object with its value.
type Member struct {
	Name  string
	Value Node
}

// Error says why a document can't be read, and where the fault is.
type Error struct {
	Line    int // counted from 1; 0 if unknown
	Pointer string
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Get returns the member with the given name. If there is none, it returns a null node that has the pointer the member
// would have.
func (n Node) Get(name string) Node {
	for i := range n.Members {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return Node{Pointer: below(n.Pointer, name), Line: n.Line}
}

// Has reports whether an object has a member with the given name. The member may be null.
func (n Node) Has(name string) bool {
	for i := range n.Members {
		if n.Members[i].Name == name {
			return true
		}
	}
	return false
}

// Each returns the items of a list. Any other value but null counts as a list of one item, as many formats allow.
func (n Node) Each() []Node {
	switch n.Kind {
	case Null:
		return nil
	case Array:
		return n.Items
	}
	return []Node{n}
}

// Scalar returns the spelling of a text, number or boolean, without surrounding space. For other kinds it returns "".
func (n Node) Scalar() string {
	switch n.Kind {
	case String, Number, Bool:
		return strings.TrimSpace(n.Text)
	}
	return ""
}

// Texts returns the texts in a list, or a single text as a list of one. It leaves out empty texts.
func (n Node) Texts() []string {
	var all []string
	for _, item := range n.Each() {
		if text := item.Scalar(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// counter counts the values of a document and enforces the limits.
type counter struct{ values int }

func (c *counter) count(line int, pointer string, depth int) *Error {
	if c.values++; c.values > MaxValues {
		return &Error{line, pointer, fmt.Sprintf("there are more than %d values, counting what aliases stand for",
			MaxValues)}
	}
	if depth > MaxDepth {
		return &Error{line, pointer, fmt.Sprintf("there are more than %d lists and objects inside each other",
			MaxDepth)}
	}
	return nil
}

// below returns the pointer to a value, given its parent's pointer and its name or its index. A name may be as long as
// the whole document and every value below it has a pointer, so a pointer that would be too long stays that of the
// parent.
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
		fmt.Sprintf("%q stands twice in one object, and readers may use either; keep only one", brief(name)),
	}
}

func brief(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
