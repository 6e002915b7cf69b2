package pages

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

func TestPagesOfAGatewayThatIsCutOffSayThatTheyMayBeOutOfDate(t *testing.T) {
	f := newFixture(t)
	const says = "This page may be out of date"
	for _, path := range []string{"/artifacts", "/lineage", "/search?q=salmon", "/impact"} {
		assert.NotContains(t, f.get(access.Auditor, path).Body.String(), says, path)
	}
	f.pages.Ready = func() (bool, string) { return false, "nobody answers" }
	for _, path := range []string{"/artifacts", "/lineage", "/search?q=salmon", "/impact"} {
		assert.Contains(t, f.get(access.Auditor, path).Body.String(), says, path)
	}
	assert.Contains(t, f.get(access.Auditor, "/").Body.String(), "This gateway is behind", "the home page says it in its own way")
}
