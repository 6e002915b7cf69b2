package browser

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheOverviewTellsWhichLotsARecallTouched(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open("/")
	b.sees("logger 7 read three degrees too low")
	b.sees("lot FILLET-A of 09520001200014")
	b.sees("2 models")
	b.looks("home")
	b.follow("What did it touch?")
	b.arrives("/impact?node=ni%3A")
	b.sees("FILLET-A")
}

func TestTheOverviewShowsWhatIsNewWithoutBeingLoadedAgain(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open("/")
	b.sees("block ")
	ask(b, evaluate(`void (window.stays = true)`))
	_, err := api(t, "harbor", "submitter").Post(context.Background(), "/v1/artifacts", map[string]any{
		"kind": "document", "namespace": "harbor", "name": "live", "version": unique(), "description": "comes by itself",
		"digest": map[string]string{"algorithm": "sha-256", "value": digest(t.Name()), "coverage": "full"},
	}, nil)
	require.NoError(t, err)
	b.sees("comes by itself")
	assert.True(t, eval[bool](b, `window.stays === true`), "the page wasn't loaded again")
}

func TestTheOverviewWorksWithoutScripts(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.withoutScripts()
	b.open("/")
	assert.Contains(t, b.text("#live"), "Lately, across organisations")
	b.write("#find-big", "LabMSP")
	b.press(enter)
	b.arrives("/organisations/LabMSP")
}

func TestTheKeyboardLeadsFromTheSearchToALot(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.open("/")
	b.press("/")
	b.until(`document.activeElement.id === "find-big"`)
	b.write("#find-big", "(01)09520001200014(10)FILLET-A")
	b.press(enter)
	b.arrives("/01/09520001200014/10/FILLET-A")
	b.open("/")
	b.press(tabKey)
	assert.Equal(t, "Skip to the content", eval[string](b, `document.activeElement.textContent`))
	b.press(enter)
	assert.Equal(t, "main", eval[string](b, `document.activeElement.id`))
}

func TestTheThemeIsKept(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.scheme("light")
	b.open("/")
	light := eval[string](b, `getComputedStyle(document.querySelector(".foot a")).color`)
	b.click("#theme")
	b.until(`document.documentElement.dataset.theme === "dark"`)
	assert.NotEqual(t, light, eval[string](b, `getComputedStyle(document.querySelector(".foot a")).color`), "everything follows at once, what inherits its colour too")
	b.open("/docs")
	b.until(`document.documentElement.dataset.theme === "dark"`)
}

func TestWhatOneMayNotSeeIsNotThere(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.open("/")
	assert.NotContains(t, b.text("nav"), "Capture", "an auditor sends nothing")
	b.expect("404")
	b.open("/nothing/here")
	b.sees("There is no such thing")
	b.looks("not-found")
}
