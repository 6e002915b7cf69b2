package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// More keys that tests press.
const (
	arrowLeft  = kb.ArrowLeft
	arrowRight = kb.ArrowRight
)

// model is the demo's model, in the middle of its lineage.
const model = "/lineage?node=model/lab/spoilage@A"

// boxes is a lot that was packed into boxes, and each of those into packages that were sold: 302 nodes.
const boxes = "https://id.gs1.org/01/09520001100017/10/BOXES"

// pack records the story of the boxes, once.
var pack = sync.OnceValue(func() error {
	record := func(org string, events []any) error {
		c, err := client.Local(dir, org, "submitter")
		if err != nil {
			return err
		}
		document, err := json.Marshal(map[string]any{
			"@context": []string{"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"}, "type": "EPCISDocument", "schemaVersion": "2.0",
			"creationDate": "2026-04-01T00:00:00Z", "epcisBody": map[string]any{"eventList": events},
		})
		if err != nil {
			return err
		}
		job, err := c.Capture(context.Background(), document, false)
		if err != nil {
			return err
		}
		job, err = c.Await(context.Background(), job.ID, nil)
		if err == nil && !job.Success {
			err = fmt.Errorf("%s couldn't record the boxes", org)
		}
		return err
	}
	event := func(kind, time, step string, more map[string]any) map[string]any {
		e := map[string]any{"type": kind, "eventTime": time, "eventTimeZoneOffset": "+00:00", "bizStep": step}
		for name, value := range more {
			e[name] = value
		}
		return e
	}
	lot := func(name string) []any {
		return []any{map[string]any{"epcClass": "urn:epc:class:lgtin:9520001.020001." + name, "quantity": 10, "uom": "KGM"}}
	}
	catch := []any{map[string]any{"epcClass": "urn:epc:class:lgtin:9520001.010001.BOXES", "quantity": 300, "uom": "KGM"}}
	var packed, sold []any
	for i := range 25 {
		box := fmt.Sprintf("BOX-%02d", i)
		packed = append(packed, event("TransformationEvent", fmt.Sprintf("2026-04-01T08:%02d:00Z", i), "commissioning", map[string]any{"inputQuantityList": catch, "outputQuantityList": lot(box)}))
		var codes []string
		for k := range 4 {
			code := fmt.Sprintf("urn:epc:id:sgtin:9520002.030001.%d", 1000+10*i+k)
			codes = append(codes, code)
			sold = append(sold, event("ObjectEvent", fmt.Sprintf("2026-04-02T%02d:%02d:00Z", 9+k, i), "retail_selling", map[string]any{"epcList": []string{code}, "action": "OBSERVE", "disposition": "retail_sold"}))
		}
		sold = append(sold, event("TransformationEvent", fmt.Sprintf("2026-04-01T12:%02d:00Z", i), "packing", map[string]any{"inputQuantityList": lot(box), "outputEPCList": codes}))
	}
	if err := record("harbor", packed); err != nil {
		return err
	}
	return record("market", sold)
})

// recorded waits until a gateway knows the last package of the boxes.
func recorded(t *testing.T, org string) {
	t.Helper()
	require.NoError(t, pack())
	c := api(t, org, "auditor")
	require.Eventually(t, func() bool {
		var graph struct{ Nodes []any }
		err := c.Get(t.Context(), "/v1/lineage", url.Values{"node": {boxes}, "direction": {"descendants"}}, &graph)
		return err == nil && len(graph.Nodes) >= 251
	}, patience, patience/300)
}

func lineageOf(node string) string { return "/lineage?node=" + url.QueryEscape(node) }

// nodes counts the nodes of the picture.
const nodes = `document.querySelectorAll("svg.picture .n").length`

func TestAPersonSeesWhereAModelComesFromAndWhatItTouched(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open("/lineage")
	b.sees("Nothing asked yet")
	b.looks("lineage-empty")
	b.write("#node", "model/lab/spoilage@A")
	b.press(enter)
	b.arrives("/lineage?node=model")
	for _, text := range []string{"spoilage@A", "4 recalled", "temperatures@A", "Lot FILLET-A", "Affected", "The same as a table"} {
		b.sees(text)
	}
	b.looks("lineage")
	assert.Less(t, eval[int](b, `fetch(location.href).then(r => r.text()).then(t => t.length)`), 100_000)
	assert.Equal(t, eval[int](b, nodes), eval[int](b, `document.querySelectorAll(".lineage-table tbody tr").length`), "the table has what the picture has")

	b.do(evaluate(`document.querySelector("#direction").value = "ancestors"`))
	b.follow("Show")
	b.arrives("/lineage?node=model%2Flab%2Fspoilage%40A&direction=ancestors")
	b.until(`!document.querySelector("svg.picture").textContent.includes("decision")`)
	before := strconv.Itoa(eval[int](b, `fetch("/v1/artifacts/model/lab/spoilage/A").then(r => r.json()).then(a => a.recordings[0].block)`)) // when nothing was recalled yet
	b.open(model + "&at=" + before)
	b.sees("as of block " + before)
	b.until(`!document.querySelector("svg.picture").textContent.includes("recalled")`)
}

