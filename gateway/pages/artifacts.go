package pages

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/web"
)

// artifactsShown is how many are on a page of the list.
const artifactsShown = 40

// artifacts lists versions, the newest first.
func (p *Pages) artifacts(v *visit) error {
	form := v.URL.Query()
	page := &web.Artifacts{Frame: v.frame("artifacts"), Kind: form.Get("kind")}
	for _, slug := range []string{"dataset", "model", "code", "document"} {
		page.Kinds = append(page.Kinds, web.KindOf("artifact", slug+"/"))
	}
	if page.Kind != "" && !slices.ContainsFunc(page.Kinds, func(k web.Kind) bool { return k.Slug == page.Kind }) {
		return missing("There are datasets, models, code and documents.")
	}
	before, err := strconv.ParseInt(form.Get("before"), 10, 64)
	if err != nil {
		before = 0 // from the newest on
	}
	list, next, err := p.Index.LatestArtifacts(v.Context(), page.Kind, before, artifactsShown)
	if err != nil {
		return err
	}
	if page.Rows, err = p.artifactRows(v.Context(), list); err != nil {
		return err
	}
	if next != 0 {
		page.Earlier = "/artifacts?before=" + strconv.FormatInt(next, 10)
		if page.Kind != "" {
			page.Earlier += "&kind=" + page.Kind
		}
	}
	return v.show(http.StatusOK, "artifacts", page)
}

// artifactRows are versions in a list.
func (p *Pages) artifactRows(ctx context.Context, list []index.Artifact) ([]web.ArtifactRow, error) {
	var rows []web.ArtifactRow
	for _, a := range list {
		status, err := p.Index.Status(ctx, a.Ref, index.Latest)
		if err != nil {
			return nil, err
		}
		rows = append(rows, web.ArtifactRow{
			Ref: a.Ref, Version: a.Version, By: a.MSPID, Digest: a.Digest.Value, Kind: web.KindOf("artifact", a.Ref),
			At: a.Time, Flags: status.Flags,
		})
	}
	return rows, nil
}
