package index

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// RecordedBy finds which of some records an organisation has recorded itself, first or after others, with its own
// first recording. It leaves out texts that are no record ids, and records that only others have recorded. It is about
// the newest block, and meant for some hundred records at a time.
func (ix *Index) RecordedBy(ctx context.Context, mspID string, ids []string) (map[string]Recording, error) {
	asked := make(map[[32]byte]string, len(ids))
	hashes := make([]uint64, 0, len(ids))
	for _, id := range ids {
		if digest, ok := projection.ParseRecordID(id); ok && asked[digest] == "" {
			asked[digest] = id
			hashes = append(hashes, projection.RecordHash(digest))
		}
	}
	names := map[int64]string{}
	candidates, err := ix.candidates(ctx, hashes)
	if err != nil {
		return nil, fmt.Errorf("couldn't look up records: %w", err)
	}
	const query, records = `SELECT id, digest FROM node WHERE id IN `, ` AND digest IS NOT NULL`
	err = ix.batches(ctx, query, candidates, records, nil, func(rows *sql.Rows) error {
		var node int64
		var digest []byte
		if err := rows.Scan(&node, &digest); err != nil {
			return err
		}
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
	recordings, err := ix.recordingsBy(ctx, mspID, nodes)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Recording, len(recordings))
	for node, r := range recordings {
		found[names[node]] = r
	}
	return found, nil
}

// recordingsBy finds an organisation's first recordings of records, by the ids of their nodes.
func (ix *Index) recordingsBy(ctx context.Context, mspID string, nodes []int64) (map[int64]Recording, error) {
	places := make(map[int64]location, len(nodes))
	txs := make([]int64, 0, len(nodes))
	add := func(rows *sql.Rows) error {
		var l location
		if err := rows.Scan(&l.id, &l.tx, &l.line); err != nil {
			return err
		}
		if _, ok := places[l.id]; !ok { // a later row is a later recording
			places[l.id], txs = l, append(txs, l.tx)
		}
		return nil
	}
	const creator = ` AND EXISTS (SELECT 1 FROM tx t JOIN creator c ON c.id = t.creator WHERE t.id = `
	const first, again = `SELECT n.id, n.tx, n.line FROM node n WHERE n.id IN `,
		`SELECT a.record, a.tx, a.line FROM again a WHERE a.record IN `
	err := ix.batches(ctx, first, nodes, creator+`n.tx AND c.msp = ?)`, []any{mspID}, add)
	if err == nil {
		rest := slices.DeleteFunc(slices.Clone(nodes), func(node int64) bool { _, ok := places[node]; return ok })
		err = ix.batches(ctx, again, rest, creator+`a.tx AND c.msp = ?) ORDER BY a.id`, []any{mspID}, add)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the recordings of %s: %w", mspID, err)
	}
	found, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	all := make(map[int64]Recording, len(places))
	for node, l := range places {
		r := found[l.tx]
		r.Line = int(l.line)
		all[node] = r
	}
	return all, nil
}

// RecordedEvent is an event with an organisation's own first recording of it.
type RecordedEvent struct {
	ID            string    // of the record
	EventID, Hash string    // as recorded; the hash is the CBV 2.0 event hash
	Declaration   bool      // whether it says that an earlier event with this eventID was wrong
	DeclaredAt    time.Time // its declarationTime, to the microsecond
	Recording

	node int64
}

// EventsRecordedBy finds, by eventID and by CBV event hash, the events that an organisation has recorded itself, in
// ledger order. An event is listed under each of its two names that was asked for. The eventID of an event that came
// without one is its hash. Events that only others have recorded are left out, so that nobody can take an id from
// somebody else. It is about the newest block, and meant for some hundred names at a time.
func (ix *Index) EventsRecordedBy(
	ctx context.Context, mspID string, names []string,
) (map[string][]RecordedEvent, error) {
	asked := make(map[string]bool, len(names))
	var hashes []uint64
	for _, id := range names {
		if id == "" || asked[id] {
			continue
		}
		asked[id] = true
		hashes = append(hashes, projection.EventHash(id))
	}
	var events []RecordedEvent
	add := func(rows *sql.Rows) error {
		var e RecordedEvent
		var digest []byte
		var declared sql.NullInt64
		var hash, eventID sql.RawBytes
		if err := rows.Scan(&e.node, &digest, &eventID, &hash, &declared); err != nil {
			return err
		}
		e.Hash, e.EventID = projection.UnpackEventHash(hash), string(eventID)
		if eventID == nil {
			e.EventID = e.Hash
		}
		if asked[e.EventID] || asked[e.Hash] { // others only share the hash by which ids are found
			e.ID, e.Declaration, e.DeclaredAt = projection.RecordID(digest), declared.Valid, fromMicros(declared.Int64)
			events = append(events, e)
		}
		return nil
	}
	candidates, err := ix.candidates(ctx, hashes)
	if err == nil {
		// The query itself chooses by organisation, because others may have recorded any number of events with an id.
		const query = `SELECT e.id, e.digest, e.eventid, e.hash, d.time
			FROM node e LEFT JOIN declaration d ON d.event = e.id WHERE e.id IN `
		const recorded = ` AND e.kind = 1 AND (
			EXISTS (SELECT 1 FROM tx t JOIN creator c ON c.id = t.creator WHERE t.id = e.tx AND c.msp = ?)
			OR EXISTS (SELECT 1 FROM again a JOIN tx t ON t.id = a.tx JOIN creator c ON c.id = t.creator
				WHERE a.record = e.id AND c.msp = ?))`
		err = ix.batches(ctx, query, candidates, recorded, []any{mspID, mspID}, add)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the event ids of %s: %w", mspID, err)
	}
	nodes := make([]int64, len(events))
	for i, e := range events {
		nodes[i] = e.node
	}
	recordings, err := ix.recordingsBy(ctx, mspID, nodes)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(events, func(a, b RecordedEvent) int { return cmp.Compare(a.node, b.node) })
	found := map[string][]RecordedEvent{}
	for _, e := range events {
		e.Recording = recordings[e.node]
		if asked[e.EventID] {
			found[e.EventID] = append(found[e.EventID], e)
		}
		if e.Hash != e.EventID && asked[e.Hash] {
			found[e.Hash] = append(found[e.Hash], e)
		}
	}
	return found, nil
}

// FirstRecordedBy lists the events, activities and artifact versions that an organisation was the first to record: at
// most so many, the newest first. more says that there are others. Statements are left out, because a statement
// neither makes nor changes what it is about.
func (ix *Index) FirstRecordedBy(
	ctx context.Context, mspID string, snap Snapshot, most int,
) (list []Vertex, more bool, err error) {
	var ids, artifacts []int64
	kinds := map[int64]Kind{}
	// A transaction's ids are consecutive, so its nodes are found without an index of nodes by transaction.
	const query = `SELECT n.id, n.kind FROM tx t CROSS JOIN creator c CROSS JOIN node n
		WHERE c.id = t.creator AND c.msp = ? AND n.id > t.before
		AND n.id <= COALESCE((SELECT x.before FROM tx x WHERE x.id = t.id + 1), ?) AND n.id <= ?
		AND n.kind IN (?, ?, ?) ORDER BY t.id DESC, n.id DESC LIMIT ?`
	args := []any{mspID, snap.Last, snap.Last, KindEvent, KindArtifactRecord, KindActivity, most + 1}
	err = ix.each(ctx, query, args, func(rows *sql.Rows) error {
		var id int64
		var kind Kind
		if err := rows.Scan(&id, &kind); err != nil {
			return err
		}
		ids, kinds[id] = append(ids, id), kind
		if kind == KindArtifactRecord {
			artifacts = append(artifacts, id)
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("couldn't list what %s recorded: %w", mspID, err)
	}
	versions := map[int64]int64{}
	const described = `SELECT record, node FROM artifact WHERE record IN `
	err = ix.batches(ctx, described, artifacts, "", nil, func(rows *sql.Rows) error {
		var record, node int64
		if err := rows.Scan(&record, &node); err != nil {
			return err
		}
		versions[record] = node
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("couldn't list what %s recorded: %w", mspID, err)
	}
	if more = len(ids) > most; more {
		ids = ids[:most]
	}
	seen := map[int64]bool{}
	for _, id := range ids {
		v := Vertex{ID: id, Kind: kinds[id]}
		if v.Kind == KindArtifactRecord {
			v = Vertex{ID: versions[id], Kind: KindArtifact}
		}
		if !seen[v.ID] {
			seen[v.ID] = true
			list = append(list, v)
		}
	}
	return list, more, nil
}
