package index

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// ErrNotFound says that the index has no such thing, as of the block asked for.
var ErrNotFound = errors.New("not in the index")

// Recording says who put a record on the ledger, and where it is there.
type Recording struct {
	MSPID    string `json:"mspId"`
	Subject  string `json:"subject"` // of the submitter's certificate
	TxID     string `json:"transaction"`
	Block    uint64 `json:"block"`
	Position int    `json:"position"` // of the transaction in the block, from 0
	Line     int    `json:"line"`     // in the transaction's pack, from 0
	// Time is the transaction's. The submitter claims it, and peers refuse one that is more than a quarter of an hour
	// from their own clocks.
	Time time.Time `json:"time"`
}

// Record is a record with its first recording.
type Record struct {
	ID   string      `json:"id"`
	Noun record.Noun `json:"noun"` // empty if this version can't read the record
	Recording
	Body []byte `json:"-"` // canonical JSON, as committed

	seq int64
}

// location is where a record's bytes and its transaction are.
type location struct {
	id             int64
	kind           Kind
	digest         []byte
	tx, pack, line int64
}

const locationColumns = `n.id, n.Kind, n.digest, n.tx, n.pack, n.line`

func (l *location) fields() []any {
	return []any{&l.id, &l.kind, &l.digest, &l.tx, &l.pack, &l.line}
}

// Record finds a record by its id. The error is ErrNotFound if there is none as of the block.
func (ix *Index) Record(ctx context.Context, id string, at uint64) (*Record, error) {
	l, err := ix.locate(ctx, id, at)
	if err != nil {
		return nil, err
	}
	return ix.fetch(ctx, l)
}

func (ix *Index) locate(ctx context.Context, id string, at uint64) (location, error) {
	var l location
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return l, err
	}
	digest, ok := projection.ParseRecordID(id)
	if !ok {
		return l, fmt.Errorf("%q: %w", record.Brief(id), ErrNotFound)
	}
	ids, err := ix.candidates(ctx, []uint64{projection.RecordHash(digest)})
	if err != nil {
		return l, fmt.Errorf("couldn't look up record %s: %w", id, err)
	}
	for _, candidate := range ids {
		err = ix.row(ctx, `SELECT `+locationColumns+` FROM node n WHERE n.id = ? AND n.digest = ? AND n.id <= ?`,
			candidate, digest[:], snap.Last).Scan(l.fields()...)
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return l, fmt.Errorf("couldn't look up record %s: %w", id, err)
		}
	}
	return l, fmt.Errorf("record %s: %w", id, ErrNotFound)
}

