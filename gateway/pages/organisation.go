package pages

import (
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/web"
)

const (
	mostOwn    = 8  // transactions of an organisation that are shown
	lookedLate = 30 // of all, among which they are looked for
)

func (p *Pages) organisationRoutes() []route {
	return []route{{"GET /organisations/{msp}", members, p.organisation}}
}

// organisation shows one member.
func (p *Pages) organisation(v *visit) error {
	ctx, mspID := v.Context(), v.PathValue("msp")
	page := &web.OrganisationPage{Frame: v.frame("")}
	page.Of = page.Org(mspID)
	list, err := p.Index.Members(ctx, index.Latest)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.MSPID == mspID {
			page.Known, page.Namespaces, page.Record = true, m.Namespaces, m.ID
		}
	}
	nouns, tallies, counted := p.tallies(ctx, page.Frame)
	page.Counting = !counted
	recorded := false
	for _, t := range tallies {
		if t.MSPID == mspID {
			recorded = true
			for i, n := range t.Counts {
				page.Nouns = append(page.Nouns, web.NounCount{Kind: nouns[i].Kind, Total: n})
			}
		}
	}
	if !page.Known && !recorded && counted {
		return missing("No organisation of this name introduced itself or recorded anything.")
	}
	transactions, err := p.Index.LatestTransactions(ctx, lookedLate, mostRecords)
	if err != nil {
		return err
	}
	for _, t := range transactions {
		if t.MSPID == mspID && len(page.Transactions) < mostOwn {
			page.Transactions = append(page.Transactions, p.summarizeTransaction(ctx, t))
		}
	}
	artifacts, err := p.Index.LatestVersions(ctx, index.ArtifactFilter{MSPID: mspID}, mostOwn)
	if err != nil {
		return err
	}
	if page.Artifacts, err = p.artifactRows(ctx, artifacts); err != nil {
		return err
	}
	return v.show(http.StatusOK, "organisation", page)
}
