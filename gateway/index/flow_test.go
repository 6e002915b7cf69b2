package index_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestLinksTellWhatAnOutputWasMadeOf(t *testing.T) {
	l, ix := follow(t)
	d := indextest.Artifact(t, "dataset/lab/d@1")
	l.Put("Lab", d, indextest.Artifact(t, "dataset/lab/e@1"), indextest.Artifact(t, "dataset/lab/f@1"))
	run := l.Put("Lab", indextest.Activity(t, fmt.Sprintf(`{"type":"transformation",
		"used":[{"ref":"dataset/lab/d@1"},{"ref":"dataset/lab/e@1"},{"ref":"dataset/lab/f@1"},{"ref":%q}],
		"generated":[{"ref":"dataset/lab/x@1","from":[%q,"dataset/lab/e@1"]},{"ref":"dataset/lab/y@1","from":[]},{"ref":"dataset/lab/z@1"}]}`, d.ID, d.ID)))
	plain := l.Put("Lab", indextest.Activity(t,
		`{"type":"training","used":[{"ref":"dataset/lab/x@1"}],"generated":[{"ref":"model/lab/m@1"}]}`))
	snap, err := ix.Snapshot(t.Context(), index.Latest)
	require.NoError(t, err)
	find := func(node string) int64 {
		v, err := ix.Find(t.Context(), node, snap)
		require.NoError(t, err)
		return v.ID
	}
	flows := func(links []index.Link) map[string]string {
		names := map[int64]string{}
		for _, name := range []string{"dataset/lab/d@1", "dataset/lab/e@1", "dataset/lab/f@1", "dataset/lab/x@1",
			"dataset/lab/y@1", "dataset/lab/z@1", "model/lab/m@1"} {
			names[find(name)] = name
		}
		all := map[string]string{}
		for _, l := range links {
			inputs, known := l.Flow.Inputs()
			if l.Role != index.RoleDescribes {
				all[names[l.Node]] = fmt.Sprint(inputs, known)
			}
		}
		return all
	}
	of, err := ix.LinksOf(t.Context(), []int64{find(run)}, snap)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"dataset/lab/d@1": "[0 3] true", // named twice
		"dataset/lab/e@1": "[1] true",
		"dataset/lab/f@1": "[2] true",
		"dataset/lab/x@1": "[1 3] true",
		"dataset/lab/y@1": "[] true",
		"dataset/lab/z@1": "[] false",
	}, flows(of))
	to, err := ix.LinksTo(t.Context(), []int64{find("dataset/lab/d@1"), find("dataset/lab/y@1")}, snap)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"dataset/lab/d@1": "[0 3] true", "dataset/lab/y@1": "[] true"}, flows(to))
	of, err = ix.LinksOf(t.Context(), []int64{find(plain)}, snap)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"dataset/lab/x@1": "[] false", "model/lab/m@1": "[] false"}, flows(of))
	for _, l := range of {
		require.Empty(t, l.Flow, "links of ordinary runs are as small as ever")
	}
}
