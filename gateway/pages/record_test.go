package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestARunsPageTellsWhatItUsedWithoutConsentAndWhatItAddsTo(t *testing.T) {
	f := newFixture(t)
	f.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/faces@1"), indextest.Artifact(t, "model/lab/m@1"))
	withdrawal := f.ledger.Put("Lab", indextest.Statement(t, record.Withdrawal, `{"reason":"consent"}`, "dataset/lab/faces@1"))
	run := f.ledger.Put("Lab", indextest.Activity(t, fmt.Sprintf(`{"by":"LabMSP","type":"training",
		"used":[{"ref":"dataset/lab/faces@1"}],"generated":[{"ref":"model/lab/m@1"}],
		"breach":[{"ref":"dataset/lab/faces@1","statement":%q}]}`, withdrawal)))
	more := f.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/late@1"), indextest.Activity(t, fmt.Sprintf(`{"by":"LabMSP",
		"type":"training","used":[{"ref":"dataset/lab/late@1"}],"generated":[{"ref":"model/lab/m@1"}],"extends":[%q]}`, run)))
	page := func(id string) string {
		answer := f.get(access.Auditor, "/records/"+url.PathEscape(id))
		require.Equal(t, http.StatusOK, answer.Code)
		return answer.Body.String()
	}
	broken := page(run)
	assert.Contains(t, broken, "Used without consent")
	assert.Contains(t, broken, `href="/records/`+url.PathEscape(withdrawal))
	assert.Contains(t, broken, "flag-breach")
	assert.NotContains(t, broken, "It adds to")
	added := page(more)
	assert.Contains(t, added, "It adds to")
	assert.NotContains(t, added, "Used without consent")
	assert.NotContains(t, added, "flag-breach")
}
