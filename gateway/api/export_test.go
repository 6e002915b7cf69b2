package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/catalogue"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
)

// TestTheDescriptionHasEveryFormat: what can be asked for, what can be accepted and what is in the catalogue is one
// list.
func TestTheDescriptionHasEveryFormat(t *testing.T) {
	s, err := openapi.Load()
	require.NoError(t, err)
	o := s.Operation("lineage")
	var names, types []string
	for _, f := range catalogue.Formats {
		names, types = append(names, f.Name), append(types, f.MediaType)
	}
	assert.Equal(t, names, o.Parameter("format").Enum)
	assert.ElementsMatch(t, append(types, cosignedType), o.Produces)
	assert.Equal(t, "application/json", o.Produces[0])
}

func TestLineageInEveryFormat(t *testing.T) {
	f := newFixture(t)
	s := formatstest.On(t, f.ledger)
	browser := map[string]string{"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
	for name, c := range map[string]struct {
		node, query, accept string
		header              map[string]string
		status              int
		media, holds        string
	}{
		"a model as a statement":             {node: formatstest.Model, query: "format=slsa", status: 200, media: "application/vnd.in-toto.provenance+dsse", holds: `"payloadType":"application/vnd.in-toto+json"`},
		"by its media type":                  {node: formatstest.Model, accept: "application/vnd.in-toto.provenance+dsse", status: 200, media: "application/vnd.in-toto.provenance+dsse", holds: "payloadType"},
		"a run as a statement":               {node: s.Run, query: "format=slsa", status: 200, media: "application/vnd.in-toto.provenance+dsse", holds: "payloadType"},
		"a lot as events":                    {node: formatstest.Lot, query: "format=openlineage&direction=both", status: 200, media: "application/x-ndjson", holds: `"eventType":"COMPLETE"`},
		"a model as a bill":                  {node: formatstest.Model, query: "format=cyclonedx", status: 200, media: "application/vnd.cyclonedx+json", holds: `"bomFormat": "CycloneDX"`},
		"a model for people":                 {node: formatstest.Model, query: "format=summary", status: 200, media: "text/html; charset=utf-8", holds: "<title>spoilage 3: summary of training data</title>"},
		"to somebody who takes nothing else": {node: formatstest.Model, accept: "text/html", status: 200, media: "text/html; charset=utf-8", holds: "Summary of training data"},
		"a lot as a table":                   {node: formatstest.Lot, query: "format=csv&direction=descendants", status: 200, media: "text/csv; charset=utf-8", holds: formatstest.Lot},
		"a statement as a picture":           {node: s.Recall, query: "format=dot&direction=descendants", status: 200, media: "text/vnd.graphviz; charset=utf-8", holds: "digraph"},
		"a browser gets what is for all":     {node: formatstest.Lot, header: browser, status: 200, media: "application/json", holds: `"edges"`},
		"a browser that asks for a summary":  {node: formatstest.Model, query: "format=summary", header: browser, status: 200, media: "text/html; charset=utf-8", holds: "Spoilage Lab"},
		"as it was before the recall":        {node: formatstest.Model, query: "format=summary&at=20", status: 200, media: "text/html; charset=utf-8", holds: "As of block 20"},

		"a lot for people":         {node: formatstest.Lot, query: "format=summary", status: 406, holds: "the format summary is about nodes of the kind artifact"},
		"a dataset for people":     {node: formatstest.Measurements, query: "format=summary", status: 406, holds: "a training-data summary is about a model"},
		"a lot as a statement":     {node: formatstest.Lot, query: "format=slsa", status: 406, holds: "the format slsa is about nodes of the kind artifact or activity"},
		"a version from nowhere":   {node: formatstest.Alone, query: "format=slsa", status: 406, holds: "so it has no provenance"},
		"a statement as events":    {node: s.Recall, query: "format=openlineage", status: 406, holds: "the format openlineage is about"},
		"provenance, downwards":    {node: formatstest.Model, query: "format=slsa&direction=descendants", status: 400, holds: "leave the direction out"},
		"a format that is none":    {node: formatstest.Model, query: "format=spdx", status: 400, holds: "is none of json, csv, dot, prov"},
		"a node that nobody knows": {node: "model/lab/unknown@1", query: "format=summary", status: 404, holds: "no record up to block"},
		"nobody without a token":   {node: formatstest.Model, query: "format=slsa", header: map[string]string{"nobody": ""}, status: 401, holds: "bearer token"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request{path: "/v1/lineage?node=" + url.QueryEscape(c.node) + "&" + c.query,
				header: map[string]string{}}
			r.path = strings.TrimSuffix(r.path, "&")
			if c.accept != "" {
				r.header["Accept"] = c.accept
			}
			for name, value := range c.header {
				if name == "nobody" {
					r.role = name
					continue
				}
				r.header[name] = value
			}
			a := f.do(r)
			require.Equal(t, c.status, a.status, a.body)
			assert.True(t, strings.Contains(a.body, c.holds), "%.2000s", a.body)
			if c.status != 200 {
				a.problem(t)
				return
			}
			assert.Equal(t, c.media, a.header.Get("Content-Type"))
			if strings.Contains(c.media, "json") && c.media != "application/x-ndjson" {
				assert.True(t, json.Valid([]byte(a.body)))
			}
		})
	}
}

