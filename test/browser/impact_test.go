package browser

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

func impactOf(node string) string { return "/impact?node=" + url.QueryEscape(node) }

// recall recalls the packing of a box in Harbor's name, and returns the recall's id. Market made packages of the box.
func recall(t *testing.T, reason string) string {
	t.Helper()
	recorded(t, "harbor")
	harbor := api(t, "harbor", "submitter")
	var graph struct {
		Nodes []struct{ ID, Kind, MSPID, Type string }
	}
	require.NoError(t, harbor.Get(t.Context(), "/v1/lineage", url.Values{"node": {"urn:epc:class:lgtin:9520001.020001.BOX-07"}, "depth": {"1"}}, &graph))
	for _, n := range graph.Nodes {
		if n.Type == "TransformationEvent" {
			var receipt client.Receipt
			_, err := harbor.Post(t.Context(), "/v1/statements", map[string]any{"kind": "recall", "subject": []string{n.ID}, "predicate": map[string]string{"reason": reason, "instructions": "hold the packages"}}, &receipt)
			require.NoError(t, err)
			require.NoError(t, api(t, "market", "auditor").AwaitBlock(t.Context(), receipt.Block))
			return receipt.ID
		}
	}
	t.Fatal("nobody packed the box")
	return ""
}

func TestAPersonFindsOutWhichLotsARecalledDatasetTouched(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.open("/impact")
	b.sees("Nothing asked yet")
	b.write("#node", "dataset/lab/temperatures@A")
	b.press(enter)
	b.arrives("/impact?node=dataset")
	for _, text := range []string{"2 lots", "Lot FILLET-A", "was used by", "decided about", "2 models", "logger 7 read three degrees too low", "By organisation", "the model is no longer used"} {
		b.sees(text)
	}
	assert.True(t, strings.HasPrefix(b.text(".tally li"), "2"), "lots come first")
	b.looks("impact")
	assert.Less(t, eval[int](b, `fetch(location.href).then(r => r.text()).then(t => t.length)`), 100_000)
	assert.Zero(t, eval[int](b, `document.querySelectorAll("form.ack").length`), "an auditor acknowledges nothing")

	table := eval[string](b, `fetch(document.querySelector("a[download]").href).then(r => r.text())`)
	assert.Contains(t, table, "https://id.gs1.org/01/09520001200014/10/FILLET-A")
	b.follow("Picture")
	b.arrives("/lineage?direction=descendants&node=dataset")
}

func TestARecallIsAcknowledgedFromThePage(t *testing.T) {
	id := recall(t, "a blade was found in the box "+unique())
	b := member(t, "market", "submitter")
	b.open(impactOf(id))
	b.sees("Market has not acknowledged the recall by Harbor.")
	b.sees("4 items")
	b.looks("impact-unacknowledged")
	b.follow("Acknowledge it")
	card := fmt.Sprintf(`article[id=%q]`, id)
	b.click(card + ` input[name="action"]`)
	b.press("the packages are held" + enter)
	b.arrives("/impact?done=acknowledged")
	b.sees("everybody can see now")
	assert.Contains(t, b.text(card), "the packages are held")
	assert.NotContains(t, b.text(card), "not yet")
	assert.Zero(t, eval[int](b, `document.querySelectorAll(`+strconv.Quote(fmt.Sprintf("article[id='%s'] form", id))+`).length`), "it is acknowledged once")
	b.looks("impact-acknowledged")

	harbor := member(t, "harbor", "submitter")
	harbor.open(impactOf(id))
	assert.Contains(t, harbor.text(card), "the packages are held")
	assert.Zero(t, eval[int](harbor, `document.querySelectorAll("form.ack").length`), "who recalled acknowledges nothing")
}

func TestNobodyElsesPageAcknowledges(t *testing.T) {
	id := recall(t, "a second blade "+unique())
	b := member(t, "market", "submitter")
	b.expect("403")
	b.open(impactOf(id))
	b.do(evaluate(`(() => { const form = document.querySelector("article form"); form.querySelector("[name=csrf]").value = "guessed"; form.submit(); })()`))
	b.sees("That didn't come from this page")
	b.open(impactOf(id))
	assert.Contains(t, b.text(fmt.Sprintf(`article[id=%q]`, id)), "not yet")
}

func TestTheImpactOfAnOrganisationAndOfWhatIsUnknown(t *testing.T) {
	b := member(t, "lab", "auditor")
	b.open("/impact")
	b.do(evaluate(`document.querySelector("#of").value = "LabMSP"`))
	b.follow("Find out")
	b.arrives("/impact?node=&organisation=LabMSP")
	b.sees("Everything that L Lab recorded")
	b.sees("Lot FILLET-A")
	b.expect("404")
	b.expect("400")
	b.open(impactOf("model/lab/nothing@1"))
	b.sees("names it.")
	b.looks("impact-unknown")
	b.open("/impact?node=nonsense")
	b.sees("is no node")
	b.open("/impact?organisation=NobodyMSP")
	b.sees("was recorded by")
}

func TestAnImpactWorksWithoutScripts(t *testing.T) {
	b := member(t, "market", "auditor")
	b.withoutScripts()
	b.open("/impact")
	b.write("#node", "dataset/lab/temperatures@A")
	b.click("main form button")
	b.arrives("/impact?node=dataset")
	assert.Contains(t, b.text("#things + ul"), "Lot FILLET-A")
}
