package openlineage

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// event writes a supply-chain event as a run. Events that belong to one transformation are one run, which the last of
// them completes.
func (x *exporter) event(n *lineage.Node) error {
	id, err := x.runOf(n)
	if err != nil {
		return err
	}
	run := canonical.Obj(member("runId", canonical.Str(id)))
	name := n.BizStep[strings.LastIndexAny(n.BizStep, "-:/")+1:]
	if name == "" {
		name = n.Type
	}
	job := canonical.Obj(member("namespace", canonical.Str("pedigree/"+n.MSPID)), member("name", canonical.Str(name)))
	var inputs, outputs []canonical.Value
	add := func(list *[]canonical.Value, node string) {
		if d, err2 := x.dataset(node, canonical.Value{}, "", ""); err2 != nil {
			err = err2
		} else if !slices.ContainsFunc(*list, d.Equal) {
			*list = append(*list, d)
		}
	}
	for _, e := range x.into[n.ID] {
		if e.Kind == lineage.EdgeInput || e.Kind == lineage.EdgeObserved {
			add(&inputs, e.From)
		}
	}
	for _, e := range x.from[n.ID] {
		switch e.Kind {
		case lineage.EdgeOutput:
			add(&outputs, e.To)
		case lineage.EdgeDerived, lineage.EdgeUsed:
			add(&outputs, n.ID) // what the event says is a dataset, and something was made of it
		}
	}
	if err != nil {
		return err
	}
	said := canonical.Obj()
	for _, m := range []canonical.Member{
		member("type", canonical.Str(n.Type)), member("action", canonical.Str(n.Action)),
		member("bizStep", canonical.Str(n.BizStep)), member("disposition", canonical.Str(n.Disposition)),
		member("readPoint", canonical.Str(n.ReadPoint)), member("bizLocation", canonical.Str(n.BizLocation)),
		member("eventID", canonical.Str(n.EventID)),
	} {
		if m.Value.Text != "" {
			said = said.With(m.Name, m.Value)
		}
	}
	facets := canonical.Obj(member("pedigree_event", facet("PedigreeEventFacet", said.Members...)),
		member("pedigree_ledger", ledgerOf(x.g.Channel, n.MSPID, n.ID, n.Transaction, n.Block, "", n.Flags)))
	at := happened(n)
	if !x.begun[id] {
		x.begun[id] = true
		if err := x.line("RunEvent", at, member("eventType", canonical.Str("START")), member("run", run),
			member("job", job)); err != nil {
			return err
		}
	}
	end := "COMPLETE"
	if x.continued[n.ID] {
		end = "RUNNING"
	}
	return x.line(
		"RunEvent",
		at,
		member("eventType", canonical.Str(end)),
		member("run", run.With("facets", facets)),
		member("job", job),
		member("inputs", canonical.Arr(inputs...)),
		member("outputs", canonical.Arr(outputs...)),
	)
}

// continues tells whether an event is one of several of a transformation in this graph.
func (x *exporter) continues(n *lineage.Node) bool {
	is := func(e lineage.Edge) bool { return e.Kind == lineage.EdgeContinues }
	return n.Kind == "event" && (slices.ContainsFunc(x.into[n.ID], is) || slices.ContainsFunc(x.from[n.ID], is))
}

// runOf is the id of the run that an event is, or is part of.
func (x *exporter) runOf(n *lineage.Node) (string, error) {
	if n.Type != "TransformationEvent" {
		return runID(n.ID), nil
	}
	_, r, err := x.g.Record(x.ctx, n.ID)
	if err != nil {
		return "", err
	}
	if id := r.Event.Event.TransformationID; id != "" {
		return runID("transformation " + id), nil
	}
	return runID(n.ID), nil
}

// lastOfRuns finds the events after which others of the same run come, in the order in which they are written.
func (x *exporter) lastOfRuns(order []*lineage.Node) map[string]bool {
	group := map[string]string{} // event to the first one of its transformation that was met
	var visit func(id, first string)
	visit = func(id, first string) {
		if _, met := group[id]; met {
			return
		}
		group[id] = first
		for _, e := range x.into[id] {
			if e.Kind == lineage.EdgeContinues {
				visit(e.From, first)
			}
		}
		for _, e := range x.from[id] {
			if e.Kind == lineage.EdgeContinues {
				visit(e.To, first)
			}
		}
	}
	continued, last := map[string]bool{}, map[string]string{}
	for _, n := range order {
		if !x.continues(n) {
			continue
		}
		visit(n.ID, n.ID)
		if before := last[group[n.ID]]; before != "" {
			continued[before] = true
		}
		last[group[n.ID]] = n.ID
	}
	return continued
}
