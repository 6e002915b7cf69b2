package session

import (
	"container/list"
	"crypto/sha256"
	"strings"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/admission"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// Limits on wrong attempts to sign in. Tokens are random and can't be guessed, so the limits need only keep somebody
// who knows how a token begins from trying out the rest.
//
// They apply to what one source ([admission.Source]) sends that begins with the same characters. After a few wrong
// tokens in a row the next one has to wait, and each wrong token doubles the wait. Somebody else at the same source,
// for example behind the same proxy, has a token that begins otherwise, and needn't wait.
const (
	prefixLength = 8  // characters
	freeAttempts = 10 // in a row
	firstWait    = time.Second
	longestWait  = time.Minute
	forgetAfter  = 15 * time.Minute // after the last wrong attempt
	mostFailures = 10_000           // that are remembered; one more forgets the oldest
)

// attempts remembers wrong attempts to sign in.
type attempts struct {
	now func() time.Time

	mu    sync.Mutex
	by    map[origin]*list.Element
	order list.List // of *failures, the oldest first
}

// origin is where attempts come from: a source, and how the token begins, as a hash.
type origin struct {
	source string
	prefix [sha256.Size]byte
}

// failures are wrong attempts in a row.
type failures struct {
	origin
	count int
	last  time.Time
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, by: map[origin]*list.Element{}}
}

func originOf(remote, text string) origin {
	text = strings.TrimPrefix(strings.TrimSpace(text), token.Prefix) // all that operators make begin so
	return origin{admission.Source(remote), sha256.Sum256([]byte(text[:min(len(text), prefixLength)]))}
}

// wait is how long the next attempt has to wait.
func (a *attempts) wait(from origin) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.by[from]
	if e == nil {
		return 0
	}
	f := e.Value.(*failures)
	passed := a.now().Sub(f.last)
	if f.count < freeAttempts || passed > forgetAfter {
		return 0
	}
	wait := longestWait
	if doublings := f.count - freeAttempts; doublings < 10 {
		wait = min(longestWait, firstWait<<doublings)
	}
	return max(0, wait-passed)
}

// failed counts a wrong attempt.
func (a *attempts) failed(from origin) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if e := a.by[from]; e != nil {
		f := e.Value.(*failures)
		if now.Sub(f.last) > forgetAfter {
			f.count = 0
		}
		f.count++
		f.last = now
		a.order.MoveToBack(e)
		return
	}
	a.by[from] = a.order.PushBack(&failures{from, 1, now})
	if a.order.Len() > mostFailures {
		delete(a.by, a.order.Remove(a.order.Front()).(*failures).origin)
	}
}

// succeeded forgets the wrong attempts before a right one.
func (a *attempts) succeeded(from origin) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.by[from]; e != nil {
		a.order.Remove(e)
		delete(a.by, from)
	}
}
