package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/search"
	"github.com/pedigree-ledger/pedigree/web"
)

func (p *Pages) searchRoutes() []route {
	return []route{{"GET /search", members, p.search}}
}

// search looks for what somebody means. If that is one thing, it leads to its page.
func (p *Pages) search(v *visit) error {
	text := strings.TrimSpace(v.URL.Query().Get("q"))
	page := &web.Search{Frame: v.frame("search")}
	page.Search = text
	if len(text) > search.MaxText {
		return &Trouble{http.StatusBadRequest, "That is too long to search for", "Identifiers have at most 2,048 bytes.", ""}
	}
	found, err := search.Search(v.Context(), p.Index, text)
	if err != nil {
		return err
	}
	if len(found.Hits) == 1 && !found.Some {
		return v.lead(http.StatusSeeOther, hitLink(found.Hits[0]))
	}
	page.Some = found.Some
	end := time.Now().Add(behindAll)
	for _, h := range found.Hits {
		hit, err := p.hit(v.Context(), h)
		if err != nil {
			return err
		}
		if h.Transaction == "" && h.Organisation == "" && h.Kind != "series" {
			hit.Flags = append(slices.Clone(hit.Flags), p.flagsBehind(v.Context(), h.Node, time.Until(end))...)
		}
		page.Hits = append(page.Hits, hit)
	}
	if digit, wrong := search.WrongCheckDigit(text); wrong {
		page.Digit = string(digit)
	}
	status := http.StatusOK
	if len(page.Hits) == 0 && text != "" {
		status = http.StatusNotFound
	}
	return v.show(status, "search", page)
}

// hitLink is the page about what was found.
func hitLink(h search.Hit) string {
	switch {
	case h.Transaction != "":
		return "/transactions/" + h.Transaction
	case h.Organisation != "":
		return "/organisations/" + url.PathEscape(h.Organisation)
	case h.Kind == "series":
		return "/artifacts/" + h.Node
	}
	return web.Href(h.Node)
}

// hit says what was found.
func (p *Pages) hit(ctx context.Context, h search.Hit) (web.Hit, error) {
	out := web.Hit{Kind: web.KindOf(h.Kind, h.Node), Name: web.Brief(h.Node), Full: h.Node, Why: h.Why, Link: hitLink(h)}
	switch {
	case h.Transaction != "":
		out.Kind, out.Name, out.Full = web.KindOf(
			"unknown",
			"",
		), "Transaction "+h.Transaction[:min(12, len(h.Transaction))]+"…", h.Transaction
		out.Kind.Word = "transaction"
		return out, nil
	case h.Organisation != "":
		out.Kind, out.Name, out.Full, out.By = web.KindOf("member", ""), h.Organisation, h.Organisation, h.Organisation
		return out, nil
	case h.Kind == "series":
		out.Kind = web.KindOf("artifact", h.Node)
		return out, nil
	}
	status, err := p.Index.Status(ctx, h.Node, index.Latest)
	if err != nil {
		return out, err
	}
	out.Flags = status.Flags
	if strings.HasPrefix(h.Node, "ni:///") {
		r, err := p.Index.Record(ctx, h.Node, index.Latest)
		if err != nil {
			return out, err
		}
		d, _ := summaryOf(*r)
		out.By, out.Kind, out.Note = r.MSPID, d.Kind, strings.TrimSpace(d.Did+" "+d.Note)
	}
	return out, nil
}
