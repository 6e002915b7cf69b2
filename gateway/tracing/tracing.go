// Package tracing sends traces to an OpenTelemetry collector, if the environment names one. Other packages make spans
// with OpenTelemetry's API, which does nothing until then.
//
// A request is a span, of the caller's trace if the caller sent traceparent. Each transaction that carries records of
// the request is a span below it, with one for each step: endorse, order and commit.
package tracing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Service describes what sends the traces.
type Service struct{ Name, Version, Organisation string }

// patience is how long what is left may take to be sent at the end.
const patience = 5 * time.Second

// complaint is the time after which a collector that can't be reached is logged again.
const complaint = time.Minute

// Configured reports whether the environment names a collector, by the standard variables of OpenTelemetry.
func Configured() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Start begins to send traces, if that is Configured. stop sends what is left, and ends it. A collector that can't be
// reached is logged and holds nothing up.
func Start(ctx context.Context, s Service, log *slog.Logger) (stop func(), err error) {
	if !Configured() {
		return func() {}, nil
	}
	protocol := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"),
		"http/protobuf")
	if protocol != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q isn't spoken here, only http/protobuf, which collectors take "+
			"on port 4318", protocol)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("couldn't prepare for the collector of traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", s.Name), attribute.String("service.version", s.Version),
		attribute.String("service.instance.id", s.Organisation), attribute.String("pedigree.organisation", s.Organisation),
	), resource.WithFromEnv()) // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take the place of ours
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("couldn't read how traces are to be labelled: %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	otel.SetErrorHandler(&complainer{log: log})
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetTracerProvider(provider)
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.Warn("traces are lost", "error", err)
		}
	}, nil
}

// A complainer logs what goes wrong with traces, now and then.
type complainer struct {
	log  *slog.Logger
	mu   sync.Mutex
	last time.Time
}

// Handle implements otel.ErrorHandler.
func (c *complainer) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.last) >= complaint {
		c.last = now
		c.log.Warn("traces are lost: look at the collector, and at OTEL_EXPORTER_OTLP_ENDPOINT", "error", err)
	}
}
