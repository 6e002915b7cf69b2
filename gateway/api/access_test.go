package api

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/admission"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// fillers stand for path parameters.
var fillers = map[string]string{"id": strings.Repeat("0", 64), "kind": "dataset", "namespace": "lab", "name": "readings", "version": "1", "eventID": "urn:x:y", "key": "01", "value": "09520051012017", "qualifier": "10", "qualifierValue": "A", "qualifier2": "21", "qualifierValue2": "B", "slug": "invalid", "file": "x.css", "runId": "none", "token": "none"}

func pathOf(o *openapi.Operation) string {
	return regexp.MustCompile(`\{(\w+)\}`).ReplaceAllStringFunc(o.Path, func(p string) string { return fillers[strings.Trim(p, "{}")] })
}

// ways are how somebody of each role can show who they are: the headers of their requests.
func ways(t *testing.T, f *fixture) map[string]map[access.Role]map[string]string {
	ways := map[string]map[access.Role]map[string]string{"a token of the file": {}, "a token that was made": {}, "a session": {}}
	for _, role := range access.Roles {
		ways["a token of the file"][role] = map[string]string{"Authorization": "Bearer " + string(role) + "-token"}
		secret := f.makeToken(string(role)+"-made", role, time.Time{})
		ways["a token that was made"][role] = map[string]string{"Authorization": "Bearer " + secret}
		b := newBrowser(f, t)
		form := b.signInWith(secret)
		at, err := url.Parse(b.base)
		require.NoError(t, err)
		ways["a session"][role] = map[string]string{
			"Authorization": "", "Cookie": b.http.Jar.Cookies(at)[0].String(), "X-Pedigree-Form": form,
			"Sec-Fetch-Site": "same-origin",
		}
	}
	return ways
}

func TestEveryRouteLetsInItsRolesOnly(t *testing.T) {
	f := newFixture(t)
	ways := ways(t, f)
	ended := map[string]string{"token-expired": f.makeToken("late", access.Operator, time.Now().Add(time.Second))}
	ended["token-revoked"] = f.makeToken("thief", access.Operator, time.Time{})
	_, err := f.callers.RevokeToken(t.Context(), "thief", token.Actor{ID: "test", Name: "test"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return f.do(request{path: "/v1/status", header: map[string]string{"Authorization": "Bearer " + ended["token-expired"]}}).status == 401
	}, time.Minute, 10*time.Millisecond)
	for _, o := range f.server.Description.Operations {
		t.Run(o.Method+" "+o.Path, func(t *testing.T) {
			body := ""
			if len(o.Consumes) > 0 {
				body = "{}"
			}
			r := request{method: o.Method, path: pathOf(o), body: body}
			with := func(headers map[string]string) answer {
				r.header = map[string]string{"Accept": "*/*"}
				maps.Copy(r.header, headers)
				return f.do(r)
			}

			r.role = "nobody"
			a := with(nil)
			if len(o.Roles) == 0 || o.Optional {
				assert.NotContains(t, []int{401, 403}, a.status, "anybody may call it: %s", a.body)
			} else {
				assert.Equal(t, http.StatusUnauthorized, a.status)
				assert.Equal(t, `Bearer realm="pedigree"`, a.header.Get("WWW-Authenticate"))
				securityException(t, o, a)
			}

			r.role = "stranger"
			if a = with(nil); len(o.Roles) > 0 {
				assert.Equal(t, http.StatusUnauthorized, a.status)
				assert.Contains(t, a.header.Get("WWW-Authenticate"), "invalid_token")
				securityException(t, o, a)
			}
			for kind, secret := range ended {
				if a = with(map[string]string{"Authorization": "Bearer " + secret}); len(o.Roles) > 0 {
					assert.Equal(t, http.StatusUnauthorized, a.status)
					assert.Contains(t, a.header.Get("WWW-Authenticate"), "invalid_token")
					assert.Equal(t, strings.ReplaceAll(kind, "-", "_"), a.problem(t).Code)
					securityException(t, o, a)
				}
			}

			for way, headers := range ways {
				for _, role := range access.Roles {
					a = with(headers[role])
					if len(o.Roles) == 0 || slices.Contains(o.Roles, role) {
						assert.NotContains(t, []int{401, 403}, a.status, "%s may call it with %s: %s", role, way, a.body)
						continue
					}
					assert.Equal(t, http.StatusForbidden, a.status, "%s with %s", role, way)
					assert.Contains(t, a.problem(t).Detail, string(o.Roles[0]), "the role that is needed is named")
					securityException(t, o, a)
				}
			}
		})
	}
}

