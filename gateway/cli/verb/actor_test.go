package verb

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestActorsAreListedAndForgotten(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"pseudonym":"p-a","items":[{"pseudonym":"p-a","name":"Ann\u001b[2J","kind":"person","id":"x","since":"2026-03-01T08:00:00Z"},
			{"pseudonym":"p-b","since":"2026-03-01T08:00:00Z","forgottenAt":"2026-03-02T08:00:00Z"}]}`))
	}))
	t.Cleanup(server.Close)
	t.Setenv("PEDIGREE_URL", server.URL)
	t.Setenv("PEDIGREE_TOKEN", "secret")
	var out bytes.Buffer
	_, err := ran(t, Actor(), "", &out, "list")
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^p-a +Ann.* +person +x +2026-03-01T08:00:00Z$`, out.String())
	assert.Regexp(t, `(?m)^p-b +forgotten at 2026-03-02T08:00:00Z +- +- +`, out.String())
	assert.NotContains(t, out.String(), "\x1b")
	out.Reset()
	_, err = ran(t, Actor(), "", &out, "list", "p-a", "--json")
	require.NoError(t, err)
	assert.Contains(t, out.String(), `"pseudonym": "p-a"`)
	said, err := ran(t, Actor(), "", &out, "forget", "p-a")
	require.NoError(t, err)
	assert.Equal(t, "forgot who p-a is\n", said)
	assert.Equal(t, []string{"GET /v1/actors", "GET /v1/actors?pseudonym=p-a", "POST /v1/actors/p-a/forget"}, asked)
}
