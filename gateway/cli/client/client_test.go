package client

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// gateway plays a gateway that answers each request with the next answer, and with the last one from then on.
func gateway(t *testing.T, answers ...http.HandlerFunc) *Client {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[min(n, len(answers)-1)]
		n++
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return New(server.URL+"/", "secret")
}

func answer(status int, mediaType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func ok(body string) http.HandlerFunc { return answer(http.StatusOK, "application/json", body) }

func TestARequestBearsTheTokenAndItsTypes(t *testing.T) {
	c := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, "application/json, application/problem+json", r.Header.Get("Accept"))
		assert.Equal(t, "/v1/statements?about=a%2Fb", r.URL.RequestURI())
		assert.Equal(t, http.MethodPost, r.Method)
		body, _ := io.ReadAll(r.Body)
		assert.Equal(t, "{}", string(body))
		ok(`{"id":"x"}`)(w, r)
	})
	got, err := c.Do(t.Context(), Call{Method: http.MethodPost, Path: "/v1/statements",
		Query: url.Values{"about": {"a/b"}}, Body: []byte("{}")})
	require.NoError(t, err)
	assert.Equal(t, `{"id":"x"}`, string(got.Body))
}

func TestARefusalHasAMessageAndAnExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		code   int
	}{
		"one problem": {answer(400, "application/problem+json", `{"type":"/problems/bad-input","title":"Bad input","detail":"depth is too small","problems":[{"parameter":"depth","detail":"depth is too small"}]}`),
			"Bad input: depth is too small (depth)", exit.Refused},
		"several problems": {answer(400, "application/problem+json", `{"title":"Bad input","problems":[{"pointer":"/a","detail":"is missing"},{"pointer":"/b","detail":"is there","existing":"ni:///x"}]}`),
			"Bad input\n  /a: is missing\n  /b: is there (ni:///x)", exit.Refused},
		"a bad token":             {answer(401, "application/problem+json", `{"title":"Unauthorized","detail":"nobody has this token"}`), "Unauthorized: nobody has this token", exit.Refused},
		"not found":               {answer(404, "application/problem+json", `{"title":"Not found"}`), "Not found", exit.Refused},
		"too busy":                {answer(429, "application/problem+json", `{"title":"Too many requests"}`), "Too many requests", exit.Unreachable},
		"no ledger":               {answer(503, "application/problem+json", `{"title":"Unavailable"}`), "Unavailable", exit.Unreachable},
		"a proxy without backend": {answer(502, "text/html", `<html>`), "502 Bad Gateway", exit.Unreachable},
		"a proxy's timeout":       {answer(504, "text/html", ``), "504 Gateway Timeout", exit.Unreachable},
		"JSON that says nothing":  {answer(500, "application/json", `[]`), "500 Internal Server Error", exit.Refused},
		"a status that lies":      {answer(503, "application/problem+json", `{"title":"Fine","status":200}`), "Fine", exit.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			err := gateway(t, c.answer).Get(t.Context(), "/v1/status", nil, nil)
			var p *Problem
			require.ErrorAs(t, err, &p)
			assert.Equal(t, c.want, err.Error())
			assert.Equal(t, c.code, exit.Code(err))
		})
	}
}

