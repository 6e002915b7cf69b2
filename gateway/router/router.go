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

	"github.com/pedigree-ledger/pedigree/gateway/admission"
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
	// Refuse shows the page that says what went wrong.
	Refuse(w http.ResponseWriter, r *http.Request, status int, title, detail string)
}

// Config says what a router routes to. All fields but those with a default are required.
type Config struct {
	API   http.Handler
	Pages Pages

	// Member tells which member sends a request: the name of a valid token or session, or "".
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
	admission       *admission.Control
	outside, inside http.Handler
}

// New makes a router.
func New(cfg Config) *Router {
	r := &Router{Config: cfg, admission: admission.New(admission.Config{Member: cfg.Member, Members: cfg.Members})}
	logged := func(serve http.HandlerFunc) http.Handler {
		return requestlog.Handler(r.guarded(serve), cfg.Logger, cfg.Observe)
	}
	r.outside, r.inside = logged(r.admit), logged(r.route)
	return r
}

// ServeHTTP serves a request from outside.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.outside.ServeHTTP(w, req) }

// Inside serves the requests that this program makes itself, while it serves a request that has a place already. Their
// context says in whose name they are made; see access.WithCaller.
func (r *Router) Inside() http.Handler { return r.inside }

// guarded serves with a handler, and answers for it if it panics.
func (r *Router) guarded(serve http.HandlerFunc) http.Handler {
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
			r.Logger.Error("a handler panicked", "id", id, "panic", fault, "stack", string(debug.Stack()))
			if !requestlog.Begun(w) {
				r.refuse(w, req, problem.New(problem.Internal, "the gateway failed at this request; its log says more"))
			}
		}()
		serve(w, req)
	})
}

// admit serves a request once it has a place.
func (r *Router) admit(w http.ResponseWriter, req *http.Request) {
	if n := len(req.RequestURI); n > maxURI {
		r.refuse(w, req, problem.New(problem.URITooLong, "the address has %d bytes, more than the %d allowed", n, maxURI))
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
	r.tell(w, req, r.API.ServeHTTP)
}

// refuse answers with a problem.
func (r *Router) refuse(w http.ResponseWriter, req *http.Request, p *problem.Problem) {
	r.tell(w, req, func(w http.ResponseWriter, req *http.Request) {
		p.Answer(w, req, requestlog.In(req.Context()).Instance())
	})
}
