package sqlite

import (
	"math/bits"
	"slices"
	"sort"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Keys lie in runs, each of which is sorted and never changes. Each batch of blocks adds one run. As soon as there are
// runFactor runs of a level, they are merged into one of the next level. So a key is written once for each level,
// always together with its neighbours, and there are few runs to search.
//
// A run is cut into chunks, which are rows. In memory are the first and the last hash of each chunk, and a filter that
// knows almost all hashes that aren't in the run: some two bytes for a key.
const (
	runFactor = 8
	chunkKeys = 280 // a row of this size fits on one page
)

// keySet is all runs at one time. It never changes.
type keySet struct {
	runs               []*keyRun
	nextRun, nextChunk int64
}

type keyRun struct {
	id     int64
	level  int
	keys   int        // how many it has
	chunks []keyChunk // in the order of their hashes and of their ids, which are consecutive
	filter filter
}

type keyChunk struct {
	id          int64
	first, last uint64
}

// add adds the next chunk of the run.
func (r *keyRun) add(id int64, keys []projection.Key) {
	r.chunks = append(r.chunks, keyChunk{id, keys[0].Hash, keys[len(keys)-1].Hash})
	r.keys += len(keys)
}

// newKeySet is empty.
func newKeySet() *keySet { return &keySet{nextRun: 1, nextChunk: 1} }

// with is the set with another run in place of those that were merged into it.
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

// full are the runs to merge now: all of one level that has enough of them.
func (s *keySet) full() []*keyRun {
	byLevel := map[int][]*keyRun{}
	for _, r := range s.runs {
		if byLevel[r.level] = append(byLevel[r.level], r); len(byLevel[r.level]) == runFactor {
			return byLevel[r.level]
		}
	}
	return nil
}

// mayHave is false if no key has the hash. It is almost always false then.
func (s *keySet) mayHave(hash uint64) bool {
	for _, r := range s.runs {
		if r.filter.has(hash) {
			return true
		}
	}
	return false
}

// search is a hash to look for in a chunk.
type search struct {
	chunk int64
	hash  uint64
}

// searches are the chunks to look in for hashes, which are sorted. Those of one chunk follow each other.
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

// find calls f with every key of a chunk that has a hash.
func find(chunk []byte, hash uint64, f func(projection.Key)) {
	n := len(chunk) / projection.KeySize
	first := sort.Search(n, func(i int) bool { return projection.KeyAt(chunk, i).Hash >= hash })
	for i := first; i < n; i++ {
		k := projection.KeyAt(chunk, i)
		if k.Hash != hash {
			return
		}
		f(k)
	}
}

// filter says of most hashes that aren't in a run that they aren't, and never says so of one that is. It is a Bloom
// filter whose bits for one hash lie in one word.
type filter []uint64

func newFilter(keys int) filter { return make(filter, keys/4+1) }

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
