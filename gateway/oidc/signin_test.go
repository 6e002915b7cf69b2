package oidc

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/oidc/oidctest"
)

const redirect = "http://127.0.0.1:1/sign-in/return"

// pages makes an issuer one that people sign in by.
func pages(o *config.OIDC) {
	o.ClientID, o.ClientSecret, o.RedirectURL = oidctest.ClientID, oidctest.Secret, redirect
}

// start begins a sign-in in a new browser, and gives the address at the issuer and the browser's cookie.
func start(t *testing.T, i *Issuer, next string) (*url.URL, *http.Cookie) {
	t.Helper()
	w := httptest.NewRecorder()
	to, err := i.Start(w, httptest.NewRequest(http.MethodGet, "/sign-in/issuer", nil), next)
	require.NoError(t, err)
	u, err := url.Parse(to)
	require.NoError(t, err)
	require.Len(t, w.Result().Cookies(), 1)
	return u, w.Result().Cookies()[0]
}

// finish ends a sign-in in a browser that has a cookie, unless it is nil.
func finish(i *Issuer, query string, cookie *http.Cookie) (*Person, string, error) {
	r := httptest.NewRequest(http.MethodGet, "/sign-in/return?"+query, nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	return i.Finish(httptest.NewRecorder(), r)
}

// visit signs in at a real issuer, and gives the query with which it leads back.
func visit(t *testing.T, to *url.URL, name string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirect) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	answer, err := browser.Get(to.String())
	require.NoError(t, err)
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(string(page))
	require.NotNil(t, id, "%s", page)
	form := url.Values{"id": {id[1]}, "username": {name}, "password": {oidctest.Secret}}
	answer, err = browser.PostForm(to.Scheme+"://"+to.Host+"/login/username", form)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	back, err := answer.Location()
	require.NoError(t, err)
	return back.RawQuery
}

// real is a real issuer, with two people.
func real(t *testing.T) (*oidctest.Provider, *Issuer) {
	p := oidctest.Start(t, redirect,
		oidctest.Account{Name: "ann", Groups: []string{"quality"}}, oidctest.Account{Name: "bob", Groups: []string{"staff"}})
	cfg := config.OIDC{Issuer: p.URL, Roles: []config.RoleClaim{{Claim: "groups", Value: "quality", Role: "submitter"}}}
	cfg.Scopes = []string{"openid", "profile", "offline_access"}
	pages(&cfg)
	i, err := New(cfg, signer, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return p, i
}

func TestAPersonSignsInAtARealIssuer(t *testing.T) {
	p, i := real(t)
	to, cookie := start(t, i, "/impact?node=a")
	assert.Equal(t, "S256", to.Query().Get("code_challenge_method"))
	assert.Equal(t, redirect, to.Query().Get("redirect_uri"))
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite, "it has to come back from the issuer")
	assert.True(t, cookie.HttpOnly)
	for _, secret := range []string{to.Query().Get("state"), to.Query().Get("nonce"), "/impact"} {
		assert.NotContains(t, cookie.Value, secret)
	}
	back := visit(t, to, "ann")
	person, next, err := finish(i, back, cookie)
	require.NoError(t, err)
	assert.Equal(t, "/impact?node=a", next)
	caller, err := person.Caller(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &access.Caller{
		ID: "oidc:" + p.URL + "#ann", Name: "ann", Kind: access.Person, Role: access.Submitter, Method: access.ByIssuer,
		Signer: "submitter", Identity: caller.Identity,
	}, caller)
	assert.Contains(t, person.Leave(), p.URL+"/end_session?")
	assert.Contains(t, person.Leave(), url.QueryEscape("http://127.0.0.1:1/sign-in"))

	_, _, err = finish(i, back, cookie)
	assert.ErrorIs(t, err, ErrNotBegun, "an answer counts once")

	to, cookie = start(t, i, "/")
	_, _, err = finish(i, visit(t, to, "bob"), cookie)
	assert.ErrorIs(t, err, access.ErrNoRole)
}

