package pages

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/journey"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/web"
	"github.com/pedigree-ledger/pedigree/web/qr"
)

// digitalLink begins the canonical Digital Link of every thing.
const digitalLink = "https://id.gs1.org"

// Thing answers with the page about a thing, whose canonical Digital Link the caller of this method has made of the
// request's path. What everybody may know who has the thing in hand: what its code says, and whether it is recalled.
// Its story is for members; the caller is who asks with a token, nil if it is the session's or nobody.
func (p *Pages) Thing(w http.ResponseWriter, r *http.Request, caller *access.Caller, thing string) {
	v := &visit{Request: r, w: w, pages: p, session: p.Sessions.Find(r)}
	if v.session == nil && caller != nil {
		v.session = &session.Session{Caller: caller} // a program that reads pages; it has no forms
	}
	if err := p.thing(v, thing); err != nil {
		p.Trouble(w, r, err)
	}
}

func (p *Pages) thing(v *visit, thing string) error {
	ctx := v.Context()
	page := &web.Thing{
		Frame: v.frame(""), URI: thing, Kind: web.NodeKind(thing), Path: v.URL.EscapedPath(), SignedIn: v.session != nil,
		Linkset: thing[len(digitalLink):] + "?linkType=linkset",
	}
	parts := epcis.Parts(thing)
	page.OfManyLots = len(parts) == 1 && parts[0].AI == "01"
	for _, part := range parts {
		page.Parts = append(page.Parts, web.Part{Title: part.Title, Value: part.Value})
	}
	page.CheckDigit = expectedCheckDigit(parts)
	page.Address, page.QR = addressOf(v.Request, thing)
	var err error
	if page.Recalls, err = p.recalls(ctx, thing, v.URL.EscapedPath()); err != nil {
		return err
	}
	if page.SignedIn {
		if err := p.story(v, page); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, "thing", page)
}

// addressOf is the address under which the visitor sees a thing, and its code. Codes that are too long to be drawn have
// none.
func addressOf(r *http.Request, thing string) (string, template.HTML) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	address := scheme + r.Host + thing[len(digitalLink):]
	drawn, err := qr.Draw(address)
	if err != nil {
		return address, ""
	}
	return address, drawn
}

// expectedCheckDigit is the last digit that a GTIN or an SSCC ought to have, if it has another.
func expectedCheckDigit(parts []epcis.Part) string {
	if len(parts) == 0 || parts[0].AI != "01" && parts[0].AI != "00" && parts[0].AI != "414" {
		return ""
	}
	digits := parts[0].Value
	if want := epcis.CheckDigit(digits[:len(digits)-1]); digits[len(digits)-1] != want {
		return string(want)
	}
	return ""
}

// recalls finds the recalls that stand, of the thing and of all that the link says it belongs to: its lot, its class.
func (p *Pages) recalls(ctx context.Context, thing, path string) ([]web.Recall, error) {
	var recalls []web.Recall
	for _, node := range belongsTo(thing, path) {
		status, err := p.Index.Status(ctx, node, index.Latest)
		if err != nil {
			return nil, err
		}
		for _, claim := range status.Claims {
			if claim.Kind != record.Recall || claim.Retracted {
				continue
			}
			r, err := p.Index.Record(ctx, claim.ID, index.Latest)
			if err != nil {
				return nil, err
			}
			body, err := canonical.Parse(r.Body, canonical.Limits{})
			if err != nil {
				return nil, err
			}
			predicate := body.Get("predicate")
			recalls = append(recalls, web.Recall{
				Node: node, Own: node == thing, By: claim.MSPID, Record: claim.ID, At: r.Time,
				Reason: predicate.Get("reason").Text, Instructions: predicate.Get("instructions").Text,
			})
		}
	}
	return recalls, nil
}

// belongsTo lists a thing, and what else the path of its Digital Link names, the nearest first. The canonical spelling
// of a serialised item leaves out the lot that its link may carry, so it doesn't say this alone.
func belongsTo(thing, path string) []string {
	nodes := []string{thing}
	add := func(node string) {
		if node != "" && !slices.Contains(nodes, node) {
			nodes = append(nodes, node)
		}
	}
	pairs := strings.Split(strings.Trim(path, "/"), "/")
	for n := len(pairs) - 2; n >= 2; n -= 2 {
		if prefix := epcis.Thing(digitalLink + "/" + strings.Join(pairs[:n], "/")); epcis.Parts(prefix) != nil {
			add(prefix)
		}
	}
	add(epcis.Class(thing))
	return nodes
}

// Limits of one page.
const (
	stagesAtOnce  = 30
	stepsAtOnce   = 40
	stepsInAStage = 12
	mostKnown     = 12
	patience      = 50 * time.Millisecond // for readings, unless all are asked for
	greatPatience = 20 * time.Second
	drawnNodes    = 14 // of the small picture
)

// story fills in what members see.
func (p *Pages) story(v *visit, page *web.Thing) error {
	ctx := v.Context()
	j, err := journey.Of(ctx, p.Index, page.URI, index.Latest)
	var unknown *lineage.UnknownNodeError
	if errors.As(err, &unknown) {
		return p.known(ctx, page)
	}
	if err != nil {
		return err
	}
	if page.OfManyLots {
		if err := p.known(ctx, page); err != nil {
			return err
		}
	}
	s := &web.Story{
		Block:         j.Block,
		Steps:         len(j.Steps),
		Organisations: j.Organisations(),
		Made:          viewFamily(&j.Made),
		Became:        viewFamily(&j.Became),
		MoreClaims:    j.More,
	}
	page.Story = s
	if len(j.Steps) > 0 {
		s.From, s.To = j.Steps[0].Time, j.Steps[len(j.Steps)-1].Time
	}
	for _, c := range j.Carriers {
		s.Carriers = append(s.Carriers, c.ID)
	}
	s.Held, s.MoreHeld = viewRelatives(j.Held), j.HeldCount-len(j.Held)
	for _, a := range j.Affected {
		s.Affected = append(s.Affected, viewAffected(a))
	}
	for _, d := range j.Decisions {
		s.Decisions = append(s.Decisions, viewDecision(d))
	}
	for _, c := range j.Claims {
		if c.Kind == record.Recall && !c.Retracted {
			continue // it stands at the top of the page
		}
		s.Claims = append(s.Claims, viewClaim(c, time.Now()))
	}
	for i := range j.Steps {
		s.Errors = append(s.Errors, viewErrors(&j.Steps[i])...)
	}
	if err := p.steps(v, j, s); err != nil {
		return err
	}
	if err := p.measured(v, j, s); err != nil {
		return err
	}
	s.Picture = smallPicture(j, page)
	page.ProofName, page.ProofCommands = proofName(page.URI), proofCommands(page.URI, j.Ancestors.Truncated != nil)
	if v.URL.Query().Get("prove") != "" {
		s.Seal = p.seal(v, page)
	}
	return nil
}

// known lists other things of the same product.
func (p *Pages) known(ctx context.Context, page *web.Thing) error {
	class := epcis.Class(page.URI)
	if class == "" {
		return nil
	}
	list, err := p.Index.Things(ctx, class, index.Latest, index.Page{Size: mostKnown})
	if err != nil {
		return err
	}
	page.Known, page.MoreKnown = list.Items, list.Next != ""
	return nil
}
