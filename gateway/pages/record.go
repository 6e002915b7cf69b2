package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/actor"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web"
)

// What is shown of one record, and of one transaction.
const (
	mostNames = 40
	mostJSON  = 32 << 10 // bytes
	mostOfTx  = 100
	mostClaim = 50
)

func (p *Pages) recordRoutes() []route {
	return []route{
		{"GET /records/{id}", members, p.record},
		{"GET /transactions/{id}", members, p.transaction},
	}
}

// record shows any record: what it says, who recorded it, and where it is on the ledger.
func (p *Pages) record(v *visit) error {
	ctx := v.Context()
	r, err := p.Index.Record(ctx, v.PathValue("id"), index.Latest)
	if err != nil {
		return err
	}
	page := &web.Record{
		Frame: v.frame(""), ID: r.ID, Summary: p.summary(ctx, *r), Size: len(r.Body), JSON: web.Pretty(r.Body),
	}
	page.Cosigners = p.cosigners(v.Context(), "/v1/records/"+url.PathEscape(r.ID), nil)
	page.Kind = page.Summary.Kind
	page.Title = page.Kind.Word
	if len(page.JSON) > mostJSON {
		page.JSON, page.Cut = strings.ToValidUTF8(page.JSON[:mostJSON], ""), true
	}
	statement := "" // its kind, if it is one
	if rec, problems := record.Decode(r.Body); len(problems) == 0 {
		if rec.Statement != nil {
			statement = rec.Statement.Kind
		}
		names := describeRecord(page, rec)
		names, page.MoreNames = shorten(names, mostNames)
		page.Names = p.refer(ctx, names)
		if rec.Activity != nil {
			p.describeRun(ctx, page, rec.Activity)
		}
	}
	recordings, more, err := p.Index.FirstRecordings(ctx, r.ID, index.Latest, eachRecordings)
	if err != nil {
		return err
	}
	page.MoreRecordings = more
	for _, o := range recordings {
		r := web.Recording{
			By: o.MSPID, Subject: o.Subject, Tx: o.TxID, Block: o.Block, Position: o.Position, Line: o.Line, At: o.Time,
		}
		if r.Actor, err = p.actor(v, o); err != nil {
			return err
		}
		page.Recordings = append(page.Recordings, r)
	}
	page.Flags, page.Claims, err = p.claims(ctx, r.ID)
	if err != nil {
		return err
	}
	if r.Noun != record.NounMember {
		page.States = p.states(v, r.ID, r.MSPID, statement, page.Flags)
	}
	flags, err := lineage.EventFlags(ctx, p.Index, r.ID, index.Latest)
	if err != nil {
		return err
	}
	page.Flags = append(page.Flags, flags...)
	if len(page.Breaches) > 0 {
		page.Flags = append(page.Flags, lineage.FlagBreach)
	}
	return v.show(http.StatusOK, "record", page)
}

// Actors is what pages need of package actor's Store.
type Actors interface {
	Of(ctx context.Context, txID string, line int) (*actor.Actor, error)
}

// actor is who had a recording of this organisation made, for those who may see it.
func (p *Pages) actor(v *visit, r index.Recording) (*web.Actor, error) {
	sees := v.session != nil && (v.session.Caller.Role == access.Operator || v.session.Caller.Role == access.Auditor)
	if !sees || r.MSPID != p.MSPID {
		return nil, nil
	}
	a, err := p.Actors.Of(v.Context(), r.TxID, r.Line)
	if err != nil || a == nil {
		return nil, err
	}
	shown := &web.Actor{Pseudonym: a.Pseudonym, Kind: a.Kind}
	if p.Actor == config.ActorName {
		shown.Name = a.Name
	}
	return shown, nil
}

// eachRecordings is how many recordings are shown of each organisation.
const eachRecordings = 8

// describeRecord says what a record is about, and gives the nodes that it names.
func describeRecord(page *web.Record, r *record.Record) (names []string) {
	add := func(node string) {
		if node != "" && !slices.Contains(names, node) {
			names = append(names, node)
		}
	}
	switch {
	case r.Event != nil:
		for _, m := range r.Event.Event.Mentions {
			add(m.URI)
		}
		add(r.Event.Event.ReadPoint)
		add(r.Event.Event.BizLocation)
	case r.Artifact != nil:
		page.Title, page.About = r.Artifact.String(), r.Artifact.String()
	case r.Statement != nil:
		page.Title = r.Statement.Kind
		for _, s := range r.Statement.Subjects {
			add(s.Node)
		}
	case r.Activity != nil:
		page.Title = r.Activity.Type
		for _, o := range r.Activity.Generated {
			add(o.Ref)
		}
		for _, about := range r.Activity.About {
			add(about)
		}
	}
	for _, reference := range r.References() {
		add(reference.Node)
	}
	return names
}

// describeRun says what an activity adds to, and what it used without consent.
func (p *Pages) describeRun(ctx context.Context, page *web.Record, a *record.Activity) {
	extended, _ := shorten(a.Extends, mostNames)
	page.Extends = p.refer(ctx, extended)
	used := make([]string, len(a.Breaches))
	for i, b := range a.Breaches {
		used[i] = b.Ref
	}
	for i, reference := range p.refer(ctx, used) {
		page.Breaches = append(page.Breaches, web.Breach{Used: reference, Statement: a.Breaches[i].Statement})
	}
}

// claims lists what is said about a node, the newest first.
func (p *Pages) claims(ctx context.Context, node string) (flags []string, claims []web.Saying, err error) {
	status, err := p.Index.Status(ctx, node, index.Latest)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range slices.Backward(status.Claims) {
		if len(claims) == mostClaim {
			break
		}
		out := web.Saying{ID: c.ID, Kind: c.Kind, By: c.MSPID, Retracted: c.Retracted}
		r, err := p.Index.Record(ctx, c.ID, index.Latest)
		if err != nil {
			return nil, nil, err
		}
		out.At = r.Time
		if body, err := canonical.Parse(r.Body, canonical.Limits{}); err == nil {
			out.Text = claimText(body.Get("predicate"))
		}
		claims = append(claims, out)
	}
	return status.Flags, claims, nil
}

// claimText is what a claim says in words, whichever member of its predicate has them.
func claimText(predicate canonical.Value) string {
	for _, name := range []string{"reason", "detail", "scope", "action", "title", "licence", "number", "prefix"} {
		if text := predicate.Get(name).Text; text != "" {
			return text
		}
	}
	return ""
}

// transaction shows what a transaction recorded, and what became of it.
func (p *Pages) transaction(v *visit) error {
	ctx := v.Context()
	tx, err := p.Index.Transaction(ctx, v.PathValue("id"), index.Latest)
	if err != nil {
		return err
	}
	page := &web.Transaction{
		Frame: v.frame(
			"",
		), ID: tx.TxID, By: tx.MSPID, Subject: tx.Subject, Block: tx.Block, Position: tx.Position, At: tx.Time,
		Valid: tx.Code == index.CodeValid, Code: tx.Code, Total: len(tx.Records),
	}
	for _, id := range tx.Records[:min(len(tx.Records), mostOfTx)] {
		r, err := p.Index.Record(ctx, id, index.Latest)
		if err != nil {
			return err
		}
		page.Records = append(page.Records, p.summary(ctx, *r))
	}
	page.More = page.Total - len(page.Records)
	return v.show(http.StatusOK, "transaction", page)
}
