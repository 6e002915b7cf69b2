package check

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// A gateway returns only a part of a lineage that is too large. The rest may contain something recalled, and the output
// must not suggest otherwise.
func TestAPartOfWhatSomethingWasMadeOfIsNotTakenForAllOfIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "weights")
	require.NoError(t, os.WriteFile(file, []byte("w"), 0o600))
	sum := sha256.Sum256([]byte("w"))
	body, err := canonical.Parse([]byte(`{"kind":"model","namespace":"lab","name":"m","version":"1","digest":{"algorithm":"sha-256","coverage":"full","value":"`+hex.EncodeToString(sum[:])+`"}}`), canonical.Limits{})
	require.NoError(t, err)
	artifact, problems := record.NewArtifact(body, "LabMSP")
	require.Empty(t, problems)
	lineage := `{"nodes":[{"id":"model/lab/m@1"}],"truncated":{"reasons":["nodes"],"frontier":["dataset/lab/d@1"]}}`
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, "/v1/lineage") {
			_, _ = w.Write([]byte(lineage))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": artifact.ID, "record": json.RawMessage(artifact.Body)})
	}))
	defer gateway.Close()
	t.Setenv("PEDIGREE_URL", gateway.URL)
	t.Setenv("PEDIGREE_TOKEN", "token")

	out, _, err := ran(t, Verify(), file, "--artifact", "model/lab/m@1")
	require.NoError(t, err)
	assert.Contains(t, out, "not looked at")
	assert.Contains(t, out, "(nodes)")
	out, _, err = ran(t, Verify(), file, "--artifact", "model/lab/m@1", "--json")
	require.NoError(t, err)
	assert.Contains(t, out, `"upstreamTruncated": [`)

	lineage = `{"nodes":[{"id":"model/lab/m@1"}]}`
	out, _, err = ran(t, Verify(), file, "--artifact", "model/lab/m@1")
	require.NoError(t, err)
	assert.NotContains(t, out, "not looked at")
}