func TestWhatCameOfARecalledReadingIsMarkedThoughTheReadingIsNotShown(t *testing.T) {
	b := member(t, "lab", "auditor")
	b.open(lineageOf("dataset/lab/temperatures@A") + "&direction=descendants")
	b.sees("It came of something that is recalled")
	assert.Equal(t, 2, eval[int](b, `[...document.querySelectorAll(".n.m-affected")].filter(n => n.textContent.includes("Lot ")).length`))
	b.follow("See where it comes from")
	b.arrives("/lineage?direction=ancestors&node=dataset")
	b.sees("4 recalled")
}

func TestTheKeyboardGoesFromNodeToNode(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open(model)
	title := `document.activeElement.querySelector("text")?.textContent`
	b.do(evaluate(`document.getElementById("stage").focus()`))
	b.press(enter)
	assert.Equal(t, "spoilage@A", eval[string](b, title))
	assert.Positive(t, eval[int](b, `document.querySelectorAll(".picture path.lit").length`), "its paths are lit")
	b.press(arrowLeft)
	assert.Equal(t, "training", eval[string](b, title))
	b.press(arrowLeft)
	assert.Equal(t, "temperatures@A", eval[string](b, title))
	b.press(arrowRight + arrowRight + arrowRight + arrowRight)
	assert.Equal(t, "Lot FILLET-A", eval[string](b, title))

	wide := `document.querySelector("svg.picture").width.baseVal.value`
	before := eval[float64](b, wide)
	b.press("+")
	assert.Greater(t, eval[float64](b, wide), before*1.2)
	b.press("--")
	assert.Less(t, eval[float64](b, wide), before)
	b.press(escape)
	assert.InDelta(t, before, eval[float64](b, wide), 1)
	assert.Equal(t, "stage", eval[string](b, `document.activeElement.id`))
	assert.Zero(t, eval[int](b, `document.querySelectorAll(".picture .lit").length`))

	b.press(enter + arrowLeft + arrowLeft + enter)
	b.arrives("/artifacts/dataset/lab/temperatures")
}

func TestPathsAreLitWhereOnePoints(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open(model)
	b.until(`document.querySelector(".n[tabindex='0']")`)
	point := `(() => { const n = [...document.querySelectorAll(".n")].find(n => n.textContent.includes(%q)); n.dispatchEvent(new PointerEvent("pointerover", {bubbles: true})); return [...document.querySelectorAll(".n.lit text:first-of-type")].map(t => t.textContent).sort().join(", "); })()`
	assert.Equal(t, "Lot CATCH-A, Lot FILLET-A, commissioning, commissioning, packing, stocking", eval[string](b, fmt.Sprintf(point, "CATCH-A")))
	assert.Contains(t, eval[string](b, fmt.Sprintf(point, "temperatures@A")), "spoilage@A")
	b.do(evaluate(`void document.querySelector("svg.picture").dispatchEvent(new PointerEvent("pointerleave"))`))
	assert.Zero(t, eval[int](b, `document.querySelectorAll(".lit").length`))
}

func TestThePictureIsZoomedAndMoved(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open(model)
	wide := `document.querySelector("svg.picture").width.baseVal.value`
	before := eval[float64](b, wide)
	b.click(`[data-zoom="in"]`)
	assert.InDelta(t, before*1.25, eval[float64](b, wide), 2)
	b.do(evaluate(`void document.getElementById("stage").dispatchEvent(new WheelEvent("wheel", {deltaY: -300, ctrlKey: true, bubbles: true, cancelable: true, clientX: 700, clientY: 600}))`))
	assert.Greater(t, eval[float64](b, wide), before*1.7)
	left := eval[float64](b, `document.getElementById("stage").scrollLeft`)
	b.do(evaluate(`(() => { const stage = document.getElementById("stage"), box = stage.getBoundingClientRect();
		const at = (type, x) => stage.dispatchEvent(new PointerEvent(type, {pointerId: 1, pointerType: "mouse", button: 0, buttons: 1, clientX: x, clientY: box.top + 40, bubbles: true}));
		stage.setPointerCapture = () => {};
		at("pointerdown", 700); at("pointermove", 650); at("pointermove", 600); at("pointerup", 600); })()`))
	assert.Greater(t, eval[float64](b, `document.getElementById("stage").scrollLeft`), left)
	b.click(`[data-zoom="fit"]`)
	assert.True(t, eval[bool](b, `(s => s.scrollWidth <= s.clientWidth + 40 && s.scrollHeight <= s.clientHeight + 40)(document.getElementById("stage"))`))
}

