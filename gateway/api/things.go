package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/web"
)

// digitalLink begins the canonical Digital Link of every thing.
const digitalLink = "https://id.gs1.org"

// thing resolves a GS1 Digital Link. What everybody may know who has the thing in hand: what its code says, and whether it
// is recalled. Its events are for callers with a token.
func (s *Server) thing(c *call) error {
	path := c.Request.URL.EscapedPath()
	thing := epcis.Thing("https://link.invalid" + path) // any host but GS1's own: what is no Digital Link keeps it
	parts := epcis.Parts(thing)
	if len(parts) == 0 {
		return fail(kindNotFound, "%q is no GS1 Digital Link: a part has the wrong form or length", record.Brief(clean(path)))
	}
	if c.value("linkType") != "" || c.accept == "application/linkset+json" {
		c.accept = "application/linkset+json"
		return c.answer(http.StatusOK, linksetOf(thing))
	}
	page, err := s.thingPage(c, thing, parts)
	if err != nil {
		return err
	}
	return s.html(c, http.StatusOK, "thing", page)
}

// thingPage is what the page about a thing shows.
func (s *Server) thingPage(c *call, thing string, parts []epcis.Part) (*web.Thing, error) {
	page := &web.Thing{
		Frame: s.frame(c, ""), URI: thing, SignedIn: c.caller != nil, Linkset: thing[len(digitalLink):] + "?linkType=linkset",
		OfManyLots: len(parts) == 1 && parts[0].AI == "01",
	}
	for _, p := range parts {
		page.Parts = append(page.Parts, web.Part{Title: p.Title, Value: p.Value})
	}
	if err := s.recalls(c, page); err != nil || c.caller == nil {
		return page, err
	}
	return page, s.events(c, page)
}

// recalls finds the recalls that stand, of the thing and of all that the link says it belongs to: its lot, its class.
func (s *Server) recalls(c *call, page *web.Thing) error {
	ctx := c.Request.Context()
	for _, node := range belongsTo(page.URI, c.Request.URL.EscapedPath()) {
		status, err := s.Index.Status(ctx, node, index.Latest)
		if err != nil {
			return err
		}
		for _, claim := range status.Claims {
			if claim.Kind != record.Recall || claim.Retracted {
				continue
			}
			r, err := s.Index.Record(ctx, claim.ID, index.Latest)
			if err != nil {
				return err
			}
			body, err := canonical.Parse(r.Body, canonical.Limits{})
			if err != nil {
				return err
			}
			predicate := body.Get("predicate")
			page.Recalls = append(page.Recalls, web.Recall{
				By: claim.MSPID, Reason: predicate.Get("reason").Text, Instructions: predicate.Get("instructions").Text, At: r.Time,
			})
		}
	}
	return nil
}

// belongsTo lists a thing, and what else the path of its Digital Link names, the nearest first. The canonical spelling of a
// serialised item leaves out the lot that its link may carry, so it doesn't say this alone.
func belongsTo(thing, path string) []string {
	nodes := []string{thing}
	add := func(node string) {
		if node != "" && !slices.Contains(nodes, node) {
			nodes = append(nodes, node)
		}
	}
	pairs := strings.Split(strings.Trim(path, "/"), "/")
	for n := len(pairs) - 2; n >= 2; n -= 2 {
		if prefix := epcis.Thing(digitalLink + "/" + strings.Join(pairs[:n], "/")); epcis.Parts(prefix) != nil {
			add(prefix)
		}
	}
	add(epcis.Class(thing))
	return nodes
}

// mostEvents is how many events the page shows; the query that it links to has them all.
const mostEvents = 100

func (s *Server) events(c *call, page *web.Thing) error {
	list, err := s.Index.Events(c.Request.Context(), index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_anyEPC", Values: []string{page.URI}}}}, index.Latest, index.Page{Size: mostEvents})
	if err != nil {
		return err
	}
	classes, err := s.Index.Events(c.Request.Context(), index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_anyEPCClass", Values: []string{page.URI}}}}, index.Latest, index.Page{Size: mostEvents})
	if err != nil {
		return err
	}
	page.More = list.Next != "" || classes.Next != ""
	for _, r := range slices.Concat(list.Items, classes.Items) {
		body, err := canonical.Parse(r.Body, canonical.Limits{})
		if err != nil {
			return err
		}
		e := body.Get("event")
		page.Events = append(page.Events, web.Event{
			Type: e.Get("type").Text, Time: e.Get("eventTime").Text, Step: word(e.Get("bizStep").Text), Disposition: word(e.Get("disposition").Text),
			Place: e.Get("readPoint").Get("id").Text, By: r.MSPID, Record: r.ID, Link: "/v1/records/" + url.PathEscape(r.ID),
		})
	}
	slices.SortStableFunc(page.Events, func(a, b web.Event) int { return strings.Compare(a.Time, b.Time) })
	return nil
}

// word is the last part of a word of CBV, without underscores.
func word(uri string) string {
	uri = uri[strings.LastIndexAny(uri, "-:/")+1:]
	return strings.ReplaceAll(uri, "_", " ")
}

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
	const voc = "https://ref.gs1.org/voc/"
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
		voc + "traceability":      lineage,
		voc + "recallStatus":      []link{{"/v1/statements?kind=recall&about=" + query, "application/json", "Recalls"}},
		voc + "certificationInfo": []link{{"/v1/statements?kind=certificate&about=" + query, "application/json", "Certificates"}},
	}}}
}
