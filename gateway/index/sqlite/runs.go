package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// runWriter adds runs of keys within the transaction of a batch.
type runWriter struct {
	conn *conn
	set  *keySet // with what was added
	data []byte
}

// add writes keys, which it sorts, as a run. Then it merges runs where there are enough of a level.
func (w *runWriter) add(keys []projection.Key) error {
	if len(keys) == 0 {
		return nil
	}
	slices.SortFunc(keys, projection.Key.Compare)
	keys = slices.Compact(keys)
	take := func(room []projection.Key) ([]projection.Key, error) {
		n := min(len(keys), cap(room))
		chunk := keys[:n]
		keys = keys[n:]
		return chunk, nil
	}
	if err := w.run(0, len(keys), take, nil); err != nil {
		return err
	}
	for full := w.set.full(); full != nil; full = w.set.full() {
		if err := w.merge(full); err != nil {
			return err
		}
	}
	return nil
}

// run writes a run of some keys, chunk by chunk as next gives them, until it gives an empty one.
func (w *runWriter) run(
	level, keys int, next func(room []projection.Key) ([]projection.Key, error), merged []*keyRun,
) error {
	insert, err := w.conn.prepare(`INSERT INTO keychunk (id, run, level, data) VALUES (?,?,?,?)`)
	if err != nil {
		return err
	}
	r := &keyRun{id: w.set.nextRun, level: level, filter: newFilter(keys)}
	var room [chunkKeys]projection.Key
	for id := w.set.nextChunk; ; id++ {
		chunk, err := next(room[:0])
		if err != nil {
			return err
		}
		if len(chunk) == 0 {
			break
		}
		w.data = w.data[:0]
		for _, k := range chunk {
			w.data = k.AppendTo(w.data)
			r.filter.add(k.Hash)
		}
		row := []projection.Cell{
			projection.Number(id), projection.Number(r.id), projection.Number(int64(level)), projection.Bytes(w.data),
		}
		if err := insert.run(row, nil); err != nil {
			return fmt.Errorf("couldn't write to the table keychunk of the index: %w", err)
		}
		r.add(id, chunk)
	}
	w.set = w.set.with(r, merged)
	return nil
}

// merge makes one run of several.
func (w *runWriter) merge(runs []*keyRun) error {
	keys := 0
	heads := make([]*runHead, len(runs))
	for i, r := range runs {
		keys += r.keys
		heads[i] = &runHead{run: r}
		if err := heads[i].advance(w.conn); err != nil {
			return err
		}
	}
	next := func(room []projection.Key) ([]projection.Key, error) {
		for len(room) < cap(room) {
			var least *runHead
			for _, h := range heads {
				if len(h.rest) > 0 && (least == nil || h.rest[0].Compare(least.rest[0]) < 0) {
					least = h
				}
			}
			if least == nil {
				break
			}
			room = append(room, least.rest[0])
			if err := least.advance(w.conn); err != nil {
				return nil, err
			}
		}
		return room, nil
	}
	if err := w.run(runs[0].level+1, keys, next, runs); err != nil {
		return err
	}
	remove, err := w.conn.prepare(`DELETE FROM keychunk WHERE id >= ? AND id <= ?`)
	if err != nil {
		return err
	}
	for _, r := range runs {
		first, last := r.chunks[0].id, r.chunks[len(r.chunks)-1].id
		if err := remove.run([]projection.Cell{projection.Number(first), projection.Number(last)}, nil); err != nil {
			return fmt.Errorf("couldn't remove merged keys from the index: %w", err)
		}
	}
	return nil
}

// runHead reads a run from its beginning to its end.
type runHead struct {
	run    *keyRun
	chunks int // read so far
	rest   []projection.Key
	room   []projection.Key
}

// advance goes to the next key. At the end of the run rest is empty.
func (h *runHead) advance(c *conn) error {
	if len(h.rest) > 1 {
		h.rest = h.rest[1:]
		return nil
	}
	h.rest = nil
	if h.chunks == len(h.run.chunks) {
		return nil
	}
	h.room = h.room[:0]
	err := c.chunk(h.run.chunks[h.chunks].id, func(data []byte) {
		for i := range len(data) / projection.KeySize {
			h.room = append(h.room, projection.KeyAt(data, i))
		}
	})
	h.chunks++
	h.rest = h.room
	return err
}

