package witness

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Finder finds witnesses. It is safe for concurrent use.
type Finder struct {
	Index *index.Index
	// Patience is how long it waits for blocks that may have what is missing.
	Patience time.Duration
}

// Find returns the places of the things and records that an organisation's records refer to, as the queue wants them.
// Artifact versions need none, and neither does what is among the records themselves. Something that is unknown is an
// error of type *record.Rejection: an early courtesy, since the chaincode decides.
func (f *Finder) Find(ctx context.Context, mspID string, records []*record.Record) ([]byte, error) {
	here := map[string]bool{}
	for _, r := range records {
		here[string(r.ID)] = true
		if r.Artifact != nil {
			here[r.Artifact.ArtifactRef.String()] = true
		}
	}
	places := map[string]record.Place{}
	var unknown []record.Problem
	for i, r := range records {
		for _, ref := range r.References() {
			if here[ref.Node] || places[ref.Node] != (record.Place{}) {
				continue
			}
			var place record.Place
			var known bool
			var err error
			f.Index.Await(ctx, f.Patience, func() bool {
				place, known, err = f.witnessFor(ctx, r, ref.Node, mspID)
				return known || err != nil || len(unknown) > 0 // one wait is enough for all
			})
			if err != nil {
				return nil, err
			}
			if !known {
				unknown = append(unknown, record.Problem{Index: i, Code: "unknown_reference", Pointer: ref.Pointer,
					Detail: fmt.Sprintf(
						"%s is not on the ledger, as far as this gateway knows; record it first",
						record.Brief(ref.Node),
					)})
				continue
			}
			if place != (record.Place{}) {
				places[ref.Node] = place
			}
		}
	}
	if len(unknown) > 0 {
		return nil, record.Reject(unknown)
	}
	if circles, err := f.circles(ctx, records, here); err != nil || len(circles) > 0 {
		if err == nil {
			err = record.Reject(circles)
		}
		return nil, err
	}
	if len(places) == 0 {
		return nil, nil
	}
	return json.Marshal(places)
}

// circles finds runs that generate what their own inputs were made of. What is registered together with its run can't
// be of that kind: nothing was made of it yet.
func (f *Finder) circles(
	ctx context.Context,
	records []*record.Record,
	here map[string]bool,
) ([]record.Problem, error) {
	var problems []record.Problem
	for i, r := range records {
		if r.Activity == nil {
			continue
		}
		for j, g := range r.Activity.Generated {
			if here[g.Ref] {
				continue
			}
			way, err := lineage.Circle(ctx, f.Index, g.Ref, r.Activity.Sources(g))
			if err != nil {
				return nil, err
			}
			if way != nil {
				problems = append(
					problems,
					record.Problem{Index: i, Code: "circular_lineage", Pointer: canonical.Pointer("generated", j, "ref"),
						Existing: way[len(way)-1],
						Detail: fmt.Sprintf(
							"%s can't be made of %s, which was made of it: %s",
							g.Ref,
							way[len(way)-1],
							strings.Join(way, " → "),
						)},
				)
			}
		}
	}
	return problems, nil
}

// witnessFor finds a witness for what a record refers to. A statement about a thing that only those may make who answer
// for it needs an event in which the organisation made or received the thing, if there is one.
func (f *Finder) witnessFor(ctx context.Context, r *record.Record, node, mspID string) (record.Place, bool, error) {
	if _, kind, err := record.ParseNode(node); err == nil && kind == record.NodeThing && r.Statement != nil {
		if k, _ := record.StatementKindOf(r.Statement.Kind); k.By == record.ByAnswerable {
			event, at, found, err := f.Index.DeedOf(ctx, node, mspID)
			if err != nil || found {
				return record.Place{ID: record.ID(event), Tx: at.TxID}, found, err
			}
		}
	}
	return f.witness(ctx, node, witnessOf(r, mspID))
}

// witnessOf says whose recordings to show: the caller's own, where there are any, because many statements are only for
// those who answer for their subject. An approval is not for those, so the first recording is what counts there.
func witnessOf(r *record.Record, mspID string) string {
	if r.Statement != nil && r.Statement.Kind == record.Approval {
		return ""
	}
	return mspID
}
