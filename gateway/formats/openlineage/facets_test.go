package openlineage

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func value(t testing.TB, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err, text)
	return v
}

func TestDerivationsAreReadFromAllFacetsThatSayThem(t *testing.T) {
	d := DerivationIn(value(t, `{"lineage":{"inputs":[{"namespace":"n","name":"a","type":"DATASET"},{"namespace":"n","name":"j","type":"JOB"}],
		"fields":{"c":{"inputs":[{"namespace":"n","name":"a","type":"DATASET","field":"x","transformations":[{"type":"DIRECT"}]}]}}}}`))
	assert.True(t, d.Explicit)
	require.Len(t, d.Inputs, 1, "a job is no dataset")
	assert.Equal(t, []Identity{{"n", "a"}, {"n", "a"}}, d.Sources())
	assert.Equal(t, "x", d.Fields[0].Inputs[0].Field)

	d = DerivationIn(value(t, `{"lineage":{"inputs":[]}}`))
	assert.True(t, d.Explicit, "no upstream, and that is said")
	assert.Empty(t, d.Sources())

	assert.False(t, DerivationIn(value(t, `{"lineage":{"_deleted":true,"inputs":[]}}`)).Explicit)
	assert.False(t, DerivationIn(value(t, `{"lineage":{}}`)).Explicit, "a facet without inputs and fields says nothing")

	d = DerivationIn(value(t, `{"columnLineage":{"dataset":[{"namespace":"n","name":"f","field":"day"}],
		"fields":{"c":{"inputFields":[{"namespace":"n","name":"a","field":"x","transformations":[]}],"transformationType":"IDENTITY","transformationDescription":"identical"}}}}`))
	assert.False(t, d.Explicit, "what is known of columns is not all that there is")
	assert.Equal(t, "day", d.Inputs[0].Field)
	assert.Equal(t, `[{"transformationDescription":"identical","transformationType":"IDENTITY"}]`,
		string(d.Fields[0].Inputs[0].Transformations.Bytes()))
}

func TestJobLineageHasTargetsAndWhatTheJobRead(t *testing.T) {
	targets, read := JobLineage(value(t, `{"lineage":{"entries":[
		{"type":"DATASET","namespace":"n","name":"out","inputs":[{"namespace":"n","name":"a","type":"DATASET"}]},
		{"type":"JOB","inputs":[{"namespace":"n","name":"b","type":"DATASET"}]}]}}`))
	require.Len(t, targets, 1)
	assert.Equal(t, Identity{"n", "out"}, targets[0].Identity)
	assert.Equal(t, []Identity{{"n", "a"}}, targets[0].Sources())
	assert.Equal(t, []Identity{{"n", "b"}}, read)
}

func TestTheTypeOfAnActivityIsTakenFromWhereItIsClear(t *testing.T) {
	for _, c := range []struct{ name, run, job, want string }{
		{"nothing said", `{}`, `{}`, "transformation"},
		{"a task", `{}`, `{"jobType":{"jobType":"TASK","processingType":"BATCH"}}`, "transformation"},
		{"a job type that is a type of activity", `{}`, `{"jobType":{"jobType":"FINE_TUNING"}}`, "fine-tuning"},
		{"a tag", `{}`, `{"tags":{"tags":[{"key":"team","value":"training"},{"key":"pedigree_activity","value":"evaluation"}]},"jobType":{"jobType":"TRAINING"}}`, "evaluation"},
		{"the job's facet", `{}`, `{"pedigree_activity":{"type":"labelling"},"jobType":{"jobType":"TRAINING"}}`, "labelling"},
		{"the run's facet", `{"pedigree_activity":{"type":"inference"}}`, `{"pedigree_activity":{"type":"labelling"}}`, "inference"},
	} {
		got := ActivityOf(value(t, c.run), value(t, c.job))
		assert.Equal(t, c.want, got.Type, c.name)
	}
	a := ActivityOf(value(t, `{"executionParameters":{"parameters":[{"key":"epochs","value":"3"},{"key":"rate","value":0.1}]}}`), value(t, `{"documentation":{"description":"Trains"}}`))
	assert.Equal(t, `{"epochs":"3","rate":0.1}`, string(a.Parameters.Bytes()))
	assert.Equal(t, "Trains", a.Description)
}

// The names of artifacts are on the ledger for ever: what stands here never changes.
func TestNamesAndVersionsAreSpelledOneWayForEver(t *testing.T) {
	assert.Equal(t, "readings-2026.csv-b868a284a71bfd77", ArtifactName(Identity{"s3://bucket", "readings/2026.csv"}))
	for _, c := range []struct{ namespace, name, want string }{
		{"s3", "://bucketreadings/2026.csv", "bucketreadings-2026.csv-"}, {"file", "/", "dataset-"}, {"db", "Größe", "Gr-e-"}, {"", "", "dataset-"},
		{"x", strings.Repeat("long/", 100), "long-long-"},
	} {
		got := ArtifactName(Identity{c.namespace, c.name})
		assert.True(t, strings.HasPrefix(got, c.want), got)
		_, err := record.ParseArtifactRef("dataset/lab/" + got + "@1")
		assert.NoError(t, err)
	}
	assert.NotEqual(t, ArtifactName(Identity{"a", "b\x00c"}), ArtifactName(Identity{"a\x00b", "c"}),
		"a NUL that is part of a name is no border")
	for _, c := range []struct{ said, want string }{
		{"7", "7"}, {"v1.2.3+build", "v1.2.3+build"}, {"2026-03-01T08:00:00Z", "2026-03-01T08-00-00Z-"}, {"", "version-"}, {"-1", "1-"}, {strings.Repeat("9", 80), strings.Repeat("9", 40) + "-"},
	} {
		got := Version(c.said)
		assert.True(t, strings.HasPrefix(got, c.want), got)
		_, err := record.ParseArtifactRef("dataset/lab/x@" + got)
		assert.NoError(t, err)
	}
	assert.Equal(t, "run-0195504c-4c00-7abc-8def-0123456789ab", RunVersion("0195504c-4c00-7abc-8def-0123456789ab"))
	assert.Equal(t, `{"algorithm":"sha-256","coverage":"declared","value":"9d4c3a6baffa0afddb7901f3eab600d2c99bd3dee4862244b87632015a6c6471"}`, string(DeclaredDigest(Identity{"s3://bucket", "a"}, "declared").Bytes()))
}

func TestADatasetOfOursIsTheArtifactThatItsNameSays(t *testing.T) {
	none := canonical.Value{}
	said := value(t, `{"version":{"datasetVersion":"3"}}`)
	assert.Equal(t, Place{"model", "market", "m", "2"}, PlaceOf(Identity{"pedigree", "model/market/m@2"}, none, "lab"))
	assert.Equal(t, Place{"model", "market", "m", ""}, PlaceOf(Identity{"pedigree", "model/market/m"}, none, "lab"))
	assert.Equal(t, Place{"model", "market", "m", "3"}, PlaceOf(Identity{"pedigree", "model/market/m"}, said, "lab"))
	other := PlaceOf(Identity{"s3", "m"}, value(t,
		`{"datasetType":{"datasetType":"MODEL"},"version":{"datasetVersion":"3"}}`), "lab")
	assert.Equal(t, Place{"model", "lab", ArtifactName(Identity{"s3", "m"}), "3"}, other)
}
