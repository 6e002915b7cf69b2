package pages

import (
	"errors"
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/oidc"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
)

// Issuer lets people sign in; see oidc.Issuer.
type Issuer interface {
	Name() string
	Start(w http.ResponseWriter, r *http.Request, next string) (string, error)
	Finish(w http.ResponseWriter, r *http.Request) (*oidc.Person, string, error)
}

// toIssuer leads to the issuer, to sign in there.
func (p *Pages) toIssuer(v *visit) error {
	if p.Issuer == nil {
		return noIssuer()
	}
	next := localPath(v.URL.Query().Get("next"))
	if v.session != nil {
		return v.lead(http.StatusSeeOther, next)
	}
	to, err := p.Issuer.Start(v.w, v.Request, next)
	if err != nil {
		return p.notSignedIn(v, err)
	}
	return v.lead(http.StatusSeeOther, to)
}

// fromIssuer is where the issuer leads who has signed in there, or hasn't. The address says which.
func (p *Pages) fromIssuer(v *visit) error {
	if p.Issuer == nil {
		return noIssuer()
	}
	person, next, err := p.Issuer.Finish(v.w, v.Request)
	if err != nil {
		return p.notSignedIn(v, err)
	}
	s, err := p.Sessions.BeginFor(v.w, v.Request, person)
	if err != nil {
		return p.notSignedIn(v, err)
	}
	p.Logger.Info("signed in", requestlog.Who(s.Caller))
	return v.lead(http.StatusSeeOther, localPath(next))
}

func noIssuer() *Trouble {
	return &Trouble{
		http.StatusNotFound,
		"There is no such page",
		"People sign in to this gateway with tokens only.",
		"Open the sign-in page.",
	}
}

// notSignedIn says why somebody isn't signed in by the issuer.
func (p *Pages) notSignedIn(v *visit, err error) error {
	p.Logger.Warn("somebody failed to sign in", "from", v.RemoteAddr, "issuer", p.Issuer.Name(), "error", err)
	trouble := &Trouble{http.StatusForbidden, "You are not signed in", sentence(err.Error()), "Open the sign-in page and try again."}
	var denied *oidc.DeniedError
	var refused *oidc.RefusedError
	switch {
	case errors.Is(err, access.ErrUnavailable):
		trouble.Status = http.StatusServiceUnavailable
		trouble.Detail = p.Issuer.Name() + " can't be asked who you are at the moment."
		trouble.Help = "Try again later, or sign in with a token of this gateway, if you have one."
	case errors.Is(err, oidc.ErrNotBegun):
		trouble.Status = http.StatusBadRequest
	case errors.As(err, &denied):
		trouble.Detail = p.Issuer.Name() + " didn't let you in: " + sentence(denied.Error())
	case errors.As(err, &refused):
		trouble.Detail = "The answer of " + p.Issuer.Name() + " can't be accepted: " + sentence(refused.Reason)
		trouble.Help = "Try again. If that fails, the gateway's log says more to its operator."
	case errors.Is(err, access.ErrNoRole):
		trouble.Help = "Ask for a group or role that this gateway knows, and sign in again."
	}
	return trouble
}
