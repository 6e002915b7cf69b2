package pages

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// madeToken makes a token of a machine, and gives its secret.
func (f *fixture) madeToken(name string, role access.Role) string {
	f.t.Helper()
	_, secret, err := f.callers.CreateToken(f.t.Context(), token.Order{Name: name, Kind: "machine", Role: string(role), By: token.Actor{ID: "test", Name: "test"}})
	require.NoError(f.t, err)
	return secret
}

// accepts reports whether a secret opens the gateway.
func (f *fixture) accepts(secret string) bool {
	_, err := f.callers.Authenticate("Bearer " + secret)
	return err == nil
}

var secretForm = regexp.MustCompile(`pedigree_[0-9A-Za-z]{49}`)

func TestATokensLifeOnPages(t *testing.T) {
	f := newFixture(t)
	order := url.Values{"name": {"grace.hopper"}, "kind": {"person"}, "role": {"submitter"}, "expires": {"2031-01-01T12:00"}}
	w := f.post(access.Operator, "/tokens", order)
	require.Equal(t, 201, w.Code, w.Body)
	first := secretForm.FindString(w.Body.String())
	assert.True(t, f.accepts(first))
	assert.Empty(t, w.Header().Get("Location"), "an address could keep the secret")
	list := f.get(access.Operator, "/tokens").Body.String()
	for _, text := range []string{"grace.hopper", "by operator", "1 Jan 2031 12:00", ">you<"} {
		assert.Contains(t, list, text)
	}

	w = f.post(access.Operator, "/tokens/grace.hopper/rotate", url.Values{"overlap": {"0"}})
	require.Equal(t, 201, w.Code, w.Body)
	second := secretForm.FindString(w.Body.String())
	assert.True(t, f.accepts(second))
	assert.False(t, f.accepts(first))

	w = f.post(access.Operator, "/tokens/grace.hopper/revoke", nil)
	assert.Equal(t, 400, w.Code)
	assert.Contains(t, w.Body.String(), "say that you are sure")
	assert.True(t, f.accepts(second), "nothing is revoked by the way")
	w = f.post(access.Operator, "/tokens/grace.hopper/revoke", url.Values{"sure": {"yes"}})
	require.Equal(t, 303, w.Code, w.Body)
	assert.False(t, f.accepts(second))
	page := f.get(access.Operator, w.Header().Get("Location")).Body.String()
	assert.Contains(t, page, "It is revoked for good")
	assert.NotContains(t, page, `action="/tokens/grace.hopper/r`)
	assert.NotContains(t, f.get(access.Operator, "/tokens").Body.String(), "grace.hopper")
	assert.Contains(t, f.get(access.Operator, "/tokens?state=revoked").Body.String(), "grace.hopper")
	for _, secret := range []string{first, second} {
		assert.NotContains(t, page+list+f.log.String(), secret)
	}
	assert.Equal(t, "operator POST /v1/tokens", f.asked[0], "it is done as programs do it")
}

func TestAWrongOrderIsShownAgainWithTheReason(t *testing.T) {
	f := newFixture(t)
	f.madeToken("taken", access.Auditor)
	for name, test := range map[string]struct {
		path   string
		form   url.Values
		status int
		holds  string
	}{
		"a name that is taken":    {"/tokens", url.Values{"name": {"Taken"}, "kind": {"person"}, "role": {"auditor"}}, 409, "There is or was a token named &#34;Taken&#34;"},
		"a name of the file":      {"/tokens", url.Values{"name": {"auditor"}, "kind": {"person"}, "role": {"auditor"}}, 409, "auditor"},
		"no name":                 {"/tokens", url.Values{"kind": {"person"}, "role": {"auditor"}}, 422, "Make a token"},
		"an expiry in the past":   {"/tokens", url.Values{"name": {"late"}, "kind": {"person"}, "role": {"auditor"}, "expires": {"2020-01-01T00:00"}}, 422, "must be in the future"},
		"an expiry that is none":  {"/tokens", url.Values{"name": {"late"}, "kind": {"person"}, "role": {"auditor"}, "expires": {"soon"}}, 422, "is no time"},
		"a token of the file":     {"/tokens/auditor/revoke", url.Values{"sure": {"yes"}}, 409, "tokens.json"},
		"an overlap that is long": {"/tokens/taken/rotate", url.Values{"overlap": {"99999999"}}, 422, "604800"},
	} {
		w := f.post(access.Operator, test.path, test.form)
		assert.Contains(t, []int{test.status, 400}, w.Code, name)
		assert.Contains(t, w.Body.String(), test.holds, name)
		assert.Contains(t, w.Body.String(), `role="alert"`, name)
		assert.NotRegexp(t, secretForm, w.Body.String(), name)
	}
}

func TestTokensOfTheFileAndOfAnIssuerAreShownAsWhatTheyAre(t *testing.T) {
	f := newFixture(t)
	page := f.get(access.Operator, "/tokens/operator").Body.String()
	assert.Contains(t, page, "It is changed in the file")
	assert.Contains(t, page, "you are signed in with it")
	assert.NotContains(t, page, `action="/tokens/`)
	assert.Contains(t, f.get(access.Operator, "/tokens").Body.String(), "No issuer of OpenID Connect")
	assert.NotContains(t, f.get(access.Operator, "/tokens").Body.String(), "client certificate")
	f.pages.Vouching, f.pages.Certificates = "issuer.example", true
	assert.Contains(t, f.get(access.Operator, "/tokens").Body.String(), "client certificate")
	assert.Contains(t, f.get(access.Operator, "/tokens").Body.String(), "issuer.example</strong> vouches for")
	assert.Contains(t, f.get(access.Operator, "/tokens?state=revoked").Body.String(), "No token of this gateway is revoked")
}

func TestAListOfManyTokensComesInPages(t *testing.T) {
	f := newFixture(t)
	for i := range tokensAtOnce {
		f.madeToken(fmt.Sprintf("machine-%03d", i), access.Auditor)
	}
	first := f.get(access.Operator, "/tokens")
	assert.Contains(t, first.Body.String(), "machine-096")
	assert.NotContains(t, first.Body.String(), "machine-097")
	next := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(first.Body.String())
	require.NotNil(t, next)
	assert.Less(t, first.Body.Len(), 150_000)
	second := f.get(access.Operator, html.UnescapeString(next[1])).Body.String()
	assert.Contains(t, second, "machine-099")
	assert.NotContains(t, second, "machine-096")
	assert.Equal(t, 200, f.get(access.Operator, "/tokens/machine-099").Code)
}

func TestTheMenuLeadsOperatorsToTokens(t *testing.T) {
	f := newFixture(t)
	for role, leads := range map[access.Role]bool{access.Submitter: false, access.Auditor: false, access.Operator: true} {
		assert.Equal(t, leads, regexp.MustCompile(`href="/tokens"`).MatchString(f.get(role, "/").Body.String()), role)
	}
}
