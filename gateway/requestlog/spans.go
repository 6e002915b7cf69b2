package requestlog

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// tracer does nothing unless the program sends traces; see package tracing.
var tracer = otel.Tracer("github.com/pedigree-ledger/pedigree/gateway/requestlog")

// unwatched are paths that machines ask for every few seconds. They aren't traced.
var unwatched = []string{"/healthz", "/readyz", "/metrics"}

// begin begins the span of a request, in the caller's trace if the request names one. It gives the entry the trace's id.
func begin(r *http.Request, e *Entry) (context.Context, trace.Span) {
	if slices.Contains(unwatched, r.URL.Path) {
		return r.Context(), trace.SpanFromContext(context.Background()) // does nothing
	}
	ctx := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	if span.SpanContext().IsSampled() {
		e.Trace = span.SpanContext().TraceID().String()
	}
	return ctx, span
}

// end ends the span of a request that was served.
func end(span trace.Span, e *Entry, status int) {
	if span.IsRecording() {
		if e.Operation != "" {
			span.SetName(e.Operation)
		}
		span.SetAttributes(attribute.String("pedigree.request", e.ID), attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
	}
	span.End()
}

// traceAttr is the trace's id for the log; it is left out if there is none.
func traceAttr(e *Entry) slog.Attr {
	if e.Trace == "" {
		return slog.Attr{}
	}
	return slog.String("trace", e.Trace)
}
