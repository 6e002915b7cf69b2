package router

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/openapi"
)

// faces are pages that say which of them was asked for.
type faces struct{}

func (faces) Thing(w http.ResponseWriter, _ *http.Request)     { _, _ = io.WriteString(w, "thing") }
func (faces) ServeHTTP(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }
func (faces) Refuse(w http.ResponseWriter, _ *http.Request, _ int, _, _ string) {
	_, _ = io.WriteString(w, "refusal")
}

func (faces) Route(r *http.Request) string {
	if r.URL.Path == "/docs" {
		return "GET /docs"
	}
	return ""
}

func TestPagesAnswerPeopleAndTheAPIAnswersPrograms(t *testing.T) {
	const lot, html, links = "/01/09520001100017/10/A", "text/html", "application/linkset+json"
	description, err := openapi.Load()
	require.NoError(t, err)
	r := New(Config{
		API:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "api") }),
		Pages: faces{}, Description: description, Member: func(*http.Request) string { return "" },
		Logger: slog.New(slog.DiscardHandler),
	})
	for _, c := range []struct{ name, method, path, accept, want string }{
		{"a page", "GET", "/docs", html, "page"},
		{"a resource", "GET", "/v1/records", "", "api"},
		{"a link", "GET", lot, html, "thing"},
		{"a link without a wish", "GET", lot, "", "thing"},
		{"the head of a link", "HEAD", lot, html, "thing"},
		{"a link by a program", "GET", lot, links, "api"},
		{"a link by who prefers pages", "GET", lot, links + ";q=0.5, text/*", "thing"},
		{"a link in a type there isn't", "GET", lot, "text/csv", "api"},
		{"links, whatever is accepted", "GET", lot + "?linkType=linkset", html, "api"},
		{"the page, whatever is accepted", "GET", lot + "?linkType=gs1:pip", links, "thing"},
		{"another link", "GET", lot + "?linkType=gs1:epcis", html, "api"},
		{"something sent to a link", "POST", lot, html, "api"},
		{"a key of another form", "GET", "/01/12", html, "api"},
		{"a value that is percent-encoded", "GET", "/01/09520001100017/10/A%2FB", html, "thing"},
		{"no key of GS1's", "GET", "/99/09520001100017", html, "api"},
		{"a key alone", "GET", "/01/", html, "api"},
	} {
		req := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		req.Header.Set("Accept", c.accept)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		assert.Equal(t, c.want, w.Body.String(), c.name)
	}
}
