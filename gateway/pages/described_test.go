package pages

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

func TestPagesOfTheDescriptionAreCheckedAgainstIt(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		method, path, accept string
		status               int
		detail               string
	}{
		"an unknown parameter":     {"GET", "/docs?colour=red", "", 400, `"colour" is not a parameter of this route; it has none`},
		"another media type":       {"GET", "/problems", "application/json", 406, "this route answers with text/html"},
		"another method":           {"POST", "/docs", "", 405, `POST is not a method of "/docs"`},
		"another method of a slug": {"DELETE", "/problems/busy", "", 405, `DELETE is not a method of "/problems/busy"`},
		"an unknown slug":          {"GET", "/problems/none", "", 404, `there is no type of problem "none"; /problems lists them`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		r.Header.Set("Accept", c.accept)
		assert.NotEmpty(t, f.pages.Route(r), name)
		w := f.serve(nobody, r)
		assert.Equal(t, c.status, w.Code, name)
		assert.Equal(t, problem.MediaType, w.Header().Get("Content-Type"), name)
		var told struct{ Detail string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &told), name)
		assert.Equal(t, c.detail, told.Detail, name)
		if c.status == http.StatusMethodNotAllowed {
			assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"), name)
		}
	}
}
