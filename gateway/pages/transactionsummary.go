package pages

import (
	"context"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/web"
)

// mostNodes is how many nodes are shown of one record.
const mostNodes = 2

// summarizeTransaction says what a transaction recorded.
func (p *Pages) summarizeTransaction(ctx context.Context, t index.TransactionSummary) web.TransactionSummary {
	out := web.TransactionSummary{By: t.MSPID, Tx: t.TxID, Block: t.Block, At: t.Time}
	total := 0
	for _, n := range t.NewRecords {
		total += n
	}
	shown := 0
	var last []string // nodes of the record before
	for _, r := range t.Records {
		d, nodes := summaryOf(r)
		if n := len(out.Records); n > 0 && out.Records[n-1].Did == d.Did && slices.Equal(last, nodes) &&
			out.Records[n-1].Note == d.Note {
			out.Records[n-1].Times++
		} else if n == mostDeeds {
			break
		} else {
			d.Nodes, last = p.refer(ctx, nodes), nodes
			out.Records = append(out.Records, d)
		}
		shown++
	}
	out.More = total - shown
	return out
}

// summary says in a few words what a record says, and names its nodes with their flags.
func (p *Pages) summary(ctx context.Context, r index.Record) web.RecordSummary {
	d, nodes := summaryOf(r)
	d.Nodes = p.refer(ctx, nodes)
	return d
}

// summaryOf says in a few words what a record says, and of which nodes; it names at most mostNodes of them.
func summaryOf(r index.Record) (d web.RecordSummary, nodes []string) {
	d = web.RecordSummary{
		ID:    r.ID,
		Times: 1,
		Kind:  web.KindOf(string(r.Noun), ""),
		Did:   "recorded something that this version can't read",
	}
	rec, problems := record.Decode(r.Body)
	if len(problems) > 0 {
		return d, nil
	}
	switch {
	case rec.Event != nil:
		d.Did, nodes = eventWords(rec.Event.Event)
	case rec.Artifact != nil:
		ref := rec.Artifact.String()
		d.Kind, d.Did, nodes, d.Note = web.KindOf("artifact", ref), "registered", []string{ref}, rec.Artifact.Description
	case rec.Activity != nil:
		d.Did, d.Note = rec.Activity.Type, rec.Activity.Description
		for _, o := range rec.Activity.Generated {
			nodes = append(nodes, o.Ref)
		}
		if len(nodes) == 0 {
			nodes = rec.Activity.About
		}
	case rec.Statement != nil:
		d.Did = rec.Statement.Kind
		for _, s := range rec.Statement.Subjects {
			nodes = append(nodes, s.Node)
		}
		for _, name := range []string{"reason", "detail", "scope", "action", "title"} {
			if d.Note == "" {
				d.Note = rec.Statement.Predicate.Get(name).Text
			}
		}
	case rec.Member != nil:
		d.Did, d.Note = "introduced itself", rec.Member.Name
	}
	nodes, d.More = shorten(nodes, mostNodes)
	return d, nodes
}

// eventWords says what happened, and to what: the parent of a packing, the outputs of a transformation, else all things
// named.
func eventWords(e *epcis.Event) (did string, things []string) {
	if e.ErrorDeclaration != nil {
		did = "declared an error: "
	}
	step := lastWord(e.BizStep)
	if step == "" {
		step = strings.ToLower(strings.TrimSuffix(e.Type, "Event"))
	}
	if e.Action == "DELETE" && e.Type == "AggregationEvent" && step == "packing" {
		step = "unpacking"
	}
	var all, main []string
	for _, m := range e.Mentions {
		if slices.Contains(all, m.URI) {
			continue
		}
		all = append(all, m.URI)
		if m.Field == "parentID" || strings.HasPrefix(m.Field, "output") {
			main = append(main, m.URI)
		}
	}
	if len(main) > 0 {
		all = main
	}
	return did + step, all
}
