package pages

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/journey"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/web"
	"github.com/pedigree-ledger/pedigree/web/qr"
)

// readPatience is how long it may take to make the page of a thing.
const readPatience = 60 * time.Second

// Thing answers with the page about the thing at a path, which is a GS1 Digital Link. Everybody who has the thing in
// hand may know what its code says, and whether it is recalled. Its story is for members.
func (p *Pages) Thing(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readPatience)
	defer cancel()
	r = r.WithContext(ctx)
	op, values := p.Description.Thing(r.URL.EscapedPath())
	thing := journey.ThingAt(r.URL.EscapedPath())
	if op == nil || thing == "" {
		p.Trouble(w, r, missing("The address is no GS1 Digital Link."))
		return
	}
	caller, err := p.described(r, op, func(name string) string { return values[name] })
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	w.Header().Set("Link", journey.LinksetLink(thing))
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
		Linkset: thing[len(epcis.DigitalLink):] + "?linkType=linkset",
	}
	parts := epcis.Parts(thing)
	page.OfManyLots = journey.IsProduct(page.URI)
	for _, part := range parts {
		page.Parts = append(page.Parts, web.Part{Title: part.Title, Value: part.Value})
	}
	if should, wrong := epcis.WrongCheckDigit(page.URI); wrong {
		page.CheckDigit = string(should)
	}
	page.Address, page.QR = addressOf(v.Request, thing)
	if err := p.warn(ctx, page); err != nil {
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
	address := scheme + r.Host + thing[len(epcis.DigitalLink):]
	drawn, err := qr.Draw(address)
	if err != nil {
		return address, ""
	}
	return address, drawn
}

const mostShown = 20 // recalls that are shown with their words

// warn fills in the warnings that bear on the thing, and on all that its link says it belongs to: its lot, its class.
func (p *Pages) warn(ctx context.Context, page *web.Thing) error {
	w, err := journey.Warnings(ctx, p.Index, page.URI, page.Path, index.Latest)
	if err != nil {
		return err
	}
	page.Recorded, page.Unsure = w.Known, w.Cut
	for _, behind := range w.Behind {
		if !slices.Contains(page.Behind, behind.Kind) {
			page.Behind = append(page.Behind, behind.Kind)
		}
	}
	for _, own := range w.Own[:min(len(w.Own), mostShown)] {
		r, err := p.Index.Record(ctx, own.ID, w.Block)
		if err != nil {
			return err
		}
		body, err := canonical.Parse(r.Body, canonical.Limits{})
		if err != nil {
			return err
		}
		predicate := body.Get("predicate")
		page.Recalls = append(page.Recalls, web.Recall{
			Kind: own.Kind, Node: own.Node, Own: own.Node == page.URI, By: own.MSPID, Record: own.ID, At: r.Time,
			Reason: predicate.Get("reason").Text, Instructions: predicate.Get("instructions").Text,
		})
	}
	behind, err := journey.LotsBehind(ctx, p.Index, w)
	if err != nil {
		return err
	}
	page.AnyLot, page.Unsure = behind.Warned > 0, page.Unsure || behind.Cut
	if page.OfManyLots {
		return p.below(ctx, page, w.Block)
	}
	return nil
}

// below counts the lots and items of a product that are recalled themselves.
func (p *Pages) below(ctx context.Context, page *web.Thing, block uint64) error {
	lots, err := journey.LotsOf(ctx, p.Index, page.URI, block)
	if err != nil {
		return err
	}
	page.Below, page.BelowUnsure = lots.Warned, lots.Cut
	page.Recorded = page.Recorded || lots.Looked > 0
	return nil
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
		s.Carriers = append(s.Carriers, web.Relative{Node: c.ID, By: c.MSPID, Flags: c.Flags})
	}
	s.Held, s.MoreHeld = viewRelatives(j.Held), j.HeldCount-len(j.Held)
	for _, a := range j.Affected {
		s.Affected = append(s.Affected, viewAffected(a))
	}
	for _, d := range j.Decisions {
		s.Decisions = append(s.Decisions, viewDecision(d))
	}
	for _, c := range j.Claims {
		if record.Warns(c.Kind) && !c.Retracted {
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
	page.Cosigners = p.cosigners(v.Context(), page.Linkset, nil)
	page.States = p.states(v, page.URI, "", "", nil)
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
	page.Known, page.MoreKnown = p.refer(ctx, list.Items), list.Next != ""
	p.behind(ctx, page.Known)
	return nil
}