// RecordsByID finds many records by their ids, in a few queries. Those that don't exist as of the block are left out.
func (ix *Index) RecordsByID(ctx context.Context, ids []string, at uint64) (map[string]*Record, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(ids))
	var hashes []uint64
	for _, id := range ids {
		if digest, ok := projection.ParseRecordID(id); ok && !wanted[projection.RecordID(digest[:])] {
			wanted[projection.RecordID(digest[:])] = true
			hashes = append(hashes, projection.RecordHash(digest))
		}
	}
	candidates, err := ix.candidates(ctx, hashes)
	if err != nil {
		return nil, fmt.Errorf("couldn't look up records: %w", err)
	}
	slices.Sort(candidates)
	var found []location
	query := `SELECT ` + locationColumns + ` FROM node n WHERE n.id IN `
	err = ix.batches(ctx, query, slices.Compact(candidates), "", nil, func(rows *sql.Rows) error {
		var l location
		if err := rows.Scan(l.fields()...); err != nil {
			return err
		}
		if l.id <= snap.Last && wanted[projection.RecordID(l.digest)] {
			l.digest = slices.Clone(l.digest)
			found = append(found, l)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't look up records: %w", err)
	}
	// Sorted, those of one pack follow each other.
	slices.SortFunc(found, func(a, b location) int { return cmp.Compare(a.id, b.id) })
	records, err := ix.fetchAll(ctx, found)
	if err != nil {
		return nil, err
	}
	named := make(map[string]*Record, len(records))
	for i := range records {
		if named[records[i].ID] == nil {
			named[records[i].ID] = &records[i]
		}
	}
	return named, nil
}

// fetch reads a record's body and first recording.
func (ix *Index) fetch(ctx context.Context, l location) (*Record, error) {
	all, err := ix.fetchAll(ctx, []location{l})
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

func (ix *Index) fetchAll(ctx context.Context, all []location) ([]Record, error) {
	txs := make([]int64, len(all))
	for i, l := range all {
		txs[i] = l.tx
	}
	recordings, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(all))
	for i, l := range all {
		r := Record{ID: projection.RecordID(l.digest), Recording: recordings[l.tx], seq: l.id}
		r.Line = int(l.line)
		if l.kind != KindUnreadable {
			r.Noun = record.Noun(l.kind.String())
		}
		if r.Body, err = ix.body(ctx, l.pack, l.line); err != nil {
			return nil, err
		}
		records[i] = r
	}
	return records, nil
}

// recordings reads transactions by their ids.
func (ix *Index) recordings(ctx context.Context, txs []int64) (map[int64]Recording, error) {
	found := map[int64]Recording{} // many records often come from a few transactions
	var missing []int64
	for _, tx := range txs {
		if _, ok := found[tx]; ok {
			continue
		}
		r, ok := ix.caches.Load().txs.Get(tx)
		if !ok {
			missing = append(missing, tx)
		}
		found[tx] = r
	}
	const query = `SELECT t.id, c.msp, c.subject, t.txid, t.block, t.position, t.time
		FROM tx t JOIN creator c ON c.id = t.creator WHERE t.id IN `
	err := ix.batches(ctx, query, missing, "", nil, func(rows *sql.Rows) error {
		var id, at int64
		var r Recording
		if err := rows.Scan(&id, &r.MSPID, &r.Subject, &r.TxID, &r.Block, &r.Position, &at); err != nil {
			return err
		}
		r.Time = fromMicros(at)
		found[id] = r
		ix.caches.Load().txs.Put(id, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read transactions: %w", err)
	}
	return found, nil
}

// body is one line of a pack.
func (ix *Index) body(ctx context.Context, pack, line int64) ([]byte, error) {
	bodies, ok := ix.caches.Load().packs.Get(pack)
	if !ok {
		var data []byte
		if err := ix.row(ctx, `SELECT data FROM pack WHERE id = ?`, pack).Scan(&data); err != nil {
			return nil, fmt.Errorf("couldn't read pack %d: %w", pack, err)
		}
		var err error
		if bodies, err = record.Unpack(data, record.PackLimits{}); err != nil {
			return nil, fmt.Errorf("couldn't read pack %d: %w", pack, err)
		}
		ix.caches.Load().packs.Put(pack, bodies)
	}
	if line < 0 || line >= int64(len(bodies)) {
		return nil, fmt.Errorf("pack %d has no line %d: the index is damaged; run pedigree reindex", pack, line)
	}
	return bodies[line], nil
}

// batches runs a query for many ids, some hundred at a time. The query ends with the column that has one of them, and
// IN; rest comes after that, with args.
func (ix *Index) batches(
	ctx context.Context, query string, ids []int64, rest string, args []any, f func(*sql.Rows) error,
) error {
	column := strings.TrimSuffix(query, " IN ")
	for some := range slices.Chunk(ids, MostAmong) {
		full, values := ix.store.Among(column, some)
		if err := ix.eachPrepared(ctx, full+rest, append(values, args...), f); err != nil {
			return err
		}
	}
	return nil
}

// Recordings lists all recordings of a record, the first one first: who corroborated it, and who sent it twice.
func (ix *Index) Recordings(ctx context.Context, id string, at uint64) ([]Recording, error) {
	l, err := ix.locate(ctx, id, at)
	if err != nil {
		return nil, err
	}
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	places := []location{l}
	const query = `SELECT tx, line FROM again WHERE record = ? AND id <= ? ORDER BY id`
	err = ix.each(ctx, query, []any{l.id, snap.Last}, func(rows *sql.Rows) error {
		var again location
		if err := rows.Scan(&again.tx, &again.line); err != nil {
			return err
		}
		places = append(places, again)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't list the recordings of %s: %w", id, err)
	}
	txs := make([]int64, len(places))
	for i, p := range places {
		txs[i] = p.tx
	}
	found, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	all := make([]Recording, len(places))
	for i, p := range places {
		all[i] = found[p.tx]
		all[i].Line = int(p.line)
	}
	return all, nil
}

// FirstRecordings lists the first recordings by each organisation, so many of each, in ledger order, and counts the
// others. So no organisation can bury the recordings of another under its own.
func (ix *Index) FirstRecordings(
	ctx context.Context, id string, at uint64, each int,
) (list []Recording, more int, err error) {
	all, err := ix.Recordings(ctx, id, at)
	count := map[string]int{}
	for _, r := range all {
		if count[r.MSPID]++; count[r.MSPID] <= each {
			list = append(list, r)
		}
	}
	return list, len(all) - len(list), err
}

// RecordFilter chooses records; empty fields choose all.
type RecordFilter struct {
	Noun      record.Noun
	MSPID     string  // who recorded it first
	TxID      string  // of the first recording
	FromBlock *uint64 // recorded in this block or later
	ToBlock   *uint64 // recorded in this block or earlier
	// From and Before bound the time of the transaction that recorded it first; zero sets no bound.
	From, Before time.Time
}

// Records lists records in ledger order.
func (ix *Index) Records(ctx context.Context, f RecordFilter, at uint64, page Page) (List[Record], error) {
	p, err := ix.begin(ctx, "records", f, at, page)
	if err != nil {
		return List[Record]{}, err
	}
	query := `SELECT ` + locationColumns + ` FROM node n`
	w := where{parts: []string{"n.id > ?", "n.id <= ?"}, args: []any{p.after, p.snap.Last}}
	if f.MSPID != "" || f.TxID != "" {
		query += ` JOIN tx t ON t.id = n.tx JOIN creator c ON c.id = t.creator`
	}
	if f.MSPID != "" {
		w.add("c.msp = ?", f.MSPID)
	}
	if f.TxID != "" {
		w.add("t.txid = ?", f.TxID)
	}
	if f.Noun != "" {
		w.add(fmt.Sprintf("n.Kind = %d", projection.KindOf(f.Noun)))
	} else {
		w.add("n.Kind <= 6") // records of any noun
	}
	if f.FromBlock != nil && *f.FromBlock > 0 {
		w.add("n.id > COALESCE((SELECT last FROM block WHERE number = ?), 9223372036854775807)",
			int64(min(*f.FromBlock-1, 1<<62)))
	}
	if f.ToBlock != nil && *f.ToBlock < p.snap.Block {
		w.add("n.id <= (SELECT last FROM block WHERE number = ?)", int64(*f.ToBlock))
	}
	if !f.From.IsZero() || !f.Before.IsZero() {
		var recorded where
		recorded.between("x.time", f.From, f.Before)
		w.add("EXISTS (SELECT 1 FROM tx x WHERE x.id = n.tx AND "+strings.Join(recorded.parts, " AND ")+")",
			recorded.args...)
	}
	if !f.From.IsZero() { // nothing before the first of these transactions has to be looked at
		from := int64(math.MaxInt64)
		err := ix.row(ctx, "SELECT COALESCE(MIN(before), ?) FROM tx WHERE time >= ?", from,
			f.From.UnixMicro()).Scan(&from)
		if err != nil {
			return List[Record]{}, fmt.Errorf("couldn't look up transactions by time: %w", err)
		}
		w.add("n.id > ?", from)
	}
	return ix.recordPage(ctx, p, selection{head: query, where: w, order: "n.id"})
}

// recordPage makes a page of the records that a selection of locations finds.
func (ix *Index) recordPage(ctx context.Context, p pageStart, s selection) (List[Record], error) {
	places, err := ix.locations(ctx, s, p.size+1)
	if err != nil {
		return List[Record]{Block: p.snap.Block}, err
	}
	return ix.recordsAt(ctx, p, places)
}

func (ix *Index) locations(ctx context.Context, s selection, limit int) ([]location, error) {
	var places []location
	err := s.each(ctx, ix, limit, func(rows *sql.Rows) error {
		var l location
		if err := rows.Scan(l.fields()...); err != nil {
			return err
		}
		places = append(places, l)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't list records: %w", err)
	}
	return places, nil
}

// recordsAt makes a page of records. There may be one place more than the page holds, which says that another follows.
func (ix *Index) recordsAt(ctx context.Context, p pageStart, places []location) (List[Record], error) {
	list := List[Record]{Block: p.snap.Block}
	more := len(places) > p.size
	places = places[:min(len(places), p.size)]
	var err error
	if list.Items, err = ix.fetchAll(ctx, places); err != nil || len(places) == 0 {
		return list, err
	}
	list.Next, err = p.next(places[len(places)-1].id, more)
	return list, err
}

func fromMicros(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}
