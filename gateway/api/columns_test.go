package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestLineageOfColumns(t *testing.T) {
	f := newFixture(t)
	f.story()
	f.ledger.Put("Lab", indextest.Activity(t, `{"type":"transformation","used":[{"ref":"dataset/lab/readings@1"}],"generated":[{"ref":"dataset/lab/hours@1",
		"columns":{"degree_hours":[{"ref":"dataset/lab/readings@1","column":"celsius","transformations":[{"type":"DIRECT"}]}]}}]}`))
	var v struct {
		Direction string
		Columns   []struct{ Node, Column, Direction string }
		Edges     []struct {
			Transformations []map[string]string
		}
		Ends []struct{ Why string }
	}
	a := f.do(request{path: "/v1/lineage?node=dataset/lab/hours@1&column=degree_hours"})
	require.Equal(t, http.StatusOK, a.status, a.body)
	a.json(t, &v)
	assert.Equal(t, "ancestors", v.Direction)
	assert.Equal(t, "celsius", v.Columns[1].Column)
	assert.Equal(t, "DIRECT", v.Edges[0].Transformations[0]["type"])
	f.do(request{path: "/v1/lineage?node=dataset/lab/readings@1&column=celsius&direction=both"}).json(t, &v)
	assert.Equal(t, "descendants", v.Columns[1].Direction)
	table := f.do(request{path: "/v1/lineage?node=dataset/lab/readings@1&column=celsius&direction=descendants&format=csv"})
	assert.Contains(t, table.body, "dataset/lab/readings@1,celsius,dataset/lab/hours@1,degree_hours,ni:")
	unknown := f.do(request{path: "/v1/lineage?node=dataset/lab/hours@1&column=kelvin"})
	assert.Equal(t, http.StatusNotFound, unknown.status)
	assert.Contains(t, unknown.body, "unknown_column")
	assert.Contains(t, unknown.body, "those known are degree_hours")
	for path, want := range map[string]int{
		"/v1/lineage?node=model/lab/none@1&column=celsius":                    http.StatusNotFound,
		"/v1/lineage?node=dataset/lab/hours@1&column=":                        http.StatusBadRequest,
		"/v1/lineage?node=dataset/lab/hours@1&column=degree_hours&format=dot": http.StatusBadRequest,
		"/v1/lineage?node=dataset/lab/hours@1&column=degree_hours&at=1":       http.StatusNotFound,
		"/v1/lineage?node=dataset/lab/hours@1&column=degree_hours&at=99":      http.StatusBadRequest,
	} {
		assert.Equal(t, want, f.do(request{path: path}).status, path)
	}
}
