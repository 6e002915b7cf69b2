package pages

import (
	"html"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestWithoutScriptsTheGatewaySignsAStatement(t *testing.T) {
	f := newFixture(t)
	s := f.tell()
	w := f.post(access.Submitter, "/state", url.Values{"kind": {"recall"}, "about": {dataset}, "reason": {" wet\r\nhands "}, "instructions": {""}, "scope": {"more"}})
	require.Equal(t, 303, w.Code, w.Body)
	assert.Equal(t, []string{"submitter POST /v1/statements"}, f.asked)
	id, err := url.PathUnescape(w.Header().Get("Location")[len("/records/"):])
	require.NoError(t, err)
	r, err := f.index.Record(t.Context(), id, f.index.Height()-1)
	require.NoError(t, err)
	got, problems := record.Decode(r.Body)
	require.Empty(t, problems)
	assert.Equal(t, "wet\nhands", got.Statement.Predicate.Get("reason").Text)
	assert.Len(t, got.Statement.Predicate.Members, 1, "what is empty, or no part of a recall, is left out")

	w = f.post(access.Submitter, "/state", url.Values{"kind": {"retraction"}, "about": {s.recall}, "reason": {""}})
	assert.Equal(t, 400, w.Code)
	assert.Contains(t, w.Body.String(), `role="alert"`)
	assert.Contains(t, w.Body.String(), "reason")
	w = f.post(access.Submitter, "/state", url.Values{"kind": {"withdrawal"}, "about": {dataset}, "reason": {"x"}})
	assert.Equal(t, 404, w.Code, "there is no form for it")
}

func TestARecallsFormSaysWhatItReaches(t *testing.T) {
	f := newFixture(t)
	f.tell()
	page := f.get(access.Submitter, "/state?kind=recall&about="+url.QueryEscape(dataset)).Body.String()
	assert.Contains(t, page, "<strong>2</strong> things, versions and records came of it.")
	assert.Contains(t, page, `href="/impact?node=`)
	page = f.get(access.Submitter, "/state?kind=recall&about=dataset/lab/nothing@1").Body.String()
	assert.Contains(t, page, "Nobody has recorded anything about it.")
	assert.NotContains(t, f.get(access.Submitter, "/state?kind=approval&about="+url.QueryEscape(dataset)).Body.String(), "What it reaches")
}

func TestPagesLeadToTheStatementsThatTheReaderMayMake(t *testing.T) {
	f := newFixture(t)
	s := f.tell()
	own := f.ledger.Put("Lab", indextest.Statement(t, "finding", `{"detail":"x"}`, dataset))
	short, err := canonical.Parse([]byte(`{"kind":"prefix","subject":["`+s.event+`"],"predicate":{"prefix":"9520001"}}`), canonical.Limits{})
	require.NoError(t, err)
	prefix, problems := record.NewStatement(short, "MarketMSP", nil)
	require.Empty(t, problems)
	f.ledger.SubmitBodies("Market", index.CodeValid, prefix.Body)
	f.ledger.Cut()
	claim := string(prefix.ID)
	leads := regexp.MustCompile(`/state\?kind=([a-z]+)&amp;about=([^"]*)`)
	kinds := func(role access.Role, path string) (list []string) {
		for _, m := range leads.FindAllStringSubmatch(f.get(role, path).Body.String(), -1) {
			_, err := url.QueryUnescape(html.UnescapeString(m[2]))
			require.NoError(t, err)
			list = append(list, m[1])
		}
		return list
	}
	for path, want := range map[string][]string{
		"/artifacts/" + dataset:                 {"recall"},
		"/records/" + url.PathEscape(s.event):   {"recall", "approval"},
		"/records/" + url.PathEscape(s.recall):  nil,
		"/records/" + url.PathEscape(own):       {"retraction"},
		"/records/" + url.PathEscape(claim):     {"approval"},
		"/records/" + url.PathEscape(s.dataset): {"recall"},
	} {
		assert.Equal(t, want, kinds(access.Submitter, path), path)
		assert.Empty(t, kinds(access.Auditor, path), path)
	}
}

func TestRecallsSayWhoSignedThem(t *testing.T) {
	for subject, want := range map[string]string{
		"CN=Ada Lovelace,OU=client,O=Lab": "Ada Lovelace", "CN=submitter,O=Lab": "", "CN=submitter@lab.pedigree.example,OU=client": "", "CN=operator,OU=client": "", "O=Lab": "", "": "",
	} {
		assert.Equal(t, want, person(subject), subject)
	}
}
