package api

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestAnImpactIsAnsweredAsJSONAndAsATable(t *testing.T) {
	f := newFixture(t)
	f.story()
	f.ledger.Put("Lab", indextest.Activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}],"generated":[{"ref":"model/lab/spoilage@1"}]}`))
	f.ledger.Put("Lab", indextest.Activity(t, `{"type":"inference","used":[{"ref":"model/lab/spoilage@1"}],"about":["urn:epc:id:sgtin:952005.0101010.S1"]}`))
	recall := f.ledger.Put("Lab", indextest.Statement(t, "recall", `{"reason":"a wrong logger"}`,
		"dataset/lab/readings@1"))
	then := f.ledger.Height()
	f.ledger.Put("Harbor", indextest.Statement(t, "acknowledgement", `{"action":"on hold"}`, recall))

	var v struct {
		Node    string
		Total   int
		Kinds   map[string]int
		Touched []struct {
			ID           string
			Acknowledged []string
			Why          []struct{ Node, Edge string }
		}
		Recalls []struct {
			Missing      []string
			Acknowledged []struct{ MSPID, Action string }
		}
	}
	for _, path := range []string{"/v1/impact?node=dataset/lab/readings@1",
		"/v1/impact?node=" + url.QueryEscape(recall) + "&format=json"} {
		a := f.do(request{path: path})
		require.Equal(t, http.StatusOK, a.status, a.body)
		a.json(t, &v)
		assert.Equal(t, "on hold", v.Recalls[0].Acknowledged[0].Action)
		i := 0
		for v.Touched[i].ID != "https://id.gs1.org/01/09520051010106/21/S1" {
			i++
		}
		thing := v.Touched[i]
		assert.Equal(t, []string{"HarborMSP"}, thing.Acknowledged)
		assert.Equal(t, "about", thing.Why[len(thing.Why)-1].Edge)
	}
	assert.Equal(t, recall, v.Node)
	before := f.do(request{path: "/v1/impact?node=" + url.QueryEscape(recall) + "&at=" + strconv.FormatUint(then, 10)})
	assert.NotContains(t, before.body, "on hold")
	// A transaction's time is a second after that of the one before.
	moment := indextest.Start.Add(time.Duration(then) * time.Second).Format(time.RFC3339)
	assert.Equal(t, before.body, f.do(request{path: "/v1/impact?node=" + url.QueryEscape(recall) + "&at=" +
		url.QueryEscape(moment)}).body, "the block by its time")

	for _, r := range []request{{path: "/v1/impact?node=" + url.QueryEscape(recall) + "&format=csv"},
		{path: "/v1/impact?node=" + url.QueryEscape(recall), header: map[string]string{"Accept": "text/csv"}}} {
		a := f.do(r)
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, "text/csv; charset=utf-8", a.header.Get("Content-Type"))
		rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		require.NoError(t, err)
		assert.Len(t, rows, v.Total+1)
	}

	all := f.do(request{path: "/v1/impact?organisation=LabMSP"})
	assert.Contains(t, all.body, `"organisation":"LabMSP"`)
	assert.Contains(t, all.body, "/21/S1")
	for path, want := range map[string]int{
		"/v1/impact": http.StatusBadRequest,
		"/v1/impact?node=" + url.QueryEscape(recall) + "&organisation=LabMSP": http.StatusBadRequest,
		"/v1/impact?organisation=NobodyMSP":                                   http.StatusNotFound,
		"/v1/impact?organisation=%3Cscript%3E":                                http.StatusNotFound,
		"/v1/impact?node=dataset/lab/unknown@1":                               http.StatusNotFound,
		"/v1/impact?node=" + url.QueryEscape(recall) + "&format=dot":          http.StatusBadRequest,
		"/v1/impact?organisation=LabMSP&at=99":                                http.StatusBadRequest,
		"/v1/impact?organisation=LabMSP&at=yesterday":                         http.StatusBadRequest,
		"/v1/impact?organisation=LabMSP&at=1867-01-01T00:00:00Z":              http.StatusBadRequest,
		"/v1/impact?organisation=LabMSP&at=2026-13-01T00:00:00Z":              http.StatusBadRequest,
		"/v1/impact?organisation=LabMSP&at=0":                                 http.StatusNotFound,
	} {
		assert.Equal(t, want, f.do(request{path: path}).status, path)
	}
}
