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
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func TestARecallIsInForceAgainWhenItsRetractionIsRetracted(t *testing.T) {
	const lot = "https://id.gs1.org/01/09521234543213/10/A"
	verdict := &proof.Verdict{}
	state := func(kind string, about ...string) string {
		r := indextest.Statement(t, kind, `{"reason":"r"}`, about...)
		verdict.Records = append(verdict.Records, &proof.Proved{Attested: proof.Attested{Record: r.Body}})
		return string(r.ID)
	}
	require.Empty(t, claims(verdict, lot))
	all := []string{state("recall", lot)}
	for n := range 60 { // each retracts all before, so the last alone counts
		all = append(all, state("retraction", all...))
		require.Empty(t, claims(verdict, lot), n)
	}

	verdict.Records = verdict.Records[:1]
	last := all[0]
	for n := range 60 { // each retracts the one before
		last = state("retraction", last)
		if n%2 == 0 {
			require.Empty(t, claims(verdict, lot), n)
		} else {
			require.Equal(t, []string{"recalled"}, claims(verdict, lot), n)
		}
	}
}

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

func TestADigestOfEachAlgorithmCanBeCompared(t *testing.T) {
	for _, algorithm := range record.DigestAlgorithms {
		require.Contains(t, digests, algorithm)
		assert.Equal(t, record.DigestLength(algorithm), 2*digests[algorithm]().Size(), algorithm)
	}
	assert.Len(t, digests, len(record.DigestAlgorithms))
}
