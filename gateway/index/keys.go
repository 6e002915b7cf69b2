package index

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
)

// pair says that one of the names of a node has a hash. Names are found by
// their hashes: those of records, event ids, things and everything else alike.
// Others may share a hash, so whoever finds a pair compares the names.
type pair struct {
	hash uint64
	id   int64
}

func (p pair) compare(o pair) int {
	switch {
	case p.hash < o.hash || p.hash == o.hash && p.id < o.id:
		return -1
	case p == o:
		return 0
	}
	return 1
}

// Hashes are random, so a tree of them in the database would have to write a
// page of its own for each, and the more the bigger it gets. Instead, pairs lie in
// runs that are sorted and never change. Each batch of blocks adds one run; as
// soon as there are runFactor runs of a level they are merged into one of the next. So a
// pair is written once for each level, always together with its neighbours,
// and there are few runs to search.
//
// A run is cut into chunks, which are rows. What is in memory is where each
// chunk begins, and a filter that knows almost all hashes that aren't in a run:
// some two bytes a pair.
const (
	runFactor  = 8
	chunkPairs = 280 // a row of this size fits on one page
	pairSize   = 8 + 6
)

// keySet are all runs at one time. It is never changed.
type keySet struct {
	runs               []*keyRun
	nextRun, nextChunk int64
}

type keyRun struct {
	id     int64
	level  int
	pairs  int
	chunks []keyChunk // in the order of their hashes and of their ids, which are consecutive
	filter filter
}

type keyChunk struct {
	id          int64
	first, last uint64
}

// add notes the next chunk of the run.
func (r *keyRun) add(id int64, pairs []pair) {
	r.chunks = append(r.chunks, keyChunk{id, pairs[0].hash, pairs[len(pairs)-1].hash})
	r.pairs += len(pairs)
}

// newKeySet is empty.
func newKeySet() *keySet { return &keySet{nextRun: 1, nextChunk: 1} }

// with is the set with another run in place of those merged.
func (s *keySet) with(r *keyRun, merged []*keyRun) *keySet {
	next := &keySet{nextRun: s.nextRun + 1, nextChunk: s.nextChunk + int64(len(r.chunks))}
	for _, old := range s.runs {
		if !slices.Contains(merged, old) {
			next.runs = append(next.runs, old)
		}
	}
	next.runs = append(next.runs, r)
	return next
}

// full are the runs that are to be merged now: all of one level, if there are enough.
func (s *keySet) full() []*keyRun {
	byLevel := map[int][]*keyRun{}
	for _, r := range s.runs {
		if byLevel[r.level] = append(byLevel[r.level], r); len(byLevel[r.level]) == runFactor {
			return byLevel[r.level]
		}
	}
	return nil
}

// may says whether a pair may have the hash. Almost always it says no if none has.
func (s *keySet) may(hash uint64) bool {
	for _, r := range s.runs {
		if r.filter.has(hash) {
			return true
		}
	}
	return false
}

// search is a hash to be looked for in a chunk.
type search struct {
	chunk int64
	hash  uint64
}

// searches tells in which chunks to look for hashes, which are sorted; by chunk.
func (s *keySet) searches(hashes []uint64) []search {
	var all []search
	for _, r := range s.runs {
		for _, h := range hashes {
			if !r.filter.has(h) {
				continue
			}
			i := sort.Search(len(r.chunks), func(i int) bool { return r.chunks[i].last >= h })
			for ; i < len(r.chunks) && r.chunks[i].first <= h; i++ {
				all = append(all, search{r.chunks[i].id, h})
			}
		}
	}
	return all
}

// appendPair adds a pair to the bytes of a chunk.
func appendPair(data []byte, p pair) []byte {
	data = binary.BigEndian.AppendUint64(data, p.hash)
	return append(data, byte(p.id>>40), byte(p.id>>32), byte(p.id>>24), byte(p.id>>16), byte(p.id>>8), byte(p.id))
}

// pairAt is one pair of a chunk.
func pairAt(data []byte, i int) pair {
	b := data[i*pairSize : (i+1)*pairSize]
	return pair{binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[6:]) & (1<<48 - 1))}
}

// within calls f with every pair that a chunk has of a hash.
func within(data []byte, hash uint64, f func(pair)) {
	n := len(data) / pairSize
	for i := sort.Search(n, func(i int) bool { return pairAt(data, i).hash >= hash }); i < n; i++ {
		p := pairAt(data, i)
		if p.hash != hash {
			return
		}
		f(p)
	}
}

// filter tells of most hashes that they are not in a run, and of none that is.
// It is a Bloom filter whose bits for one hash lie in one word.
type filter []uint64

func newFilter(pairs int) filter { return make(filter, pairs/4+1) }

func (f filter) place(hash uint64) (word uint64, mask uint64) {
	word, rest := bits.Mul64(hash*0x9e3779b97f4a7c15, uint64(len(f)))
	// The product's low half is as good as random again.
	rest *= 0xd6e8feb86659fd93
	return word, 1<<(rest>>58) | 1<<(rest>>52&63) | 1<<(rest>>46&63) | 1<<(rest>>40&63) | 1<<(rest>>34&63)
}

func (f filter) add(hash uint64) {
	word, mask := f.place(hash)
	f[word] |= mask
}

func (f filter) has(hash uint64) bool {
	word, mask := f.place(hash)
	return f[word]&mask == mask
}
