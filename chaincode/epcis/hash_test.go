package epcis

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/stretchr/testify/require"
)

// trials finds a folder of other people's documents, which are not part of the
// project. Tests that need them run only where somebody has put them.
func trials(t testing.TB, folder string) string {
	root := os.Getenv("PEDIGREE_TRIALS")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, folder)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no trial documents in %s (set PEDIGREE_TRIALS to the folder that has them)", path)
	}
	return path
}

// parse reads JSON that a test wrote.
func parse(t testing.TB, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err)
	return v
}

// readDocument reads a document file and removes the notes that some contain.
func readDocument(t testing.TB, path string) canonical.Value {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	v := parse(t, string(data))
	for _, m := range v.Members {
		if strings.HasPrefix(m.Name, "_comment") {
			v = v.Without(m.Name)
		}
	}
	return v
}

func TestPublishedHashesComeOut(t *testing.T) {
	folder := trials(t, "epcis-hash")
	data, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	require.NoError(t, err)
	var expected map[string]map[string][]string
	require.NoError(t, json.Unmarshal(data, &expected))
	for name, versions := range expected {
		events, problems := Document(readDocument(t, filepath.Join(folder, name+".jsonld")))
		require.Empty(t, problems, name)
		for version, hashes := range versions {
			t.Run(name+" under "+version, func(t *testing.T) {
				require.Len(t, events, len(hashes))
				for i, want := range hashes {
					v := CBV20
					if version == "CBV2.1" {
						v = CBV21
					}
					got, err := HashID(events[i].Event, events[i].Context, v)
					require.NoError(t, err)
					require.Equal(t, want, got, "event %d", i)
				}
			})
		}
	}
}

// goldenDocument contains events of our own. The file beside it has their hashes,
// which both plainHash and the package have computed.
func goldenDocument(t testing.TB) []DocumentEvent {
	events, problems := Document(readDocument(t, filepath.Join("testdata", "salmon.jsonld")))
	require.Empty(t, problems)
	require.Len(t, events, 6)
	return events
}

func TestGoldenHashes(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "salmon.hashes.json"))
	require.NoError(t, err)
	var golden map[string][]string
	require.NoError(t, json.Unmarshal(data, &golden))
	for name, version := range map[string]Version{"CBV2.0": CBV20, "CBV2.1": CBV21} {
		for i, e := range goldenDocument(t) {
			got, err := HashID(e.Event, e.Context, version)
			require.NoError(t, err)
			require.Equal(t, plainHash(e.Event, e.Context, version), got, "event %d, %s", i, name)
			require.Equal(t, golden[name][i], got, "event %d, %s", i, name)
		}
	}
}
