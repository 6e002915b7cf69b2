package router

import (
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/journey"
)

// wantsPage tells whether somebody who resolves a GS1 Digital Link gets the page about the thing: they prefer HTML, or
// ask for the type of link that leads there. All others get links from the API, which also refuses what is no Digital
// Link.
func (r *Router) wantsPage(req *http.Request) bool {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return false
	}
	op, _ := r.Description.Thing(req.URL.EscapedPath())
	if op == nil || journey.ThingAt(req.URL.EscapedPath()) == "" {
		return false
	}
	media, err := op.Accept(req)
	if err != nil {
		return false
	}
	query := req.URL.Query()
	if query.Has("cosign") || query.Has("at") {
		return false // the page shows the newest block, and nobody signs a page
	}
	switch query.Get("linkType") {
	case "":
		return media == "text/html"
	case "gs1:defaultLink", "gs1:pip":
		return true
	}
	return false
}
