package admission

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// patience is how long a request waits for a place.
const patience = 10 * time.Second

// ErrBusy means that all places stayed taken for as long as a request waits.
var ErrBusy = errors.New("too many requests are being served")

// Places are a bounded number of places for requests. One holder can take only some of them.
type Places struct {
	all      *semaphore.Weighted
	each     int64
	patience time.Duration

	mu sync.Mutex
	by map[string]*share // of the holders who have or want a place
}

// share is what one holder may take.
type share struct {
	places *semaphore.Weighted
	users  int // requests that have or want a place
}

// NewPlaces makes places that are all free. One holder can take so many of them as each says.
func NewPlaces(all, each int64) *Places {
	return &Places{all: semaphore.NewWeighted(all), each: min(all, each), patience: patience, by: map[string]*share{}}
}

// Take waits for a place, for a limited time. A request that waits because its holder has too many places
// keeps nobody else from one. The caller must call release when the request is served. The error is ErrBusy, or the
// context's.
func (p *Places) Take(ctx context.Context, holder string) (release func(), err error) {
	own := p.enter(holder)
	waiting, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	if err = own.places.Acquire(waiting, 1); err == nil {
		if err = p.all.Acquire(waiting, 1); err == nil {
			return sync.OnceFunc(func() {
				p.all.Release(1)
				own.places.Release(1)
				p.leave(holder)
			}), nil
		}
		own.places.Release(1)
	}
	p.leave(holder)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, ErrBusy
}

func (p *Places) enter(holder string) *share {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.by[holder]
	if own == nil {
		own = &share{places: semaphore.NewWeighted(p.each)}
		p.by[holder] = own
	}
	own.users++
	return own
}

func (p *Places) leave(holder string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if own := p.by[holder]; own.users > 1 {
		own.users--
	} else {
		delete(p.by, holder)
	}
}
