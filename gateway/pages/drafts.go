package pages

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/draft"
)

// drafts keeps documents between their check and their sending, in memory: they are nobody's word yet.
type drafts struct {
	places chan struct{} // for those being read

	mu    sync.Mutex
	kept  map[string]*keptDraft
	bytes int
}

type keptDraft struct {
	owner string
	draft *draft.Draft
	since time.Time
	cost  int
}

// Limits of what is kept.
const (
	draftLife  = 30 * time.Minute
	mostDrafts = 64
	draftBytes = 48 << 20 // of all of them, about
	atOnce     = 2        // read at a time
)

func newDrafts() *drafts {
	return &drafts{places: make(chan struct{}, atOnce), kept: map[string]*keptDraft{}}
}

// keep keeps a draft for its owner, and forgets the oldest ones to make room.
func (d *drafts) keep(owner string, one *draft.Draft, now time.Time) (id string) {
	cost := len(one.JSON) + 512*(len(one.Events)+len(one.Problems.List)+len(one.Warnings.List))
	d.mu.Lock()
	defer d.mu.Unlock()
	for k, old := range d.kept {
		if now.Sub(old.since) > draftLife {
			d.forget(k)
		}
	}
	for len(d.kept) > 0 && (len(d.kept) >= mostDrafts || d.bytes+cost > draftBytes) {
		oldest := ""
		for k, old := range d.kept {
			if oldest == "" || old.since.Before(d.kept[oldest].since) {
				oldest = k
			}
		}
		d.forget(oldest)
	}
	id = rand.Text()
	d.kept[id] = &keptDraft{owner, one, now, cost}
	d.bytes += cost
	return id
}

func (d *drafts) forget(id string) {
	if k := d.kept[id]; k != nil {
		d.bytes -= k.cost
		delete(d.kept, id)
	}
}

// find finds a draft of an owner; nil if it is gone, or somebody else's.
func (d *drafts) find(owner, id string, now time.Time) *draft.Draft {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := d.kept[id]
	if k == nil || k.owner != owner || now.Sub(k.since) > draftLife {
		return nil
	}
	return k.draft
}

// drop forgets a draft.
func (d *drafts) drop(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(id)
}
