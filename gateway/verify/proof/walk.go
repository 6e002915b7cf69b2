package proof

import (
	"context"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Walk is what somebody with an index found on the way of a [Trace], as far as it matters for which records prove it.
type Walk struct {
	Nodes []WalkedNode
	// Through are the ids of the records by which the walk went on from one node to the next.
	Through []string
}

// WalkedNode is a node that a walk came to.
type WalkedNode struct {
	// Node is a record's id, an artifact version or a thing.
	Node string
	// Missing tells that the ledger has no record of the node.
	Missing bool
	// Errors are the ids of the events that declare the node, an event, an error.
	Errors []string
	// Claims are the ids of the statements about the node.
	Claims []string
}

// Ledger tells what a walk doesn't.
type Ledger interface {
	// ArtifactRecord is the id of the record that registers an artifact version.
	ArtifactRecord(ctx context.Context, ref string) (string, error)
	// ClaimsAbout are the ids of the statements about a statement.
	ClaimsAbout(ctx context.Context, statement string) ([]string, error)
}

// Records lists the records that prove a trace whose walk was this one, each once: those of the nodes, those by which
// the walk went on, and those that say something of either, such as recalls, declarations of errors, and statements
// that retract one of these. The verifier accepts these and no others, see [Trace]; so a change here is a change there.
func (w *Walk) Records(ctx context.Context, ledger Ledger) ([]record.ID, error) {
	seen := map[string]bool{}
	var ids []record.ID
	add := func(id string) {
		if _, err := record.ParseID(id); err == nil && !seen[id] {
			seen[id] = true
			ids = append(ids, record.ID(id))
		}
	}
	for _, n := range w.Nodes {
		if _, err := record.ParseArtifactRef(n.Node); err == nil && !n.Missing {
			id, err := ledger.ArtifactRecord(ctx, n.Node)
			if err != nil {
				return nil, err
			}
			add(id)
		} else if !n.Missing {
			add(n.Node)
		}
		for _, id := range n.Errors {
			add(id)
		}
		claims := slices.Clone(n.Claims)
		for next := 0; next < len(claims); next++ { // statements can be about statements: a retraction makes another
			id := claims[next]
			if seen[id] {
				continue
			}
			add(id)
			more, err := ledger.ClaimsAbout(ctx, id)
			if err != nil {
				return nil, err
			}
			claims = append(claims, more...)
		}
	}
	for _, id := range w.Through {
		add(id)
	}
	return ids, nil
}
