package browser

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The demo's lot of fillets, and a lot that nobody has.
const (
	fillets = "/01/09520001200014/10/FILLET-A"
	nowhere = "/01/09520001200014/10/NOWHERE"
)

func TestALotTellsItsStory(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open(fillets)
	for _, text := range []string{"FILLET-A", "Affected by a recall", "logger 7 read three degrees too low", "Journey", "Stocking", "Temperature", "LOGGER-7", "Made of", "CATCH-A", "rests on recalled data", "What is proved"} {
		b.sees(text)
	}
	b.looks("lot")
	assert.Less(t, eval[int](b, `fetch(location.href).then(r => r.text()).then(t => t.length)`), 100_000)

	b.follow("Each event")
	b.sees("LOGGER-8")
	b.follow("one by one")
	b.arrives(fillets + "?all=1")
	b.sees("in stages")
}

func TestALotIsProvedByClickAndTheProofIsAFile(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open(fillets)
	b.follow("Prove it")
	b.arrives(fillets + "?prove=1")
	b.sees("3 of 3 organisations signed")
	b.sees("The walk was made again")
	b.looks("lot-proved")
	file := eval[string](b, `document.querySelector("#seal a[download]").getAttribute("href")`)
	text := eval[string](b, `fetch(`+strconv.Quote(file)+`).then(r => r.ok ? r.text() : r.status)`)
	assert.Contains(t, text, `"receipts"`)
}

func TestWhoHasNoTokenSeesTheCodeAndItsRecallsOnly(t *testing.T) {
	b := visitor(t, "harbor")
	b.open(fillets)
	b.sees("FILLET-A")
	b.sees("No recall is on the ledger for this lot")
	b.sees("for members of the consortium")
	assert.NotContains(t, b.text("main"), "Stocking")
	assert.NotContains(t, b.text("main"), "LOGGER")
	b.looks("lot-public")
	b.follow("Sign in")
	b.arrives("/sign-in?next=")
}

func TestALotThatNobodyHasSaysWhatToDo(t *testing.T) {
	b := member(t, "harbor", "submitter")
	b.open(nowhere)
	b.sees("No record names this lot")
	b.sees("FILLET-A") // of the same product
	b.looks("lot-unknown")
	b.follow("Capture events")
	b.arrives("/capture")
}

func TestALotIsReadWithoutScriptsAndByKeyboard(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.withoutScripts()
	b.open(fillets)
	require.Contains(t, b.text("#journey"), "Shipping")
	b.click("#journey .every summary")
	require.Contains(t, b.text("#journey .every"), "LOGGER-8")
}

func TestALinksetLeadsMachines(t *testing.T) {
	base := gateway(t, "harbor")
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := direct.Get(base + fillets + "?linkType=" + url.QueryEscape("gs1:traceability"))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, http.StatusTemporaryRedirect, r.StatusCode)
	assert.Contains(t, r.Header.Get("Location"), "/v1/lineage?direction=ancestors")
	r, err = direct.Get(base + fillets)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Contains(t, r.Header.Get("Link"), `rel="linkset"`)
}
