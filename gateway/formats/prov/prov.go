// Package prov writes lineage as PROV-JSON, the JSON serialisation of the W3C's PROV data model
// (https://www.w3.org/submissions/prov-json/). [Format] is the export's entry in the catalogue.
//
// Things and artifact versions become entities, events and runs become activities, and organisations become agents.
// Each qualified name is the node's own URI, split into a prefix and the rest. A reader that joins the two parts again
// gets the name by which Pedigree knows the node.
package prov

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Namespace is the namespace of Pedigree's own terms in a document.
const Namespace = "https://pedigree-ledger.github.io/prov#"

// prefixes lists the prefixes of qualified names. The first one that fits a name is used.
var prefixes = []struct{ name, uri string }{
	{"record", "ni:///sha-256;"},
	{"gs1", "https://id.gs1.org/"},
	{"artifact", "https://pedigree-ledger.github.io/artifact/"},
	{"org", "https://pedigree-ledger.github.io/organisation/"},
}

// Format is the export to PROV-JSON.
var Format = formats.Format{
	Name: "prov", MediaType: "application/prov+json", Extension: ".prov.json", About: "W3C PROV-JSON",
	Write: Write,
}

type (
	statements map[string]map[string]any // by identifier
	document   map[string]any
)

type writer struct {
	ctx    context.Context
	g      *formats.Graph
	doc    document
	used   map[string]string // prefixes that the document has to declare, with their URIs
	serial int
	kinds  map[string]string           // kind of node, by id
	runs   map[string]*record.Activity // by id
}

// Write writes a graph as one PROV-JSON document. Equal answers give equal bytes.
//
// Roles are taken from the records. If a run says which inputs an output was made from, each of them becomes a
// derivation, with the run as its activity and the columns as an attribute. If it doesn't say, the run only used its
// inputs and generated its outputs: PROV doesn't infer derivations from that.
//
// A recall or a withdrawal of consent invalidates the entity that it is about. Activities can't be invalidated in PROV,
// so events and runs are influenced by the statement instead.
func Write(ctx context.Context, out io.Writer, g *formats.Graph) error {
	w := &writer{
		ctx: ctx, g: g, doc: document{}, used: map[string]string{"ped": Namespace,
			"xsd": "http://www.w3.org/2001/XMLSchema#"}, kinds: map[string]string{},
		runs: map[string]*record.Activity{},
	}
	for _, n := range g.Answer.Nodes {
		w.kinds[n.ID] = n.Kind
	}
	for _, n := range g.Answer.Nodes {
		if err := w.node(n); err != nil {
			return err
		}
	}
	for _, e := range g.Answer.Edges {
		w.edge(e)
	}
	for _, n := range g.Answer.Nodes {
		w.derivations(n.ID)
	}
	w.doc["prefix"] = w.used
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(w.doc); err != nil {
		return fmt.Errorf("couldn't write PROV-JSON: %w", err)
	}
	return nil
}

// name returns the qualified name of a node and declares its prefix.
func (w *writer) name(id string) string {
	if w.kinds[id] == "artifact" {
		id = prefixes[2].uri + id
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(id, p.uri); ok {
			w.used[p.name] = p.uri
			return p.name + ":" + rest
		}
	}
	// Any other URI is split after its scheme, so the qualified name reads like the URI itself.
	scheme, rest, _ := strings.Cut(id, ":")
	w.used[scheme] = scheme + ":"
	return scheme + ":" + rest
}

func (w *writer) add(section, id string, attributes map[string]any) {
	s, ok := w.doc[section].(statements)
	if !ok {
		s = statements{}
		w.doc[section] = s
	}
	s[id] = attributes
}

// relate adds a relation. Relations have no names of their own, so they get blank node identifiers.
func (w *writer) relate(section string, attributes map[string]any) {
	w.serial++
	w.add(section, fmt.Sprintf("_:n%06d", w.serial), attributes)
}

