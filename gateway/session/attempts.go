package session

import (
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits on attempts to sign in. Tokens are random and can't be guessed. The limits only save log space and processor
// time.
const (
	perAddress    = 10 // at once; after that, one each addressEvery
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

// allow counts an attempt from an address, and reports whether it may be made.
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
			clear(a.by) // the common limit still holds
		}
		l = rate.NewLimiter(rate.Every(addressEvery), perAddress)
		a.by[host] = l
	}
	return l.Allow() && a.all.Allow()
}