func TestAnAnswerToAnotherBrowserIsRefused(t *testing.T) {
	_, i := real(t)
	to, cookie := start(t, i, "/")
	_, others := start(t, i, "/")
	back := visit(t, to, "ann")
	bent := *cookie
	bent.Value = cookie.Value[:len(cookie.Value)-4] + "AAAA"
	_, stranger := real(t)
	_, strange := start(t, stranger, "/")
	for name, c := range map[string]struct {
		query  string
		cookie *http.Cookie
	}{
		"without a cookie":           {back, nil},
		"another's cookie":           {back, others},
		"another process's cookie":   {back, strange},
		"a changed cookie":           {back, &bent},
		"a cookie of somebody's own": {back, &http.Cookie{Name: cookie.Name, Value: "e30"}},
		"another state":              {strings.Replace(back, "state=", "state=x", 1), cookie},
		"no state":                   {"code=a", cookie},
		"nothing":                    {"", cookie},
	} {
		_, _, err := finish(i, c.query, c.cookie)
		assert.ErrorIs(t, err, ErrNotBegun, name)
	}
	later := time.Now().Add(patience)
	i.now = func() time.Time { return later }
	_, _, err := finish(i, back, cookie)
	assert.ErrorIs(t, err, ErrNotBegun, "too late")
	i.now = time.Now
	_, _, err = finish(i, back, cookie)
	assert.NoError(t, err)
}

func TestACodeIsOfUseOnlyWithItsVerifier(t *testing.T) {
	_, i := real(t)
	stolen, _ := start(t, i, "/")
	mine, cookie := start(t, i, "/")
	code, err := url.ParseQuery(visit(t, stolen, "ann"))
	require.NoError(t, err)
	injected := url.Values{"code": code["code"], "state": {mine.Query().Get("state")}}
	_, _, err = finish(i, injected.Encode(), cookie)
	var denied *DeniedError
	require.ErrorAs(t, err, &denied)
	assert.Equal(t, "invalid_grant", denied.Code)
}

func TestASessionLastsAsLongAsTheIssuerVouchesForThePerson(t *testing.T) {
	p, i := real(t)
	p.Shorten(time.Minute)
	signIn := func() *Person {
		to, cookie := start(t, i, "/")
		person, _, err := finish(i, visit(t, to, "ann"), cookie)
		require.NoError(t, err)
		return person
	}
	ann, forgotten := signIn(), signIn()
	forgotten.refresh = "" // as of an issuer that gives no refresh tokens
	later := func(d time.Duration) {
		now := time.Now().Add(d)
		i.now = func() time.Time { return now }
	}
	later(50 * time.Second)
	for _, person := range []*Person{ann, forgotten} {
		_, err := person.Caller(t.Context())
		require.NoError(t, err)
	}
	p.Shorten(time.Hour)
	later(70 * time.Second)
	_, err := forgotten.Caller(t.Context())
	assert.ErrorIs(t, err, errOver)
	caller, err := ann.Caller(t.Context())
	require.NoError(t, err, "the issuer was asked again")
	assert.Equal(t, access.Submitter, caller.Role)

	ann.until = time.Time{}
	p.Put(oidctest.Account{Name: "ann", Groups: []string{"staff"}})
	_, err = ann.Caller(t.Context())
	assert.ErrorIs(t, err, access.ErrNoRole, "who leaves a group loses its role")

	p.Put(oidctest.Account{Name: "ann", Groups: []string{"quality"}})
	two := signIn()
	two.until = time.Time{}
	p.Stop()
	_, err = two.Caller(t.Context())
	assert.ErrorIs(t, err, access.ErrUnavailable, "nobody is let in because the issuer is down")
	_, err = two.Caller(t.Context())
	assert.ErrorIs(t, err, access.ErrUnavailable)
	assert.NotErrorIs(t, err, errOver)
}

