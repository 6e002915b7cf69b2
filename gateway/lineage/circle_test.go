package lineage_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

func TestAnArtifactThatItsSourcesWereMadeOfIsFound(t *testing.T) {
	s := newStory(t)
	artifact := func(name, sources string) {
		v, err := canonical.Parse([]byte(`{"kind":"dataset","namespace":"lab","name":"`+name+`","version":"1","derivedFrom":[`+sources+`],
			"digest":{"algorithm":"sha-256","coverage":"full","value":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}`), canonical.Limits{})
		require.NoError(t, err)
		r, problems := record.NewArtifact(v, "LabMSP")
		require.Empty(t, problems)
		s.put(name, r)
	}
	artifact("raw", "")
	artifact("clean", `"dataset/lab/raw@1"`)
	artifact("other", "")
	v, err := canonical.Parse([]byte(`{"type":"training","used":[{"ref":"dataset/lab/clean@1"}],"generated":[{"ref":"dataset/lab/other@1"}]}`), canonical.Limits{})
	require.NoError(t, err)
	run, problems := record.NewActivity(v, "LabMSP")
	require.Empty(t, problems)
	s.put("run", run)
	artifact("judged", "")
	v, err = canonical.Parse([]byte(`{"type":"evaluation","used":[{"ref":"dataset/lab/raw@1"}],"about":["dataset/lab/judged@1"]}`), canonical.Limits{})
	require.NoError(t, err)
	judgement, problems := record.NewActivity(v, "LabMSP")
	require.Empty(t, problems)
	s.put("judgement", judgement)

	way, err := lineage.Circle(t.Context(), s.index, "dataset/lab/raw@1", []string{"dataset/lab/none@1", "dataset/lab/other@1"})
	require.NoError(t, err)
	assert.Equal(t, []string{"dataset/lab/raw@1", "dataset/lab/clean@1", string(run.ID), "dataset/lab/other@1"}, way)

	for what, c := range map[string]struct{ artifact, source string }{
		"the other way round":       {"dataset/lab/other@1", "dataset/lab/raw@1"},
		"what nobody has heard of":  {"dataset/lab/none@1", "dataset/lab/raw@1"},
		"what is its own source":    {"dataset/lab/raw@1", "dataset/lab/raw@1"},
		"what was not made of this": {"dataset/lab/clean@1", "dataset/lab/raw@1"},
		"what was judged by it":     {"dataset/lab/raw@1", "dataset/lab/judged@1"},
	} {
		way, err := lineage.Circle(t.Context(), s.index, c.artifact, []string{c.source})
		require.NoError(t, err, what)
		assert.Nil(t, way, what)
	}
}
