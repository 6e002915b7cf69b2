package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestRegisteringBytesThatHaveAnotherNameSaysSo(t *testing.T) {
	f := newFixture(t)
	f.story()
	a, problems := describe(parsed(t, goodArtifact), "LabMSP")
	require.Empty(t, problems)
	warnings := func() []warning {
		all, err := f.server.warnings(t.Context(), a, nil)
		require.NoError(t, err)
		return all
	}
	require.Empty(t, warnings())

	other, problems := describe(parsed(t, swap(goodArtifact, `"name":"readings"`, `"name":"copy"`)), "LabMSP")
	require.Empty(t, problems)
	f.ledger.Put("Harbor", other.Record)
	all := warnings()
	require.Len(t, all, 1)
	assert.Equal(t, "same_bytes", all[0].Code)
	assert.Equal(t, a.Artifact.ArtifactRef.String(), all[0].Ref)
	assert.Contains(t, all[0].Detail, "dataset/lab/copy@2 of HarborMSP is the same bytes")

	f.ledger.Put("Harbor", indextest.Statement(t, "withdrawal", `{"reason":"consent"}`, "dataset/lab/copy@2"))
	all = warnings()
	require.Len(t, all, 2)
	assert.Equal(t, "same_bytes_recalled", all[0].Code)
	assert.Contains(t, all[0].Detail, "and is withdrawn")

	f.ledger.Put("Lab", a.Record)
	page := f.do(request{path: "/artifacts/" + a.Artifact.ArtifactRef.String(), header: f.signedIn("auditor")})
	require.Equal(t, http.StatusOK, page.status)
	assert.Contains(t, page.body, "It rests on what was recalled or withdrawn")
}
