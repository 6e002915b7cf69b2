// Package openapi is the description of a gateway's REST interface, openapi.yaml, and what the gateway does because of
// it: it serves the operations that are described, lets in the roles that are named, and checks parameters.
//
// Parameters are checked here and not by a library, because OpenAPI can't declare most of them: EPCIS forms the names
// of parameters from types and members (EQ_bizTransaction_po). The member x-pattern says which names there are. A
// library that refuses what isn't declared would refuse them, and one that doesn't would let misspelt ones pass.
package openapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// YAML is the description as it is written.
//
//go:embed openapi.yaml
var YAML []byte

// Document is the description, read.
type Document struct {
	Title, Description string
	Tags               []Tag
	Operations         []*Operation // by path and method
	JSON               []byte

	doc    map[string]any
	things []*Operation
}

// Tag is a group of operations.
type Tag struct{ Name, Description string }

// methods are those that operations have, in the order in which the operations of a path are listed.
var methods = []string{"get", "post", "options"}

// Load reads the description. It fails if the description has what this package can't read.
func Load() (*Document, error) {
	d := new(Document)
	if err := yaml.Unmarshal(YAML, &d.doc); err != nil {
		return nil, fmt.Errorf("couldn't read openapi.yaml: %w", err)
	}
	var err error
	if d.JSON, err = json.Marshal(d.doc); err != nil {
		return nil, fmt.Errorf("couldn't write openapi.yaml as JSON: %w", err)
	}
	info := object(d.doc["info"])
	d.Title, d.Description = text(info["title"]), text(info["description"])
	for _, tag := range array(d.doc["tags"]) {
		d.Tags = append(d.Tags, Tag{text(object(tag)["name"]), text(object(tag)["description"])})
	}
	paths := object(d.doc["paths"])
	for _, path := range sortedNames(paths) {
		item := object(paths[path])
		for _, method := range methods {
			if op, ok := item[method]; ok {
				o, err := d.operation(path, strings.ToUpper(method), object(op), item)
				if err != nil {
					return nil, fmt.Errorf("openapi.yaml: %s %s: %w", method, path, err)
				}
				d.Operations = append(d.Operations, o)
				if strings.HasPrefix(path, thingPath) {
					d.things = append(d.things, o)
				}
			}
		}
	}
	return d, nil
}

// Operation returns the operation with this id, or nil.
func (d *Document) Operation(id string) *Operation {
	i := slices.IndexFunc(d.Operations, func(o *Operation) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	return d.Operations[i]
}

// Thing returns the operation that answers for a percent-encoded path if that is of the form of a GS1 Digital Link, and
// the parameters in the path, decoded. It returns nil if the path is none.
func (d *Document) Thing(path string) (*Operation, map[string]string) {
	for _, o := range d.things {
		if values := o.match(path); values != nil {
			return o, values
		}
	}
	return nil, nil
}

// resolve follows $ref to inside the document.
func (d *Document) resolve(v any) map[string]any {
	m := object(v)
	for {
		ref, ok := m["$ref"].(string)
		if !ok {
			return m
		}
		var at any = d.doc
		for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			at = object(at)[name]
		}
		m = object(at)
	}
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func array(v any) []any           { a, _ := v.([]any); return a }
func text(v any) string           { s, _ := v.(string); return s }

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
