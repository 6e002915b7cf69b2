package index

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// keyWriter adds runs of pairs within the transaction of a batch.
type keyWriter struct {
	db   *sqliteWriter
	set  *keySet // with what was added
	data []byte
}

// write adds pairs, which it sorts, as a run, and merges what is due.
func (w *keyWriter) write(pairs []pair) error {
	if len(pairs) == 0 {
		return nil
	}
	slices.SortFunc(pairs, pair.compare)
	pairs = slices.Compact(pairs)
	take := func(room []pair) ([]pair, error) {
		n := min(len(pairs), cap(room))
		chunk := pairs[:n]
		pairs = pairs[n:]
		return chunk, nil
	}
	if err := w.run(0, len(pairs), take, nil); err != nil {
		return err
	}
	for full := w.set.full(); full != nil; full = w.set.full() {
		if err := w.merge(full); err != nil {
			return err
		}
	}
	return nil
}

// run writes a run, chunk by chunk as next gives them, until it gives an empty one.
func (w *keyWriter) run(level, pairs int, next func(room []pair) ([]pair, error), merged []*keyRun) error {
	insert, err := w.db.statement(`INSERT INTO keychunk (id, run, level, data) VALUES (?,?,?,?)`)
	if err != nil {
		return err
	}
	r := &keyRun{id: w.set.nextRun, level: level, filter: newFilter(pairs)}
	var room [chunkPairs]pair
	for id := w.set.nextChunk; ; id++ {
		chunk, err := next(room[:0])
		if err != nil {
			return err
		}
		if len(chunk) == 0 {
			break
		}
		w.data = w.data[:0]
		for _, p := range chunk {
			w.data = appendPair(w.data, p)
			r.filter.add(p.hash)
		}
		if err := insert.run([]cell{number(id), number(r.id), number(int64(level)), bytesOf(w.data)}, nil); err != nil {
			return fmt.Errorf("couldn't write to the table keychunk of the index: %w", err)
		}
		r.add(id, chunk)
	}
	w.set = w.set.with(r, merged)
	return nil
}

// merge makes one run of several.
func (w *keyWriter) merge(runs []*keyRun) error {
	pairs := 0
	heads := make([]*keyHead, len(runs))
	for i, r := range runs {
		pairs += r.pairs
		heads[i] = &keyHead{run: r}
		if err := heads[i].advance(w.db); err != nil {
			return err
		}
	}
	next := func(room []pair) ([]pair, error) {
		for len(room) < cap(room) {
			var least *keyHead
			for _, h := range heads {
				if len(h.rest) > 0 && (least == nil || h.rest[0].compare(least.rest[0]) < 0) {
					least = h
				}
			}
			if least == nil {
				break
			}
			room = append(room, least.rest[0])
			if err := least.advance(w.db); err != nil {
				return nil, err
			}
		}
		return room, nil
	}
	if err := w.run(runs[0].level+1, pairs, next, runs); err != nil {
		return err
	}
	remove, err := w.db.statement(`DELETE FROM keychunk WHERE id >= ? AND id <= ?`)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if err := remove.run([]cell{number(r.chunks[0].id), number(r.chunks[len(r.chunks)-1].id)}, nil); err != nil {
			return fmt.Errorf("couldn't remove merged keys from the index: %w", err)
		}
	}
	return nil
}

// keyHead reads a run from its beginning to its end.
type keyHead struct {
	run    *keyRun
	chunks int // read so far
	rest   []pair
	room   []pair
}

// advance goes to the next pair. At the end of the run rest is empty.
func (h *keyHead) advance(db *sqliteWriter) error {
	if len(h.rest) > 1 {
		h.rest = h.rest[1:]
		return nil
	}
	h.rest = nil
	if h.chunks == len(h.run.chunks) {
		return nil
	}
	h.room = h.room[:0]
	err := db.chunk(h.run.chunks[h.chunks].id, func(data []byte) {
		for i := range len(data) / pairSize {
			h.room = append(h.room, pairAt(data, i))
		}
	})
	h.chunks++
	h.rest = h.room
	return err
}

// chunk reads a chunk. The bytes are gone when read returns.
func (w *sqliteWriter) chunk(id int64, read func([]byte)) error {
	find, err := w.statement(`SELECT data FROM keychunk WHERE id = ?`)
	if err != nil {
		return err
	}
	there := false
	if err := find.run([]cell{number(id)}, func(row *sqliteStatement) { there = true; read(row.view(0)) }); err != nil {
		return fmt.Errorf("couldn't read keys of the index: %w", err)
	}
	if !there {
		return fmt.Errorf("the chunk of keys %d is missing: the index is damaged, build it again with reindex", id)
	}
	return nil
}

