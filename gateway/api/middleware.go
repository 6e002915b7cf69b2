package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// Keys of what handlers leave for the log.
const (
	requestKey   = "pedigree.request"
	callerKey    = "pedigree.caller"
	operationKey = "pedigree.operation"
)

// securityHeaders go with every answer. Pages load nothing but our own styles and scripts.
var securityHeaders = map[string]string{
	"Content-Security-Policy":      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
	"Vary":                         "Accept, Authorization, Cookie",
}

// observe gives the request an id, and writes one line about it when it is served. Tokens are never written.
func (s *Server) observe(g *gin.Context) {
	began := time.Now()
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	id := hex.EncodeToString(raw[:])
	g.Set(requestKey, id)
	h := g.Writer.Header()
	h.Set("X-Request-Id", id)
	for name, value := range securityHeaders {
		h.Set(name, value)
	}
	g.Next()
	took := time.Since(began)
	name := ""
	if o, ok := g.Get(operationKey); ok {
		name = o.(*operation).id
	}
	if s.Observe != nil {
		s.Observe(name, g.Writer.Status(), took)
	}
	level := slog.LevelInfo
	if name == "healthz" || name == "readyz" || name == "metrics" {
		level = slog.LevelDebug
	}
	s.Logger.LogAttrs(
		g.Request.Context(),
		level,
		"request",
		slog.String(
			"id",
			id,
		),
		slog.String("method", record.Brief(problem.Clean(g.Request.Method))),
		slog.String("path", record.Brief(problem.Clean(g.Request.URL.Path))),
		slog.String("operation", name),
		slog.String("caller", g.GetString(callerKey)),
		slog.Int("status", g.Writer.Status()),
		slog.Int64("ms", took.Milliseconds()),
	)
}

// guard keeps a faulty handler and too many requests from harming others.
func (s *Server) guard(g *gin.Context) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if fault == http.ErrAbortHandler {
			panic(fault)
		}
		s.Logger.Error("a handler panicked", "id", g.GetString(requestKey), "panic", fault, "stack", string(debug.Stack()))
		if !g.Writer.Written() {
			s.refuse(g, problem.New(problem.Internal, "the gateway failed at this request; its log says more"))
		}
	}()
	if len(g.Request.RequestURI) > maxURI {
		s.refuse(
			g,
			problem.New(problem.URITooLong, "the address has %d bytes, more than the %d allowed", len(g.Request.RequestURI), maxURI),
		)
		return
	}
	if access.CallerIn(g.Request.Context()) != nil {
		g.Next() // a page asks, which has a place itself
		return
	}
	if err := take(g.Request.Context(), s.places); err != nil {
		s.refuse(g, s.problemOf(err))
		return
	}
	defer release(s.places)
	g.Next()
}

// errBusy says that all places stayed taken for as long as a request waits.
var errBusy = errors.New("too many requests are being served")

// take waits for a place.
func take(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case places <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

func release(places chan struct{}) { <-places }

// refuse answers with a problem: as a page to somebody who follows a link, in JSON to all others.
func (s *Server) refuse(g *gin.Context, p *problem.Problem) {
	g.Abort()
	id := g.GetString(requestKey)
	if p.Cause != nil || p.Kind.Status >= 500 {
		s.Logger.Error("a request failed", "id", id, "problem", p.Kind.Slug, "detail", p.Detail, "error", p.Cause)
	}
	if g.GetHeader("Sec-Fetch-Mode") == "navigate" {
		s.People.Refuse(g.Writer, g.Request, p.Kind.Status, p.Kind.Title, p.Detail)
		return
	}
	p.Answer(g.Writer, g.Request, "urn:request:"+id)
}
