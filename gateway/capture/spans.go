package capture

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracer does nothing unless the program sends traces; see package tracing.
var tracer = otel.Tracer("github.com/pedigree-ledger/pedigree/gateway/capture")

// span begins the span of a batch. It is below that of the request whose records come first, and linked to those of the
// others. A job that was read from the disk has none: traces don't outlive the process.
func (b *batch) span(ctx context.Context) (context.Context, trace.Span) {
	var links []trace.Link
	var seen []trace.SpanContext
	for _, m := range b.members {
		of := m.part.job.trace
		if !of.IsValid() || has(seen, of) {
			continue
		}
		if seen = append(seen, of); len(seen) == 1 {
			ctx = trace.ContextWithRemoteSpanContext(ctx, of)
		} else {
			links = append(links, trace.Link{SpanContext: of})
		}
	}
	return tracer.Start(ctx, "transaction", trace.WithLinks(links...), trace.WithAttributes(
		attribute.String("pedigree.function", b.lane.function), attribute.Int("pedigree.records", b.records())))
}

func has(all []trace.SpanContext, one trace.SpanContext) bool {
	for _, other := range all {
		if other.Equal(one) {
			return true
		}
	}
	return false
}

// step does a step of a transaction in a span of its own.
func step(ctx context.Context, name string, do func(context.Context) error) error {
	ctx, span := tracer.Start(ctx, name)
	defer span.End()
	err := do(ctx)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}
