package pages

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web"
)

func visitTo(path string) *visit {
	return &visit{Request: httptest.NewRequest(http.MethodGet, path, nil)}
}

func TestAnAddressOfALineageIsReadAndWrittenTheSame(t *testing.T) {
	for given, want := range map[string]string{
		"/lineage?node=model/lab/a@1":                                   "/lineage?node=model%2Flab%2Fa%401",
		"/lineage?node=model/lab/a@1&direction=both&depth=&at=":         "/lineage?node=model%2Flab%2Fa%401",
		"/lineage?node=model/lab/a@1&direction=ancestors&depth=3&at=07": "/lineage?at=7&depth=3&direction=ancestors&node=model%2Flab%2Fa%401",
		"/lineage?node=model/lab/a@1&direction=up&depth=-1&further=yes": "/lineage?further=yes&node=model%2Flab%2Fa%401",
		"/lineage?node=model/lab/a@1&unfold=b.80,a.40,,c.x,.3,d.-1":     "/lineage?node=model%2Flab%2Fa%401&unfold=a.40%2Cb.80",
		"/lineage?node=urn:epc:class:lgtin:9520001.010001.A":            "/lineage?node=https%3A%2F%2Fid.gs1.org%2F01%2F09520001100017%2F10%2FA",
	} {
		q, err := visitTo(given).ask()
		require.NoError(t, err, given)
		assert.Equal(t, want, q.path(q.unfolded), given)
		again, err := visitTo(want).ask()
		require.NoError(t, err)
		assert.Equal(t, q, again)
	}
	q, err := visitTo("/lineage?node=model/lab/a@1&unfold=a.40").ask()
	require.NoError(t, err)
	assert.Equal(t, "/lineage?node=model%2Flab%2Fa%401&unfold=a.40%2Cb.12", q.unfold("b", 12))
	assert.Equal(t, map[string]int{"a": 40}, q.unfolded, "the question stays as it was")
}

func TestWhatIsNoQuestionIsToldSo(t *testing.T) {
	for path, want := range map[string]string{
		"/lineage?node=model/lab/a@1&at=-3": `"-3" is no block`,
		"/lineage?node=model/lab/a@1&at=x":  `"x" is no block`,
		"/lineage?node=hello":               "is no node",
		"/lineage":                          "is no node",
	} {
		_, err := visitTo(path).ask()
		assert.ErrorContains(t, err, want, path)
	}
	_, err := visitTo("/impact?node=hello").impactQuery()
	assert.ErrorContains(t, err, "is no node")
	_, err = visitTo("/impact?node=model/lab/a@1&at=x").impactQuery()
	assert.ErrorContains(t, err, "is no block")
}

func TestAnImpactIsOfANodeOrElseOfAnOrganisation(t *testing.T) {
	q, err := visitTo("/impact?node=&organisation=LabMSP").impactQuery()
	require.NoError(t, err)
	assert.Equal(t, "LabMSP", q.Organisation)
	q, err = visitTo("/impact?node=" + url.QueryEscape(" model/lab/a@1 ") + "&organisation=LabMSP").impactQuery()
	require.NoError(t, err)
	assert.Equal(t, "model/lab/a@1", q.Node)
	assert.Empty(t, q.Organisation)
}

func TestManyFoldsAtOnceAreBounded(t *testing.T) {
	text := ""
	for i := range 200 {
		text += "k" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".5,"
	}
	assert.Len(t, unfolded(text), mostUnfolded)
}

func TestLotsComeFirstAndAreCountedByOrganisation(t *testing.T) {
	im := &lineage.Impact{
		Touched: []lineage.Touched{
			{ID: "model/lab/a@1", Kind: "artifact", MSPID: "LabMSP"},
			{ID: "ni:///sha-256;1", Kind: "activity", Type: "inference", MSPID: "LabMSP"},
			{ID: "https://id.gs1.org/01/09520001200014/21/7", Kind: "thing", MSPID: "MarketMSP", Notices: []string{"r"}},
			{ID: "https://id.gs1.org/01/09520001200014/10/A", Kind: "class", MSPID: "HarborMSP", Notices: []string{"r"}, OnTheMove: true,
				Why: []lineage.Step{{Node: "a", Name: "a"}, {Node: "b", Name: "b", Edge: lineage.EdgeUsed}}},
		},
		Notices:       []lineage.Notice{{ID: "r", Missing: []string{"MarketMSP"}}},
		Organisations: []lineage.Organisation{{MSPID: "HarborMSP", OnTheMove: 1}, {MSPID: "LabMSP"}, {MSPID: "MarketMSP", Unacknowledged: []string{"r"}}},
		OnTheMove:     []lineage.Moving{{ID: "https://id.gs1.org/01/09520001200014/10/A", BizStep: "https://ref.gs1.org/cbv/BizStep-shipping"}},
	}
	page := &web.Impact{}
	addTouched(page, im)
	assert.Equal(t, []web.Tile{{Count: 1, Word: "lot"}, {Count: 1, Word: "item"}, {Count: 1, Word: "model"}, {Count: 1, Word: "decision"}}, page.Tiles)
	require.Len(t, page.Things, 2)
	assert.Equal(t, "Lot A", page.Things[0].Title)
	assert.Equal(t, "shipping", page.Things[0].Last)
	assert.False(t, page.Things[0].Waiting)
	assert.Equal(t, []web.Hop{{Name: "a", Node: "a"}, {Way: "was used by", Name: "b", Node: "b"}}, page.Things[0].Why)
	assert.True(t, page.Things[1].Waiting, "its organisation hasn't acknowledged")
	assert.Equal(t, []web.ImpactOrganisation{
		{MSPID: "HarborMSP", Counts: []int{1, 0, 0, 0}, OnTheMove: 1}, {MSPID: "LabMSP", Counts: []int{0, 0, 1, 1}}, {MSPID: "MarketMSP", Counts: []int{0, 1, 0, 0}, Owes: 1},
	}, page.ByOrganisation)
}

func TestTheMostUrgentRecallComesFirst(t *testing.T) {
	im := &lineage.Impact{Node: "asked", Notices: []lineage.Notice{
		{ID: "another", MSPID: "LabMSP"}, {ID: "owed", MSPID: "LabMSP", Missing: []string{"MarketMSP"}}, {ID: "ours", MSPID: "MarketMSP"},
		{ID: "asked", MSPID: "LabMSP", Acknowledged: []lineage.Acknowledgement{{MSPID: "MarketMSP"}}},
	}}
	var order []string
	for _, r := range viewRecalls(im, "MarketMSP") {
		order = append(order, r.ID)
		assert.Equal(t, r.ID == "owed", r.Owed, r.ID)
		assert.Equal(t, r.ID == "ours", r.Ours, r.ID)
		assert.Equal(t, r.ID == "asked", r.Answered, r.ID)
	}
	assert.Equal(t, []string{"asked", "owed", "another", "ours"}, order)
}

func TestReasonsForACutAnswerAreSentences(t *testing.T) {
	for _, reason := range []string{"depth", "nodes", "time", "starts", "recalls"} {
		for _, text := range cuts(&lineage.Truncation{Reasons: []string{reason}, Frontier: []string{"a"}}) {
			assert.Regexp(t, `^[A-Z][^%]*\.$`, text, reason)
		}
		assert.Len(t, cuts(&lineage.Truncation{Reasons: []string{reason}}), 1)
	}
	assert.Nil(t, cuts(nil))
}