// find calls f with the pairs of hashes, which are sorted.
func (w *keyWriter) find(hashes []uint64, f func(pair)) error {
	for all := w.set.searches(hashes); len(all) > 0; {
		n := 1
		for n < len(all) && all[n].chunk == all[0].chunk {
			n++
		}
		err := w.db.chunk(all[0].chunk, func(data []byte) {
			for _, s := range all[:n] {
				within(data, s.hash, f)
			}
		})
		if err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// readKeys reads all runs.
func (db *database) readKeys(ctx context.Context) (*keySet, error) {
	set := newKeySet()
	sizes := map[int64]int{}
	err := db.eachChunk(ctx, `SELECT id, run, level, length(data), NULL FROM keychunk`, func(_, run int64, _ int, size int, _ []byte) {
		sizes[run] += size / pairSize
	})
	if err != nil {
		return nil, err
	}
	var chunk []pair
	err = db.eachChunk(ctx, `SELECT id, run, level, 0, data FROM keychunk ORDER BY id`, func(id, run int64, level, _ int, data []byte) {
		var r *keyRun
		if n := len(set.runs); n > 0 && set.runs[n-1].id == run {
			r = set.runs[n-1]
		} else {
			r = &keyRun{id: run, level: level, filter: newFilter(sizes[run])}
			set.runs = append(set.runs, r)
		}
		chunk = chunk[:0]
		for i := range len(data) / pairSize {
			p := pairAt(data, i)
			chunk = append(chunk, p)
			r.filter.add(p.hash)
		}
		if len(chunk) > 0 {
			r.add(id, chunk)
		}
		set.nextRun, set.nextChunk = max(set.nextRun, run+1), max(set.nextChunk, id+1)
	})
	return set, err
}

func (db *database) eachChunk(ctx context.Context, query string, f func(id, run int64, level, size int, data []byte)) error {
	rows, err := db.writer.QueryContext(ctx, query)
	if err == nil {
		err = scanAll(rows, func(rows *sql.Rows) error {
			var id, run int64
			var level, size int
			var data sql.RawBytes
			if err := rows.Scan(&id, &run, &level, &size, &data); err != nil {
				return err
			}
			f(id, run, level, size, data)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("couldn't read the keys of the index: %w", err)
	}
	return nil
}

// pairs finds the nodes whose names have one of the hashes.
func (s *sqliteStore) pairs(ctx context.Context, hashes []uint64) ([]pair, error) {
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	for {
		set := s.keys.Load()
		byChunk := map[int64][]uint64{}
		var chunks []int64
		for _, s := range set.searches(hashes) {
			if byChunk[s.chunk] == nil {
				chunks = append(chunks, s.chunk)
			}
			byChunk[s.chunk] = append(byChunk[s.chunk], s.hash)
		}
		var all []pair
		err := s.eachOf(ctx, `SELECT id, data FROM keychunk WHERE id`, chunks, func(rows *sql.Rows) error {
			var id int64
			var data sql.RawBytes
			if err := rows.Scan(&id, &data); err != nil {
				return err
			}
			for _, h := range byChunk[id] {
				within(data, h, func(p pair) { all = append(all, p) })
			}
			delete(byChunk, id)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("couldn't look up keys: %w", err)
		}
		if len(byChunk) == 0 {
			return all, nil
		}
		// A batch was committed meanwhile that merged some of the chunks; its runs are known in a moment.
		s.turning.RLock()
		same := s.keys.Load() == set
		s.turning.RUnlock()
		if same {
			return nil, fmt.Errorf("keys are missing: the index is damaged, build it again with reindex")
		}
	}
}

// eachOf hands the rows for many ids to scan.
func (s *sqliteStore) eachOf(ctx context.Context, query string, ids []int64, scan func(*sql.Rows) error) error {
	return chunks(ids, amongMost, func(ids []int64) error {
		query, args := s.among(query, ids)
		rows, err := s.queryOften(ctx, query, args)
		if err != nil {
			return err
		}
		return scanAll(rows, scan)
	})
}

// allPairs lists the pairs of all runs. How they are divided depends on the batches
// that the blocks came in.
func (s *sqliteStore) allPairs(ctx context.Context, tx *sql.Tx) ([]pair, error) {
	rows, err := tx.QueryContext(ctx, `SELECT data FROM keychunk`)
	if err != nil {
		return nil, err
	}
	var all []pair
	err = scanAll(rows, func(rows *sql.Rows) error {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return err
		}
		for i := range len(data) / pairSize {
			all = append(all, pairAt(data, i))
		}
		return nil
	})
	return all, err
}