// An issuer may leave the ID token out when a session is renewed. Then its userinfo says who the person is now.
func TestASessionIsRenewedWithoutAnIDToken(t *testing.T) {
	for _, c := range []struct {
		name  string
		token map[string]any
		says  any
		as    access.Role
		want  error
	}{
		{name: "as before", says: map[string]any{"sub": "ann-1", "groups": "quality"}, as: access.Submitter},
		{name: "in another group", says: map[string]any{"sub": "ann-1", "groups": "staff"}, want: access.ErrNoRole},
		{name: "in no group", says: map[string]any{"sub": "ann-1"}, want: access.ErrNoRole},
		{name: "somebody else", says: map[string]any{"sub": "eve", "groups": "quality"}, want: refused("the issuer's userinfo is about somebody else")},
		{name: "down", says: 500, want: access.ErrUnavailable},
		{name: "asked too often", says: 429, want: access.ErrUnavailable},
		{name: "refused", says: 401, want: &DeniedError{"401 Unauthorized", "when asked about ann"}},
		{name: "forbidden", says: 403, want: &DeniedError{"403 Forbidden", "when asked about ann"}},
		{name: "for no time", token: map[string]any{"expires_in": 0}, says: map[string]any{"sub": "ann-1", "groups": "quality"}, want: errOver},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, pages)
			for _, part := range []string{"authorization", "token", "userinfo"} {
				f.about[part+"_endpoint"] = f.server.URL + "/" + part
			}
			to, cookie := start(t, f.issuer, "/")
			claims := map[string]any{"aud": oidctest.ClientID, "nonce": to.Query().Get("nonce")}
			f.says["/token"] = map[string]any{"access_token": "a", "token_type": "Bearer", "refresh_token": "r",
				"id_token": f.sign(keys().rsa, "JWT", f.claims(claims))}
			person, _, err := finish(f.issuer, "code=a&state="+to.Query().Get("state"), cookie)
			require.NoError(t, err)

			person.until = time.Time{}
			again := map[string]any{"access_token": "b", "token_type": "Bearer", "refresh_token": "s", "expires_in": 60}
			for name, value := range c.token {
				again[name] = value
			}
			f.says["/token"], f.says["/userinfo"] = again, c.says
			caller, err := person.Caller(t.Context())
			if c.want != nil {
				require.Error(t, err)
				assert.Contains(t, err.Error(), c.want.Error())
				assert.Equal(t, errors.Is(c.want, access.ErrUnavailable), errors.Is(err, access.ErrUnavailable))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.as, caller.Role)
		})
	}
}

// An issuer that takes connections and doesn't answer is asked by one request, and by the next only after a pause.
func TestAnIssuerThatDidNotAnswerIsLeftAloneForAWhile(t *testing.T) {
	f := newFixture(t, pages)
	for _, part := range []string{"authorization", "token"} {
		f.about[part+"_endpoint"] = f.server.URL + "/" + part
	}
	to, cookie := start(t, f.issuer, "/")
	f.says["/token"] = map[string]any{"access_token": "a", "token_type": "Bearer", "refresh_token": "r",
		"id_token": f.sign(keys().rsa, "JWT", f.claims(map[string]any{"aud": oidctest.ClientID, "nonce": to.Query().Get("nonce")}))}
	person, _, err := finish(f.issuer, "code=a&state="+to.Query().Get("state"), cookie)
	require.NoError(t, err)
	person.until = time.Time{}
	f.says["/token"] = 503
	began := f.issuer.now()
	asked := 0
	f.issuer.now = func() time.Time { asked++; return began.Add(time.Duration(asked) * 2 * refreshAgain) } // a slow refusal
	_, err = person.Caller(t.Context())
	require.ErrorIs(t, err, access.ErrUnavailable)
	assert.True(t, person.tried.After(began.Add(2*refreshAgain)), "the pause begins when the attempt is over")
}

