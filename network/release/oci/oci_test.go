package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network/release/tree"
)

func sample() *Image {
	layer := func(name string) tree.Tree {
		return tree.Tree{"/usr/bin/" + name: {Mode: 0o755, Content: []byte(name)}}
	}
	return &Image{Tag: "v1", User: "1:1", Entrypoint: []string{"/usr/bin/two"}, WorkingDir: "/", Env: []string{"A=b"},
		Labels: map[string]string{"a": "b", "c": "d"}, Made: time.Unix(1_700_000_000, 0), PerPlatform: []Platform{
			{"amd64", []tree.Tree{layer("one"), layer("two")}}, {"arm64", []tree.Tree{layer("three"), layer("two")}}}}
}

func files(t *testing.T, archive io.Reader) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		if header.Typeflag == tar.TypeReg {
			all[header.Name], err = io.ReadAll(reader)
			require.NoError(t, err)
		}
	}
}

// The layout is read as an engine reads it: from the index, by digests.
func TestEveryPartOfTheImageIsFoundByItsDigest(t *testing.T) {
	var written bytes.Buffer
	require.NoError(t, sample().Write(&written))
	layout := files(t, &written)
	assert.JSONEq(t, `{"imageLayoutVersion": "1.0.0"}`, string(layout["oci-layout"]))
	seen := 0
	get := func(d descriptor, mediaType string) []byte {
		content := layout["blobs/sha256/"+d.Digest[len("sha256:"):]]
		require.NotEmpty(t, content)
		assert.Equal(t, mediaType, d.MediaType)
		assert.Equal(t, d.Digest, digest(content))
		assert.Equal(t, d.Size, len(content))
		seen++
		return content
	}
	var top, all index
	require.NoError(t, json.Unmarshal(layout["index.json"], &top))
	require.Len(t, top.Manifests, 1)
	assert.Equal(t, "v1", top.Manifests[0].Annotations["org.opencontainers.image.ref.name"])
	require.NoError(t, json.Unmarshal(get(top.Manifests[0], indexType), &all))
	require.Len(t, all.Manifests, 2)
	for i, architecture := range []string{"amd64", "arm64"} {
		var m manifest
		var c config
		require.NoError(t, json.Unmarshal(get(all.Manifests[i], manifestType), &m))
		require.NoError(t, json.Unmarshal(get(m.Config, configType), &c))
		assert.Equal(t, architecture, all.Manifests[i].Platform.Architecture)
		assert.Equal(t, platform{architecture, "linux"}, c.platform)
		assert.Equal(t, "1:1", c.Config.User)
		require.Len(t, m.Layers, 2)
		for j, d := range m.Layers {
			zip, err := gzip.NewReader(bytes.NewReader(get(d, layerType)))
			require.NoError(t, err)
			plain, err := io.ReadAll(zip)
			require.NoError(t, err)
			assert.Equal(t, c.RootFS.DiffIDs[j], digest(plain))
			assert.Len(t, files(t, bytes.NewReader(plain)), 1)
		}
	}
	assert.Equal(t, 9, seen)
	assert.Len(t, layout, 2+8, "the layer that both have is there once")
}

func TestTheImageIsTheSameEachTime(t *testing.T) {
	var first bytes.Buffer
	require.NoError(t, sample().Write(&first))
	for range 8 {
		var again bytes.Buffer
		require.NoError(t, sample().Write(&again))
		assert.Equal(t, first.Bytes(), again.Bytes())
	}
}
