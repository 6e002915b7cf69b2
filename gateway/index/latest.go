package index

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// TransactionSummary is what a transaction recorded that was new.
type TransactionSummary struct {
	Recording
	NewRecords map[record.Noun]int // new records by noun
	Records    []Record            // the first few of them
}

// LatestTransactions lists the newest transactions that recorded something new, the newest first, each with a few of
// its records. The time it takes grows with what these transactions recorded, not with the ledger.
func (ix *Index) LatestTransactions(ctx context.Context, limit, few int) ([]TransactionSummary, error) {
	var txs, spans []int64 // spans has, for each, the last id before it and its own last id
	last := ix.currentTip().Last
	const query = `SELECT id, before FROM tx ORDER BY id DESC LIMIT ?`
	err := ix.each(ctx, query, []any{4 * limit}, func(rows *sql.Rows) error {
		var id, before int64
		if err := rows.Scan(&id, &before); err != nil {
			return err
		}
		if before < last {
			txs, spans = append(txs, id), append(spans, before, last)
			last = before
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't list transactions: %w", err)
	}
	all := []TransactionSummary{}
	for i, tx := range txs {
		if len(all) == limit {
			break
		}
		h, ok := ix.caches.Load().summaries.Get(tx)
		if !ok {
			if h, err = ix.summarize(ctx, tx, spans[2*i], spans[2*i+1], few); err != nil {
				return nil, err
			}
			ix.caches.Load().summaries.Put(tx, h)
		}
		if len(h.Records) > 0 {
			all = append(all, *h)
		}
	}
	return all, nil
}

// summarize reads the records of one transaction, whose ids are above one id and up to another.
func (ix *Index) summarize(ctx context.Context, tx, above, last int64, few int) (*TransactionSummary, error) {
	h := &TransactionSummary{NewRecords: map[record.Noun]int{}}
	const query = `SELECT kind, COUNT(*) FROM node WHERE id > ? AND id <= ? AND tx = ? AND kind <= 6 GROUP BY kind`
	err := ix.each(ctx, query, []any{above, last, tx}, func(rows *sql.Rows) error {
		var kind Kind
		var n int
		if err := rows.Scan(&kind, &n); err != nil {
			return err
		}
		h.NewRecords[record.Noun(kind.String())] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't count what transaction %d recorded: %w", tx, err)
	}
	w := where{parts: []string{"n.id > ?", "n.id <= ?", "n.tx = ?", "n.Kind <= 6"}, args: []any{above, last, tx}}
	s := selection{head: `SELECT ` + locationColumns + ` FROM node n`, where: w, order: "n.id"}
	places, err := ix.locations(ctx, s, few)
	if err != nil {
		return nil, err
	}
	if h.Records, err = ix.fetchAll(ctx, places); err != nil || len(h.Records) == 0 {
		return h, err
	}
	h.Recording = h.Records[0].Recording
	return h, nil
}

// LatestStatements lists the newest statements of a kind, the newest first.
func (ix *Index) LatestStatements(ctx context.Context, kind string, limit int) ([]Statement, error) {
	w := where{parts: []string{"s.record <= ?", "s.kind = ?"}, args: []any{ix.currentTip().Last, kind}}
	s := selection{
		head:  `SELECT ` + locationColumns + `, s.kind FROM statement s JOIN node n ON n.id = s.record`,
		where: w, order: "s.record DESC",
	}
	list, err := listOf(ctx, ix, pageStart{size: limit}, s, func(rows *sql.Rows, l *location) (s Statement, err error) {
		err = rows.Scan(append(l.fields(), &s.Kind)...)
		return s, err
	}, func(s *Statement, r Record) { s.Record = r })
	return list.Items, err
}

// LatestArtifacts lists the newest artifact versions of a kind, or of all kinds if it is empty, the newest first. If
// before isn't 0, it lists those before that position. Next is the position at which to go on, 0 at the end.
func (ix *Index) LatestArtifacts(
	ctx context.Context, kind string, before int64, limit int,
) (list []Artifact, next int64, err error) {
	last := ix.currentTip().Last
	if before > 0 {
		last = min(last, before-1)
	}
	if list, err = ix.latestArtifacts(ctx, ArtifactFilter{Kind: kind}, last, limit+1); err != nil {
		return nil, 0, err
	}
	if len(list) > limit {
		list, next = list[:limit], list[limit-1].seq
	}
	return list, next, nil
}

// LatestVersions lists the newest versions that fit, the newest first. It ignores Version and Digest of the filter.
func (ix *Index) LatestVersions(ctx context.Context, f ArtifactFilter, limit int) ([]Artifact, error) {
	return ix.latestArtifacts(ctx, f, ix.currentTip().Last, limit)
}

func (ix *Index) latestArtifacts(ctx context.Context, f ArtifactFilter, last int64, limit int) ([]Artifact, error) {
	w := where{parts: []string{"a.record <= ?", firstOfVersion}, args: []any{last}}
	for _, c := range []struct{ column, value string }{
		{"a.kind", f.Kind}, {"a.namespace", f.Namespace}, {"a.name", f.Name},
	} {
		if c.value != "" {
			w.add(c.column+" = ?", c.value)
		}
	}
	from := `artifact a JOIN node n ON n.id = a.record`
	if f.MSPID != "" {
		from += ` JOIN tx t ON t.id = n.tx JOIN creator c ON c.id = t.creator`
		w.add("c.msp = ?", f.MSPID)
	}
	s := selection{head: artifactColumns + from, where: w, order: "a.record DESC"}
	list, err := listOf(ctx, ix, pageStart{size: limit}, s, scanArtifact, setArtifact)
	return list.Items, err
}

// Organisation is an organisation that has introduced itself.
type Organisation struct{ MSPID, Name string }

// Organisations lists the organisations in the order in which they first introduced themselves, with their newest
// names.
func (ix *Index) Organisations(ctx context.Context) ([]Organisation, error) {
	all := []Organisation{}
	at := map[string]int{}
	const query = `SELECT msp, name FROM member WHERE record <= ? ORDER BY record`
	err := ix.each(ctx, query, []any{ix.currentTip().Last}, func(rows *sql.Rows) error {
		var o Organisation
		if err := rows.Scan(&o.MSPID, &o.Name); err != nil {
			return err
		}
		if n, ok := at[o.MSPID]; ok {
			all[n].Name = o.Name
			return nil
		}
		at[o.MSPID] = len(all)
		all = append(all, o)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't list organisations: %w", err)
	}
	return all, nil
}

// RecordCounts is the number of records, by who recorded them first and by noun.
type RecordCounts map[string]map[record.Noun]int

// counter remembers what has been counted.
type counter struct {
	mu     sync.Mutex
	last   int64 // the greatest id counted
	counts RecordCounts
}

// Count is the number of records. It counts those that came since the last call; the first call counts all, at some
// million records a second.
func (ix *Index) Count(ctx context.Context) (RecordCounts, error) {
	c := &ix.caches.Load().counter
	c.mu.Lock()
	defer c.mu.Unlock()
	last := ix.currentTip().Last
	fresh := RecordCounts{}
	const query = `SELECT c.msp, k.kind, SUM(k.records) FROM
		(SELECT tx, kind, COUNT(*) AS records FROM node WHERE id > ? AND id <= ? AND kind <= 6 GROUP BY tx, kind) AS k
		JOIN tx t ON t.id = k.tx JOIN creator c ON c.id = t.creator GROUP BY c.msp, k.kind`
	err := ix.each(ctx, query, []any{c.last, last}, func(rows *sql.Rows) error {
		var mspID string
		var kind Kind
		var n int
		if err := rows.Scan(&mspID, &kind, &n); err != nil {
			return err
		}
		fresh.add(mspID, record.Noun(kind.String()), n)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't count records: %w", err)
	}
	for mspID, nouns := range c.counts { // a new map each time, because callers have the old one
		for noun, n := range nouns {
			fresh.add(mspID, noun, n)
		}
	}
	c.last, c.counts = last, fresh
	return fresh, nil
}

func (c RecordCounts) add(mspID string, noun record.Noun, n int) {
	if c[mspID] == nil {
		c[mspID] = map[record.Noun]int{}
	}
	c[mspID][noun] += n
}

// mostScanned is how many things are read in search of one with a number.
const mostScanned = 100_000

// ThingsByNumber finds lots and items of any product by their lot or serial number: at most limit, in no particular
// order. It reads a bounded number of things, and says whether there may be more.
func (ix *Index) ThingsByNumber(ctx context.Context, number string, limit int) (things []string, more bool, err error) {
	const from, below = "https://id.gs1.org/01/", "https://id.gs1.org/010"
	condition, args := ix.store.Between(from, below)
	seen := 0
	query := `SELECT thing FROM node WHERE ` + condition + ` AND id <= ? LIMIT ?`
	err = ix.each(ctx, query, append(args, ix.currentTip().Last, mostScanned), func(rows *sql.Rows) error {
		var raw sql.RawBytes
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		seen++
		_, qualifier, ok := strings.Cut(string(raw[len(from):]), "/")
		ai, value, _ := strings.Cut(qualifier, "/")
		if !ok || ai != "10" && ai != "21" {
			return nil
		}
		if strings.Contains(value, "%") {
			if text, err := url.PathUnescape(value); err == nil {
				value = text
			}
		}
		if strings.EqualFold(value, number) {
			if more = len(things) == limit; !more {
				things = append(things, string(raw))
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("couldn't look for a number: %w", err)
	}
	return things, more || seen == mostScanned, nil
}
