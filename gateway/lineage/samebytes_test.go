package lineage_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// same records an artifact version of an organisation that has a digest, or, without one, a digest of its own.
func (s *story) same(org, ref, digest string, from ...string) string {
	s.t.Helper()
	if digest == "" {
		s.name(ref+" record", s.ledger.Put(org, indextest.Artifact(s.t, ref, s.all(from)...)))
		return s.name(ref, ref)
	}
	v, err := canonical.Parse(indextest.Artifact(s.t, ref, s.all(from)...).Body, canonical.Limits{})
	require.NoError(s.t, err)
	v = v.With("digest", canonical.Obj(
		canonical.Member{Name: "algorithm", Value: canonical.Str("sha-256")},
		canonical.Member{Name: "coverage", Value: canonical.Str("full")},
		canonical.Member{Name: "value", Value: canonical.Str(digest)},
	))
	r, problems := record.NewArtifact(v, "")
	require.Empty(s.t, problems)
	s.name(ref+" record", s.ledger.Put(org, r))
	return s.name(ref, ref)
}

const (
	bytesX  = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
	bytesY  = "594e519ae499312b29433b7dd8a97ff068defcba9755b6d5d00e84c524d67b06"
	nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func TestTheSameBytesUnderAnotherNameAreFollowed(t *testing.T) {
	s := newStory(t)
	s.artifact("dataset/harbor/raw@1")
	s.same("Harbor", "dataset/harbor/h@1", bytesX, "dataset/harbor/raw@1")
	s.same("Lab", "dataset/lab/copy@1", bytesX)
	s.same("Market", "dataset/market/copy@1", bytesX)
	s.artifact("model/lab/m@1", "dataset/lab/copy@1")
	s.artifact("model/market/m@1", "dataset/market/copy@1")

	all := these("dataset/lab/copy@1", "dataset/market/copy@1", "model/lab/m@1", "model/market/m@1")
	require.Equal(t, all, s.down("dataset/harbor/h@1"))
	require.Equal(
		t, these("dataset/harbor/h@1", "dataset/market/copy@1", "model/lab/m@1", "model/market/m@1"),
		s.down("dataset/lab/copy@1"), "from one copy to another, by way of the first",
	)
	require.Equal(
		t, these("dataset/harbor/h@1", "dataset/harbor/raw@1", "dataset/lab/copy@1", "dataset/market/copy@1"), s.up("model/lab/m@1"),
	)

	a := s.trace(lineage.Query{Node: "dataset/lab/copy@1", Direction: lineage.Ancestors, Depth: 1})
	require.Equal(t, []lineage.Edge{{
		From: "dataset/harbor/h@1", To: "dataset/lab/copy@1", Kind: lineage.EdgeSameBytes, Record: s.nodes["dataset/lab/copy@1 record"],
	}}, a.Edges)

	s.says("Harbor", "withdrawal", "withdrawal", `{"reason":"consent"}`, "dataset/harbor/h@1")
	im := s.impact(lineage.Query{Node: "dataset/harbor/h@1"})
	require.Len(t, im.Touched, 4)
	require.Equal(t, 4, im.Notices[0].Touched)
	require.Equal(
		t, "dataset harbor/h, version 1 → is the same bytes as dataset lab/copy, version 1 → went into model lab/m, version 1",
		lineage.Path(s.touched(im, "model/lab/m@1").Why),
	)
	require.Equal(t, []string{"dataset/harbor/h@1"}, s.about(s.warnings(lineage.Query{}, "model/lab/m@1").Behind))

	before := s.trace(lineage.Query{Node: "dataset/harbor/h@1", Direction: lineage.Descendants, At: 3})
	require.Equal(t, these("dataset/lab/copy@1"), s.found(before), "as of then there was one copy")
}

func TestOfManyCopiesEachIsTiedToTheFirst(t *testing.T) {
	s := newStory(t)
	const n = 20
	for i := range n {
		s.same("Lab", fmt.Sprintf("dataset/lab/copy%d@1", i), bytesX)
	}
	a := s.trace(lineage.Query{Node: "dataset/lab/copy7@1", Direction: lineage.Descendants})
	require.Len(t, a.Nodes, n)
	require.Len(t, a.Edges, n-1)
}

func TestEmptyFilesHaveNothingToDoWithEachOther(t *testing.T) {
	s := newStory(t)
	s.same("Lab", "dataset/lab/empty@1", nothing)
	s.same("Harbor", "dataset/harbor/empty@1", nothing)
	require.Empty(t, s.down("dataset/lab/empty@1"))
	require.Empty(t, s.up("dataset/harbor/empty@1"))
}
