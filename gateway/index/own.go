package index

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// RecordedBy tells which of some records an organisation has recorded itself,
// first or after others, and where it did so for the first time. Ids that are
// none, and records that only others have recorded, are left out. It asks for
// some hundred records at a time, of the newest block.
func (ix *Index) RecordedBy(ctx context.Context, mspID string, ids []string) (map[string]Recording, error) {
	asked := make(map[[32]byte]string, len(ids))
	hashes := make([]uint64, 0, len(ids))
	for _, id := range ids {
		if digest, ok := digestOf(id); ok && asked[digest] == "" {
			asked[digest] = id
			hashes = append(hashes, recordName(digest, 0).hash)
		}
	}
	names := map[int64]string{}
	candidates, err := ix.candidates(ctx, hashes)
	if err != nil {
		return nil, fmt.Errorf("couldn't look up records: %w", err)
	}
	err = ix.batches(ctx, `SELECT id, digest FROM node WHERE id IN `, candidates, " AND digest IS NOT NULL", nil, func(rows *sql.Rows) error {
		var node int64
		var digest []byte
		if err := rows.Scan(&node, &digest); err != nil {
			return err
		}
		// Others may share the hash, and only records have a digest.
		if len(digest) == 32 && asked[[32]byte(digest)] != "" {
			names[node] = asked[[32]byte(digest)]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't look up records: %w", err)
	}
	nodes := make([]int64, 0, len(names))
	for node := range names {
		nodes = append(nodes, node)
	}
	own, err := ix.ownRecordings(ctx, mspID, nodes)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Recording, len(own))
	for node, r := range own {
		found[names[node]] = r
	}
	return found, nil
}

// ownRecordings finds an organisation's first recordings of records, by the ids of their nodes.
func (ix *Index) ownRecordings(ctx context.Context, mspID string, nodes []int64) (map[int64]Recording, error) {
	places := make(map[int64]location, len(nodes))
	txs := make([]int64, 0, len(nodes))
	// Where there are several, the first row of a record counts.
	note := func(rows *sql.Rows) error {
		var l location
		if err := rows.Scan(&l.id, &l.tx, &l.line); err != nil {
			return err
		}
		if _, ok := places[l.id]; !ok {
			places[l.id], txs = l, append(txs, l.tx)
		}
		return nil
	}
	const by = ` AND EXISTS (SELECT 1 FROM tx t JOIN creator c ON c.id = t.creator WHERE t.id = `
	err := ix.batches(ctx, `SELECT n.id, n.tx, n.line FROM node n WHERE n.id IN `, nodes, by+`n.tx AND c.msp = ?)`, []any{mspID}, note)
	if err == nil {
		rest := slices.DeleteFunc(slices.Clone(nodes), func(node int64) bool { _, ok := places[node]; return ok })
		err = ix.batches(ctx, `SELECT a.record, a.tx, a.line FROM again a WHERE a.record IN `, rest, by+`a.tx AND c.msp = ?) ORDER BY a.id`, []any{mspID}, note)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the recordings of %s: %w", mspID, err)
	}
	found, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	own := make(map[int64]Recording, len(places))
	for node, l := range places {
		r := found[l.tx]
		r.Line = int(l.line)
		own[node] = r
	}
	return own, nil
}

// OwnEvent is an event that an organisation has recorded, first or after others.
type OwnEvent struct {
	ID            string    // of the record
	EventID, Hash string    // as recorded; the hash is the CBV 2.0 event hash id
	Declaration   bool      // whether it says that an earlier event with this eventID was wrong
	DeclaredAt    time.Time // its declarationTime, to the microsecond
	Recording               // the organisation's own first one

	node int64
}

// EventIDs finds, by eventID, the events that an organisation has recorded itself,
// in ledger order. An event that was sent without an eventID has its hash for
// one. Events that only others have recorded are left out, so that nobody can
// take an id from somebody else. It asks for some hundred ids at a time, of the
// newest block.
func (ix *Index) EventIDs(ctx context.Context, mspID string, eventIDs []string) (map[string][]OwnEvent, error) {
	asked := make(map[string]bool, len(eventIDs))
	var hashes []uint64
	for _, id := range eventIDs {
		if id == "" || asked[id] {
			continue
		}
		asked[id] = true
		hashes = append(hashes, hashEvent(id))
	}
	var events []OwnEvent
	note := func(rows *sql.Rows) error {
		var e OwnEvent
		var digest []byte
		var declared sql.NullInt64
		var hash, eventID sql.RawBytes
		if err := rows.Scan(&e.node, &digest, &eventID, &hash, &declared); err != nil {
			return err
		}
		e.Hash, e.EventID = unpackHash(hash), string(eventID)
		if eventID == nil {
			e.EventID = e.Hash
		}
		if asked[e.EventID] { // others may share the hash
			e.ID, e.Declaration, e.DeclaredAt = recordID(digest), declared.Valid, fromMicros(declared.Int64)
			events = append(events, e)
		}
		return nil
	}
	candidates, err := ix.candidates(ctx, hashes)
	if err == nil {
		err = ix.batches(ctx, ownEvents, candidates, ofOwn, []any{mspID, mspID}, note)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the event ids of %s: %w", mspID, err)
	}
	nodes := make([]int64, len(events))
	for i, e := range events {
		nodes[i] = e.node
	}
	own, err := ix.ownRecordings(ctx, mspID, nodes)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(events, func(a, b OwnEvent) int { return cmp.Compare(a.node, b.node) })
	found := map[string][]OwnEvent{}
	for _, e := range events {
		e.Recording = own[e.node]
		found[e.EventID] = append(found[e.EventID], e)
	}
	return found, nil
}

// ownEvents and ofOwn stand before and after a list of ids. The organisation is a filter of the
// query's, because anybody may have recorded any number of events with an id.
const (
	ownEvents = `SELECT e.id, e.digest, e.eventid, e.hash, d.time FROM node e LEFT JOIN declaration d ON d.event = e.id WHERE e.id IN `
	ofOwn     = ` AND e.kind = 1 AND (EXISTS (SELECT 1 FROM tx t JOIN creator c ON c.id = t.creator WHERE t.id = e.tx AND c.msp = ?)
		OR EXISTS (SELECT 1 FROM again a JOIN tx t ON t.id = a.tx JOIN creator c ON c.id = t.creator WHERE a.record = e.id AND c.msp = ?))`
)
