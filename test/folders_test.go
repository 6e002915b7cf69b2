package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// pedigree runs the program against the network that most tests share.
func pedigree(t *testing.T, args ...string) (stdout string, stderr string, err error) {
	t.Helper()
	var out, errors bytes.Buffer
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir, c.Stdout, c.Stderr = filepath.Dir(dir), &out, &errors
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	err = c.Run()
	return out.String(), errors.String(), err
}

// TestAFolderTooLargeForARecordIsVerifiedByItsManifest registers more files than a record can list.
func TestAFolderTooLargeForARecordIsVerifiedByItsManifest(t *testing.T) {
	home := t.TempDir()
	many := filepath.Join(home, "many")
	for i := range 6000 {
		path := filepath.Join(many, fmt.Sprintf("part-%02d/%04d.bin", i%100, i))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "row %d", i), 0o600))
	}
	manifest := filepath.Join(home, "many.json")
	ledger := []string{"--dir", dir, "--as", "lab"}
	_, said, err := pedigree(t, append(ledger, "register", "dataset/lab/many@1", many, "--manifest", manifest)...)
	require.NoError(t, err, said)

	var view client.View
	get(t, as(t, "lab"), "/v1/artifacts/dataset/lab/many/1", nil, &view)
	var body map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(view.Record, &body))
	assert.NotContains(t, body, "manifest", "the ledger has the digest alone")

	verify := append(ledger, "verify", many, "--artifact", "dataset/lab/many@1")
	out, said, err := pedigree(t, verify...)
	require.NoError(t, err, said)
	assert.Contains(t, out, "6000 files")

	require.NoError(t, os.WriteFile(filepath.Join(many, "part-07/0007.bin"), []byte("row 8"), 0o600))
	_, said, err = pedigree(t, verify...)
	assert.Error(t, err)
	assert.Contains(t, said, "give it with --manifest")
	out, _, err = pedigree(t, append(verify, "--manifest", manifest)...)
	assert.Error(t, err)
	assert.Contains(t, out, "changed  part-07/0007.bin")

	other := filepath.Join(home, "other.json")
	_, said, err = pedigree(t, "hash", many, "--manifest", other)
	require.NoError(t, err, said)
	_, said, err = pedigree(t, append(verify, "--manifest", other)...)
	assert.Error(t, err)
	assert.Contains(t, said, "is not the manifest of dataset/lab/many@1", "a manifest is believed for its digest alone")
}

// TestTheSignatureThatTheLedgerKeepsIsTheOneThatWasGiven reads a bundle from its record and verifies it.
func TestTheSignatureThatTheLedgerKeepsIsTheOneThatWasGiven(t *testing.T) {
	home := t.TempDir()
	model := filepath.Join(home, "model")
	require.NoError(t, os.MkdirAll(model, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(model, "weights.bin"), []byte("weights"), 0o600))
	golden := filepath.Join("..", "gateway", "verify", "modelsigning", "testdata")
	key, err := filepath.Abs(filepath.Join(golden, "p256.pub"))
	require.NoError(t, err)
	signature, err := filepath.Abs(filepath.Join(golden, "p256-files-sha256.sig"))
	require.NoError(t, err)
	signed, err := filepath.Abs(filepath.Join(golden, "model"))
	require.NoError(t, err)

	ledger := []string{"--dir", dir, "--as", "lab"}
	_, said, err := pedigree(t, append(ledger, "register", "model/lab/golden@1", model, "--signature", signature, "--signature-key", key)...)
	assert.Error(t, err)
	assert.Contains(t, said, "nothing was registered")
	_, said, err = pedigree(t, append(ledger, "register", "model/lab/golden@1", signed, "--signature", signature, "--signature-key", key)...)
	require.NoError(t, err, said)

	var view client.View
	get(t, as(t, "lab"), "/v1/artifacts/model/lab/golden/1", nil, &view)
	var body struct {
		Digest  struct{ Value string }
		Aliases []struct {
			Value, Coverage, Scheme string
		}
		Metadata struct {
			ModelSigning struct{ Bundle, SHA256, KeyHint string }
		}
	}
	require.NoError(t, json.Unmarshal(view.Record, &body))
	given, err := os.ReadFile(signature)
	require.NoError(t, err)
	assert.Equal(t, string(given), body.Metadata.ModelSigning.Bundle, "byte for byte")
	require.Len(t, body.Aliases, 1)
	assert.Equal(t, "openssf-model-signing/1.0", body.Aliases[0].Scheme)
	assert.NotEqual(t, body.Digest.Value, body.Aliases[0].Value, "the root digest of a signature doesn't bind names, so it is no artifact's own digest")

	kept := filepath.Join(home, "kept.sig")
	require.NoError(t, os.WriteFile(kept, []byte(body.Metadata.ModelSigning.Bundle), 0o600))
	_, said, err = pedigree(t, "verify", signed, "--signature", kept, "--signature-key", key)
	assert.NoError(t, err, said)
}
