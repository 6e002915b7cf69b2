// Package pages serves the gateway's HTML pages. It asks the index, the queue and the network for what a page shows,
// and renders it with the templates of package web. Each page has a file here, and a template and a data type there.
//
// A page changes things only through the API, as a program would, with the token of the person who is signed in. So a
// page can do only what that token allows.
package pages

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/web"
)

// Queue is what pages need of package capture.
type Queue interface {
	Stats() capture.Stats
}

// Config says what pages are made from. All fields but those that say otherwise are required.
type Config struct {
	// Name and MSPID are those of the organisation, Channel and Chaincode those of the network, Version the program's.
	Name, MSPID, Channel, Chaincode, Version string

	Sessions *session.Store
	// Issuer lets people sign in. Optional: without one they sign in with tokens only.
	Issuer Issuer
	// Vouching is the name of the issuer that people or programs come from. Optional.
	Vouching string
	// Certificates tells that machines come with client certificates, too.
	Certificates bool
	Queue        Queue
	Index        *index.Index
	// Cosigners are the organisations whose gateways sign answers together, as far as it is known now, this one first.
	// Optional.
	Cosigners func(context.Context) []string
	// Actors finds who had something recorded, and Actor says what is shown of them; see config.Config.
	Actors Actors
	Actor  string
	// Description is that of the API, which some pages are operations of.
	Description *openapi.Document
	// Requests serves what pages ask of the API in somebody's name, as a program would ask it; see visit.call.
	Requests http.Handler
	// Health tells about peers and the block stream.
	Health func() ledger.Health
	// Ready tells whether the gateway follows the ledger and its index has caught up, and if not, why.
	Ready func() (bool, string)
	// Tip is the number of blocks that a peer is known to have.
	Tip func() uint64
	// Trust tells what a verifier of proofs trusts, as the channel's configuration says it.
	Trust func(context.Context) (*proof.Trust, error)
	// Logger gets faults.
	Logger *slog.Logger
}

// Pages serves the pages of one gateway. The methods are safe for concurrent use.
type Pages struct {
	Config
	templates  *web.Pages
	mux        *http.ServeMux
	operations map[string]*openapi.Operation // of the API's description that are pages, by the patterns of their routes
	members    introductions
	drafts     *drafts
	tally      tally
	touched    touchedByRecalls
	watching   chan struct{} // places for those who watch
	archives   chan struct{} // and for those who have archives of proofs made
	stop       chan struct{} // closed by Stop
	stopOnce   sync.Once
}

// New makes the pages of a gateway.
func New(cfg Config) (*Pages, error) {
	p := &Pages{
		Config:   cfg,
		mux:      http.NewServeMux(),
		drafts:   newDrafts(),
		stop:     make(chan struct{}),
		watching: make(chan struct{}, mostWatch),
		archives: make(chan struct{}, archivesAtOnce),
	}
	var err error
	if p.templates, err = web.Load(); err != nil {
		return nil, err
	}
	for _, r := range p.routes() {
		p.mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { p.serve(w, req, r) })
		if op := p.operations[r.pattern]; op != nil {
			p.mux.HandleFunc(op.Path, p.wrongMethod)
		}
	}
	return p, p.everyOperation()
}

// routes are the routes of all pages except those of things; see Thing.
func (p *Pages) routes() []route {
	return slices.Concat(
		p.assetRoutes(), p.signInRoutes(), p.homeRoutes(), p.searchRoutes(), p.recordRoutes(), p.organisationRoutes(),
		p.artifactRoutes(), p.lineageRoutes(), p.impactRoutes(), p.captureRoutes(), p.auditRoutes(),
		p.tokenRoutes(), p.cosignedRoutes(), p.stateRoutes(), p.describedRoutes(),
	)
}

// Stop ends the answers that stay open while somebody watches them.
func (p *Pages) Stop() { p.stopOnce.Do(func() { close(p.stop) }) }

// Route returns the route that serves a request, such as "GET /impact". It returns "" if there is none.
func (p *Pages) Route(r *http.Request) string {
	_, pattern := p.mux.Handler(r)
	return pattern
}

// ServeHTTP serves a request. The request must have a Route.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// page answers one visit. Its error is shown as a page; see Trouble.
type page func(*visit) error

// route is one page.
type route struct {
	pattern string        // of http.ServeMux, with the method
	roles   []access.Role // who may; nobody need be signed in if it is empty
	page    page
}

var (
	anybody []access.Role // needs no session
	members = access.Roles
)

// serve brings a visit to its page.
func (p *Pages) serve(w http.ResponseWriter, r *http.Request, to route) {
	if op := p.operations[to.pattern]; op != nil {
		if _, err := p.described(r, op, r.PathValue); err != nil {
			p.refuse(w, r, err)
			return
		}
	}
	find := p.Sessions.Find
	if slices.Contains(unattended, to.pattern) {
		find = p.Sessions.Peek
	}
	r.Body = paceOf(r).Body(w, r.Body)
	v := &visit{Request: r, w: w, pages: p, session: find(r)}
	if v.session != nil {
		requestlog.In(r.Context()).Caller = v.session.Caller
	}
	if err := v.admit(to); err != nil {
		p.Trouble(w, r, err)
		return
	}
	if v.answered {
		return
	}
	if err := to.page(v); err != nil {
		p.refuse(w, r, err)
	}
}