// TestWhatAnExportSaysOfItselfIsInHeaders, for its bytes are the format's.
func TestWhatAnExportSaysOfItselfIsInHeaders(t *testing.T) {
	f := newFixture(t)
	formatstest.On(t, f.ledger)
	whole := f.do(request{path: "/v1/lineage?format=summary&node=" + formatstest.Model})
	assert.Equal(t, "24", whole.header.Get("Pedigree-Block"))
	assert.Empty(t, whole.header.Get("Pedigree-Truncated"))
	assert.Equal(t, `inline; filename="model-lab-spoilage@3.html"`, whole.header.Get("Content-Disposition"))
	policy := whole.header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'; style-src 'sha256-")
	assert.NotContains(t, policy, "script-src")
	cut := f.do(request{path: "/v1/lineage?format=csv&depth=1&node=" + formatstest.Model})
	assert.Equal(t, "depth", cut.header.Get("Pedigree-Truncated"))
	assert.Empty(t, f.do(request{path: "/v1/lineage?format=slsa&node=" +
		formatstest.Model}).header.Get("Pedigree-Truncated"), "a statement is of one run, and has all of it")
	short := f.do(request{path: "/v1/lineage?format=slsa&depth=1&node=" + formatstest.Model})
	assert.Equal(t, 200, short.status)
	assert.Contains(t, payload(t, short.body), `"status":["withdrawn"]`,
		"whatever depth was asked for, it is made of two steps")
	few := f.do(request{path: "/v1/lineage?format=slsa&limit=2&node=" + formatstest.Model})
	assert.Equal(t, 406, few.status, "%s", few.body)
	head := f.do(request{method: http.MethodHead, path: "/v1/lineage?format=openlineage&node=" + formatstest.Model})
	assert.Equal(t, 200, head.status)
	assert.Empty(t, head.body)
}

// TestLongAnswersAreStreamed: an error that comes early is told, one that comes late breaks the answer off, so that
// nobody takes a part for the whole.
func TestLongAnswersAreStreamed(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	chunk := strings.Repeat("x", 64<<10)
	write := func(chunks int, err error) gin.HandlerFunc {
		return func(g *gin.Context) {
			c := &call{Context: g}
			failed := c.stream("text/plain", func(out io.Writer) error {
				for range chunks {
					if _, err := io.WriteString(out, chunk); err != nil {
						return err
					}
				}
				return err
			})
			if failed != nil {
				c.send(http.StatusTeapot, "text/plain", []byte(failed.Error()))
			}
		}
	}
	broken := errors.New("the index is gone")
	engine.GET("/short", write(3, nil))
	engine.GET("/long", write(100, nil))
	engine.GET("/early", write(3, broken))
	engine.GET("/late", write(100, broken))
	server := httptest.NewServer(engine)
	defer server.Close()
	get := func(path string) (*http.Response, int, error) {
		response, err := http.Get(server.URL + path)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response, len(body), err
	}
	short, n, err := get("/short")
	require.NoError(t, err)
	assert.Equal(t, 3*len(chunk), n)
	assert.Equal(t, int64(n), short.ContentLength)
	_, n, err = get("/long")
	require.NoError(t, err)
	assert.Equal(t, 100*len(chunk), n)
	early, _, err := get("/early")
	require.NoError(t, err)
	assert.Equal(t, http.StatusTeapot, early.StatusCode)
	late, n, err := get("/late")
	require.Error(t, err, "a part isn't taken for the whole")
	assert.Equal(t, http.StatusOK, late.StatusCode)
	assert.LessOrEqual(t, n, 100*len(chunk))
}

// payload is what a signed statement says.
func payload(t *testing.T, envelope string) string {
	t.Helper()
	var e struct{ Payload []byte }
	require.NoError(t, json.Unmarshal([]byte(envelope), &e))
	return string(e.Payload)
}
