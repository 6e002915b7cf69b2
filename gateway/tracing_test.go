package gateway

import (
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	span "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/tracing"
	"github.com/pedigree-ledger/pedigree/network"
)

// A receiver is a collector that keeps what it gets.
type receiver struct {
	mu      sync.Mutex
	spans   []*span.Span
	service map[string]string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	text, err := io.ReadAll(request.Body)
	var got collector.ExportTraceServiceRequest
	if err != nil || request.URL.Path != "/v1/traces" || proto.Unmarshal(text, &got) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range got.GetResourceSpans() {
		r.service = map[string]string{}
		for _, a := range resource.GetResource().GetAttributes() {
			r.service[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// below returns the span of a name below another one.
func (r *receiver) below(t *testing.T, name string, parent []byte) *span.Span {
	t.Helper()
	for _, s := range r.spans {
		if s.GetName() == name && string(s.GetParentSpanId()) == string(parent) {
			return s
		}
	}
	require.Fail(t, "there is no such span", "%s in %v", name, r.spans)
	return nil
}

// A trace that a caller began goes on from the request to the block that has what it sent.
func TestATraceLeadsFromTheRequestToTheBlock(t *testing.T) {
	var got receiver
	server := httptest.NewServer(&got)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	stop, err := tracing.Start(t.Context(), tracing.Service{Name: "pedigree-gateway", Organisation: "HarborMSP"},
		slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	_, d, end := ownWith(t, "harbor", config.Config{Data: filepath.Join(t.TempDir(), "data")}, io.Discard)
	d.token = doorOf(t, "harbor", network.Submitter).token
	d.await(func() bool { return d.get("/readyz").status == http.StatusOK })
	const trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	answer := d.do(http.MethodPost, "/epcis/v2/events", observation(fresh("TRACED"), "2026-03-06T08:00:00Z"),
		"traceparent", "00-"+trace+"-"+caller+"-01")
	require.Equal(t, http.StatusCreated, answer.status, string(answer.body))
	require.NoError(t, end())
	stop()

	got.mu.Lock()
	defer got.mu.Unlock()
	assert.Equal(t, "HarborMSP", got.service["pedigree.organisation"])
	assert.Equal(t, "pedigree-gateway", got.service["service.name"])
	parent, err := hex.DecodeString(caller)
	require.NoError(t, err)
	request := got.below(t, "recordEvent", parent)
	transaction := got.below(t, "transaction", request.GetSpanId())
	for _, name := range []string{"endorse", "order", "commit"} {
		step := got.below(t, name, transaction.GetSpanId())
		assert.Equal(t, trace, hex.EncodeToString(step.GetTraceId()))
		assert.LessOrEqual(t, step.GetEndTimeUnixNano(), transaction.GetEndTimeUnixNano())
	}
	attributes := map[string]string{}
	for _, a := range transaction.GetAttributes() {
		attributes[a.GetKey()] = a.GetValue().GetStringValue()
	}
	assert.Len(t, attributes["pedigree.transaction"], 64)
	assert.Equal(t, "Events:Submit", attributes["pedigree.function"])
	for _, s := range got.spans {
		assert.NotEqual(t, "readyz", s.GetName())
	}
}
