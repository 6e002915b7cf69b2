package browser

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// widths are a phone's, a tablet's and a desk's, in pixels.
var widths = []int64{390, 820, 1440}

// looks checks at three widths that nothing is wider than the page, and that the page is accessible, with contrasts in
// light and in dark. It also keeps screenshots, if they are wanted. The schemes differ in colours alone, so widths are
// looked at in light, and in dark only for the screenshots.
func (b *tab) looks(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for _, width := range widths {
			if scheme == "dark" && shots(b) == "" {
				break
			}
			b.width(width)
			b.shot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
			out := eval[string](b, `(() => {
				const wide = document.documentElement.clientWidth;
				if (document.documentElement.scrollWidth <= wide) return "";
				const out = [...document.querySelectorAll("main *, header *, footer *")].filter(e => e.getBoundingClientRect().right > wide + 1 && !e.closest(".scroll, .menu-list, pre, svg"));
				return out.slice(0, 3).map(e => e.outerHTML.slice(0, 200)).join("\n") || "something";
			})()`)
			assert.Empty(b.t, out, "%s sticks out sideways at %d pixels", name, width)
		}
		if scheme == "light" {
			b.accessible("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
		} else {
			b.accessible("color-contrast")
		}
	}
	b.width(1440)
	b.scheme("light")
}

// shots is the folder for screenshots. It is empty if nobody wants them, because they take long.
func shots(b *tab) string {
	if folder := os.Getenv("PEDIGREE_SHOTS"); folder != "" {
		return folder
	}
	if f := flag.Lookup("test.artifacts"); f != nil && f.Value.String() == "true" {
		return b.t.ArtifactDir()
	}
	return ""
}

// shot keeps a screenshot of the whole page, if they are wanted.
func (b *tab) shot(name string) {
	b.t.Helper()
	folder := shots(b)
	if folder == "" {
		return
	}
	picture := ask(b, chromedp.FullScreenshot(100))
	require.NoError(b.t, os.MkdirAll(folder, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644))
}

// accessible checks with axe that the page has no serious or critical violation of these rules or sets of rules. If axe
// isn't available, the test continues without it.
func (b *tab) accessible(rules ...string) {
	b.t.Helper()
	script, err := axe()
	if err != nil {
		b.t.Log("accessibility isn't checked:", err)
		return
	}
	if !eval[bool](b, `typeof axe === "object"`) {
		eval[int](b, string(script)+";0")
	}
	var found []struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	report := eval[string](b, `axe.run(document, {runOnly: ["`+strings.Join(rules, `", "`)+`"], resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`)
	require.NoError(b.t, json.Unmarshal([]byte(report), &found))
	for _, v := range found {
		if v.Impact != "serious" && v.Impact != "critical" {
			b.t.Logf("%s (%s): %s: %s", v.ID, v.Impact, v.Help, v.Nodes[0].HTML)
			continue
		}
		for i, n := range v.Nodes {
			if i < 3 {
				b.t.Errorf("%s (%s) at %s: %s\n%s\n%s", v.ID, v.Impact, b.path(), v.Help, n.HTML, n.FailureSummary)
			}
		}
	}
}
