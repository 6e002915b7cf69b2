package pages

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/web"
)

// docs shows the description of the API.
func (p *Pages) docs(v *visit) error {
	d := p.Description
	page := &web.Docs{Frame: v.frame("docs"), Title: d.Title, Description: d.Description, Version: p.Version}
	for _, tag := range d.Tags {
		group := web.Group{Name: tag.Name, Description: tag.Description}
		for _, op := range d.Operations {
			if op.Tag == tag.Name {
				group.Routes = append(group.Routes, routeOf(op))
			}
		}
		page.Groups = append(page.Groups, group)
	}
	return v.show(http.StatusOK, "docs", page)
}

// routeOf shows an operation.
func routeOf(op *openapi.Operation) web.Route {
	r := web.Route{
		ID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description,
		Roles: "anybody", Consumes: strings.Join(op.Consumes, ", "),
	}
	if len(op.Roles) > 0 {
		r.Roles = op.RoleNames()
	}
	if op.Optional {
		r.Roles = "anybody; " + r.Roles + " see more"
	}
	for _, p := range op.Parameters {
		r.Parameters = append(r.Parameters, web.Parameter{
			Name: p.Name, In: p.In, Type: p.Type, Description: p.Description, Required: p.Required,
		})
	}
	for _, e := range op.Examples {
		r.Examples = append(r.Examples, web.Example{Name: e.Name, JSON: indented(e.Value)})
	}
	for _, answer := range op.Responses {
		r.Responses = append(r.Responses, web.Response(answer))
	}
	return r
}

// indented writes a value as people read JSON.
func indented(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