func securityException(t *testing.T, o *openapi.Operation, a answer) {
	t.Helper()
	if p := a.problem(t); o.EPCIS() {
		assert.Equal(t, "epcisException:SecurityException", p.Type)
	}
}

func TestWritesAreForSubmittersAndOperators(t *testing.T) {
	f := newFixture(t)
	for _, o := range f.server.Description.Operations {
		if o.Method != http.MethodPost || o.ID == "cosign" { // which writes nothing
			continue
		}
		want := []access.Role{access.Submitter}
		if o.ID == "recordMember" || o.ID == "reindex" || o.Tag == "Tokens" {
			want = []access.Role{access.Operator}
		}
		assert.Equal(t, want, o.Roles, o.ID)
	}
}

func TestOtherSchemesAndBrokenHeadersAreNoToken(t *testing.T) {
	f := newFixture(t)
	for name, header := range map[string]string{
		"a password":         "Basic c3VibWl0dGVyOnN1Ym1pdHRlci10b2tlbg==",
		"no scheme":          "submitter-token",
		"a scheme alone":     "Bearer",
		"an empty token":     "Bearer  ",
		"a token with a tab": "Bearer submitter\ttoken",
		"the hash instead":   "Bearer 0000000000000000000000000000000000000000000000000000000000000000",
	} {
		a := f.do(request{path: "/v1/records", header: map[string]string{"Authorization": header}})
		assert.Equal(t, http.StatusUnauthorized, a.status, name)
	}
	a := f.do(request{path: "/v1/records", header: map[string]string{"Authorization": "bearer submitter-token"}})
	assert.Equal(t, http.StatusOK, a.status, "schemes have no case")
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v2/records", 404}, {"GET", "/v1/records/", 404}, {"GET", "/v1", 404}, {"GET", "/99/123", 404}, {"GET", "/..%2f..%2fetc/passwd", 404},
		{"GET", "/01/123", 404}, {"DELETE", "/v1/records/" + strings.Repeat("0", 64), 405}, {"PUT", "/epcis/v2/events", 405}, {"PATCH", "/v1/artifacts", 405},
		{"TRACE", "/v1/records", 405}, {"GET", "/v1/records/" + strings.Repeat("0", 64), 404}, {"GET", "/epcis/v2/nothing", 404},
	} {
		a := f.do(request{method: c.method, path: c.path, header: map[string]string{"Accept": "*/*"}})
		assert.Equal(t, c.status, a.status, "%s %s: %s", c.method, c.path, a.body)
		p := a.problem(t)
		if c.status == 405 {
			assert.NotEmpty(t, a.header.Get("Allow"), c.path)
		}
		if strings.HasPrefix(c.path, "/epcis/") {
			assert.True(t, strings.HasPrefix(p.Type, "epcisException:"), p.Type)
		}
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/docs", "/v1/records", "/nothing", "/01/09520051012017"} {
		a := f.do(request{path: path, header: map[string]string{"Accept": "*/*"}})
		assert.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'", path)
		assert.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "no-store", a.header.Get("Cache-Control"), path)
		assert.Len(t, a.header.Get("X-Request-Id"), 16, path)
		// It is written once the request is over, which may be after the answer has arrived.
		assert.Eventually(t, func() bool { return strings.Contains(f.log.String(), "id="+a.header.Get("X-Request-Id")) }, 10*time.Second, time.Millisecond, "the log has a line for it")
	}
	a := f.do(request{path: "/epcis/v2/events"})
	assert.Equal(t, "2.0.0", a.header.Get("GS1-EPCIS-Version"))
	a = f.do(request{method: "HEAD", path: "/v1/records"})
	assert.Equal(t, http.StatusOK, a.status)
	assert.Empty(t, a.body)
	a = f.do(request{method: "OPTIONS", path: "/epcis/v2/capture", role: "nobody"})
	assert.Equal(t, http.StatusNoContent, a.status)
	assert.Equal(t, "2000", a.header.Get("GS1-EPCIS-Capture-Limit"), "so many does rollback take, the default")
	large := f.do(request{method: "OPTIONS", path: "/epcis/v2/capture", role: "nobody", header: proceed})
	assert.Equal(t, "1000000", large.header.Get("GS1-EPCIS-Capture-Limit"))
	assert.Equal(t, "all", a.header.Get("GS1-Capture-Error-Behaviour"))
	assert.Equal(t, "OPTIONS, GET, HEAD, POST", a.header.Get("Allow"))
}

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	f := newFixture(t)
	f.server.Ready = func() (bool, string) { panic("the index is on fire") }
	a := f.do(request{path: "/readyz"})
	assert.Equal(t, http.StatusInternalServerError, a.status)
	p := a.problem(t)
	assert.Equal(t, "internal", p.Code)
	assert.NotContains(t, a.body, "fire")
	assert.Contains(t, f.log.String(), "the index is on fire")
	assert.Contains(t, f.log.String(), strings.TrimPrefix(p.Instance, "urn:request:"))
}

