package browser

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answers gives the status with which a gateway answers a program that shows a token.
func answers(t *testing.T, base, secret string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/records?pageSize=1", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+secret)
	a, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, a.Body.Close())
	return a.StatusCode
}

func TestAStolenTokenIsRefusedOnceTheOperatorHasRevokedIt(t *testing.T) {
	name := "packer-" + unique()
	b := member(t, "harbor", "operator")
	b.open("/")
	b.follow("Tokens")
	b.arrives("/tokens")
	b.looks("tokens")
	b.write("#name", name)
	b.do(choose("#kind", "machine"))
	b.do(choose("#role", "submitter"))
	b.click("#name")
	b.press(enter)
	b.sees(name + " has a token")
	b.looks("token-secret")
	secret := b.text("#secret")
	assert.NotContains(t, b.path(), secret)
	assert.Equal(t, secret, eval[string](b, `document.querySelector("[data-copy]").dataset.copy`), "the button copies it")
	b.follow("I have it")
	b.arrives("/tokens")
	b.sees(name)
	assert.NotContains(t, eval[string](b, `document.documentElement.outerHTML`), secret)

	thief := visitor(t, "harbor")
	thief.open("/sign-in")
	thief.write("#token", secret)
	thief.press(enter)
	thief.sees("What happened")
	assert.Equal(t, 200, answers(t, b.base, secret))

	b.follow(name)
	b.arrives("/tokens/" + name)
	b.looks("token")
	b.do(evaluate(`document.querySelector("#revoke input[type=checkbox]").focus()`))
	b.press(" " + kb.Tab + enter) // says to be sure, and goes on to the button
	b.sees("It is revoked for good")
	assert.Equal(t, 401, answers(t, b.base, secret))
	thief.open("/artifacts")
	thief.arrives("/sign-in?next=")
	b.looks("token-revoked")
}

func TestTheMenuOfAPhoneShowsTheCurrentPageOfTokens(t *testing.T) {
	b := member(t, "harbor", "operator")
	b.width(390)
	b.open("/tokens")
	assert.True(t, eval[bool](b, `(() => {
		const at = document.querySelector(".menu [aria-current]").getBoundingClientRect();
		return at.left >= 0 && at.right <= document.documentElement.clientWidth;
	})()`), "Tokens is in sight in the menu")
}

func TestASubmitterIsToldWhoseTheTokensAre(t *testing.T) {
	b := member(t, "harbor", "submitter")
	b.expect("403")
	b.open("/tokens")
	b.sees("Not with this token")
	b.looks("tokens-refused")
}

func TestTokensWithoutScripts(t *testing.T) {
	name := "logger-" + unique()
	b := member(t, "harbor", "operator")
	b.withoutScripts()
	b.open("/tokens")
	b.write("#name", name)
	b.click("#make button")
	first := b.text("#secret")
	b.open("/tokens/" + name)
	b.click("#rotate button")
	second := b.text("#secret")
	assert.Equal(t, 401, answers(t, b.base, first))
	assert.Equal(t, 200, answers(t, b.base, second))
	b.open("/tokens/" + name)
	b.click("#revoke input[type=checkbox]")
	b.click("#revoke button")
	assert.Equal(t, "revoked", b.text(".head .badge.bad"))
	assert.Equal(t, 401, answers(t, b.base, second))
}
