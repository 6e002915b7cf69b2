package pages

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoMoreArchivesAreMadeAtOnceThanFitInMemory(t *testing.T) {
	p := &Pages{archives: make(chan struct{}, 1)}
	p.archives <- struct{}{}
	w := httptest.NewRecorder()
	err := p.auditZip(&visit{Request: httptest.NewRequest(http.MethodGet, "/audit/proofs.zip", nil), w: w, pages: p})
	var trouble *Trouble
	require.ErrorAs(t, err, &trouble)
	require.Equal(t, http.StatusServiceUnavailable, trouble.Status)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}
