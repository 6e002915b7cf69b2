package proof_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func TestATrustFileOfAnotherVersionIsCalledThat(t *testing.T) {
	text := string(goldenFile(t, "consortium.json"))
	next := strings.Replace(text, "pedigree-trust/1", "pedigree-trust/2", 1)
	for name, trust := range map[string]string{
		"with the members of this one": next,
		"with other members":           strings.Replace(next, `"agree"`, `"quorum"`, 1),
	} {
		_, err := proof.ParseTrust([]byte(trust))
		assert.Equal(t, proof.UnsupportedVersion, proof.ReasonOf(err), "%s: %v", name, err)
	}
	for name, trust := range map[string]string{
		"of another kind":        strings.Replace(text, "pedigree-trust/1", "pedigree-proof/1", 1),
		"without a format":       strings.Replace(text, `"format": "pedigree-trust/1",`, "", 1),
		"with another member":    strings.Replace(text, `"agree"`, `"quorum"`, 1),
		"in which nobody agrees": strings.Replace(text, `"agree": 2`, `"agree": 0`, 1),
	} {
		assert.NotEqual(t, text, trust, name)
		_, err := proof.ParseTrust([]byte(trust))
		assert.Equal(t, proof.BadTrust, proof.ReasonOf(err), "%s: %v", name, err)
	}
}
