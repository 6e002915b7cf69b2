package pages

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/draft"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// story is what the tests' ledger tells.
type story struct{ event, dataset, recall, transaction string }

const (
	lot     = "https://id.gs1.org/01/09520001100017/10/CATCH-1"
	dataset = "dataset/lab/readings@1"
	absent  = "ni:///sha-256;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

// tell puts the story on the ledger of a fixture.
func (f *fixture) tell() story {
	f.t.Helper()
	f.ledger.Put("Lab", indextest.Member(f.t, `{"mspId":"LabMSP","name":"The Laboratory","namespaces":["lab"]}`))
	f.ledger.Put("Market", indextest.Member(f.t, `{"mspId":"MarketMSP","name":"The <i>Market</i>","namespaces":["market"]}`))
	event := f.ledger.Put("Harbor", indextest.Event(f.t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"ADD",
		"bizStep":"commissioning","quantityList":[{"epcClass":"urn:epc:class:lgtin:9520001.010001.CATCH-1","quantity":3}]}`))
	readings := f.ledger.Put("Lab", indextest.Artifact(f.t, dataset))
	f.ledger.Put("Lab", indextest.Activity(f.t, `{"type":"training","used":[{"ref":"`+dataset+`"}],"generated":[{"ref":"model/lab/spoilage@1"}]}`),
		indextest.Artifact(f.t, "model/lab/spoilage@1", dataset))
	transaction := f.ledger.Submit("Market", indextest.Statement(f.t, "recall", `{"reason":"a <b>wrong</b> logger"}`, dataset))
	f.ledger.Cut()
	statements, err := f.index.LatestStatements(f.t.Context(), "recall", 1)
	require.NoError(f.t, err)
	return story{event: event, dataset: readings, recall: statements[0].ID, transaction: transaction}
}

// routeTest says what a route answers.
type routeTest struct {
	// roles may see the page; everybody may, signed in or not, if there are none.
	roles []access.Role
	// path is the address of the page when the ledger tells the story, and form what is sent there. The page has the
	// status, and holds the text; a redirect leads there.
	path   func(*fixture, story) string
	form   func(story) url.Values
	status int
	holds  string
	// onEmpty is the status when nothing was ever recorded. If zero, that of the path.
	onEmpty int
	// unknown is an address of the same route that names nothing, and unknownStatus its status. If zero, 404.
	unknown       string
	unknownStatus int
	// parameters are those of the query, or of the form.
	parameters []string
}

func at(path string) func(*fixture, story) string {
	return func(*fixture, story) string { return path }
}

var (
	everyMember   = []access.Role{access.Submitter, access.Auditor, access.Operator}
	onlySubmitter = []access.Role{access.Submitter}
	onlyOperator  = []access.Role{access.Operator}
)

// asker is a role that may ask.
func (r routeTest) asker() access.Role {
	if len(r.roles) == 0 || slices.Contains(r.roles, access.Submitter) {
		return access.Submitter
	}
	return r.roles[0]
}

// routeTests has an entry for each route.
var routeTests = map[string]routeTest{
	"GET /assets/{file}": {
		path:   func(f *fixture, _ story) string { return assetIn(f) },
		status: 200, unknown: "/assets/none.js",
	},
	"GET /favicon.ico": {path: at("/favicon.ico"), status: 200, holds: "<svg"},
	"GET /sign-in":     {path: at("/sign-in"), status: 200, holds: `name="token"`, parameters: []string{"next"}},
	"POST /sign-in": {
		path:   at("/sign-in"),
		form:   func(story) url.Values { return url.Values{"token": {"auditor-token"}, "next": {"/impact"}} },
		status: 303, holds: "/impact", parameters: []string{"token", "next"},
	},
	"GET /sign-in/issuer": {path: at("/sign-in/issuer"), status: 404, holds: "with tokens only", parameters: []string{"next"}},
	"GET /sign-in/return": {path: at("/sign-in/return"), status: 404, holds: "with tokens only", parameters: []string{"state", "code"}},
	"POST /sign-out":      {roles: everyMember, path: at("/sign-out"), status: 303, holds: "/sign-in"},

	"GET /{$}":      {roles: everyMember, path: at("/"), status: 200, holds: "a &lt;b&gt;wrong&lt;/b&gt; logger"},
	"GET /live":     {roles: everyMember, path: at("/live"), status: 200, holds: dataset},
	"GET /activity": {roles: everyMember, path: at("/activity"), status: 303, holds: "/", parameters: []string{"height"}},
	"GET /search": {
		roles: everyMember, path: at("/search?q=" + url.QueryEscape(dataset)), status: 303, holds: "/artifacts/" + dataset,
		onEmpty: 404, unknown: "/search?q=nothing", parameters: []string{"q"},
	},
	"GET /docs":            {path: at("/docs"), status: 200, holds: "/epcis/v2/capture"},
	"GET /problems":        {path: at("/problems"), status: 200, holds: "/problems/bad-parameter"},
	"GET /problems/{slug}": {path: at("/problems/bad-parameter"), status: 200, holds: "bad-parameter"},
	"GET /records/{id}": {
		roles: everyMember, path: func(_ *fixture, s story) string { return "/records/" + url.PathEscape(s.event) },
		status: 200, holds: "CATCH-1", unknown: "/records/" + url.PathEscape(absent),
	},
	"GET /transactions/{id}": {
		roles: everyMember, path: func(_ *fixture, s story) string { return "/transactions/" + s.transaction },
		status: 200, holds: "CN=submitter,O=Market", unknown: "/transactions/" + strings.Repeat("0", 64),
	},
	"GET /organisations/{msp}": {
		roles: everyMember, path: at("/organisations/MarketMSP"), status: 200, holds: "The &lt;i&gt;Market&lt;/i&gt;", onEmpty: 404,
		unknown: "/organisations/NobodyMSP",
	},
	"GET /artifacts": {
		roles: everyMember, path: at("/artifacts"), status: 200, holds: "readings@1", unknown: "/artifacts?kind=poem",
		parameters: []string{"kind", "before"},
	},
	"GET /artifacts/{kind}/{namespace}/{name}": {
		roles: everyMember, path: at("/artifacts/dataset/lab/readings@1"), status: 200, holds: "recalled", onEmpty: 404,
		unknown: "/artifacts/dataset/lab/readings@2",
	},
	"GET /lineage": {
		roles: everyMember, path: at("/lineage?node=" + url.QueryEscape(dataset)), status: 200, holds: "spoilage", onEmpty: 404,
		unknown: "/lineage?node=model/lab/none@1", parameters: []string{"node", "direction", "depth", "at", "further", "unfold"},
	},
	"GET /lineage/export": {
		roles: everyMember, path: at("/lineage/export?format=prov&node=" + url.QueryEscape(dataset)), status: 200, holds: `"entity"`, onEmpty: 404,
		unknown: "/lineage/export?format=none&node=" + url.QueryEscape(dataset), parameters: []string{"node", "format", "direction", "at"},
	},
	"GET /impact": {
		roles: everyMember, path: at("/impact?node=" + url.QueryEscape(dataset)), status: 200, holds: "spoilage", onEmpty: 404,
		unknown: "/impact?node=model/lab/none@1", parameters: []string{"node", "organisation", "at", "done"},
	},
	"GET /impact/csv": {
		roles: everyMember, path: at("/impact/csv?node=" + url.QueryEscape(dataset)), status: 200, holds: "model/lab/spoilage@1", onEmpty: 404,
		unknown: "/impact/csv", parameters: []string{"node", "organisation", "at"},
	},
	"POST /impact/acknowledge": {
		roles: onlySubmitter, path: at("/impact/acknowledge"),
		form: func(s story) url.Values {
			return url.Values{"recall": {s.recall}, "action": {"on hold"}, "next": {"/impact?at=3&node=x"}}
		},
		status: 303, holds: "/impact?done=acknowledged&node=x", onEmpty: 400, parameters: []string{"recall", "action", "next"},
	},
	"GET /capture":              {roles: onlySubmitter, path: at("/capture"), status: 200, holds: `name="file"`},
	"GET /capture/template.csv": {roles: onlySubmitter, path: at("/capture/template.csv"), status: 200, holds: draft.Columns[0].Name},
	"POST /capture": {
		roles: onlySubmitter, path: at("/capture"),
		form:   func(story) url.Values { return url.Values{"text": {string(draft.Template())}} },
		status: 303, holds: "/capture/drafts/", parameters: []string{"text"},
	},
	"GET /capture/drafts/{id}": {
		roles: onlySubmitter, path: drafted, status: 200, holds: "events.csv", unknown: "/capture/drafts/none",
		parameters: []string{"from", "event"},
	},
	"POST /capture/drafts/{id}": {
		roles: onlySubmitter, path: drafted, status: 303, holds: "/capture/jobs/", unknown: "/capture/drafts/none",
		parameters: []string{"behaviour"},
	},
	"GET /capture/jobs/{id}": {
		roles: onlySubmitter,
		path: func(f *fixture, s story) string {
			return f.post(access.Submitter, drafted(f, s), nil).Header().Get("Location")
		},
		status: 200, holds: "Being recorded", unknown: "/capture/jobs/none", parameters: []string{"only", "page"},
	},
	"GET /audit": {
		roles: everyMember, path: at("/audit"), status: 200, holds: "readings@1", unknown: "/audit?noun=poem", unknownStatus: 400,
		parameters: auditParameters,
	},
	"GET /audit/records.csv": {
		roles: everyMember, path: at("/audit/records.csv"), status: 200, holds: "readings@1", unknown: "/audit/records.csv?noun=poem", unknownStatus: 400,
		parameters: auditParameters,
	},
	"GET /cosigned": {
		roles: everyMember, path: at("/cosigned?question=/v1/records/x"), status: 404, holds: "knows no other gateways",
		unknown: "/cosigned?question=nonsense", unknownStatus: 400, parameters: []string{"question"},
	},
	"GET /cosigned/said": {
		roles: everyMember, path: at("/cosigned/said?question=/v1/records/x"), status: 200, holds: "knows no other gateways",
		parameters: []string{"question"},
	},
	"GET /key": {roles: onlySubmitter, path: at("/key"), status: 200, holds: "What it doesn't give"},
	"GET /state": {
		roles: onlySubmitter, path: at("/state?kind=recall&about=" + url.QueryEscape(dataset)), status: 200,
		holds: "came of it", unknown: "/state?kind=poem", parameters: []string{"kind", "about"},
	},
	"POST /state": {
		roles: onlySubmitter, path: at("/state"),
		form: func(story) url.Values {
			return url.Values{"kind": {"recall"}, "about": {lot}, "reason": {rand.Text()}}
		},
		status: 303, holds: "/records/ni:", onEmpty: 422, parameters: []string{"kind", "about", "reason", "instructions"},
	},
	"GET /tokens": {
		roles: onlyOperator, path: at("/tokens"), status: 200, holds: "tokens.json", unknown: "/tokens?state=lost",
		parameters: []string{"state", "page"},
	},
	"POST /tokens": {
		roles: onlyOperator, path: at("/tokens"),
		form: func(story) url.Values {
			return url.Values{"name": {rand.Text()}, "kind": {"machine"}, "role": {"auditor"}, "expires": {"2031-01-01T12:00"}}
		},
		status: 201, holds: "pedigree_", parameters: []string{"name", "kind", "role", "expires"},
	},
	"GET /tokens/{token}": {
		roles: onlyOperator, path: holder(""), status: 200, holds: "Revoke ", unknown: "/tokens/nobody",
	},
	"POST /tokens/{token}/rotate": {
		roles: onlyOperator, path: holder("/rotate"), form: func(story) url.Values { return url.Values{"overlap": {"3600"}} },
		status: 201, holds: "pedigree_", unknown: "/tokens/nobody/rotate", parameters: []string{"overlap", "expires"},
	},
	"POST /tokens/{token}/revoke": {
		roles: onlyOperator, path: holder("/revoke"), form: func(story) url.Values { return url.Values{"sure": {"yes"}} },
		status: 303, holds: "/tokens/", unknown: "/tokens/nobody/revoke", parameters: []string{"sure"},
	},
	"GET /audit/proofs.zip": {
		roles: everyMember, path: at("/audit/proofs.zip"), status: 200, holds: "README.txt", unknown: "/audit/proofs.zip?noun=poem", unknownStatus: 400,
		parameters: auditParameters,
	},
}

var auditParameters = []string{"organisation", "noun", "from", "to", "fromBlock", "toBlock", "level", "page", "verify"}

// assetIn is the address of the first file that the sign-in loads.
func assetIn(f *fixture) string {
	_, rest, found := strings.Cut(f.get(nobody, "/sign-in").Body.String(), `"/assets/`)
	require.True(f.t, found, "the page loads no file")
	name, _, _ := strings.Cut(rest, `"`)
	return "/assets/" + name
}

// drafted is the address of a draft of the submitter.
func drafted(f *fixture, _ story) string {
	reader := draft.Reader{Index: f.pages.Index, MSPID: f.pages.MSPID}
	d, err := reader.Read(f.t.Context(), "events.csv", draft.Template())
	require.NoError(f.t, err)
	id := f.pages.drafts.keep(string(access.Submitter), d, time.Now())
	return "/capture/drafts/" + id
}

// holder is an address below that of a new token.
func holder(below string) func(*fixture, story) string {
	return func(f *fixture, _ story) string {
		name := rand.Text()
		f.madeToken(name, access.Auditor)
		return "/tokens/" + name + below
	}
}

// answered asks for what an entry of the table says.
func (f *fixture) answered(role access.Role, pattern, path string, form url.Values) (status int, location, body string) {
	f.t.Helper()
	if pattern == "POST /sign-in" {
		role = nobody // signing in again would end the session
	}
	if strings.HasPrefix(pattern, "POST ") {
		a := f.post(role, path, form)
		return a.Code, a.Header().Get("Location"), a.Body.String()
	}
	a := f.get(role, path)
	return a.Code, a.Header().Get("Location"), a.Body.String()
}

func (r routeTest) sent(s story) url.Values {
	if r.form == nil {
		return nil
	}
	return r.form(s)
}

func TestEachRouteHasAnEntryInTheTable(t *testing.T) {
	f := newFixture(t)
	var served []string
	for _, r := range f.pages.routes() {
		served = append(served, r.pattern)
	}
	var tested []string
	for pattern := range routeTests {
		tested = append(tested, pattern)
	}
	assert.ElementsMatch(t, served, tested)
}

func TestEachPageShowsWhatIsOnTheLedger(t *testing.T) {
	one := newFixture(t)
	s := one.tell()
	for pattern, test := range routeTests {
		t.Run(pattern, func(t *testing.T) {
			f := one
			if pattern == "POST /sign-out" {
				f = newFixture(t) // the other pages need their session
			}
			status, location, body := f.answered(test.asker(), pattern, test.path(f, s), test.sent(s))
			if pattern == "GET /sign-in" {
				assert.Equal(t, 303, status, "who is signed in needn't sign in")
				status, location, body = f.answered(nobody, pattern, "/sign-in", nil)
			}
			require.Equal(t, test.status, status, body)
			if status == http.StatusSeeOther {
				assert.True(t, strings.HasPrefix(location, test.holds), location)
				return
			}
			assert.Contains(t, body, test.holds)
			if strings.HasPrefix(strings.TrimSpace(body), "<") { // tables and exports have texts as they are
				assert.NotContains(t, body, "<b>wrong")
				assert.NotContains(t, body, "<i>Market")
			}
		})
	}
}

func TestEachPageIsForItsRoles(t *testing.T) {
	f := newFixture(t)
	s := f.tell()
	for pattern, test := range routeTests {
		for _, role := range append([]access.Role{nobody}, access.Roles...) {
			if pattern == "POST /sign-out" && role != nobody {
				continue // ends the session; the other tests have it
			}
			path := test.path(f, s)
			status, location, body := f.answered(role, pattern, path, test.sent(s))
			switch {
			case len(test.roles) == 0 || slices.Contains(test.roles, role):
				assert.NotContains(t, []int{401, 403}, status, "%s as %q", pattern, role)
				assert.NotContains(t, location, "/sign-in?", "%s as %q", pattern, role)
			case role != nobody:
				assert.Equal(t, 403, status, "%s as %q", pattern, role)
				assert.Contains(t, body, "Not with this token")
			case strings.HasPrefix(pattern, "POST "):
				assert.Equal(t, 401, status, pattern)
				assert.Contains(t, body, "You are signed out")
			default:
				assert.Equal(t, 303, status, pattern)
				assert.Equal(t, "/sign-in?next="+url.QueryEscape(path), location, pattern)
			}
		}
	}
}

func TestAFormWithoutItsTokenIsRefused(t *testing.T) {
	f := newFixture(t)
	s := f.tell()
	for pattern, test := range routeTests {
		if !strings.HasPrefix(pattern, "POST ") || len(test.roles) == 0 {
			continue
		}
		path, before := test.path(f, s), len(f.asked)
		for name, token := range map[string]string{"none": "", "guessed": "guessed", "another session's": f.who[access.Auditor].form} {
			form := url.Values{}
			for field, values := range test.sent(s) {
				form[field] = values
			}
			form.Set("csrf", token)
			w := f.postForeign(test.asker(), path, form)
			assert.Equal(t, 403, w.Code, "%s with the token %s", pattern, name)
			assert.Contains(t, w.Body.String(), "That didn&#39;t come from this page", pattern)
		}
		assert.Len(t, f.asked, before, "%s asked the API all the same", pattern)
	}
}

func TestEachPageOfAnEmptyLedger(t *testing.T) {
	f := newFixture(t)
	for pattern, test := range routeTests {
		if pattern == "POST /sign-out" {
			continue // has nothing to do with the ledger
		}
		path := test.path(f, story{event: absent, dataset: absent, recall: "none", transaction: strings.Repeat("0", 64)})
		want := test.status
		switch {
		case test.onEmpty != 0:
			want = test.onEmpty
		case strings.Contains(path, "ni:") || strings.Contains(path, "/transactions/"):
			want = 404
		}
		role := test.asker()
		if pattern == "GET /sign-in" {
			role = nobody
		}
		status, _, body := f.answered(role, pattern, path, test.sent(story{recall: "none"}))
		assert.Equal(t, want, status, "%s: %s", pattern, body)
	}
}

func TestWhatNobodyKnowsIsNotFound(t *testing.T) {
	f := newFixture(t)
	f.tell()
	for pattern, test := range routeTests {
		if test.unknown == "" {
			continue
		}
		want := test.unknownStatus
		if want == 0 {
			want = 404
		}
		status, _, body := f.answered(test.asker(), pattern, test.unknown, test.sent(story{}))
		assert.Equal(t, want, status, "%s: %s", pattern, test.unknown)
		assert.Contains(t, body, "</html>", "it is told on a page")
	}
}

var hostile = map[string]string{
	"a script":            `"><script>alert(1)</script>`,
	"far too long":        strings.Repeat("x", 20_000),
	"not UTF-8":           "a\xff\xfe",
	"a zero byte":         "a\x00b",
	"line breaks":         "a\r\nSet-Cookie: b=c",
	"a wrong record":      "ni:///sha-256;nothing",
	"a wrong thing":       "https://id.gs1.org/01/1",
	"a wrong version":     "model/lab/@",
	"SQL":                 `' OR 1=1 --`,
	"less than nothing":   "-1",
	"more than a number":  "99999999999999999999999",
	"a block yet to come": "9223372036854775807",
}

func TestHostileInputIsShownEscapedAndNeverAFault(t *testing.T) {
	f := newFixture(t)
	s := f.tell()
	for pattern, test := range routeTests {
		if pattern == "POST /sign-out" {
			continue // reads nothing
		}
		for name, text := range hostile {
			for _, parameter := range test.parameters {
				path, form := test.path(f, s), url.Values{}
				for field, values := range test.sent(s) {
					form[field] = values
				}
				if strings.HasPrefix(pattern, "POST ") {
					form.Set(parameter, text)
				} else {
					address, err := url.Parse(path)
					require.NoError(t, err)
					query := address.Query()
					query.Set(parameter, text)
					address.RawQuery = query.Encode()
					path = address.String()
				}
				f.harmless(test.asker(), pattern, path, form, pattern+" with "+name+" as "+parameter)
			}
			method, path, _ := strings.Cut(pattern, " ")
			for strings.Contains(path, "{") && path != "/{$}" {
				before, rest, _ := strings.Cut(path, "{")
				_, after, _ := strings.Cut(rest, "}")
				path = before + url.PathEscape(text) + after
			}
			if path != "/{$}" && strings.Contains(pattern, "{") {
				f.harmless(test.asker(), method+" ", path, test.sent(s), pattern+" with "+name+" in its path")
			}
		}
	}
}

// harmless asks, with a session and without one.
func (f *fixture) harmless(asker access.Role, pattern, path string, form url.Values, what string) {
	f.t.Helper()
	for _, role := range []access.Role{asker, nobody} {
		status, location, body := f.answered(role, pattern, path, form)
		assert.Less(f.t, status, 500, what)
		assert.NotContains(f.t, body, "<script>alert", what)
		assert.NotContains(f.t, location, "\n", what)
		if strings.Contains(body, "</html>") {
			assert.True(f.t, utf8.ValidString(body), "%s: the page is not UTF-8", what)
		}
	}
}

func TestPagesRepeatWhatWasAskedEscaped(t *testing.T) {
	f := newFixture(t)
	f.tell()
	script := url.QueryEscape(hostile["a script"])
	for _, path := range []string{"/search?q=", "/lineage?node=", "/impact?node=", "/impact?organisation=", "/audit?fromBlock=", "/audit?noun=", "/sign-in?next=/"} {
		role := access.Auditor
		if strings.HasPrefix(path, "/sign-in") {
			role = nobody
		}
		body := f.get(role, path+script).Body.String()
		assert.Contains(t, body, "&lt;script&gt;alert(1)", path)
		assert.NotContains(t, body, "<script>alert(1)", path)
	}
}
