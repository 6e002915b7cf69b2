package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
)

// YAML reads one YAML document. first is the line number of its first line in the file that it is part of. Texts keep
// their spelling: no, 1.10 and 2026-03-01 stay as written. Aliases are followed and merge keys are merged. A name that
// isn't a text is taken as it is spelled; a name that is a list or an object is refused. Errors are of type *Error.
func YAML(text string, first int) (Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var doc yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return Node{Line: first}, nil
	} else if err != nil {
		return Node{}, yamlError(err, first)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); err == nil {
		return Node{}, &Error{Line: more.Line + first - 1,
			Message: "there is a second YAML document; a card has only one"}
	} else if !errors.Is(err, io.EOF) {
		return Node{}, yamlError(err, first)
	}
	if len(doc.Content) == 0 {
		return Node{Line: first}, nil
	}
	r := &yamlReader{first: first, open: map[*yaml.Node]bool{}}
	return r.value(doc.Content[0], "", 0)
}

// yamlError says on which line the text stops being YAML, and on which line the enclosing list or object begins.
func yamlError(err error, first int) *Error {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return &Error{Message: "it is not YAML: " + err.Error()}
	}
	place, message := e.Mark, e.Message
	if e.ContextMsg != "" && e.ContextMark.Line > 0 && e.ContextMark.Line != place.Line {
		message = fmt.Sprintf("%s from line %d on: %s", e.ContextMsg, e.ContextMark.Line+first-1, message)
	}
	located := &Error{Message: "it is not YAML: " + message}
	if place.Line > 0 {
		located.Line = place.Line + first - 1
	}
	return located
}

type yamlReader struct {
	first int
	open  map[*yaml.Node]bool // nodes whose aliases are being followed, to detect cycles
	counter
}

func (r *yamlReader) value(y *yaml.Node, pointer string, depth int) (Node, error) {
	n := Node{Pointer: pointer, Line: y.Line + r.first - 1}
	if err := r.count(n.Line, pointer, depth); err != nil {
		return Node{}, err
	}
	switch y.Kind {
	case yaml.AliasNode:
		if r.open[y.Alias] {
			return Node{}, &Error{
				n.Line,
				pointer,
				fmt.Sprintf("the alias *%s is inside the value that it stands for", brief(y.Value)),
			}
		}
		r.open[y.Alias] = true
		defer delete(r.open, y.Alias)
		return r.value(y.Alias, pointer, depth+1)
	case yaml.SequenceNode:
		n.Kind = Array
		for i, item := range y.Content {
			v, err := r.value(item, below(pointer, i), depth+1)
			if err != nil {
				return Node{}, err
			}
			n.Items = append(n.Items, v)
		}
	case yaml.MappingNode:
		n.Kind = Object
		return n, r.members(&n, y, depth)
	default:
		n.Kind, n.Text = scalarKind(y), y.Value
		if n.Kind == Null {
			n.Text = ""
		}
	}
	return n, nil
}

func scalarKind(y *yaml.Node) Kind {
	switch y.ShortTag() {
	case "!!null":
		return Null
	case "!!bool":
		return Bool
	case "!!int", "!!float":
		return Number
	}
	return String
}

func (r *yamlReader) members(n *Node, y *yaml.Node, depth int) error {
	seen := map[string]bool{}
	var merged []Member
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		line := key.Line + r.first - 1
		if key.Kind == yaml.AliasNode && key.Alias != nil {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return &Error{line, n.Pointer, "a name must be a text, not a list or an object"}
		}
		at := below(n.Pointer, key.Value)
		v, err := r.value(value, at, depth+1)
		if err != nil {
			return err
		}
		if key.ShortTag() == "!!merge" {
			for _, source := range v.Each() {
				if source.Kind != Object {
					return &Error{line, at, "<< merges objects, but this is not an object"}
				}
				merged = append(merged, source.Members...)
			}
			continue
		}
		if seen[key.Value] {
			return twice(line, at, key.Value)
		}
		seen[key.Value] = true
		n.Members = append(n.Members, Member{key.Value, v})
	}
	for _, m := range merged { // an object's own members override merged ones, and earlier merges override later ones
		if !seen[m.Name] {
			seen[m.Name] = true
			n.Members = append(n.Members, m)
		}
	}
	return nil
}
