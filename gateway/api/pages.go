package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/web"
)

// html answers with a page.
func (s *Server) html(c *call, status int, page string, data web.Framed) error {
	body, err := s.People.Render(page, data)
	if err != nil {
		return err
	}
	c.send(status, "text/html; charset=utf-8", body)
	return nil
}

// frame is what is around a page, which belongs to a section of the navigation.
func (s *Server) frame(c *call, section string) web.Frame {
	f := s.People.Frame(c.Request)
	f.Section = section
	return f
}

func (s *Server) openapiJSON(c *call) error {
	c.send(http.StatusOK, "application/json", s.spec.json)
	return nil
}

func (s *Server) openapiYAML(c *call) error {
	c.send(http.StatusOK, "application/yaml", specYAML)
	return nil
}

// docs shows the description as a page.
func (s *Server) docs(c *call) error {
	info := object(s.spec.doc["info"])
	page := &web.Docs{
		Frame:       s.frame(c, "docs"),
		Title:       text(info["title"]),
		Description: text(info["description"]),
		Version:     s.Version,
	}
	for _, tag := range array(s.spec.doc["tags"]) {
		t := object(tag)
		group := web.Group{Name: text(t["name"]), Description: text(t["description"])}
		for _, path := range sortedNames(object(s.spec.doc["paths"])) {
			item := object(object(s.spec.doc["paths"])[path])
			for _, method := range []string{"get", "post", "options"} {
				op := object(item[method])
				if tags := array(op["tags"]); len(tags) > 0 && tags[0] == t["name"] {
					group.Routes = append(group.Routes, s.routeDocs(path, method, op, item))
				}
			}
		}
		page.Groups = append(page.Groups, group)
	}
	return s.html(c, http.StatusOK, "docs", page)
}

func (s *Server) routeDocs(path, method string, op, item map[string]any) web.Route {
	r := web.Route{
		ID:          text(op["operationId"]),
		Method:      strings.ToUpper(method),
		Path:        path,
		Summary:     text(op["summary"]),
		Description: text(op["description"]),
	}
	for _, o := range s.spec.operations {
		if o.id == r.ID {
			r.Roles = "anybody"
			if len(o.roles) > 0 {
				r.Roles = anyOf(o.roles)
			}
			if o.optional {
				r.Roles = "anybody; " + r.Roles + " see more"
			}
			r.Consumes = strings.Join(o.consumes, ", ")
		}
	}
	for _, p := range append(slices.Clone(array(item["parameters"])), array(op["parameters"])...) {
		p := s.spec.resolve(p)
		required, _ := p["required"].(bool)
		r.Parameters = append(r.Parameters, web.Parameter{
			Name: text(
				p["name"],
			), In: text(p["in"]), Required: required, Type: s.spec.typeName(p["schema"]), Description: text(p["description"]),
		})
	}
	content := object(object(op["requestBody"])["content"])
	if media := sortedNames(content); len(media) > 0 { // the media types share their examples
		examples := object(object(content[media[0]])["examples"])
		for _, name := range sortedNames(examples) {
			r.Examples = append(r.Examples, web.Example{Name: name, JSON: indent(object(examples[name])["value"])})
		}
	}
	responses := object(op["responses"])
	for _, status := range sortedNames(responses) {
		r.Responses = append(
			r.Responses,
			web.Response{Status: status, Description: text(s.spec.resolve(responses[status])["description"])},
		)
	}
	return r
}

// typeName says in a few words what a schema takes.
func (s *spec) typeName(schema any) string {
	m := s.resolve(schema)
	name := text(m["type"])
	if name == "array" {
		return "list of " + s.typeName(m["items"])
	}
	var words []string
	for _, v := range array(m["enum"]) {
		words = append(words, text(v))
	}
	if len(words) > 0 {
		name = strings.Join(words, ", ")
	}
	if d, ok := m["default"]; ok {
		name += fmt.Sprintf(" (%v)", d)
	}
	return name
}

// problemTypes lists the types of problem.
func (s *Server) problemTypes(c *call) error {
	page := &web.Problems{Frame: s.frame(c, "docs")}
	for _, k := range problem.Kinds {
		page.Kinds = append(page.Kinds, viewKind(k))
	}
	return s.html(c, http.StatusOK, "problems", page)
}

// problemType is the page about one.
func (s *Server) problemType(c *call) error {
	for _, k := range problem.Kinds {
		if k.Slug == c.value("slug") {
			return s.html(
				c,
				http.StatusOK,
				"problems",
				&web.Problems{Frame: s.frame(c, "docs"), Kinds: []web.Problem{viewKind(k)}, Single: true},
			)
		}
	}
	return problem.New(problem.NotFound, "there is no type of problem %q; /problems lists them", record.Brief(c.value("slug")))
}

func viewKind(k *problem.Kind) web.Problem {
	return web.Problem{
		Slug:   k.Slug,
		Status: k.Status,
		Title:  k.Title,
		Help:   k.Help,
		EPCIS:  "epcisException:" + k.EPCIS(http.MethodPost),
	}
}

// indent writes a value of the description as people read JSON.
func indent(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
