package pages

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/web"
)

// chorus is an answer that organisations of a made-up consortium sign.
type chorus struct {
	f    *fixture
	c    *formatstest.Consortium
	file *cosigned.File
}

func newChorus(t *testing.T, question cosigned.Question, status int, body string) *chorus {
	f := newFixture(t)
	c := formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	f.pages.Cosigners = func(context.Context) []string { return []string{"LabMSP", "HarborMSP", "MarketMSP"} }
	f.pages.Trust = func(context.Context) (*proof.Trust, error) { return c.Trust, nil }
	v, err := canonical.Parse([]byte(body), canonical.Limits{})
	require.NoError(t, err)
	return &chorus{f, c, &cosigned.File{
		Ledger: cosigned.Ledger{Channel: c.Trust.Channel, Genesis: [32]byte(c.Trust.Genesis)}, Question: question,
		Height: cosigned.Height{Block: 57}, Answer: cosigned.Answer{Status: status, Body: v},
	}}
}

// sign has an organisation sign the answer or, if it says otherwise, another one.
func (c *chorus) sign(mspID string, otherwise bool) {
	c.f.t.Helper()
	said := cosigned.Said{Height: c.file.Height, Digest: c.file.Answer.Digest(), Time: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	if otherwise {
		said.Digest[0] ^= 1
	}
	signed, err := cosigned.Sign(c.file.Ledger, c.file.Question, said, c.c.Member(mspID, "admin"))
	require.NoError(c.f.t, err)
	c.file.Cosignatures = append(c.file.Cosignatures, signed)
}

// shown is what the page shows of the answer, or why it is refused.
func (c *chorus) shown() (string, error) {
	c.f.t.Helper()
	r := httptest.NewRequestWithContext(c.f.t.Context(), http.MethodGet, "/cosigned", nil)
	v := &visit{Request: r, pages: c.f.pages, session: &session.Session{Caller: &access.Caller{Name: "auditor", Role: access.Auditor}}}
	page := &web.Cosigned{Frame: v.frame(""), Cosigners: c.f.pages.cosigners(c.f.t.Context(), string(c.file.Question), nil)}
	if err := c.f.pages.hear(v, page, c.file.Question, c.file.Text()); err != nil {
		return "", err
	}
	text, err := c.f.pages.Render("cosigned", page)
	require.NoError(c.f.t, err)
	return string(text), nil
}

const noRecall = `{"linkset":[{"anchor":"https://id.gs1.org/01/1","https://ref.gs1.org/voc/recallStatus":[{"href":"/x","standing":["no-recall-known"]}]}]}`

func TestThePageSaysHowManyOrganisationsSayTheSame(t *testing.T) {
	c := newChorus(t, "/01/09520001200014/10/A?linkType=linkset", 200, noRecall)
	for _, mspID := range []string{"HarborMSP", "LabMSP", "MarketMSP"} {
		c.sign(mspID, false)
	}
	page, err := c.shown()
	require.NoError(t, err)
	assert.Contains(t, page, "3 of 3 organisations say the same, as of block 57.")
	assert.Contains(t, page, "No recall of it, nor of what it comes from, is on the ledger.")
	assert.Contains(t, page, `href="/01/09520001200014/10/A?linkType=linkset&amp;at=57&amp;cosign=3"`)
	assert.NotContains(t, page, "notice bad")
}

func TestThePageSaysWhoSaysWhatAndWhoDidntAnswer(t *testing.T) {
	c := newChorus(t, "/v1/statements?kind=recall", 200, `{"block":57,"items":[]}`)
	c.sign("HarborMSP", false)
	c.sign("LabMSP", true)
	c.file.Silent = []cosigned.Silent{{MSPID: "MarketMSP", Why: "it didn't answer in 6s"}}
	page, err := c.shown()
	require.NoError(t, err)
	for _, text := range []string{
		"They don't say the same, as of block 57.", "It lists 0 items.", "says otherwise", "It didn&#39;t answer in 6s.",
		"whoever verifies it wants 2 of 3",
	} {
		if !assert.Contains(t, page, text) {
			break
		}
	}
	c = newChorus(t, "/v1/statements?kind=recall", 200, `{"block":57,"items":[]}`)
	c.sign("HarborMSP", false)
	page, err = c.shown()
	require.NoError(t, err)
	assert.Contains(t, page, "1 of 3 organisations say the same")
	assert.Contains(t, page, "whoever verifies it wants 2 of 3")
}

func TestAnAlteredAnswerOfSeveralIsNotShown(t *testing.T) {
	c := newChorus(t, "/v1/statements?kind=recall", 200, `{"block":57,"items":[]}`)
	c.sign("HarborMSP", false)
	c.sign("LabMSP", false)
	c.file.Cosignatures[1].Signature[8] ^= 1
	_, err := c.shown()
	assert.Equal(t, proof.BadSignature, proof.ReasonOf(err))
	c.file.Cosignatures = c.file.Cosignatures[:1]
	c.file.Answer.Status = 404
	_, err = c.shown()
	assert.Equal(t, proof.AlteredAnswer, proof.ReasonOf(err))
}

func TestWhatWasAnsweredIsPutIntoWords(t *testing.T) {
	for _, test := range []struct {
		question cosigned.Question
		status   int
		body     string
		want     string
	}{
		{"/v1/records/x", 404, `{}`, "There is no such thing."},
		{"/v1/records/x", 200, `{"id":"x"}`, "The record is on the ledger, and no statement is about it: nobody took it back, and nobody acknowledged it."},
		{"/v1/records/x", 200, `{"status":["taken-back"],"statements":[{"id":"y"}]}`, "The record is on the ledger, and one statement is about it. So it is: taken back."},
		{"/v1/records/x", 200, `{"statements":[{},{}]}`, "The record is on the ledger, and 2 statements are about it. None of them leaves a mark on it."},
		{"/v1/lineage?node=x", 200, `{"nodes":[{"flags":["recalled","approved"]},{"flags":["approved"]},{}]}`, "It and what it comes from: 3 in all. Of these, 1 are recalled, withdrawn or warned of."},
		{"/v1/lineage?node=x", 200, `{"nodes":[{}]}`, "It and what it comes from: 1 in all. None of these is recalled, withdrawn or warned of."},
		{"/v1/impact?node=x", 200, `{"total":7,"recalls":[{}]}`, "What it touched: 7 in all. Of recalls and withdrawals that stand, 1 reach it."},
		{"/v1/impact?node=x", 200, `{"total":0,"recalls":[]}`, "What it touched: 0 in all. No recall and no withdrawal that stands reaches it."},
		{"/01/1", 200, `{"linkset":[{"x":[{"standing":["affected","recalled"]}]}]}`, "Something that it comes from is recalled or withdrawn, and it is recalled."},
		{"/v1/status", 200, `{"x":1}`, "They have the same answer."},
	} {
		got := inWords(test.question, &cosigned.Verdict{Status: test.status, Body: []byte(test.body)})
		assert.Equal(t, test.want, got, "%s: %s", test.question, test.body)
	}
}

func TestPagesOfferToAskOthersIfThereAreAny(t *testing.T) {
	f := newFixture(t)
	s := f.tell()
	last := fmt.Sprint(f.index.Height() - 1)
	pages := map[string]string{
		"/records/" + url.PathEscape(s.recall):                     "/v1/records/" + url.PathEscape(s.recall),
		"/artifacts/" + dataset:                                    "/v1/lineage?direction=ancestors&node=" + url.QueryEscape(dataset),
		lot[len(epcis.DigitalLink):]:                               lot[len(epcis.DigitalLink):] + "?linkType=linkset",
		"/impact?at=" + last + "&node=" + url.QueryEscape(dataset): "/v1/impact?at=" + last + "&node=" + url.QueryEscape(dataset),
	}
	show := func(path string) string {
		if strings.HasPrefix(path, "/01/") {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.AddCookie(f.who[access.Auditor].cookie)
			f.pages.Thing(w, r)
			return w.Body.String()
		}
		return f.get(access.Auditor, path).Body.String()
	}
	for path := range pages {
		body := show(path)
		assert.Contains(t, body, "so this page is its word alone", path)
		assert.NotContains(t, body, `data-ask`, path)
	}
	f.pages.Cosigners = func(context.Context) []string { return []string{"LabMSP", "HarborMSP"} }
	leads := regexp.MustCompile(`data-ask="(/cosigned/said[^"]*)"(?s:.*)href="(/cosigned[^"]*)"`)
	for path, question := range pages {
		found := leads.FindStringSubmatch(show(path))
		require.NotNil(t, found, path)
		for _, address := range found[1:] {
			u, err := url.Parse(html.UnescapeString(address))
			require.NoError(t, err)
			assert.Equal(t, question, u.Query().Get("question"), path)
		}
	}
	w := f.get(access.Auditor, "/cosigned?question=/v1/namespaces")
	assert.Equal(t, 400, w.Code)
	assert.Contains(t, w.Body.String(), "cosign")
}
