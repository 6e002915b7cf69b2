// Package prov writes lineage as PROV-JSON, the JSON serialisation of the W3C's PROV data model
// (https://www.w3.org/submissions/prov-json/).
//
// Things and artifact versions are entities, events and runs are activities, organisations are agents. The names are the
// nodes' own URIs, cut into a prefix and the rest: what is read back and joined again is what Pedigree calls the node.
package prov

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Namespace is that of our own words in a document.
const Namespace = "https://pedigree-ledger.github.io/prov#"

// prefixes are cut off names, the first one that fits.
var prefixes = []struct{ name, uri string }{
	{"record", "ni:///sha-256;"},
	{"gs1", "https://id.gs1.org/"},
	{"artifact", "https://pedigree-ledger.github.io/artifact/"},
	{"org", "https://pedigree-ledger.github.io/organisation/"},
}

// Format is PROV-JSON.
var Format = formats.Format{
	Name: "prov", MediaType: "application/prov+json", Extension: ".prov.json", About: "W3C PROV-JSON",
	Write: func(_ context.Context, out io.Writer, g *formats.Graph) error { return Write(out, g.Answer) },
}

type (
	statements map[string]map[string]any // by identifier
	document   map[string]any
)

type writer struct {
	doc    document
	used   map[string]string // prefixes
	serial int
	kinds  map[string]string // kind of node by id
}

// Write writes the part of the graph as one PROV-JSON document. Equal answers give equal bytes.
func Write(out io.Writer, a *lineage.Answer) error {
	w := &writer{doc: document{}, used: map[string]string{"ped": Namespace, "xsd": "http://www.w3.org/2001/XMLSchema#"}, kinds: map[string]string{}}
	for _, n := range a.Nodes {
		w.kinds[n.ID] = n.Kind
	}
	for _, n := range a.Nodes {
		w.node(n)
	}
	for _, e := range a.Edges {
		w.edge(e)
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

// name makes a node's id a qualified name.
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
	// The scheme of any other URI is as good a prefix: the name then reads like the URI.
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

// relate adds a relation, which has no name of its own.
func (w *writer) relate(section string, attributes map[string]any) {
	w.serial++
	w.add(section, fmt.Sprintf("_:n%06d", w.serial), attributes)
}

func qualified(name string) map[string]string {
	return map[string]string{"$": name, "type": "prov:QUALIFIED_NAME"}
}

// acts tells whether a node is an activity of PROV.
func acts(kind string) bool { return kind == "event" || kind == "activity" || kind == "statement" }

func (w *writer) node(n lineage.Node) {
	name := w.name(n.ID)
	attributes := map[string]any{"prov:type": qualified("ped:" + title(n.Kind))}
	for key, value := range map[string]string{
		"prov:label": n.Type, "ped:bizStep": n.BizStep, "ped:disposition": n.Disposition, "ped:digest": n.Digest, "ped:eventID": n.EventID,
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
			attributes["prov:endTime"] = n.Time.UTC().Format(time.RFC3339Nano)
		}
	}
	w.add(section, name, attributes)
	w.agent(n, name)
	for _, claim := range n.Claims {
		// Withdrawals and recalls are what PROV calls invalidation; activities can't be invalidated.
		if section == "entity" && !claim.Retracted && (claim.Kind == "recall" || claim.Kind == "withdrawal") {
			by := w.name(claim.ID)
			w.add("activity", by, map[string]any{"prov:type": qualified("ped:Statement"), "prov:label": claim.Kind})
			w.relate("wasInvalidatedBy", map[string]any{"prov:entity": name, "prov:activity": by})
		}
	}
}

// agent says whose word a node is. Nobody owns a thing for having named it first.
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
	case e.Kind == lineage.EdgeContains:
		w.relate("hadMember", map[string]any{"prov:collection": from, "prov:entity": to})
	case e.Kind == lineage.EdgeDerived && !fromActs && !toActs:
		w.relate("wasDerivedFrom", map[string]any{"prov:generatedEntity": to, "prov:usedEntity": from})
	case (e.Kind == lineage.EdgeInput || e.Kind == lineage.EdgeUsed || e.Kind == lineage.EdgeObserved) && !fromActs && toActs:
		w.relate("used", map[string]any{"prov:activity": to, "prov:entity": from, "prov:role": e.Kind})
	case (e.Kind == lineage.EdgeOutput || e.Kind == lineage.EdgeGenerated) && fromActs && !toActs:
		w.relate("wasGeneratedBy", map[string]any{"prov:entity": to, "prov:activity": from})
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
