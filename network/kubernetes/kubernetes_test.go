package kubernetes

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the manifests in testdata anew")

// harbor has all parts, and is reached at a name.
var harbor = Installation{Name: "harbor", Host: "ledger.harbor.example", Image: "registry.example/pedigree:v1.0.0",
	Storage: "50Gi", Gateway: 7053,
	Parts:  []Part{{"chaincode", 7056}, {"gateway", 0}, {"orderer", 7054}, {"peer", 7055}},
	Ledger: []Port{{"peer", 7051}, {"orderer1", 7060}, {"orderer2", 7062}},
	Files: []string{"organisation.json", "charter.json", "harbor/peer/tls/cert.pem", "harbor/peer/tls/key.pem",
		"harbor/auditor.token", "orderer/orderer1/msp/keystore/key.pem"}}

// market has no orderer, no gateway, and an IP address.
var market = Installation{Name: "market", Host: "192.0.2.7", Image: "pedigree", Storage: "1Ti",
	Parts:  []Part{{"chaincode", 7056}, {"peer", 7055}},
	Ledger: []Port{{"peer", 7051}},
	Files:  []string{"organisation.json", "charter.json", "market/peer/tls/cert.pem", "market/peer/tls/key.pem"}}

// The manifests in testdata are those that the module test/kubernetes holds against the types of Kubernetes.
func TestTheManifestsAreThoseThatWereValidated(t *testing.T) {
	for _, i := range []Installation{harbor, market} {
		files, err := i.Manifests()
		require.NoError(t, err)
		for _, file := range files {
			path := filepath.Join("testdata", i.Name, filepath.FromSlash(file.Path))
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, file.Text, 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(file.Text), path)
		}
	}
}

func TestKeysAreInNoManifest(t *testing.T) {
	assert.Equal(t, []string{"harbor/peer/tls/key.pem", "harbor/auditor.token", "orderer/orderer1/msp/keystore/key.pem"},
		harbor.Secret())
	assert.Equal(t, []string{"organisation.json", "charter.json", "harbor/peer/tls/cert.pem"}, harbor.Public())
}
