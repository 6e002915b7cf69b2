package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// digitalLink begins the canonical Digital Link of every thing.
const digitalLink = "https://id.gs1.org"

// thing resolves a GS1 Digital Link: to the thing's page for people, or to its linkset for machines.
func (s *Server) thing(c *call) error {
	path := c.Request.URL.EscapedPath()
	thing := epcis.Thing("https://link.invalid" + path) // any host but GS1's own: what is no Digital Link keeps it
	parts := epcis.Parts(thing)
	if len(parts) == 0 {
		return problem.New(problem.NotFound, "%q is no GS1 Digital Link: a part has the wrong form or length", record.Brief(problem.Clean(path)))
	}
	links := linksetOf(thing)
	c.Header("Link", "<"+thing[len(digitalLink):]+`?linkType=linkset>; rel="linkset"; type="application/linkset+json"`)
	switch wanted := strings.TrimPrefix(strings.TrimPrefix(c.value("linkType"), voc), "gs1:"); {
	case wanted == "linkset" || wanted == "all" || wanted == "" && c.accept == "application/linkset+json":
		c.accept = "application/linkset+json"
		return c.answer(http.StatusOK, links)
	case wanted != "" && wanted != "defaultLink" && wanted != "pip":
		to := links.Linkset[0][voc+wanted].([]link)[0] // the description has no other words
		c.Header("Location", to.Href)
		c.send(http.StatusTemporaryRedirect, "text/plain; charset=utf-8", []byte(to.Href+"\n"))
		return nil
	}
	c.accept = "text/html"
	s.People.Thing(c.Writer, c.Request, c.caller, thing)
	return nil
}

// voc begins GS1's words for links.
const voc = "https://ref.gs1.org/voc/"

// linkset is where to go from a thing (RFC 9264), in GS1's words.
type linkset struct {
	Linkset []map[string]any `json:"linkset"`
}

type link struct {
	Href  string `json:"href"`
	Type  string `json:"type"`
	Title string `json:"title"`
}

func linksetOf(thing string) linkset {
	query := url.QueryEscape(thing)
	self := thing[len(digitalLink):]
	lineage := []link{
		{"/v1/lineage?direction=ancestors&node=" + query, "application/json", "Where it comes from"},
		{"/v1/lineage?direction=descendants&node=" + query, "application/json", "What became of it"},
	}
	return linkset{[]map[string]any{{
		"anchor":            thing,
		voc + "defaultLink": []link{{self, "text/html", "About this item"}},
		voc + "pip":         []link{{self, "text/html", "About this item"}},
		voc + "epcis": []link{
			{"/epcis/v2/events?MATCH_anyEPC=" + query, "application/json", "Events of this item"},
			{"/epcis/v2/events?MATCH_anyEPCClass=" + query, "application/json", "Events of this class or lot"},
		},
		voc + "traceability": lineage,
		voc + "recallStatus": []link{{"/v1/statements?kind=recall&about=" + query, "application/json", "Recalls"}},
		voc + "certificationInfo": []link{
			{"/v1/statements?kind=certificate&about=" + query, "application/json", "Certificates"},
		},
	}}}
}