func qualified(name string) map[string]string {
	return map[string]string{"$": name, "type": "prov:QUALIFIED_NAME"}
}

// acts reports whether nodes of a kind are activities in PROV.
func acts(kind string) bool { return kind == "event" || kind == "activity" || kind == "statement" }

func (w *writer) node(n lineage.Node) error {
	name := w.name(n.ID)
	attributes := map[string]any{"prov:type": qualified("ped:" + title(n.Kind))}
	for key, value := range map[string]string{
		"prov:label": n.Type, "ped:bizStep": n.BizStep, "ped:disposition": n.Disposition, "ped:digest": n.Digest,
		"ped:eventID":   n.EventID,
		"prov:location": n.ReadPoint,
	} {
		if value != "" {
			attributes[key] = value
		}
	}
	if len(n.Flags) > 0 {
		attributes["ped:status"] = n.Flags
	}
	if n.Transaction != "" {
		attributes["ped:transaction"], attributes["ped:block"] = n.Transaction, n.Block
	}
	section := "entity"
	if acts(n.Kind) {
		section = "activity"
		if !n.Time.IsZero() {
			attributes["prov:endTime"] = stamp(n.Time)
		}
	}
	if n.Kind == "activity" {
		if err := w.run(n.ID, attributes); err != nil {
			return err
		}
	}
	w.add(section, name, attributes)
	w.agent(n, name)
	for _, claim := range n.Claims {
		if !claim.Retracted && record.Warns(claim.Kind) {
			if err := w.claim(n, name, section, claim); err != nil {
				return err
			}
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// run adds the times and the description from the record of a run.
func (w *writer) run(id string, attributes map[string]any) error {
	_, r, err := w.g.Record(w.ctx, id)
	if errors.Is(err, index.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	a := r.Activity
	w.runs[id] = a
	delete(attributes, "prov:endTime") // the time of a run's node may be its start
	for key, at := range map[string]time.Time{"prov:startTime": a.StartedAt, "prov:endTime": a.EndedAt} {
		if !at.IsZero() {
			attributes[key] = stamp(at)
		}
	}
	if a.Description != "" {
		attributes["ped:description"] = a.Description
	}
	return nil
}

// claim adds a recall or a withdrawal of consent that is about a node.
func (w *writer) claim(n lineage.Node, name, section string, claim index.Claim) error {
	by := w.name(claim.ID)
	said, _ := w.doc["activity"].(statements)
	if said[by] == nil {
		attributes := map[string]any{
			"prov:type":  qualified("ped:Statement"),
			"prov:label": claim.Kind,
			"ped:block":  claim.Block,
		}
		at, r, err := w.g.Record(w.ctx, claim.ID)
		switch {
		case errors.Is(err, index.ErrNotFound):
		case err != nil:
			return err
		default:
			attributes["prov:endTime"], attributes["ped:transaction"] = stamp(at.Time), at.TxID
			if reason := r.Statement.Predicate.Get("reason").Text; reason != "" {
				attributes["ped:reason"] = reason
			}
		}
		w.add("activity", by, attributes)
		w.agent(lineage.Node{Kind: "statement", MSPID: claim.MSPID}, by)
	}
	if section == "activity" {
		w.relate("wasInfluencedBy", map[string]any{"prov:influencee": name, "prov:influencer": by,
			"ped:as": claim.Kind})
		return nil
	}
	invalidated := map[string]any{"prov:entity": name, "prov:activity": by}
	if at, ok := w.doc["activity"].(statements)[by]["prov:endTime"]; ok {
		invalidated["prov:time"] = at
	}
	w.relate("wasInvalidatedBy", invalidated)
	return nil
}

// derivations adds which inputs each output of a run was made from, if the run says so.
func (w *writer) derivations(id string) {
	a := w.runs[id]
	if a == nil {
		return
	}
	for _, o := range a.Generated {
		if !o.Explicit || w.kinds[o.Ref] == "" {
			continue
		}
		for _, ref := range o.From {
			if w.kinds[ref] == "" || acts(w.kinds[ref]) {
				continue // outside this graph, or covered by wasInformedBy
			}
			derived := map[string]any{
				"prov:generatedEntity": w.name(o.Ref),
				"prov:usedEntity":      w.name(ref),
				"prov:activity":        w.name(id),
			}
			if columns := columnsOf(o, ref); len(columns) > 0 {
				derived["ped:columns"] = columns
			}
			w.relate("wasDerivedFrom", derived)
		}
	}
}

// columnsOf returns the columns of an output that were made from columns of an input, each as "output: input".
func columnsOf(o record.Output, ref string) []string {
	var list []string
	for _, c := range o.Columns {
		for _, from := range c.From {
			if from.Ref == ref {
				list = append(list, c.Name+": "+from.Column)
			}
		}
	}
	return list
}

// role returns the role of an artifact version or a record in a run, or "" if the run doesn't give one.
func (w *writer) role(run, ref string) string {
	a := w.runs[run]
	if a == nil {
		return ""
	}
	for _, u := range a.Used {
		if u.Ref == ref {
			return u.Role
		}
	}
	for _, o := range a.Generated {
		if o.Ref == ref {
			return o.Role
		}
	}
	return ""
}

// agent adds the organisation that recorded a node. A thing or a class has none: naming it first doesn't make it yours.
func (w *writer) agent(n lineage.Node, name string) {
	if n.MSPID == "" || n.Kind == "thing" || n.Kind == "class" || n.Kind == "missing" {
		return
	}
	w.used["org"] = prefixes[3].uri
	org := "org:" + n.MSPID
	w.add("agent", org, map[string]any{"prov:type": qualified("prov:Organization")})
	if acts(n.Kind) {
		w.relate("wasAssociatedWith", map[string]any{"prov:activity": name, "prov:agent": org})
	} else {
		w.relate("wasAttributedTo", map[string]any{"prov:entity": name, "prov:agent": org})
	}
}

func (w *writer) edge(e lineage.Edge) {
	from, to := w.name(e.From), w.name(e.To)
	fromActs, toActs := acts(w.kinds[e.From]), acts(w.kinds[e.To])
	switch {
	case e.Kind == lineage.EdgeContains || e.Kind == lineage.EdgeItem || e.Kind == lineage.EdgeMember:
		w.relate("hadMember", map[string]any{"prov:collection": from, "prov:entity": to})
	case e.Kind == lineage.EdgeDerived && !fromActs && !toActs:
		w.relate("wasDerivedFrom", map[string]any{"prov:generatedEntity": to, "prov:usedEntity": from})
	case (e.Kind == lineage.EdgeInput || e.Kind == lineage.EdgeUsed || e.Kind == lineage.EdgeObserved) && !fromActs &&
		toActs:
		w.relate(
			"used",
			map[string]any{"prov:activity": to, "prov:entity": from, "prov:role": cmp.Or(w.role(e.To, e.From), e.Kind)},
		)
	case (e.Kind == lineage.EdgeOutput || e.Kind == lineage.EdgeGenerated) && fromActs && !toActs:
		generated := map[string]any{"prov:entity": to, "prov:activity": from}
		if role := w.role(e.From, e.To); role != "" {
			generated["prov:role"] = role
		}
		w.relate("wasGeneratedBy", generated)
	case fromActs && toActs:
		w.relate("wasInformedBy", map[string]any{"prov:informed": to, "prov:informant": from})
	default:
		w.relate("wasInfluencedBy", map[string]any{"prov:influencee": to, "prov:influencer": from, "ped:as": e.Kind})
	}
}

func title(kind string) string {
	if kind == "" {
		return "Thing"
	}
	return strings.ToUpper(kind[:1]) + kind[1:]
}
