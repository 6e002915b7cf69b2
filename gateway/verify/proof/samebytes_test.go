package proof

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// version is the proved record of an artifact version with a digest.
func version(t *testing.T, ref, digest, sources string) *Proved {
	t.Helper()
	r, err := record.ParseArtifactRef(ref)
	require.NoError(t, err)
	v, err := canonical.Parse([]byte(`{"record":"artifact/1","kind":"`+r.Kind+`","namespace":"`+r.Namespace+`","name":"`+r.Name+
		`","version":"`+r.Version+`","digest":{"algorithm":"sha-256","coverage":"full","value":"`+digest+`"},"derivedFrom":[`+sources+`]}`),
		canonical.Limits{})
	require.NoError(t, err)
	a, problems := record.NewArtifact(v, "")
	require.Empty(t, problems)
	return &Proved{Attested: Attested{ID: a.ID, Noun: string(record.NounArtifact), Record: a.Body}}
}

func TestATraceGoesFromNameToNameOfTheSameBytes(t *testing.T) {
	x, y := strings.Repeat("a", 64), strings.Repeat("b", 64)
	original, copied := version(t, "dataset/harbor/h@1", x, ""), version(t, "dataset/lab/copy@1", x, "")
	model := version(t, "model/lab/m@1", y, `"dataset/lab/copy@1"`)
	for _, trace := range []Trace{
		{Node: "dataset/harbor/h@1", Direction: Descendants}, {Node: "model/lab/m@1", Direction: Ancestors},
	} {
		_, err := trace.check([]*Proved{original, copied, model})
		require.NoError(t, err, trace.Direction)
	}
	none, other := record.Digest{Algorithm: "sha-256"}, version(t, "dataset/lab/copy@1", y, "")
	_, err := (&Trace{Node: "dataset/harbor/h@1", Direction: Descendants}).check([]*Proved{original, other})
	require.Equal(t, BrokenTrace, ReasonOf(err), "other bytes have nothing to do with these")
	none.Value = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	_, err = (&Trace{Node: "dataset/harbor/h@1", Direction: Descendants}).check([]*Proved{
		version(t, "dataset/harbor/h@1", none.Value, ""), version(t, "dataset/lab/copy@1", none.Value, ""),
	})
	require.Equal(t, BrokenTrace, ReasonOf(err), "empty files have nothing to do with each other")
}
