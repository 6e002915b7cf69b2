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

// Happening is a transaction that recorded something new.
type Happening struct {
	Recording
	Counts  map[record.Noun]int // new records by noun
	Records []Record            // the first few of them
}

// Lately lists the newest transactions that recorded something new, the newest first, each with at most few of its records.
// What it reads grows with what these transactions hold, not with the ledger.
func (ix *Index) Lately(ctx context.Context, limit, few int) ([]Happening, error) {
	var txs, spans []int64 // spans: the ids before each, and the last of each
	last := ix.stand().last
	err := ix.each(ctx, `SELECT id, before FROM tx ORDER BY id DESC LIMIT ?`, []any{4 * limit}, func(rows *sql.Rows) error {
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
	all := []Happening{}
	for i, tx := range txs {
		if len(all) == limit {
			break
		}
		h, ok := ix.caches().happenings.get(tx)
		if !ok {
			if h, err = ix.happening(ctx, tx, spans[2*i], spans[2*i+1], few); err != nil {
				return nil, err
			}
			ix.caches().happenings.put(tx, h)
		}
		if len(h.Records) > 0 {
			all = append(all, *h)
		}
	}
	return all, nil
}

// happening reads what one transaction recorded: the nodes with ids above one and up to another, that are records.
func (ix *Index) happening(ctx context.Context, tx, above, last int64, few int) (*Happening, error) {
	h := &Happening{Counts: map[record.Noun]int{}}
	err := ix.each(ctx, `SELECT kind, COUNT(*) FROM node WHERE id > ? AND id <= ? AND tx = ? AND kind <= 6 GROUP BY kind`, []any{above, last, tx}, func(rows *sql.Rows) error {
		var kind Kind
		var n int
		if err := rows.Scan(&kind, &n); err != nil {
			return err
		}
		h.Counts[record.Noun(kind.String())] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't count what transaction %d recorded: %w", tx, err)
	}
	w := where{parts: []string{"n.id > ?", "n.id <= ?", "n.tx = ?", "n.kind <= 6"}, args: []any{above, last, tx}}
	places, err := ix.locations(ctx, selection{head: `SELECT ` + locationColumns + ` FROM node n`, where: w, order: "n.id"}, few)
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
	w := where{parts: []string{"s.record <= ?", "s.kind = ?"}, args: []any{ix.stand().last, kind}}
	s := selection{head: `SELECT ` + locationColumns + `, s.kind FROM statement s JOIN node n ON n.id = s.record`, where: w, order: "s.record DESC"}
	list, err := listOf(ctx, ix, place{size: limit}, s, func(rows *sql.Rows, l *location) (s Statement, err error) {
		err = rows.Scan(append(l.fields(), &s.Kind)...)
		return s, err
	}, func(s *Statement, r Record) { s.Record = r })
	return list.Items, err
}

// LatestArtifacts lists the newest artifact versions of a kind, or of all if it is empty, the newest first; only those before a
// place, if it isn't 0. Next is the place at which to go on, or 0.
func (ix *Index) LatestArtifacts(ctx context.Context, kind string, before int64, limit int) (list []Artifact, next int64, err error) {
	last := ix.stand().last
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

// LatestVersions lists the newest versions that fit, the newest first. Version and Digest of the filter are not looked at.
func (ix *Index) LatestVersions(ctx context.Context, f ArtifactFilter, limit int) ([]Artifact, error) {
	return ix.latestArtifacts(ctx, f, ix.stand().last, limit)
}

func (ix *Index) latestArtifacts(ctx context.Context, f ArtifactFilter, last int64, limit int) ([]Artifact, error) {
	w := where{parts: []string{"a.record <= ?", "NOT EXISTS (SELECT 1 FROM artifact b WHERE b.node = a.node AND b.record < a.record)"}, args: []any{last}}
	for _, c := range []struct{ column, value string }{{"a.kind", f.Kind}, {"a.namespace", f.Namespace}, {"a.name", f.Name}} {
		if c.value != "" {
			w.add(c.column+" = ?", c.value)
		}
	}
	from := `artifact a JOIN node n ON n.id = a.record`
	if f.MSPID != "" {
		from += ` JOIN tx t ON t.id = n.tx JOIN creator c ON c.id = t.creator`
		w.add("c.msp = ?", f.MSPID)
	}
	s := selection{head: `SELECT ` + locationColumns + `, a.kind, a.namespace, a.name, a.version, a.algorithm, a.digest, a.coverage FROM ` + from, where: w, order: "a.record DESC"}
	list, err := listOf(ctx, ix, place{size: limit}, s, scanArtifact, func(a *Artifact, r Record) { a.Record = r })
	return list.Items, err
}

// Introduced is an organisation that introduced itself.
type Introduced struct{ MSPID, Name string }

// Introduced lists the organisations in the order in which they introduced themselves first, by the names that they have now.
func (ix *Index) Introduced(ctx context.Context) ([]Introduced, error) {
	all := []Introduced{}
	at := map[string]int{}
	err := ix.each(ctx, `SELECT msp, name FROM member WHERE record <= ? ORDER BY record`, []any{ix.stand().last}, func(rows *sql.Rows) error {
		var o Introduced
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

// Counts are how many records there are, by who recorded them first and by noun.
type Counts map[string]map[record.Noun]int

// counter counts records once, as they come.
type counter struct {
	mu     sync.Mutex
	last   int64 // the greatest id counted
	counts Counts
}

// Count counts the records that came since it was last asked; the first time, all, which takes a second for some million.
func (ix *Index) Count(ctx context.Context) (Counts, error) {
	c := &ix.caches().counter
	c.mu.Lock()
	defer c.mu.Unlock()
	last := ix.stand().last
	fresh := Counts{}
	err := ix.each(ctx, `SELECT c.msp, k.kind, SUM(k.records) FROM (SELECT tx, kind, COUNT(*) AS records FROM node WHERE id > ? AND id <= ? AND kind <= 6 GROUP BY tx, kind) AS k
		JOIN tx t ON t.id = k.tx JOIN creator c ON c.id = t.creator GROUP BY c.msp, k.kind`, []any{c.last, last}, func(rows *sql.Rows) error {
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
	for mspID, nouns := range c.counts { // a new map each time: others hold the old one
		for noun, n := range nouns {
			fresh.add(mspID, noun, n)
		}
	}
	c.last, c.counts = last, fresh
	return fresh, nil
}

func (c Counts) add(mspID string, noun record.Noun, n int) {
	if c[mspID] == nil {
		c[mspID] = map[record.Noun]int{}
	}
	c[mspID][noun] += n
}

// mostNumbered is how many things are looked through for one with a number.
const mostNumbered = 100_000

// Numbered finds lots and items by their number alone, whatever product they are of: at most limit, in no order that means anything. It
// looks through so many things and no more, and says whether there may be others.
func (ix *Index) Numbered(ctx context.Context, number string, limit int) (things []string, some bool, err error) {
	const from, below = "https://id.gs1.org/01/", "https://id.gs1.org/010"
	condition, args := ix.db.between(from, below)
	seen := 0
	err = ix.each(ctx, `SELECT thing FROM node WHERE `+condition+` AND id <= ? LIMIT ?`, append(args, ix.stand().last, mostNumbered), func(rows *sql.Rows) error {
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
			if some = len(things) == limit; !some {
				things = append(things, string(raw))
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("couldn't look for a number: %w", err)
	}
	return things, some || seen == mostNumbered, nil
}