func TestAnswersThatAreNotGood(t *testing.T) {
	for _, c := range []struct {
		name   string
		claims map[string]any
		says   map[string]any
		query  string
		about  map[string]any
		want   string
	}{
		{name: "good"},
		{name: "two audiences, and ours is the client", claims: map[string]any{"aud": []string{oidctest.ClientID, "x"}, "azp": oidctest.ClientID}},
		{name: "roles at the userinfo endpoint", claims: map[string]any{"groups": nil}, says: map[string]any{"/userinfo": map[string]any{"sub": "ann-1", "groups": "quality"}}},
		{name: "valid for days", claims: map[string]any{"exp": 2000000000}},
		{name: "another nonce", claims: map[string]any{"nonce": "x"}, want: "(nonce)"},
		{name: "no nonce", claims: map[string]any{"nonce": nil}, want: "(nonce)"},
		{name: "an access token", claims: map[string]any{"aud": audience}, want: `it is for "pedigree-rest"`},
		{name: "another client's", claims: map[string]any{"azp": "x"}, want: "(azp)"},
		{name: "two audiences, and nobody's", claims: map[string]any{"aud": []string{oidctest.ClientID, "x"}}, want: "(azp)"},
		{name: "expired", claims: map[string]any{"exp": 1700000000}, want: "it expired"},
		{name: "no ID token", says: map[string]any{"/token": map[string]any{"access_token": "a", "token_type": "Bearer"}}, want: "it isn't a JWT"},
		{name: "no role", claims: map[string]any{"groups": nil}, says: map[string]any{"/userinfo": map[string]any{"sub": "ann-1"}}, want: "the claim groups is missing"},
		{name: "userinfo about another", claims: map[string]any{"groups": nil}, says: map[string]any{"/userinfo": map[string]any{"sub": "eve", "groups": "quality"}}, want: "about somebody else"},
		{name: "no userinfo", claims: map[string]any{"groups": nil}, says: map[string]any{"/userinfo": 500}, want: "can't check the token now"},
		{name: "userinfo is forbidden", claims: map[string]any{"groups": nil}, says: map[string]any{"/userinfo": 403}, want: "the issuer says 403"},
		{name: "the issuer fails", says: map[string]any{"/token": 503}, want: "can't check the token now"},
		{name: "the issuer refuses", says: map[string]any{"/token": 400}, want: "400"},
		{name: "the person refuses", query: "error=access_denied&error_description=No%0Anever", want: "access_denied: something that can't be shown"},
		{name: "another issuer", query: "code=a&iss=https://else.example", want: "(iss)"},
		{name: "no issuer, though it always sends it", about: map[string]any{"authorization_response_iss_parameter_supported": true}, want: "(iss)"},
		{name: "no code", query: "x=y", want: "no code"},
		{name: "a long code", query: "code=" + strings.Repeat("a", maxCode+1), want: "no code"},
		{name: "no sign-in", about: map[string]any{"token_endpoint": ""}, want: "doesn't say where"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, pages)
			for _, part := range []string{"authorization", "token", "userinfo"} {
				f.about[part+"_endpoint"] = f.server.URL + "/" + part
			}
			for name, value := range c.about {
				if name != "token_endpoint" {
					f.about[name] = value
				}
			}
			to, cookie := start(t, f.issuer, "/")
			if _, ok := c.about["token_endpoint"]; ok {
				f.issuer.metadata.Token = ""
			}
			claims := map[string]any{"aud": oidctest.ClientID, "nonce": to.Query().Get("nonce")}
			for name, value := range c.claims {
				claims[name] = value
			}
			f.says["/token"] = map[string]any{
				"access_token": "a", "token_type": "Bearer", "id_token": f.sign(keys().rsa, "JWT", f.claims(claims)),
			}
			for path, value := range c.says {
				f.says[path] = value
			}
			query := c.query
			if query == "" {
				query = "code=a"
			}
			person, _, err := finish(f.issuer, query+"&state="+to.Query().Get("state"), cookie)
			if c.want == "" {
				require.NoError(t, err)
				caller, err := person.Caller(t.Context())
				require.NoError(t, err)
				assert.Equal(t, access.Submitter, caller.Role)
				return
			}
			assert.ErrorContains(t, err, c.want)
			assert.Nil(t, person)
		})
	}
}
