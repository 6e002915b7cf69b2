package session

import (
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often one may try to sign in. Tokens are random and can't be guessed; this keeps the log and the processor free.
const (
	perAddress    = 10 // at once; then one every so often
	addressEvery  = 6 * time.Second
	altogether    = 100
	togetherEvery = 100 * time.Millisecond
	mostAddresses = 1000
)

// attempts counts attempts to sign in.
type attempts struct {
	mu  sync.Mutex
	all *rate.Limiter
	by  map[string]*rate.Limiter // by address
}

func newAttempts() *attempts {
	return &attempts{all: rate.NewLimiter(rate.Every(togetherEvery), altogether), by: map[string]*rate.Limiter{}}
}

// allow says whether one more may be tried from an address, and counts it.
func (a *attempts) allow(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.by[host]
	if l == nil {
		if len(a.by) >= mostAddresses {
			clear(a.by) // the limit on all of them holds
		}
		l = rate.NewLimiter(rate.Every(addressEvery), perAddress)
		a.by[host] = l
	}
	return l.Allow() && a.all.Allow()
}
