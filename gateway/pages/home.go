package pages

import (
	"net/http"

	"github.com/pedigree-ledger/pedigree/web"
)

func (p *Pages) homeRoutes() []route {
	return []route{{"GET /{$}", members, p.home}}
}

// home shows how things stand, and what happened lately.
func (p *Pages) home(v *visit) error {
	return v.show(http.StatusOK, "home", &web.Home{Frame: v.frame("home")})
}
