package pages

import "net/http"

func (p *Pages) assetRoutes() []route {
	return []route{
		{pattern: "GET /assets/{file}", roles: anybody, page: p.asset},
		{pattern: "GET /favicon.ico", roles: anybody, page: p.icon},
	}
}

// icon serves the sign of Pedigree to browsers that ask for one of their own accord, as they do for answers in JSON.
func (p *Pages) icon(v *visit) error {
	v.w.Header().Set("Cache-Control", "public, max-age=86400")
	send(v.w, http.StatusOK, "image/svg+xml", p.templates.Icon())
	return nil
}

// asset serves what pages load. Its name changes with its contents.
func (p *Pages) asset(v *visit) error {
	body, media, ok := p.templates.Asset(v.PathValue("file"))
	if !ok {
		return missing("There is no file of this name; a newer page loads other ones.")
	}
	v.w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	send(v.w, http.StatusOK, media, body)
	return nil
}
