package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hostile = `"><script>alert(1)</script>`

// pages is one of each page, full of hostile text.
var pages = map[string]any{
	"thing": &Thing{
		URI: hostile, Organisation: hostile, Parts: []Part{{hostile, hostile}}, Recalls: []Recall{{hostile, hostile, hostile, time.Unix(0, 0)}},
		SignedIn: true, Events: []Event{{hostile, hostile, hostile, hostile, hostile, hostile, hostile, "javascript:alert(1)"}}, More: true, Linkset: "/x",
	},
	"docs": &Docs{Title: hostile, Description: hostile, Version: hostile, Groups: []Group{{hostile, hostile, []Route{{
		ID: hostile, Method: hostile, Path: hostile, Summary: hostile, Description: hostile, Roles: hostile, Consumes: hostile,
		Parameters: []Parameter{{hostile, hostile, hostile, hostile, true}}, Examples: []Example{{hostile, hostile}}, Responses: []Response{{hostile, hostile}},
	}}}}},
	"problems": &Problems{Kinds: []Problem{{hostile, hostile, hostile, hostile, 400}}},
}

func TestPagesShowTextAsTextAndLoadNothingFromElsewhere(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	loads := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	for _, name := range names {
		body, err := p.Render(name, pages[name])
		require.NoError(t, err, name)
		html := string(body)
		assert.NotContains(t, html, "<script", name)
		assert.NotContains(t, html, "style=", name)
		assert.NotContains(t, html, "<style", name)
		assert.NotContains(t, html, `href="javascript:`, name)
		assert.Contains(t, html, `<html lang="en">`, name)
		for _, m := range loads.FindAllStringSubmatch(html, -1) {
			assert.True(t, strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "#"), "%s links to %s", name, m[1])
		}
		assert.Less(t, len(body), 100_000, name)
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

func TestTheStyleSheetIsFoundUnderTheNameThatPagesHave(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	body, err := p.Render("problems", &Problems{})
	require.NoError(t, err)
	sheet := regexp.MustCompile(`/assets/(style-[0-9a-f]+\.css)`).FindStringSubmatch(string(body))
	require.NotNil(t, sheet)
	css, media, ok := p.Asset(sheet[1])
	require.True(t, ok)
	assert.Equal(t, "text/css; charset=utf-8", media)
	assert.NotContains(t, string(css), "url(")
	assert.NotContains(t, string(css), "@import")
	_, _, ok = p.Asset("../web.go")
	assert.False(t, ok)
}

func TestAPageThatIsNotThere(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	_, err = p.Render("nothing", nil)
	assert.ErrorContains(t, err, "nothing")
}
