package search

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Hit is one thing that a text may mean.
type Hit struct {
	// Exactly one of these is set. Node is a thing, an artifact version, a series of versions (kind/namespace/name) or
	// a record, Transaction is the id of a transaction, and Organisation is an MSP id.
	Node, Transaction, Organisation string
	// Kind is the node's kind as lineage answers name it, or "series" for all versions of an artifact.
	Kind string
	// Why says in a few words why it was found.
	Why string
}

// Limits of a search.
const (
	mostHits = 50
	mostLots = 20
)

// Answer is what a search found. Some is true if there may be more hits.
type Answer struct {
	Hits []Hit
	Some bool
}

// Ledger is what a search needs to know of the ledger. *index.Index implements it.
type Ledger interface {
	Snapshot(ctx context.Context, at uint64) (index.Snapshot, error)
	Find(ctx context.Context, node string, snap index.Snapshot) (index.Vertex, error)
	Record(ctx context.Context, id string, at uint64) (*index.Record, error)
	Transaction(ctx context.Context, txID string, at uint64) (*index.ProcessedTransaction, error)
	EventsByEventID(ctx context.Context, eventID string, at uint64) ([]index.Record, error)
	EventsByHash(ctx context.Context, hash string, at uint64) ([]index.Record, error)
	Artifacts(ctx context.Context, f index.ArtifactFilter, at uint64, page index.Page) (index.List[index.Artifact], error)
	LatestStatements(ctx context.Context, kind string, limit int) ([]index.Statement, error)
	Organisations(ctx context.Context) ([]index.Organisation, error)
	ThingsByNumber(ctx context.Context, number string, limit int) ([]string, bool, error)
	Things(ctx context.Context, class string, at uint64, page index.Page) (index.List[string], error)
}

// Search finds what a text may mean.
func Search(ctx context.Context, l Ledger, text string) (*Answer, error) {
	text = strings.TrimSpace(text)
	s := &search{ctx: ctx, ledger: l, text: text, answer: &Answer{}}
	if text == "" || len(text) > MaxText {
		return s.answer, nil
	}
	var err error
	if s.snap, err = l.Snapshot(ctx, index.Latest); err != nil {
		return nil, err
	}
	for _, look := range []func() error{s.things, s.hashes, s.eventIDs, s.artifacts, s.organisations, s.statements, s.lots} {
		if err := look(); err != nil && !errors.Is(err, index.ErrNotFound) {
			return nil, err
		}
	}
	return s.answer, nil
}

type search struct {
	ctx    context.Context
	ledger Ledger
	text   string
	snap   index.Snapshot
	answer *Answer
}

// hit adds a hit, unless the answer has it already or is full.
func (s *search) hit(h Hit) {
	same := func(o Hit) bool {
		return o.Node == h.Node && o.Transaction == h.Transaction && o.Organisation == h.Organisation
	}
	if len(s.answer.Hits) == mostHits {
		s.answer.Some = true
	} else if !slices.ContainsFunc(s.answer.Hits, same) {
		s.answer.Hits = append(s.answer.Hits, h)
	}
}

