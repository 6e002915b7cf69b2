package pages

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/web"
)

func (p *Pages) signInRoutes() []route {
	return []route{
		{pattern: "GET /sign-in", roles: anybody, page: p.signIn},
		{pattern: "POST /sign-in", roles: anybody, page: p.signedIn},
		{pattern: "POST /sign-out", roles: members, page: p.signOut},
		{pattern: "GET /sign-in/issuer", roles: anybody, page: p.toIssuer},
		{pattern: "GET " + config.RedirectPath, roles: anybody, page: p.fromIssuer},
	}
}

// signIn asks for a token.
func (p *Pages) signIn(v *visit) error {
	next := localPath(v.URL.Query().Get("next"))
	if v.session != nil {
		return v.lead(http.StatusSeeOther, next)
	}
	return v.show(http.StatusOK, "signin", p.signInPage(v, next))
}

// signInPage is the page that asks who somebody is.
func (p *Pages) signInPage(v *visit, next string) *web.SignIn {
	page := &web.SignIn{Frame: v.frame("sign-in"), Next: next}
	if p.Issuer != nil {
		page.Issuer = p.Issuer.Name()
	}
	return page
}

// signedIn takes the token, and leads to where the person wanted to go.
func (p *Pages) signedIn(v *visit) error {
	if err := v.parseForm(); err != nil {
		return err
	}
	next := localPath(v.PostForm.Get("next"))
	s, err := p.Sessions.Begin(v.w, v.Request, v.PostForm.Get("token"))
	page := p.signInPage(v, next)
	page.Here = "/sign-in"
	var tooMany *session.TooManyError
	var ended *access.EndedError
	switch {
	case errors.As(err, &ended), errors.Is(err, access.ErrNoSigner):
		p.Logger.Warn("somebody failed to sign in", "from", v.RemoteAddr, "error", err)
		page.Problem = sentence(err.Error())
		return v.show(http.StatusUnauthorized, "signin", page)
	case errors.Is(err, access.ErrUnavailable):
		page.Problem = "The gateway can't check tokens now. Try again in a moment."
		return v.show(http.StatusServiceUnavailable, "signin", page)
	case errors.Is(err, access.ErrUnknownToken):
		p.Logger.Warn("somebody failed to sign in", "from", v.RemoteAddr)
		page.Problem = "That is none of this gateway's tokens. Paste the whole content of the token's file."
		return v.show(http.StatusUnauthorized, "signin", page)
	case errors.As(err, &tooMany):
		seconds := strconv.Itoa(int((tooMany.Wait + time.Second - 1) / time.Second))
		v.w.Header().Set("Retry-After", seconds)
		page.Problem = "Too many attempts with tokens that begin like this one. Wait " + seconds + " s and try again."
		return v.show(http.StatusTooManyRequests, "signin", page)
	case err != nil:
		return &Trouble{
			http.StatusForbidden,
			"That didn't come from this page",
			"Nothing was done: the form was sent from another site.",
			"Open the sign-in page itself.",
		}
	}
	p.Logger.Info("signed in", requestlog.Who(s.Caller))
	return v.lead(http.StatusSeeOther, next)
}

// signOut ends the session. Who signed in by an issuer is still signed in there, and is shown the way out. The browser
// isn't led there: a page of this gateway sends forms to this gateway only, wherever they lead then.
func (p *Pages) signOut(v *visit) error {
	leave := v.session.Leave
	p.Sessions.End(v.w, v.Request)
	if leave == "" {
		return v.lead(http.StatusSeeOther, "/sign-in")
	}
	v.session = nil
	page := p.signInPage(v, "/")
	page.Here, page.Leave = "/sign-in", leave
	return v.show(http.StatusOK, "signin", page)
}
