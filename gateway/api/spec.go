package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

//go:embed openapi.yaml
var specYAML []byte

// spec is the OpenAPI document, and what the gateway does because of it.
//
// The parameters are checked here and not by a library, because OpenAPI can't declare most of them: EPCIS forms the
// names of parameters from the names of members (EQ_ILMD_…, GE_INNER_…). The member x-pattern says which names there
// are. A library that refuses what isn't declared would refuse them, and one that doesn't would let misspelt ones pass.
type spec struct {
	doc        map[string]any
	json       []byte
	operations []*operation // by path and method
}

// operation is one method of one path.
type operation struct {
	id, method string
	path       string // as in the document: /v1/records/{id}
	summary    string
	roles      []access.Role // who may; empty if anybody
	optional   bool          // a token may be shown, and then it must be right
	maxBytes   int64         // of the request body; 0 if it has none
	consumes   []string      // media types of the request body
	produces   []string      // media types of successful answers, the preferred one first
	parameters []*parameter
}

// epcis tells whether the operation speaks the language of EPCIS.
func (o *operation) epcis() bool { return strings.HasPrefix(o.path, "/epcis/") }

// parameter is one declared query, path or header parameter.
type parameter struct {
	name, in           string
	required           bool
	list               bool // values separated by |
	integer            bool
	time               bool
	minimum, maximum   int64
	minLength          int
	maxLength          int
	maxItems           int
	enum               []string
	byDefault          string
	pattern, nameMatch *regexp.Regexp // nameMatch: the parameter stands for all names that match
}

// loadSpec reads the document that is part of the program.
func loadSpec() (*spec, error) {
	s := new(spec)
	if err := yaml.Unmarshal(specYAML, &s.doc); err != nil {
		return nil, fmt.Errorf("couldn't read openapi.yaml: %w", err)
	}
	var err error
	if s.json, err = json.Marshal(s.doc); err != nil {
		return nil, fmt.Errorf("couldn't write openapi.yaml as JSON: %w", err)
	}
	paths := object(s.doc["paths"])
	for _, path := range sortedNames(paths) {
		item := object(paths[path])
		for _, method := range []string{"get", "post", "options"} {
			if op, ok := item[method]; ok {
				o, err := s.operation(path, strings.ToUpper(method), object(op), item)
				if err != nil {
					return nil, fmt.Errorf("openapi.yaml: %s %s: %w", method, path, err)
				}
				s.operations = append(s.operations, o)
			}
		}
	}
	return s, nil
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func array(v any) []any           { a, _ := v.([]any); return a }
func text(v any) string           { s, _ := v.(string); return s }

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// resolve follows $ref to inside the document.
func (s *spec) resolve(v any) map[string]any {
	m := object(v)
	for {
		ref, ok := m["$ref"].(string)
		if !ok {
			return m
		}
		var at any = s.doc
		for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			at = object(at)[name]
		}
		m = object(at)
	}
}

func (s *spec) operation(path, method string, op, item map[string]any) (*operation, error) {
	o := &operation{id: text(op["operationId"]), method: method, path: path, summary: text(op["summary"])}
	if o.id == "" {
		return nil, fmt.Errorf("operationId is missing")
	}
	security, ok := op["security"]
	if !ok {
		security = s.doc["security"]
	}
	for _, alternative := range array(security) {
		roles, ok := object(alternative)["token"]
		if !ok {
			o.optional = true
		}
		for _, role := range array(roles) {
			o.roles = append(o.roles, access.Role(text(role)))
		}
	}
	if n, ok := op["x-max-bytes"].(int); ok {
		o.maxBytes = int64(n)
	}
	o.consumes = sortedNames(object(object(op["requestBody"])["content"]))
	if (len(o.consumes) > 0) != (o.maxBytes > 0) {
		return nil, fmt.Errorf("a request body and x-max-bytes go together")
	}
	responses := object(op["responses"])
	for _, status := range sortedNames(responses) {
		if status < "300" {
			o.produces = append(o.produces, sortedNames(object(s.resolve(responses[status])["content"]))...)
		}
	}
	o.produces = preferred(o.produces)
	for _, p := range append(array(item["parameters"]), array(op["parameters"])...) {
		parsed, err := s.parameter(s.resolve(p))
		if err != nil {
			return nil, err
		}
		o.parameters = append(o.parameters, parsed)
	}
	return o, nil
}

// preferred puts first what callers get who have no preference.
func preferred(types []string) []string {
	rank := map[string]int{"application/json": -2, "text/html": -1}
	slices.SortStableFunc(types, func(a, b string) int { return rank[a] - rank[b] })
	return slices.Compact(types)
}

func (s *spec) parameter(p map[string]any) (*parameter, error) {
	parsed := &parameter{name: text(p["name"]), in: text(p["in"]), maxLength: 256, maxItems: 1}
	parsed.required, _ = p["required"].(bool)
	schema := s.resolve(p["schema"])
	if schema["type"] == "array" {
		parsed.list = true
		parsed.maxItems, _ = schema["maxItems"].(int)
		schema = s.resolve(schema["items"])
	}
	parsed.integer = schema["type"] == "integer"
	parsed.time = schema["format"] == "date-time"
	parsed.maximum = 1 << 53
	for name, into := range map[string]*int64{"minimum": &parsed.minimum, "maximum": &parsed.maximum} {
		if n, ok := schema[name].(int); ok {
			*into = int64(n)
		}
	}
	for name, into := range map[string]*int{"minLength": &parsed.minLength, "maxLength": &parsed.maxLength} {
		if n, ok := schema[name].(int); ok {
			*into = n
		}
	}
	for _, value := range array(schema["enum"]) {
		parsed.enum = append(parsed.enum, text(value))
	}
	if d, ok := schema["default"]; ok {
		parsed.byDefault = fmt.Sprint(d)
	}
	var err error
	if pattern := text(schema["pattern"]); pattern != "" {
		if parsed.pattern, err = regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", parsed.name, err)
		}
	}
	if pattern := text(p["x-pattern"]); pattern != "" {
		if parsed.nameMatch, err = regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", parsed.name, err)
		}
	}
	return parsed, nil
}

// routes are the paths to give to the router: one, or one for each key of the GS1 Digital Links.
func (o *operation) routes() []string {
	path := strings.NewReplacer("{", ":", "}", "").Replace(o.path)
	rest, ok := strings.CutPrefix(path, "/:key/")
	if !ok {
		return []string{path}
	}
	var routes []string
	for _, p := range o.parameters {
		if p.name == "key" {
			for _, key := range p.enum {
				routes = append(routes, "/"+key+"/"+rest)
			}
		}
	}
	return routes
}
