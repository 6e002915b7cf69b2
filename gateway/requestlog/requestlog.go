// Package requestlog gives each request an id, and writes one line to the log when it has been served. The handlers
// that serve the request fill in the line's [Entry]. Tokens are never written.
package requestlog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// Entry is what the log says about one request. A handler may change it until it returns.
type Entry struct {
	ID        string         // random; the answer has it in X-Request-Id
	Operation string         // of the API's description, or the route of a page; "" if there is none
	Caller    *access.Caller // nil if nobody is known
	Trace     string         // the id of its trace; "" if the program sends no traces
}

// Instance is the URI of the request, for problems.
func (e *Entry) Instance() string { return "urn:request:" + e.ID }

type entryKey struct{}

// In returns the entry of the request that a context belongs to. It returns a new entry, which nobody logs, if there is
// none.
func In(ctx context.Context) *Entry {
	if e, ok := ctx.Value(entryKey{}).(*Entry); ok {
		return e
	}
	return new(Entry)
}

// Apart returns a context in which a handler makes a request of its own. What is said about that request doesn't stand
// in the line of the outer one.
func Apart(ctx context.Context) context.Context {
	return context.WithValue(ctx, entryKey{}, &Entry{ID: In(ctx).ID})
}

// Observer is told about each request that was served.
type Observer func(operation string, status int, took time.Duration)

// quiet are operations that machines ask for every few seconds.
var quiet = []string{"healthz", "readyz", "metrics"}

// Handler serves requests with next. It logs them, and tells observe about them, which may be nil.
func Handler(next http.Handler, log *slog.Logger, observe Observer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		var raw [8]byte
		_, _ = rand.Read(raw[:]) // never fails
		e := &Entry{ID: hex.EncodeToString(raw[:])}
		w.Header().Set("X-Request-Id", e.ID)
		a := &answer{ResponseWriter: w}
		ctx, span := begin(r, e)
		next.ServeHTTP(a, r.WithContext(context.WithValue(ctx, entryKey{}, e)))
		end(span, e, a.Status())
		took := time.Since(began)
		if observe != nil {
			observe(e.Operation, a.Status(), took)
		}
		level := slog.LevelInfo
		if slices.Contains(quiet, e.Operation) {
			level = slog.LevelDebug
		}
		log.LogAttrs(
			r.Context(), level, "request",
			slog.String("id", e.ID),
			slog.String("method", record.Brief(problem.Clean(r.Method))),
			slog.String("path", record.Brief(problem.Clean(r.URL.Path))),
			slog.String("operation", e.Operation),
			whoAttr(e.Caller),
			slog.Int("status", a.Status()),
			slog.Int64("ms", took.Milliseconds()),
			traceAttr(e),
		)
	})
}

// whoAttr says who sends a request. The attribute caller is there even if nobody is known.
func whoAttr(caller *access.Caller) slog.Attr {
	if caller == nil {
		return slog.String("caller", "")
	}
	return Who(caller)
}

// Who says in a line of the log who did something: a person or a machine, its role, and how it was authenticated.
func Who(caller *access.Caller) slog.Attr {
	who := []any{slog.String("caller", record.Brief(problem.Clean(caller.Name)))}
	if caller.ID != caller.Name {
		who = append(who, slog.String("callerId", record.Brief(problem.Clean(caller.ID))))
	}
	if caller.Kind != "" {
		who = append(who, slog.String("kind", string(caller.Kind)))
	}
	who = append(who, slog.String("role", string(caller.Role)), slog.String("by", string(caller.Method)))
	return slog.Group("", who...) // a group without a name is written as its members
}

// answer remembers the status of an answer.
type answer struct {
	http.ResponseWriter
	status int // 0 before the answer begins
}

// Status is that of the answer. An answer that never begins has the status 200.
func (a *answer) Status() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Begun reports whether the answer to a request has begun, so that nothing else can be answered. The writer must be the
// one that Handler passed on.
func Begun(w http.ResponseWriter) bool {
	a, ok := w.(*answer)
	return ok && a.status != 0
}