// things looks for things by any spelling of their names, and by any other URI that events name.
func (s *search) things() error {
	names := Things(s.text)
	if node, kind, err := record.ParseNode(s.text); err == nil && kind == record.NodeThing {
		names = append(names, node)
	}
	for _, name := range names {
		v, err := s.ledger.Find(s.ctx, name, s.snap)
		if err != nil {
			return err
		}
		if v.ID != 0 {
			s.hit(Hit{Node: v.Name, Kind: v.Kind.String(), Why: "by its code"})
		}
	}
	for _, name := range names {
		if len(s.answer.Hits) == 0 && epcis.Class(name) == name {
			if err := s.ofProduct(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// ofProduct lists the lots and items of a product that no event names by itself.
func (s *search) ofProduct(product string) error {
	list, err := s.ledger.Things(s.ctx, product, index.Latest, index.Page{Size: mostLots})
	for _, thing := range list.Items {
		s.hit(Hit{Node: thing, Kind: kindOf(thing), Why: "of this product"})
	}
	s.answer.Some = s.answer.Some || list.Next != ""
	return err
}

// kindOf is the kind of a lot or an item.
func kindOf(thing string) string {
	if epcis.IsLot(thing) {
		return "class"
	}
	return "thing"
}

// hashes looks for whatever a SHA-256 may name: a record, an event, an artifact's content or a transaction.
func (s *search) hashes() error {
	name := strings.ToLower(strings.TrimPrefix(s.text, "sha256:"))
	hash, isName := strings.CutPrefix(name, "ni:///sha-256;")
	hash, _, isEvent := strings.Cut(hash, "?")
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != 32 {
		return nil
	}
	if !isEvent {
		if r, err := s.ledger.Record(s.ctx, "ni:///sha-256;"+hash, index.Latest); err == nil {
			s.hit(Hit{Node: r.ID, Kind: string(r.Noun), Why: "by its record id"})
		} else if !errors.Is(err, index.ErrNotFound) {
			return err
		}
	}
	events, err := s.ledger.EventsByHash(s.ctx, "ni:///sha-256;"+hash+"?ver=CBV2.0", index.Latest)
	if err != nil && !errors.Is(err, index.ErrNotFound) {
		return err
	}
	for _, e := range events {
		s.hit(Hit{Node: e.ID, Kind: "event", Why: "by its event hash"})
	}
	if isName {
		return nil
	}
	list, err := s.ledger.Artifacts(s.ctx, index.ArtifactFilter{Digest: hash}, index.Latest, index.Page{Size: mostHits})
	if err != nil {
		return err
	}
	for _, a := range list.Items {
		s.hit(Hit{Node: a.Ref, Kind: "artifact", Why: "by the digest of its content"})
	}
	tx, err := s.ledger.Transaction(s.ctx, hash, index.Latest)
	if err == nil {
		s.hit(Hit{Transaction: tx.TxID, Why: "by its id"})
	}
	return err
}

func (s *search) eventIDs() error {
	events, err := s.ledger.EventsByEventID(s.ctx, s.text, index.Latest)
	for _, e := range events {
		s.hit(Hit{Node: e.ID, Kind: "event", Why: "by its event id"})
	}
	return err
}

// artifacts looks for artifact versions by the full name, by the name without the version, or by a single part of it.
func (s *search) artifacts() error {
	series, version, _ := strings.Cut(s.text, "@")
	parts := strings.Split(series, "/")
	var filters []index.ArtifactFilter
	switch len(parts) {
	case 3:
		filters = append(filters, index.ArtifactFilter{Kind: parts[0], Namespace: parts[1], Name: parts[2], Version: version})
	case 2:
		filters = append(
			filters,
			index.ArtifactFilter{Namespace: parts[0], Name: parts[1], Version: version},
			index.ArtifactFilter{Kind: parts[0], Namespace: parts[1], Version: version},
		)
	case 1:
		filters = append(filters, index.ArtifactFilter{Name: parts[0], Version: version})
		if version == "" {
			filters = append(filters, index.ArtifactFilter{Namespace: parts[0]})
		}
	}
	for _, f := range filters {
		if slices.Contains(parts, "") {
			return nil
		}
		list, err := s.ledger.Artifacts(s.ctx, f, index.Latest, index.Page{Size: mostHits + 1})
		if err != nil {
			return err
		}
		s.answer.Some = s.answer.Some || list.Next != ""
		for _, a := range list.Items {
			if version != "" {
				s.hit(Hit{Node: a.Ref, Kind: "artifact", Why: "by its name and version"})
			} else {
				s.hit(Hit{Node: strings.TrimSuffix(a.Ref, "@"+a.Version), Kind: "series", Why: "by its name"})
			}
		}
	}
	return nil
}

func (s *search) organisations() error {
	all, err := s.ledger.Organisations(s.ctx)
	for _, o := range all {
		if strings.EqualFold(o.MSPID, s.text) || strings.EqualFold(o.Name, s.text) {
			s.hit(Hit{Organisation: o.MSPID, Why: "by its name"})
		}
	}
	return err
}

// statements lists the newest statements of a kind, if the text is the name of a kind such as "recalls".
func (s *search) statements() error {
	kind := strings.ToLower(strings.TrimSuffix(s.text, "s"))
	list, err := s.ledger.LatestStatements(s.ctx, kind, mostHits)
	for _, st := range list {
		s.hit(Hit{Node: st.ID, Kind: "statement", Why: "of this kind"})
	}
	return err
}

// lots looks for lots and items by their numbers alone. It does so only if nothing else was found.
func (s *search) lots() error {
	if len(s.answer.Hits) > 0 {
		return nil
	}
	number := strings.TrimSpace(labelled.ReplaceAllString(s.text, " "))
	if number == "" || strings.ContainsAny(number, " /") {
		return nil
	}
	things, some, err := s.ledger.ThingsByNumber(s.ctx, number, mostLots)
	for _, thing := range things {
		s.hit(Hit{Node: thing, Kind: kindOf(thing), Why: "by its number"})
	}
	s.answer.Some = s.answer.Some || some
	return err
}
