package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// asksAll has the other organisations asked, and waits until they all have answered.
func (b *tab) asksAll() {
	b.t.Helper()
	b.sees("They learn what is asked.")
	b.click("#cosigned a")
	b.sees("3 of 3 organisations say the same, as of block")
}

// heard takes the signed answer of a page with it, and verifies it.
func (b *tab) heard(question cosigned.Question) *cosigned.Verdict {
	b.t.Helper()
	path := eval[string](b, `document.querySelector('a[download="cosigned.json"]').getAttribute("href")`)
	v, err := cosigned.Verify(b.download(path), trusted(b.t), cosigned.Wanted{Question: question, Agree: 3, Since: time.Now().Add(-time.Hour)})
	require.NoError(b.t, err)
	return v
}

func TestAllOrganisationsSayThatNoRecallStandsOnALot(t *testing.T) {
	const lot = "/01/09520001200014/10/FILLET-A"
	b := member(t, "market", "auditor")
	b.open(lot)
	b.asksAll()
	b.sees("Something that it comes from is recalled or withdrawn")
	b.looks("lot-cosigned")
	v := b.heard(lot + "?linkType=linkset")
	assert.Contains(t, string(v.Body), `"affected"`)
	b.follow("What that proves, and what not")
	b.sees("nor that they don't lie together")
}

func TestWhatOrganisationsSayOfEachKindOfPage(t *testing.T) {
	b := member(t, "harbor", "auditor")
	const node = "dataset/lab/temperatures@A"
	b.open("/artifacts/" + node)
	b.asksAll()
	b.sees("are recalled, withdrawn or warned of")
	b.looks("artifact-cosigned")
	b.open(impactOf(node))
	b.asksAll()
	b.sees("What it touched:")
	b.looks("impact-cosigned")
	b.follow("The record")
	b.arrives("/records/")
	b.asksAll()
	b.sees("statements are about it")
	b.heard("")
}

func TestOtherOrganisationsAreAskedWithoutScripts(t *testing.T) {
	b := member(t, "lab", "auditor")
	b.withoutScripts()
	b.open("/artifacts/dataset/lab/temperatures@A")
	b.click("#cosigned a")
	b.arrives("/cosigned?question=")
	assert.True(t, strings.HasPrefix(b.text("#cosigned strong"), "3 of 3 organisations"))

	seen := member(t, "lab", "auditor") // the looks need scripts
	seen.open(b.path())
	seen.looks("cosigned")
}
