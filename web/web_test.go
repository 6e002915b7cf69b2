package web

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hostile = `"><script>alert(1)</script>`

// framed is a frame full of hostile text, with somebody signed in.
func framed() Frame {
	return Frame{
		Organisation: hostile, MSPID: hostile, Organisations: []Organisation{NewOrganisation(9, hostile, hostile)},
		Who: &Who{Name: hostile, Role: "submitter", Token: hostile}, Here: hostile, Section: hostile, Search: hostile,
	}
}

// stale is the frame of a gateway that may be out of date.
func stale() Frame {
	f := framed()
	f.Stale = hostile
	return f
}

// pages has one of each page, full of hostile text. Test files of pages add their own.
var pages = map[string]Framed{
	"thing": hostileThing(),
	"docs": &Docs{Frame: framed(), Title: hostile, Description: hostile, Version: hostile, Groups: []Group{{hostile, hostile, []Route{{
		ID: hostile, Method: hostile, Path: hostile, Summary: hostile, Description: hostile, Roles: hostile, Consumes: hostile,
		Parameters: []Parameter{{hostile, hostile, hostile, hostile, true}}, Examples: []Example{{hostile, hostile}}, Responses: []Response{{hostile, hostile}},
	}}}}},
	"problems": &Problems{Frame: framed(), Kinds: []Problem{{hostile, hostile, hostile, hostile, 400}}},
	"signin":   &SignIn{Frame: framed(), Next: hostile, Problem: hostile, Issuer: hostile, Leave: "https://issuer.example/leave"},
	"trouble":  &Trouble{Frame: framed(), Status: 404, Title: hostile, Detail: hostile, Help: hostile},
	"home": &Home{
		Frame: framed(), MoreRecalls: true, Nouns: []NounCount{{Kinds[0], 1}}, Tallies: []Tally{{hostile, 1, []int{1}}},
		Recalls: []Notice{{
			ID: hostile, By: hostile, Reason: hostile, Instructions: hostile, Subjects: references, MoreSubjects: 1, Acknowledged: []string{hostile},
			Touched: &Reach{Total: 2, Things: []string{hostile}, MoreThings: 1, Others: []NounCount{{Kinds[1], 2}}, Organisations: []string{hostile}, Cut: true},
		}},
		Transactions: []TransactionSummary{{By: hostile, Tx: hostile, Records: []RecordSummary{{Kind: Kinds[0], Did: hostile, Nodes: references, More: 1, Note: hostile, ID: hostile}}, More: 2}},
		Health:       Health{Why: hostile, Following: hostile, Peers: []Peer{{MSPID: hostile, Address: hostile, Problem: hostile}}, Orderers: []Orderer{{1, 2}}, Stuck: hostile},
	},
}

var (
	loads   = regexp.MustCompile(`(?:src|href|action)="([^"]*)"`)
	scripts = regexp.MustCompile(`<script([^>]*)>([^<]*)`)
)

func TestPagesShowTextAsTextAndLoadNothingFromElsewhere(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	for name := range p.templates {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, pages, name, "add the page to this test, full of hostile text")
			body, err := p.Render(name, pages[name])
			require.NoError(t, err)
			html := string(body)
			for _, script := range scripts.FindAllStringSubmatch(html, -1) {
				assert.Regexp(t, `^ src="/assets/[a-z0-9-]+\.js"( defer| type="module")?$`, script[1])
				assert.Empty(t, script[2])
			}
			assert.NotContains(t, html, "style=")
			assert.NotContains(t, html, "<style")
			assert.NotRegexp(t, `\son[a-z]+=`, html)
			assert.Contains(t, html, `<html lang="en">`)
			// The one link that leads elsewhere is that to the issuer.
			html = strings.Replace(html, `id="leave" href="https://issuer.example/leave"`, "", 1)
			for _, m := range loads.FindAllStringSubmatch(html, -1) {
				assert.True(t, strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "//") || strings.HasPrefix(m[1], "#"), "links to %s", m[1])
			}
			assert.Less(t, len(body), 100_000)
		})
	}
}

func TestCodeInTheDescriptionIsShownAsCode(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	for text, want := range map[string]string{
		"Its id is `ni:///sha-256;` and more": `Its id is <code>ni:///sha-256;</code> and more`,
		"`<b>` first":                         `<p class="text"><code>&lt;b&gt;</code> first`,
		"one ` alone":                         "one ` alone",
	} {
		body, err := p.Render("docs", &Docs{Description: text})
		require.NoError(t, err)
		assert.Contains(t, string(body), want)
	}
}

func TestWhatPagesLoadIsFoundUnderTheNameThatPagesHave(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	body, err := p.Render("problems", &Problems{})
	require.NoError(t, err)
	found := regexp.MustCompile(`"/assets/([a-z]+-[0-9a-f]+\.(?:css|js))"`).FindAllStringSubmatch(string(body), -1)
	require.Len(t, found, 3)
	for _, name := range found {
		text, media, ok := p.Asset(name[1])
		require.True(t, ok, name[1])
		if strings.HasSuffix(name[1], ".css") {
			assert.Equal(t, "text/css; charset=utf-8", media)
		} else {
			assert.Equal(t, "text/javascript; charset=utf-8", media)
		}
		assert.NotContains(t, string(text), "url(")
		assert.NotContains(t, string(text), "@import")
		assert.NotContains(t, string(text), "http:")
	}
	_, _, ok := p.Asset("../web.go")
	assert.False(t, ok)
}

func TestAPageThatIsNotThere(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	_, err = p.Render("nothing", &Problems{})
	assert.ErrorContains(t, err, "nothing")
}