func TestTheLedgerOutOfReachIsSaidAtOnceAndLosesNothing(t *testing.T) {
	f := newFixture(t)
	t.Run("no peer can be reached", func(t *testing.T) {
		f.peers = false
		defer func() { f.peers = true }()
		a := f.do(request{path: "/v1/artifacts", body: goodArtifact})
		assert.Equal(t, http.StatusServiceUnavailable, a.status, a.body)
		assert.Equal(t, "2", a.header.Get("Retry-After"))
		assert.Zero(t, f.queued())
		a = f.do(request{path: "/epcis/v2/events", body: goodEvent})
		assert.Equal(t, "epcisException:ImplementationException", a.problem(t).Type)
		assert.Equal(t, http.StatusOK, f.do(request{path: "/v1/records"}).status, "reads go on")
		assert.Equal(t, http.StatusAccepted, f.do(request{path: "/epcis/v2/capture", body: document(inDocument)}).status, "bulk capture goes on")
	})
	t.Run("the ledger doesn't answer in time", func(t *testing.T) {
		before := f.queued()
		a := f.do(request{path: "/v1/artifacts", body: goodArtifact})
		assert.Equal(t, http.StatusServiceUnavailable, a.status, a.body)
		assert.NotEmpty(t, a.header.Get("Retry-After"))
		assert.Equal(t, "ledger_unavailable", a.problem(t).Code)
		assert.Equal(t, before, f.queued(), "nothing stays behind")
	})
}

func TestMoreRequestsThanPlaces(t *testing.T) {
	s := newFixture(t).server.problemOf(admission.ErrBusy)
	require.Equal(t, http.StatusTooManyRequests, s.Kind.Status)
	assert.NotZero(t, s.RetryAfter)
}

func TestEngineAndDescriptionHaveTheSameRoutes(t *testing.T) {
	f := newFixture(t)
	described := map[string]bool{}
	for _, o := range f.server.Description.Operations {
		if o.Page() {
			continue
		}
		for _, address := range o.Addresses() {
			path := strings.NewReplacer("{", ":", "}", "").Replace(address)
			described[o.Method+" "+path] = true
			if o.Method == http.MethodGet {
				described[http.MethodHead+" "+path] = true
			}
		}
	}
	served := map[string]bool{}
	for _, r := range f.server.engine.Routes() {
		served[r.Method+" "+r.Path] = true
	}
	assert.Equal(t, described, served)
}
