// Package router is what every request of a gateway reaches first. It holds the API for programs and the pages for
// people side by side, and decides which of them answers. What both have in common is done here:
//
//   - requestlog gives the request an id and logs it;
//   - every answer gets the security headers, and a handler that panics is answered for;
//   - admission bounds how many requests are served at once, and for whom.
package router

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/admission"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
)

// maxURI is the longest address of a request, in bytes.
const maxURI = 32 << 10

// securityHeaders go with every answer. Pages load nothing but our own styles and scripts.
var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
	"Vary":                         "Accept, Authorization, Cookie",
}

// Pages are the pages for people.
type Pages interface {
	// ServeHTTP serves a request of which Route names the route; that is empty if it is none of a page.
	http.Handler
	Route(r *http.Request) string
	// Thing shows the page about the thing at a GS1 Digital Link.
	Thing(w http.ResponseWriter, r *http.Request)
	// Refuse shows the page that says what went wrong.
	Refuse(w http.ResponseWriter, r *http.Request, status int, title, detail string)
}

// Config says what a router routes to. All fields but those with a default are required.
type Config struct {
	API   http.Handler
	Pages Pages
	// Description is that of the API.
	Description *openapi.Document

	// Member tells which member sends a request: the ID of who is behind a valid token, session or certificate, or "".
	Member func(r *http.Request) string
	// Members is how many requests of members are served at once. Optional: see package admission.
	Members int
	// Observe is told about each request served. Optional.
	Observe requestlog.Observer
	// Logger gets one line for each request, and the faults of handlers.
	Logger *slog.Logger
}

// Router serves the requests of a gateway.
type Router struct {
	Config
	admission *admission.Control
	handler   http.Handler
}

// New makes a router.
func New(cfg Config) *Router {
	r := &Router{Config: cfg, admission: admission.New(admission.Config{Member: cfg.Member, Members: cfg.Members})}
	r.handler = requestlog.Handler(guarded(r.admit, r.refuse, cfg.Logger), cfg.Logger, cfg.Observe)
	return r
}

// ServeHTTP serves a request from outside.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.handler.ServeHTTP(w, req.WithContext(access.Once(req.Context())))
}

// Inside serves requests of the API that this program makes itself, on behalf of a request that was admitted.
// Their context says in whose name they are made; see access.WithCaller. They are observed and logged as those from
// outside are.
func Inside(api http.Handler, observe requestlog.Observer, log *slog.Logger) http.Handler {
	return requestlog.Handler(guarded(api.ServeHTTP, answer, log), log, observe)
}

// guarded serves with a handler. If that panics, refuse answers.
func guarded(
	serve http.HandlerFunc, refuse func(http.ResponseWriter, *http.Request, *problem.Problem), log *slog.Logger,
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for name, value := range securityHeaders {
			w.Header().Set(name, value)
		}
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if fault == http.ErrAbortHandler {
				panic(fault)
			}
			id := requestlog.In(req.Context()).ID
			log.Error("a handler panicked", "id", id, "panic", fault, "stack", string(debug.Stack()))
			if !requestlog.Begun(w) {
				refuse(w, req, problem.New(problem.Internal, "the gateway failed at this request; its log says more"))
			}
		}()
		serve(w, req)
	})
}

// admit serves a request once it has a place.
func (r *Router) admit(w http.ResponseWriter, req *http.Request) {
	if n := len(req.RequestURI); n > maxURI {
		r.refuse(w, req, problem.New(problem.URITooLong, "the address has %d bytes, more than the %d allowed", n,
			maxURI))
		return
	}
	admitted, release, err := r.admission.Admit(w, req)
	if err != nil {
		p := problem.New(problem.Busy, "the request was given up before it was served")
		if errors.Is(err, admission.ErrBusy) {
			p = problem.New(problem.Busy, "%v", err)
		}
		p.RetryAfter = time.Second
		r.refuse(w, req, p)
		return
	}
	defer release()
	r.route(w, admitted)
}

// route brings a request to who answers it.
func (r *Router) route(w http.ResponseWriter, req *http.Request) {
	serve := r.API.ServeHTTP
	if r.wantsPage(req) {
		serve = r.Pages.Thing
	} else if route := r.Pages.Route(req); route != "" {
		requestlog.In(req.Context()).Operation = route
		serve = r.Pages.ServeHTTP
	}
	r.tell(w, req, serve)
}

// refuse answers with a problem, or with the page about it.
func (r *Router) refuse(w http.ResponseWriter, req *http.Request, p *problem.Problem) {
	r.tell(w, req, func(w http.ResponseWriter, req *http.Request) { answer(w, req, p) })
}

// answer answers with a problem.
func answer(w http.ResponseWriter, req *http.Request, p *problem.Problem) {
	p.Answer(w, req, requestlog.In(req.Context()).Instance())
}