func TestAnAnswerThatIsTooLargeIsRefused(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		c := gateway(t, answer(status, "application/json", `"`+strings.Repeat("x", 8)+`"`))
		c.most = 10
		err := c.Get(t.Context(), "/", nil, nil)
		var p *Problem
		assert.Equal(t, status >= 400, errors.As(err, &p), "ten bytes are not too many")
		c.most = 9
		err = c.Get(t.Context(), "/", nil, nil)
		require.ErrorContains(t, err, "more than 9 bytes")
		assert.Equal(t, exit.Refused, exit.Code(err))
	}
}

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"a":`)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestAnAnswerThatIsCutOffIsNoAnswer(t *testing.T) {
	err := gateway(t, cut).Get(t.Context(), "/", nil, nil)
	require.ErrorContains(t, err, "cut off after 5 bytes")
	assert.Equal(t, exit.Unreachable, exit.Code(err))
	var copied strings.Builder
	_, err = gateway(t, cut).Copy(t.Context(), Call{Method: http.MethodGet, Path: "/"}, &copied)
	require.ErrorContains(t, err, "cut off after 5 bytes")
	assert.Equal(t, exit.Unreachable, exit.Code(err))
	assert.Equal(t, `{"a":`, copied.String())
}

func TestNoGateway(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	err := New(server.URL, "secret").Get(t.Context(), "/", nil, nil)
	require.ErrorContains(t, err, "no gateway answers at "+server.URL)
	assert.NotContains(t, err.Error(), "secret")
	assert.Equal(t, exit.Unreachable, exit.Code(err))
}

func TestACopiedRefusalWritesNothing(t *testing.T) {
	var copied strings.Builder
	_, err := gateway(t, answer(400, "application/problem+json", `{"title":"Bad input"}`)).Copy(t.Context(),
		Call{Method: http.MethodGet, Path: "/"}, &copied)
	require.EqualError(t, err, "Bad input")
	assert.Empty(t, copied.String())
}

func TestAnAnswerThatIsNoJSONIsSaid(t *testing.T) {
	err := gateway(t, ok(`<html>`)).Get(t.Context(), "/", nil, &struct{}{})
	require.ErrorContains(t, err, "couldn't understand the gateway's answer")
	assert.Equal(t, exit.Refused, exit.Code(err))
}

func TestABlockIsAwaited(t *testing.T) {
	c := gateway(t, ok(`{"height":3}`), ok(`{"height":4}`), ok(`{"height":5}`),
		answer(500, "text/plain", "asked once too often"))
	require.NoError(t, c.AwaitBlock(t.Context(), 4))
	ctx, cancel := context.WithCancel(t.Context())
	c = gateway(t, func(w http.ResponseWriter, r *http.Request) { ok(`{"height":3}`)(w, r); cancel() })
	require.ErrorIs(t, c.AwaitBlock(ctx, 4), context.Canceled)
}

func TestAJobIsAwaitedAndItsResultsAreRead(t *testing.T) {
	c := gateway(t, answer(202, "application/json", `{"captureID":"j/1","running":true}`),
		func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "/epcis/v2/capture/j%2F1?results=none", r.URL.RequestURI())
			ok(`{"captureID":"j/1","running":true,"counts":{"total":2,"recorded":1,"pending":1}}`)(w, r)
		},
		ok(`{"captureID":"j/1","running":false,"success":true,"counts":{"total":2,"recorded":2}}`),
		func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "perPage=1000", r.URL.RawQuery)
			ok(`{"captureID":"j/1","success":true,"counts":{"total":2,"recorded":2},"results":[{"state":"recorded"},{"state":"recorded"}]}`)(w, r)
		})
	job, err := c.Capture(t.Context(), []byte(`{}`), true)
	require.NoError(t, err)
	var seen []int
	job, err = c.Await(t.Context(), job.ID, func(j *Job) { seen = append(seen, j.Counts.Recorded) })
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, seen)
	assert.Len(t, job.Results, 2)
}

func TestAProofIsAwaitedOnlyForSoLong(t *testing.T) {
	pending := answer(202, "application/json", `{"have":["HarborMSP"],"lack":["LabMSP\u001b[2J"]}`)
	_, err := gateway(t, pending).AwaitProof(t.Context(), "/v1/records/x/proof", nil, 0)
	require.ErrorContains(t, err, "[HarborMSP] have, [LabMSP")
	assert.Equal(t, exit.Unreachable, exit.Code(err))
	text, err := gateway(t, ok("proof")).AwaitProof(t.Context(), "/v1/records/x/proof", nil, time.Hour)
	require.NoError(t, err)
	assert.Equal(t, "proof", string(text))
	_, err = gateway(t, answer(404, "application/problem+json", `{"title":"Not found"}`)).AwaitProof(t.Context(), "/",
		nil, time.Hour)
	require.EqualError(t, err, "Not found")
}

func TestRunsAreSentInOrderAndAwaited(t *testing.T) {
	c := gateway(t, answer(200, "application/json", `{"failed_events":[{"index":1,"reason":"no run"}]}`),
		ok(`{"runId":"r1","state":"recording"}`), ok(`{"runId":"r1","state":"recorded","block":7}`),
		answer(404, "application/problem+json", `{"title":"Not found"}`))
	report := &LineageReport{}
	require.NoError(t, c.SendLineage(t.Context(), []json.RawMessage{json.RawMessage(`{"a":1}`), json.RawMessage(`{}`)},
		report))
	assert.Equal(t, []RefusedEvent{{1, "no run"}}, report.Refused)
	require.NoError(t, c.AwaitLineage(t.Context(), []string{"r1", "r2"}, false, report, func(int) {}))
	require.Len(t, report.Runs, 1, "a run of refused events alone is nowhere")
	assert.Equal(t, uint64(7), report.Runs[0].Block)
}

func TestAnEventThatIsNoJSONTakesNoOtherWithIt(t *testing.T) {
	c := gateway(t, answer(204, "", ""), answer(400, "application/problem+json", `{"detail":"NaN is no JSON","status":400}`),
		answer(204, "", ""))
	report := &LineageReport{}
	require.NoError(t, c.SendLineage(t.Context(), []json.RawMessage{json.RawMessage(`{"a":1}`),
		json.RawMessage(`{"a":NaN}`), json.RawMessage(`{"a":2}`)}, report))
	assert.Equal(t, []RefusedEvent{{1, "NaN is no JSON"}}, report.Refused)
	stopped := gateway(t, answer(401, "application/problem+json", `{"title":"Who is calling?","status":401}`))
	require.Error(t, stopped.SendLineage(t.Context(), []json.RawMessage{json.RawMessage(`NaN`)}, report))
}

func TestTheOnlyNamespaceIsFoundOnAnyPage(t *testing.T) {
	first := ok(`{"items":[{"namespace":"harbor","mspId":"HarborMSP"}],"nextPageToken":"p2"}`)
	for name, c := range map[string]struct {
		second, want, complaint string
		code                    int
	}{
		"one":     {`{"items":[{"namespace":"lab","mspId":"LabMSP"}]}`, "lab", "", 0},
		"none":    {`{"items":[]}`, "", "LabMSP has no namespace yet", exit.Refused},
		"several": {`{"items":[{"namespace":"lab","mspId":"LabMSP"},{"namespace":"lab2","mspId":"LabMSP"}]}`, "", "one of them with --namespace: lab, lab2", exit.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := gateway(t, ok(`{"mspId":"LabMSP"}`), first, ok(c.second)).OnlyNamespace(t.Context())
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.code, exit.Code(err))
			if c.complaint != "" {
				assert.ErrorContains(t, err, c.complaint)
			}
		})
	}
}

// A consortium's gateways have certificates of the consortium's own authorities.
func TestAClientTrustsAPrivateAuthorityIfItIsTold(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	dir := t.TempDir()
	ca, empty := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "empty.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE",
		Bytes: server.Certificate().Raw}), 0o600))
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for name, c := range map[string]struct{ file, variable, complaint string }{
		"not told":                  {complaint: "certificate"},
		"by the flag":               {file: ca},
		"by the environment":        {variable: ca},
		"the flag before the other": {file: ca, variable: empty},
		"a file without one":        {file: empty, complaint: "has no certificate in PEM"},
		"no such file":              {file: filepath.Join(dir, "nothing"), complaint: "the authority of the gateway's certificate: couldn't read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PEDIGREE_CA", c.variable)
			client := New(server.URL, "token")
			err := client.TrustCA(c.file)
			if err == nil {
				_, err = client.Do(t.Context(), Call{Method: http.MethodGet, Path: "/v1/members"})
			}
			if c.complaint == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.complaint)
			}
		})
	}
}

func TestADocumentIsSentAsWhatItIs(t *testing.T) {
	for name, c := range map[string]struct{ document, media string }{
		"a document":          {`{"type":"EPCISDocument"}`, "application/ld+json"},
		"a document, printed": {"{\n  \"type\": \"EPCISDocument\"\n}\n", "application/ld+json"},
		"a line at the end":   {"{\"type\":\"EPCISDocument\"}\n\n", "application/ld+json"},
		"an event a line":     {"{\"type\":\"ObjectEvent\"}\n{\"type\":\"ObjectEvent\"}\n", "application/x-ndjson"},
		"nonsense":            {"no\njson", "application/ld+json"},
		"nothing":             {"", "application/ld+json"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.media, sending("/epcis/v2/capture", []byte(c.document), false).Type)
		})
	}
}
