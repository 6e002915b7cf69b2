package pages

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

func TestWhatGoesWrongIsToldOnAPageWithoutItsDetails(t *testing.T) {
	f := newFixture(t)
	for name, test := range map[string]struct {
		err    error
		status int
		holds  string
		retry  string
	}{
		"in words":            {&Trouble{http.StatusConflict, "Not <now>", "It is late.", "Come again."}, 409, "Not &lt;now&gt;", ""},
		"not found":           {fmt.Errorf("a look: %w", index.ErrNotFound), 404, "There is no such thing", ""},
		"yet to come":         {&index.FutureError{}, 404, "That block is yet to come", ""},
		"without a database":  {fmt.Errorf("a look: %w", index.ErrUnavailable), 503, "The index can&#39;t be used", "5"},
		"that nobody foresaw": {errors.New("secret/path.go:12"), 500, "The gateway failed", ""},
	} {
		w := httptest.NewRecorder()
		f.pages.Trouble(w, httptest.NewRequest(http.MethodGet, "/", nil), test.err)
		assert.Equal(t, test.status, w.Code, name)
		assert.Contains(t, w.Body.String(), "<h1>"+test.holds+"</h1>", name)
		assert.Contains(t, w.Body.String(), fmt.Sprintf("Status %d", test.status), name)
		assert.NotContains(t, w.Body.String(), "secret", name)
		assert.Equal(t, test.retry, w.Header().Get("Retry-After"), name)
	}
}

func TestAnAcknowledgementIsAStatementInTheNameOfWhoIsSignedIn(t *testing.T) {
	f := newFixture(t)
	s := f.tell()
	w := f.post(access.Submitter, "/impact/acknowledge", url.Values{"recall": {s.recall}, "action": {" on hold "}, "next": {"//elsewhere.example/"}})
	require.Equal(t, 303, w.Code, w.Body)
	assert.Equal(t, "/?done=acknowledged", w.Header().Get("Location"), "it leads nowhere else")
	assert.Equal(t, []string{"submitter POST /v1/statements"}, f.asked)
	recorded, err := f.index.LatestStatements(t.Context(), "acknowledgement", 2)
	require.NoError(t, err)
	require.Len(t, recorded, 1)
	statement, problems := record.Decode(recorded[0].Body)
	require.Empty(t, problems)
	assert.Equal(t, s.recall, statement.Statement.Subjects[0].Node)
	assert.Equal(t, "on hold", statement.Statement.Predicate.Get("action").Text)
}

func TestADraftIsItsOwnersAndIsSentOnce(t *testing.T) {
	f := newFixture(t)
	path := drafted(f, story{})
	assert.Nil(t, f.pages.drafts.find("auditor", path[len("/capture/drafts/"):], f.pages.drafts.kept[path[len("/capture/drafts/"):]].since))
	sent := f.post(access.Submitter, path, url.Values{"behaviour": {"rollback"}})
	require.Equal(t, 303, sent.Code, sent.Body)
	assert.Equal(t, []string{"submitter POST /epcis/v2/capture"}, f.asked)
	job := f.get(access.Submitter, sent.Header().Get("Location"))
	assert.Equal(t, 200, job.Code)
	assert.Equal(t, 404, f.post(access.Submitter, path, nil).Code, "it is gone")
}

func TestWatchersHearOfTheNewestBlock(t *testing.T) {
	f := newFixture(t)
	f.tell()
	f.pages.Stop() // the answer ends after what there is to tell at once
	for known, want := range map[string]string{
		"":                           "retry: 2000\n\nevent: block\ndata: " + fmt.Sprint(f.index.Height()) + "\n\n",
		"0":                          "retry: 2000\n\nevent: block\ndata: " + fmt.Sprint(f.index.Height()) + "\n\n",
		fmt.Sprint(f.index.Height()): "retry: 2000\n\n",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/activity?height="+known, nil)
		r.Header.Set("Accept", "text/event-stream")
		w := f.serve(access.Auditor, r)
		assert.Equal(t, "text/event-stream", w.Header().Get("Content-Type"))
		assert.Equal(t, want, w.Body.String())
	}
}

func TestAThingsStoryIsForMembers(t *testing.T) {
	f := newFixture(t)
	f.tell()
	for role, tells := range map[access.Role]bool{nobody: false, access.Auditor: true, access.Operator: true} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, lot[len(epcis.DigitalLink):], nil)
		if role != nobody {
			r.AddCookie(f.who[role].cookie)
		}
		w := httptest.NewRecorder()
		f.pages.Thing(w, r)
		require.Equal(t, 200, w.Code)
		assert.Contains(t, w.Body.String(), "CATCH-1")
		if tells {
			assert.Contains(t, w.Body.String(), "ommissioning", "%q", role)
		} else {
			assert.NotContains(t, w.Body.String(), "ommissioning", "%q", role)
		}
	}
}
