package pages

import (
	"context"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/web"
)

// refer names nodes for people, with their flags. Records that can't be read keep their hashes.
func (p *Pages) refer(ctx context.Context, nodes []string) []web.Reference {
	flags, err := p.Index.Flags(ctx, nodes, index.Latest)
	if err != nil {
		p.Logger.Warn("couldn't read what statements say of nodes", "error", err)
	}
	list := make([]web.Reference, len(nodes))
	for i, node := range nodes {
		list[i] = web.Reference{Node: node, Text: web.Brief(node), Kind: web.NodeKind(node), Flags: flags[node]}
		if !strings.HasPrefix(node, "ni:///") {
			continue
		}
		r, err := p.Index.Record(ctx, node, index.Latest)
		if err != nil {
			continue // it is named, and may be yet to come
		}
		if text, kind := recordWords(r); text != "" {
			list[i].Text, list[i].Kind = text, kind
		}
	}
	return list
}

// recordWords says what a record is, so that it can be told from others of its kind.
func recordWords(r *index.Record) (string, web.Kind) {
	kind := web.KindOf(string(r.Noun), "")
	rec, problems := record.Decode(r.Body)
	if len(problems) > 0 {
		return "", kind
	}
	switch {
	case rec.Event != nil:
		did, _ := eventWords(rec.Event.Event)
		return did + ", " + rec.Event.Event.EventTime.UTC().Format("2 Jan 15:04"), kind
	case rec.Artifact != nil:
		ref := rec.Artifact.String()
		return ref, web.KindOf("artifact", ref)
	case rec.Activity != nil:
		return rec.Activity.Type + ", " + r.Time.Format("2 Jan 15:04"), kind
	case rec.Statement != nil:
		return rec.Statement.Kind + ", " + r.Time.Format("2 Jan 15:04"), kind
	}
	return "", kind
}
