package pages

import (
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/journey"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web"
)

// shownNodes is how many nodes are named where several are meant.
const shownNodes = 4

func viewFamily(f *journey.Family) web.Family {
	view := web.Family{
		ThingCount: f.ThingCount, ArtifactCount: f.ArtifactCount, Organisations: f.Organisations, Cut: f.Cut,
	}
	view.Things, view.Artifacts = viewRelatives(f.Things), viewRelatives(f.Artifacts)
	return view
}

func viewRelatives(list []journey.Relative) []web.Relative {
	var views []web.Relative
	for _, r := range list {
		views = append(views, web.Relative{Node: r.ID, By: r.MSPID, Flags: r.Flags})
	}
	return views
}

func viewAffected(a journey.Source) web.Affected {
	nodes, more := someNodes(a.Nodes)
	return web.Affected{
		Nodes:        nodes,
		More:         more,
		Kind:         a.Kind,
		By:           a.MSPID,
		Reason:       a.Reason,
		Instructions: a.Instructions,
		At:           a.Time,
		Record:       a.Statement,
	}
}

func someNodes(nodes []*lineage.Node) (named []web.Named, more int) {
	for _, n := range nodes[:min(len(nodes), shownNodes)] {
		named = append(named, web.Named{Node: n.ID, Text: nodeText(n)})
	}
	return named, len(nodes) - len(named)
}

// nodeText names a node for people: records, whose names are hashes, by what they are about.
func nodeText(n *lineage.Node) string {
	text := web.Brief(n.ID)
	switch n.Kind {
	case "event":
		text = stepWord(n)
	case "activity":
		text = n.Type + " run"
	default:
		return text
	}
	if !n.Time.IsZero() {
		text += " of " + n.Time.UTC().Format("2 Jan 2006 15:04") + " UTC"
	}
	return text
}

func viewDecision(d journey.Decision) web.Decision {
	view := web.Decision{
		Type:    d.Type,
		Models:  d.Models,
		Others:  d.Others,
		By:      d.MSPID,
		Time:    d.Time,
		Record:  d.ID,
		Outcome: facts(d.Outcome),
	}
	view.Tainted, view.More = someNodes(d.Tainted)
	view.Verdict = "Decided"
	for _, name := range []string{"decision", "verdict", "result", "outcome", "label", "class"} { // what people call it
		if v := d.Outcome.Get(name); v.Kind == canonical.String || v.Kind == canonical.Bool {
			view.Verdict = v.Text
			view.Outcome = slices.DeleteFunc(view.Outcome, func(f web.Fact) bool { return f.Name == name })
			break
		}
	}
	return view
}

// Limits of what is shown of free objects. Their records show all.
const (
	mostFacts = 12
	mostText  = 400 // bytes of one
)

// facts are the members of an object, for people to read.
func facts(object canonical.Value) []web.Fact {
	var list []web.Fact
	for _, m := range object.Members {
		if len(list) == mostFacts {
			return append(list, web.Fact{Name: "…", Text: "the record has more"})
		}
		text := m.Value.Text
		if m.Value.Kind == canonical.Array || m.Value.Kind == canonical.Object || m.Value.Kind == canonical.Null {
			text = string(m.Value.Bytes())
		}
		if len(text) > mostText {
			text = strings.ToValidUTF8(text[:mostText], "") + "…"
		}
		list = append(list, web.Fact{Name: m.Name, Text: text})
	}
	return list
}

func viewClaim(c journey.Claim, now time.Time) web.Claim {
	view := web.Claim{
		Kind:      c.Kind,
		By:        c.MSPID,
		Record:    c.ID,
		At:        c.Recorded,
		Retracted: c.Retracted,
		Facts:     facts(c.Predicate),
	}
	if k, ok := record.StatementKindOf(c.Kind); ok {
		view.Kind = k.Title
	}
	if c.Kind == record.Attestation {
		view.Facts = append([]web.Fact{{Name: "type", Text: c.Type}}, view.Facts...)
	}
	until, err := time.Parse(time.RFC3339Nano, c.Predicate.Get("validUntil").Text)
	view.Expired = err == nil && until.Before(now)
	return view
}

func viewErrors(s *journey.Step) []web.Mistake {
	var list []web.Mistake
	for _, d := range s.Errors {
		list = append(
			list,
			web.Mistake{
				Record:      s.ID,
				Word:        stepWord(s.Node),
				By:          d.MSPID,
				Reason:      lastWord(d.Reason),
				Time:        d.Time,
				Declaration: d.Event,
				Corrective:  d.Corrective,
				Dispute:     d.Dispute,
			},
		)
	}
	return list
}
