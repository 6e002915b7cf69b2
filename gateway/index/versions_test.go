package index_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestVersionsAreDatedByTheRunThatGeneratedThem(t *testing.T) {
	ix := indextest.Open(t)
	ledger := indextest.New(t)
	for _, b := range ledger.Blocks {
		require.NoError(t, ix.Apply(t.Context(), b))
	}
	ledger.Follower = ix
	ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/a@1"))
	run := ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/a@2"), indextest.Artifact(t, "dataset/lab/b@1"),
		indextest.Activity(t, `{"type":"transformation","endedAt":"2026-02-01T09:00:00Z",
			"generated":[{"ref":"dataset/lab/a@2"}]}`))
	list, err := ix.DatedVersions(t.Context(), "dataset", "lab", "a", 10)
	require.NoError(t, err)
	assert.Equal(t, []index.DatedVersion{
		{Version: "2", At: time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC), Generated: true},
		{Version: "1", At: indextest.Start.Add(time.Second)},
	}, list)
	list, err = ix.DatedVersions(t.Context(), "dataset", "lab", "a", 1)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	list, err = ix.DatedVersions(t.Context(), "model", "lab", "a", 1)
	require.NoError(t, err)
	assert.Empty(t, list)

	for ref, want := range map[string]string{"dataset/lab/a@2": run, "dataset/lab/a@1": "", "dataset/lab/a@3": ""} {
		got, err := ix.Generator(t.Context(), ref)
		require.NoError(t, err)
		assert.Equal(t, want, got, ref)
	}
}