func TestALineageOfThreeHundredNodesIsFoldedAndOpensInPlace(t *testing.T) {
	b := member(t, "lab", "auditor")
	recorded(t, "lab")
	b.open(lineageOf(boxes))
	b.sees("in ")
	before := eval[int](b, nodes)
	assert.Less(t, before, 101)
	assert.Greater(t, before, 10)
	b.looks("lineage-300")
	assert.Less(t, eval[int](b, `fetch(location.href).then(r => r.text()).then(t => t.length)`), 100_000)

	b.do(evaluate(`window.stays = true`))
	b.click("a.n.fold")
	b.until(fmt.Sprintf("%s > %d", nodes, before))
	assert.Contains(t, b.path(), "unfold=")
	assert.True(t, eval[bool](b, `window.stays === true`), "the page was not loaded anew")
	assert.True(t, eval[bool](b, `document.activeElement.matches(".n")`), "the focus is on what is new")
	unfolded, path := eval[int](b, nodes), b.path()
	b.do(evaluate(`history.back()`))
	b.until(fmt.Sprintf("%s === %d", nodes, before))
	b.open(path)
	assert.Equal(t, unfolded, eval[int](b, nodes), "the address has what is unfolded")
	b.shot("lineage-unfolded")
	b.follow("Fold everything again")
	b.until(fmt.Sprintf("%s === %d", nodes, before))
}

func TestTheLineageWorksWithoutScripts(t *testing.T) {
	b := member(t, "lab", "auditor")
	recorded(t, "lab")
	b.withoutScripts()
	b.open(lineageOf(boxes))
	b.click(".lineage-table a[data-inplace]")
	b.arrives(lineageOf(boxes) + "&unfold=")
	assert.NotContains(t, b.text("#view"), "Fit")
}

func TestALineageIsDownloadedInEveryFormat(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open(model)
	b.follow("Download")
	answers := eval[string](b, `Promise.all([...document.querySelectorAll(".drop-list a")].map(async a => { const r = await fetch(a.href); return a.firstChild.textContent.trim() + " " + r.status + " " + r.headers.get("Content-Disposition"); })).then(all => all.join("\n"))`)
	for _, format := range []string{"json 200 attachment", "csv 200 attachment", "dot 200 attachment", "prov 200 attachment"} {
		assert.Contains(t, answers, format)
	}
	assert.NotContains(t, answers, " 4")
	assert.NotContains(t, answers, " 5")
}

func TestWhatALineageCannotShowIsSaid(t *testing.T) {
	b := member(t, "market", "auditor")
	b.expect("404")
	b.expect("400")
	for path, words := range map[string]string{
		"/lineage?node=model/lab/nothing@1":              "names it.",
		"/lineage?node=%3Cb%3Ehello":                     "is no node",
		"/lineage?node=model/lab/spoilage@A&at=999999":   "block 999999",
		"/lineage?node=model/lab/spoilage@A&at=x":        "is no block",
		"/lineage/export?node=model/lab/a@1&format=none": "There is no such format",
	} {
		b.open(path)
		b.sees(words)
	}
	b.open("/lineage?node=model/lab/nothing@1")
	b.looks("lineage-unknown")
}

func TestHostileNamesAreTextInThePicture(t *testing.T) {
	const lot = `https://id.gs1.org/01/09520001100017/10/%22%3E%3Cimg%3E`
	_, err := api(t, "harbor", "submitter").Post(t.Context(), "/epcis/v2/events", map[string]any{
		"@context": []string{"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"}, "type": "ObjectEvent", "action": "OBSERVE",
		"eventTime": time.Now().UTC().Format(time.RFC3339), "eventTimeZoneOffset": "+00:00", "bizStep": "packing",
		"quantityList": []any{map[string]any{"epcClass": lot, "quantity": 1, "uom": "KGM"}},
	}, nil)
	require.NoError(t, err)
	b := member(t, "harbor", "auditor")
	for _, page := range []string{"/lineage?node=", "/impact?node="} {
		b.open(page + url.QueryEscape(lot))
		b.sees(`Lot "><img>`)
		assert.Zero(t, eval[int](b, `document.querySelectorAll("main img, main script").length`), strconv.Quote(page))
	}
}
