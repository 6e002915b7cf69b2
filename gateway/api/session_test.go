package api

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browser is somebody's browser at a server.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
}

func newBrowser(f *fixture, t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t, f.http.URL, &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// do sends a request as a page of the server would; headers are names and values in turn.
func (b *browser) do(method, path, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	require.NoError(b.t, err)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept", "*/*")
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.http.Do(r)
	require.NoError(b.t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, answer.Body.Close())
	return answer, string(text)
}

// signIn signs in, and gives the form token that pages have.
func (b *browser) signIn(role string) string { return b.signInWith(role + "-token") }

func (b *browser) signInWith(token string) string {
	b.t.Helper()
	answer, _ := b.do("POST", "/sign-in", url.Values{"token": {token}}.Encode())
	require.Equal(b.t, http.StatusSeeOther, answer.StatusCode)
	_, page := b.do("GET", "/", "")
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	require.NotNil(b.t, found)
	return found[1]
}

func TestPagesWantASession(t *testing.T) {
	f := newFixture(t)
	f.story()
	b := newBrowser(f, t)
	for _, path := range []string{"/", "/live", "/activity", "/search?q=x", "/artifacts", "/artifacts/dataset/lab/x",
		"/records/x", "/transactions/x", "/organisations/LabMSP", "/lineage?node=x", "/impact?node=x"} {
		answer, _ := b.do("GET", path, "")
		assert.Equal(t, http.StatusSeeOther, answer.StatusCode, path)
		assert.Equal(t, "/sign-in?next="+url.QueryEscape(path), answer.Header.Get("Location"))
	}
	answer, _ := b.do("POST", "/sign-out", "x=y")
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	fromElsewhere := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest",
		"document"}
	answer, _ = b.do("GET", "/artifacts", "", fromElsewhere...)
	assert.Equal(t, "/sign-in?next=%2Fartifacts", answer.Header.Get("Location"))
	b.signIn("auditor")
	answer, _ = b.do("GET", "/artifacts", "", fromElsewhere...)
	assert.Equal(t, http.StatusOK, answer.StatusCode, "who follows a link from elsewhere stays signed in")
	answer, _ = b.do("POST", "/sign-out", "", fromElsewhere...)
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode, "a form of another site is nobody's")
	for _, path := range []string{"/", "/live", "/search", "/artifacts", "/organisations/LabMSP", "/lineage",
		"/impact"} {
		answer, page := b.do("GET", path, "")
		assert.Equal(t, http.StatusOK, answer.StatusCode, path)
		assert.Less(t, len(page), 100_000, path)
		assert.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
		assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	}
}

func TestSigningInLeadsToThisGatewayOnly(t *testing.T) {
	f := newFixture(t)
	for next, want := range map[string]string{
		"/impact?node=a&at=3": "/impact?node=a&at=3", "": "/", "//evil.example": "/", "https://evil.example/": "/",
		`/\evil.example`: "/", "/\t/evil.example": "/", "javascript:alert(1)": "/", "impact": "/",
	} {
		b := newBrowser(f, t)
		answer, _ := b.do("POST", "/sign-in", url.Values{"token": {"auditor-token"}, "next": {next}}.Encode())
		if answer.StatusCode == http.StatusTooManyRequests {
			t.Fatal("the limit on attempts is lower than what this test needs")
		}
		assert.Equal(t, want, answer.Header.Get("Location"), "%q", next)
	}
	b := newBrowser(f, t)
	answer, _ := b.do("POST", "/sign-in", url.Values{"token": {"auditor-token"}}.Encode(), "Sec-Fetch-Site",
		"cross-site", "Origin", "https://evil.example")
	assert.Equal(t, http.StatusForbidden, answer.StatusCode)
	assert.Empty(t, answer.Cookies())
}

func TestFormsWantTheSessionsToken(t *testing.T) {
	f := newFixture(t)
	b := newBrowser(f, t)
	token := b.signIn("auditor")
	for name, try := range map[string][]string{
		"no token":        {"x=y"},
		"a wrong token":   {"csrf=wrong"},
		"another origin":  {"csrf=" + token, "Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:1"},
		"no form at all":  {"{}", "Content-Type", "application/json"},
		"a broken upload": {"--x", "Content-Type", "multipart/form-data; boundary=x"},
	} {
		answer, _ := b.do("POST", "/sign-out", try[0], try[1:]...)
		assert.Contains(t, []int{http.StatusForbidden, http.StatusUnauthorized, http.StatusBadRequest},
			answer.StatusCode, name)
	}
	answer, _ := b.do("GET", "/", "")
	assert.Equal(t, http.StatusOK, answer.StatusCode, "nobody was signed out")
	answer, _ = b.do("POST", "/sign-out", "csrf="+token)
	assert.Equal(t, http.StatusSeeOther, answer.StatusCode)
	answer, _ = b.do("GET", "/", "")
	assert.Equal(t, http.StatusSeeOther, answer.StatusCode)
}

func TestASessionReadsOverRESTAndWritesWithItsFormTokenOnly(t *testing.T) {
	f := newFixture(t)
	f.story()
	b := newBrowser(f, t)
	token := b.signIn("submitter")
	answer, body := b.do("GET", "/v1/status", "")
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Contains(t, body, `"mspId":"LabMSP"`)
	assert.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"))
	answer, _ = b.do("GET", "/v1/status", "", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors")
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode, "a script of another port")
	answer, _ = b.do("POST", "/v1/reindex", "")
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	json := []string{"Content-Type", "application/json"}
	answer, _ = b.do("POST", "/v1/artifacts", `{"kind":"fish"}`, json...)
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode, "a cookie alone writes nothing")
	answer, _ = b.do("POST", "/v1/artifacts", `{"kind":"fish"}`, append(json, "X-Pedigree-Form", "wrong")...)
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	answer, _ = b.do("POST", "/v1/artifacts", `{"kind":"fish"}`,
		append(json, "X-Pedigree-Form", token, "Sec-Fetch-Site", "cross-site")...)
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	answer, body = b.do("POST", "/v1/artifacts", `{"kind":"fish"}`, append(json, "X-Pedigree-Form", token)...)
	assert.Equal(t, http.StatusBadRequest, answer.StatusCode, "it is read, and refused for what it says: %s", body)
	answer, _ = b.do("POST", "/v1/reindex", "", "X-Pedigree-Form", token)
	assert.Equal(t, http.StatusForbidden, answer.StatusCode, "roles are those of the token")
}

func TestProblemsArePagesForWhoFollowsALink(t *testing.T) {
	f := newFixture(t)
	b := newBrowser(f, t)
	answer, body := b.do("GET", "/nothing<b>", "", "Sec-Fetch-Mode", "navigate")
	assert.Equal(t, http.StatusNotFound, answer.StatusCode)
	assert.Equal(t, "text/html; charset=utf-8", answer.Header.Get("Content-Type"))
	assert.Contains(t, body, "There is no such thing")
	assert.NotContains(t, body, "<b>")
	answer, _ = b.do("GET", "/nothing", "")
	assert.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"))
}

func TestNewBlocksAreToldAsTheyCome(t *testing.T) {
	f := newFixture(t)
	f.story()
	b := newBrowser(f, t)
	b.signIn("auditor")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", b.base+"/activity", nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/event-stream")
	answer, err := b.http.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		for lines.Scan() {
			if height, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return height
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	first := next()
	f.ledger.Cut()
	assert.NotEqual(t, first, next())
	f.people.Stop()
	for lines.Scan() {
	}
	assert.NoError(t, lines.Err(), "the stream ends well when the gateway stops")
}
