package openapi

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// Operation is one method of one path.
type Operation struct {
	ID, Method                string
	Path                      string // as in the document: /v1/records/{id}
	Tag, Summary, Description string
	Roles                     []access.Role // who may call it; empty if anybody may
	Optional                  bool          // nobody need say who they are, but what is said must be right
	MaxBytes                  int64         // of the request body; 0 if it has none
	Consumes                  []string      // media types of the request body
	Produces                  []string      // media types of successful answers, the preferred one first
	Parameters                []*Parameter
	Examples                  []Example
	Responses                 []Response
}

// Example is a request body that works.
type Example struct {
	Name  string
	Value any
}

// Response is one kind of answer.
type Response struct{ Status, Description string }

// Parameter is one declared query, path or header parameter.
type Parameter struct {
	Name, In    string
	Description string
	Type        string // what it takes, in a few words for people
	Required    bool
	Enum        []string // all values there are; empty if the type has others

	list               bool // values separated by |
	integer            bool
	time               bool
	minimum, maximum   int64
	minLength          int
	maxLength          int
	maxItems           int
	byDefault          string
	pattern, nameMatch *regexp.Regexp // nameMatch: the parameter stands for all names that match
}

// thingKey is the parameter of the routes of things that says which GS1 key identifies the thing.
const thingKey = "key"

// thingPath begins the paths of these routes.
const thingPath = "/{" + thingKey + "}/"

// Addresses are the paths of the operation: one, or one for each key of the GS1 Digital Links.
func (o *Operation) Addresses() []string {
	rest, ok := strings.CutPrefix(o.Path, thingPath)
	if !ok {
		return []string{o.Path}
	}
	var addresses []string
	for _, key := range o.Parameter(thingKey).Enum {
		addresses = append(addresses, "/"+key+"/"+rest)
	}
	return addresses
}

// match returns the parameters in a percent-encoded path of a thing, decoded, or nil if it is not one of the operation.
func (o *Operation) match(path string) map[string]string {
	names, texts := strings.Split(o.Path, "/"), strings.Split(path, "/")
	if len(names) != len(texts) || !slices.Contains(o.Parameter(thingKey).Enum, texts[1]) {
		return nil
	}
	values := map[string]string{}
	for i, text := range texts[1:] {
		value, err := url.PathUnescape(text)
		if err != nil || value == "" {
			return nil
		}
		values[strings.Trim(names[i+1], "{}")] = value
	}
	return values
}

// Page tells whether the operation answers with a page, and with nothing else.
func (o *Operation) Page() bool { return slices.Equal(o.Produces, []string{"text/html"}) }

// EPCIS tells whether the operation speaks the language of EPCIS.
func (o *Operation) EPCIS() bool { return strings.HasPrefix(o.Path, "/epcis/") }

// Parameter returns the parameter that is declared with this name, or nil.
func (o *Operation) Parameter(name string) *Parameter {
	i := slices.IndexFunc(o.Parameters, func(p *Parameter) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return o.Parameters[i]
}

func (d *Document) operation(path, method string, op, item map[string]any) (*Operation, error) {
	o := &Operation{
		ID: text(op["operationId"]), Method: method, Path: path,
		Summary: text(op["summary"]), Description: text(op["description"]),
	}
	if o.ID == "" {
		return nil, errors.New("operationId is missing")
	}
	if tags := array(op["tags"]); len(tags) > 0 {
		o.Tag = text(tags[0])
	}
	security, ok := op["security"]
	if !ok {
		security = d.doc["security"]
	}
	for _, alternative := range array(security) {
		schemes := object(alternative)
		o.Optional = o.Optional || len(schemes) == 0
		for _, roles := range schemes {
			for _, role := range array(roles) {
				if r := access.Role(text(role)); !slices.Contains(o.Roles, r) {
					o.Roles = append(o.Roles, r)
				}
			}
		}
	}
	if n, ok := op["x-max-bytes"].(int); ok {
		o.MaxBytes = int64(n)
	}
	content := object(object(op["requestBody"])["content"])
	o.Consumes = sortedNames(content)
	if (len(o.Consumes) > 0) != (o.MaxBytes > 0) {
		return nil, errors.New("a request body and x-max-bytes go together")
	}
	if len(o.Consumes) > 0 { // the media types share their examples
		examples := object(object(content[o.Consumes[0]])["examples"])
		for _, name := range sortedNames(examples) {
			o.Examples = append(o.Examples, Example{name, object(examples[name])["value"]})
		}
	}
	responses := object(op["responses"])
	for _, status := range sortedNames(responses) {
		response := d.resolve(responses[status])
		o.Responses = append(o.Responses, Response{status, text(response["description"])})
		if status < "300" {
			o.Produces = append(o.Produces, sortedNames(object(response["content"]))...)
		}
	}
	o.Produces = preferredFirst(o.Produces)
	for _, p := range append(slices.Clone(array(item["parameters"])), array(op["parameters"])...) {
		parsed, err := d.parameter(d.resolve(p))
		if err != nil {
			return nil, err
		}
		o.Parameters = append(o.Parameters, parsed)
	}
	return o, nil
}

// preferredFirst puts first what callers get who have no preference.
func preferredFirst(types []string) []string {
	rank := map[string]int{"application/json": -2, "text/html": -1}
	slices.SortStableFunc(types, func(a, b string) int { return rank[a] - rank[b] })
	return slices.Compact(types)
}

func (d *Document) parameter(p map[string]any) (*Parameter, error) {
	parsed := &Parameter{
		Name: text(p["name"]), In: text(p["in"]), Description: text(p["description"]), Type: d.typeName(p["schema"]),
		maxLength: 256, maxItems: 1,
	}
	parsed.Required, _ = p["required"].(bool)
	schema := d.resolve(p["schema"])
	if schema["type"] == "array" {
		parsed.list = true
		parsed.maxItems, _ = schema["maxItems"].(int)
		schema = d.resolve(schema["items"])
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
		parsed.Enum = append(parsed.Enum, text(value))
	}
	if v, ok := schema["default"]; ok {
		parsed.byDefault = fmt.Sprint(v)
	}
	var err error
	if pattern := text(schema["pattern"]); pattern != "" {
		if parsed.pattern, err = regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", parsed.Name, err)
		}
	}
	if pattern := text(p["x-pattern"]); pattern != "" {
		if parsed.nameMatch, err = regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", parsed.Name, err)
		}
	}
	return parsed, nil
}

// typeName says in a few words what a schema takes.
func (d *Document) typeName(schema any) string {
	m := d.resolve(schema)
	name := text(m["type"])
	if name == "array" {
		return "list of " + d.typeName(m["items"])
	}
	var words []string
	for _, v := range array(m["enum"]) {
		words = append(words, text(v))
	}
	if len(words) > 0 {
		name = strings.Join(words, ", ")
	}
	if v, ok := m["default"]; ok {
		name += fmt.Sprintf(" (%v)", v)
	}
	return name
}
