package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/journey"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// thing resolves a GS1 Digital Link: to the linkset of the thing, or to one of its links. The router has pages answer
// those who ask for the page about it.
func (s *Server) thing(c *call) error {
	path := c.Request.URL.EscapedPath()
	thing := journey.ThingAt(path)
	if thing == "" {
		return problem.New(problem.NotFound,
			"%q is no GS1 Digital Link: a part has the wrong form or length", record.Brief(problem.Clean(path)))
	}
	c.Header("Link", journey.LinksetLink(thing))
	if wanted := strings.TrimPrefix(c.value("linkType"), "gs1:"); wanted != "" && wanted != "linkset" &&
		wanted != "all" {
		to := linksetOf(thing, nil).Linkset[0][voc+wanted].([]link)[0] // the description has no other words
		c.Header("Location", to.Href)
		c.send(http.StatusTemporaryRedirect, "text/plain; charset=utf-8", []byte(to.Href+"\n"))
		return nil
	}
	c.accept = "application/linkset+json"
	standing, err := s.standing(c.Request.Context(), thing, path, c.at())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, linksetOf(thing, standing))
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
	// Standing is an extension attribute (RFC 9264, section 4.2.4.3) of links about recalls.
	Standing []string `json:"standing,omitempty"`
}

// The words for what is known of recalls of a thing, beside the flags of statements that warn, such as recalled.
const (
	standingAffected   = "affected"        // a recall or a withdrawal stands about what it comes from
	standingLots       = "lots-recalled"   // of a product: lots or items of it are recalled or withdrawn
	standingUnrecorded = "unrecorded"      // no record names it, so nothing is known
	standingUncertain  = "uncertain"       // it may come from a recalled lot, or not all could be looked at
	standingClear      = "no-recall-known" // none of these
)

// standing says what is known of recalls of a thing as of a block, without saying more than everybody may know who has it in hand.
func (s *Server) standing(ctx context.Context, thing, path string, at uint64) ([]string, error) {
	w, err := journey.Warnings(ctx, s.Index, thing, path, at)
	if err != nil {
		return nil, err
	}
	var words []string
	for _, own := range w.Own {
		words = append(words, record.FlagOf(own.Kind))
	}
	uncertain, known := w.Cut, w.Known
	if journey.IsProduct(thing) {
		lots, err := journey.LotsOf(ctx, s.Index, thing, w.Block)
		if err != nil {
			return nil, err
		}
		if lots.Warned > 0 {
			words = append(words, standingLots)
		}
		uncertain, known = uncertain || lots.Cut, known || lots.Looked > 0
	}
	if len(w.Behind) > 0 {
		words = append(words, standingAffected)
	}
	behind, err := journey.LotsBehind(ctx, s.Index, w)
	if err != nil {
		return nil, err
	}
	uncertain = uncertain || behind.Warned > 0 || behind.Cut
	if !known {
		words = append(words, standingUnrecorded)
	}
	if ready, _ := s.Ready(); uncertain || !ready {
		words = append(words, standingUncertain)
	}
	if len(words) == 0 {
		return []string{standingClear}, nil
	}
	slices.Sort(words)
	return slices.Compact(words), nil
}

func linksetOf(thing string, standing []string) linkset {
	query := url.QueryEscape(thing)
	self := thing[len(epcis.DigitalLink):]
	lineage := []link{
		{"/v1/lineage?direction=ancestors&node=" + query, "application/json", "Where it comes from", nil},
		{"/v1/lineage?direction=descendants&node=" + query, "application/json", "What became of it", nil},
	}
	return linkset{[]map[string]any{{
		"anchor":            thing,
		voc + "defaultLink": []link{{self, "text/html", "About this item", nil}},
		voc + "pip":         []link{{self, "text/html", "About this item", nil}},
		voc + "epcis": []link{
			{"/epcis/v2/events?MATCH_anyEPC=" + query, "application/json", "Events of this item", nil},
			{"/epcis/v2/events?MATCH_anyEPCClass=" + query, "application/json", "Events of this class or lot", nil},
		},
		voc + "traceability": lineage,
		voc + "recallStatus": []link{
			{"/v1/statements?kind=recall&about=" + query, "application/json", "Recalls of the item itself", standing},
			{self, "text/html", "Recalls of the item, and of what it comes from", standing},
		},
		voc + "certificationInfo": []link{
			{"/v1/statements?kind=certificate&about=" + query, "application/json", "Certificates", nil},
		},
	}}}
}
