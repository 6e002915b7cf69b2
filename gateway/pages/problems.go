package pages

import (
	"net/http"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/web"
)

// problemTypes lists the types of problem.
func (p *Pages) problemTypes(v *visit) error {
	page := &web.Problems{Frame: v.frame("docs")}
	for _, k := range problem.Kinds {
		page.Kinds = append(page.Kinds, typeOf(k))
	}
	return v.show(http.StatusOK, "problems", page)
}

// problemType is the page about one.
func (p *Pages) problemType(v *visit) error {
	slug := v.PathValue("slug")
	for _, k := range problem.Kinds {
		if k.Slug == slug {
			page := &web.Problems{Frame: v.frame("docs"), Kinds: []web.Problem{typeOf(k)}, Single: true}
			return v.show(http.StatusOK, "problems", page)
		}
	}
	return problem.New(problem.NotFound, "there is no type of problem %q; /problems lists them", record.Brief(slug))
}

func typeOf(k *problem.Kind) web.Problem {
	return web.Problem{
		Slug: k.Slug, Status: k.Status, Title: k.Title, Help: k.Help, EPCIS: "epcisException:" + k.EPCIS(http.MethodPost),
	}
}