// chunk reads a chunk. The bytes are gone when read returns.
func (c *conn) chunk(id int64, read func([]byte)) error {
	find, err := c.prepare(`SELECT data FROM keychunk WHERE id = ?`)
	if err != nil {
		return err
	}
	exists := false
	err = find.run([]projection.Cell{projection.Number(id)}, func(row *statement) {
		exists = true
		read(row.view(0))
	})
	if err != nil {
		return fmt.Errorf("couldn't read keys of the index: %w", err)
	}
	if !exists {
		return fmt.Errorf("the chunk of keys %d is missing: the index is damaged; run pedigree reindex", id)
	}
	return nil
}

// find calls f with the keys that have one of the hashes, which are sorted.
func (w *runWriter) find(hashes []uint64, f func(projection.Key)) error {
	for all := w.set.searches(hashes); len(all) > 0; {
		n := 1
		for n < len(all) && all[n].chunk == all[0].chunk {
			n++
		}
		err := w.conn.chunk(all[0].chunk, func(data []byte) {
			for _, s := range all[:n] {
				find(data, s.hash, f)
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
func (f *file) readKeys(ctx context.Context) (*keySet, error) {
	set := newKeySet()
	sizes := map[int64]int{}
	const lengths = `SELECT id, run, level, length(data), NULL FROM keychunk`
	err := f.eachChunk(ctx, lengths, func(_, run int64, _ int, size int, _ []byte) {
		sizes[run] += size / projection.KeySize
	})
	if err != nil {
		return nil, err
	}
	var chunk []projection.Key
	const contents = `SELECT id, run, level, 0, data FROM keychunk ORDER BY id`
	err = f.eachChunk(ctx, contents, func(id, run int64, level, _ int, data []byte) {
		var r *keyRun
		if n := len(set.runs); n > 0 && set.runs[n-1].id == run {
			r = set.runs[n-1]
		} else {
			r = &keyRun{id: run, level: level, filter: newFilter(sizes[run])}
			set.runs = append(set.runs, r)
		}
		chunk = chunk[:0]
		for i := range len(data) / projection.KeySize {
			k := projection.KeyAt(data, i)
			chunk = append(chunk, k)
			r.filter.add(k.Hash)
		}
		if len(chunk) > 0 {
			r.add(id, chunk)
		}
		set.nextRun, set.nextChunk = max(set.nextRun, run+1), max(set.nextChunk, id+1)
	})
	return set, err
}

func (f *file) eachChunk(
	ctx context.Context, query string, each func(id, run int64, level, size int, data []byte),
) error {
	rows, err := f.writer.QueryContext(ctx, query)
	if err == nil {
		err = index.Scan(rows, func(rows *sql.Rows) error {
			var id, run int64
			var level, size int
			var data sql.RawBytes
			if err := rows.Scan(&id, &run, &level, &size, &data); err != nil {
				return err
			}
			each(id, run, level, size, data)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("couldn't read the keys of the index: %w", err)
	}
	return nil
}

var errKeysMissing = errors.New("keys are missing: the index is damaged; run pedigree reindex")

// Keys implements [index.Reader].
func (s *Store) Keys(ctx context.Context, hashes []uint64) ([]projection.Key, error) {
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
		var all []projection.Key
		err := s.eachOf(ctx, `SELECT id, data FROM keychunk WHERE id`, chunks, func(rows *sql.Rows) error {
			var id int64
			var data sql.RawBytes
			if err := rows.Scan(&id, &data); err != nil {
				return err
			}
			for _, h := range byChunk[id] {
				find(data, h, func(k projection.Key) { all = append(all, k) })
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
		// A batch that merged some of the chunks was committed after the set was loaded. Its set follows in a moment.
		s.publishing.RLock()
		same := s.keys.Load() == set
		s.publishing.RUnlock()
		if same {
			return nil, errKeysMissing
		}
	}
}

// eachOf runs a query for many ids and calls f with every row.
func (s *Store) eachOf(ctx context.Context, query string, ids []int64, f func(*sql.Rows) error) error {
	for some := range slices.Chunk(ids, index.MostAmong) {
		query, args := s.Among(query, some)
		rows, err := s.QueryPrepared(ctx, query, args...)
		if err != nil {
			return err
		}
		if err := index.Scan(rows, f); err != nil {
			return err
		}
	}
	return nil
}

// readAllKeys reads the keys of all runs. How they are divided into runs depends on the batches that the blocks came
// in.
func readAllKeys(ctx context.Context, tx *sql.Tx) ([]projection.Key, error) {
	rows, err := tx.QueryContext(ctx, `SELECT data FROM keychunk`)
	if err != nil {
		return nil, err
	}
	var all []projection.Key
	err = index.Scan(rows, func(rows *sql.Rows) error {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return err
		}
		for i := range len(data) / projection.KeySize {
			all = append(all, projection.KeyAt(data, i))
		}
		return nil
	})
	return all, err
}
