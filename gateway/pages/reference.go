package pages

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
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

// Limits of looking for what several nodes of one page come from. What is beyond them is marked as not looked at.
const (
	behindNodes = 500
	behindAll   = 400 * time.Millisecond // for all of them together
)

// Flags of nodes in lists, beside those of statements and events.
const (
	flagAffected = "affected"        // something that it comes from is recalled or withdrawn
	flagUnlooked = "not-looked-into" // not all that it comes from was looked at
)

// behind flags the references to things and artifact versions that come from something recalled or withdrawn.
func (p *Pages) behind(ctx context.Context, list []web.Reference) {
	end := time.Now().Add(behindAll)
	for i := range list {
		list[i].Flags = append(slices.Clone(list[i].Flags), p.flagsBehind(ctx, list[i].Node, time.Until(end))...)
	}
}

// flagsBehind are the flags of what a thing or an artifact version comes from.
func (p *Pages) flagsBehind(ctx context.Context, node string, budget time.Duration) []string {
	if strings.HasPrefix(node, "ni:///") {
		return nil
	}
	w, err := lineage.WarningsOf(ctx, p.Index, []string{node}, lineage.Query{
		At: index.Latest, Nodes: behindNodes, Budget: max(budget, time.Nanosecond),
	})
	switch {
	case err != nil:
		p.Logger.Warn("couldn't look for recalls of what something comes from", "node", node, "error", err)
		return []string{flagUnlooked}
	case len(w.Behind) > 0:
		return []string{flagAffected}
	case w.Cut:
		return []string{flagUnlooked}
	}
	return nil
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
