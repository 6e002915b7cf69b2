package tracing

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
)

func TestTracesAreSentOnlyIfACollectorIsNamed(t *testing.T) {
	for _, test := range []struct {
		variables string
		want      bool
	}{
		{"", false},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", true},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1/v1/traces", true},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_SDK_DISABLED=true", false},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_TRACES_EXPORTER=none", false},
	} {
		t.Run(test.variables, func(t *testing.T) {
			for _, variable := range strings.Fields(test.variables) {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			assert.Equal(t, test.want, Configured())
		})
	}
	before := otel.GetTracerProvider()
	stop, err := Start(t.Context(), Service{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	stop()
	assert.Same(t, before, otel.GetTracerProvider())
}

func TestAnotherProtocolIsRefused(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	_, err := Start(t.Context(), Service{}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, `"grpc" isn't spoken here`)
}

func TestALostCollectorIsLoggedNowAndThen(t *testing.T) {
	var out bytes.Buffer
	c := complainer{log: slog.New(slog.NewTextHandler(&out, nil))}
	for range 3 {
		c.Handle(errors.New("refused"))
	}
	assert.Equal(t, 1, strings.Count(out.String(), "traces are lost"))
}
