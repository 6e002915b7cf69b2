// Package session keeps people signed in to a gateway's pages.
//
// One signs in with the same token that programs send with each request. The browser gets a random id instead, in a
// cookie that scripts can't read and that no other site's requests carry (HttpOnly, SameSite=Strict; over TLS also
// Secure and __Host-). The gateway keeps only the SHA-256 of the id, and that of the token, in memory: sessions end
// with the process. They also end when nobody used them for an hour, after twelve hours at the latest, by signing out,
// and as soon as the token is taken out of the gateway's list.
//
// A cookie shows who asks, not that they meant to. So whatever changes something must also show the session's form
// token, which only pages of this gateway can know, and must not come from another origin. Other ports of the same host
// are another origin, though a browser sends them the same cookies.
package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// Limits of sessions.
const (
	idle     = time.Hour
	absolute = 12 * time.Hour
	most     = 1000 // sessions at once; a further one ends the one that was not used for longest

	// FormField is the name of the form field, and FormHeader that of the header, that holds the session's form token.
	FormField  = "csrf"
	FormHeader = "X-Pedigree-Form"
)

var (
	// ErrUnknownToken says that a token is none of this gateway's.
	ErrUnknownToken = errors.New("this is none of the gateway's tokens")
	// ErrTooMany says that too many signed in, or tried to, from one address or altogether.
	ErrTooMany = errors.New("too many attempts to sign in")
	// ErrForeign says that a request comes from a page of another origin, or from a page of a session that has ended.
	ErrForeign = errors.New("the request doesn't come from a page of this session")
)

// Session is one person's, in one browser.
type Session struct {
	Caller *access.Caller
	Form   string // the form token
}

// Store keeps the sessions of one gateway. The methods are safe for concurrent use.
type Store struct {
	callers  *access.Callers
	cookie   string
	origins  *http.CrossOriginProtection
	attempts *attempts
	now      func() time.Time

	mu   sync.Mutex
	kept map[[sha256.Size]byte]*kept // by the hash of the id
}

type kept struct {
	token       [sha256.Size]byte // hash
	began, used time.Time
}

// New makes a store for the gateway of an organisation. Gateways of several organisations may run on one host, and
// cookies don't tell ports apart, so the organisation is in the cookie's name.
func New(callers *access.Callers, mspID string) *Store {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(mspID))
	return &Store{
		callers: callers, cookie: "pedigree-" + name, origins: http.NewCrossOriginProtection(),
		attempts: newAttempts(), now: time.Now, kept: map[[sha256.Size]byte]*kept{},
	}
}

// Begin signs in: it starts a session for whose token this is, and has the browser keep its id. The errors are
// ErrUnknownToken, ErrTooMany and ErrForeign.
func (s *Store) Begin(w http.ResponseWriter, r *http.Request, token string) (*Session, error) {
	if s.origins.Check(r) != nil {
		return nil, ErrForeign
	}
	if !s.attempts.allow(r.RemoteAddr) {
		return nil, ErrTooMany
	}
	digest := sha256.Sum256([]byte(strings.TrimSpace(token)))
	caller := s.callers.Holder(digest)
	if caller == nil {
		return nil, ErrUnknownToken
	}
	s.forget(r) // who signs in again doesn't leave the old session behind
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	id := base64.RawURLEncoding.EncodeToString(raw[:])
	now := s.now()
	s.mu.Lock()
	s.makeRoom(now)
	s.kept[sha256.Sum256([]byte(id))] = &kept{token: digest, began: now, used: now}
	s.mu.Unlock()
	http.SetCookie(w, s.bake(r, id, 0))
	return &Session{Caller: caller, Form: formToken(id)}, nil
}

// makeRoom ends sessions that are over and, if there are still too many, the one that was not used for longest.
func (s *Store) makeRoom(now time.Time) {
	var oldest [sha256.Size]byte
	var since time.Time
	for id, k := range s.kept {
		if k.over(now) {
			delete(s.kept, id)
		} else if since.IsZero() || k.used.Before(since) {
			oldest, since = id, k.used
		}
	}
	if len(s.kept) >= most {
		delete(s.kept, oldest)
	}
}

func (k *kept) over(now time.Time) bool {
	return now.Sub(k.used) > idle || now.Sub(k.began) > absolute
}

// Find finds the session that a request belongs to; nil if none. A request that a page of another origin made belongs
// to none, even if it carries the cookie.
func (s *Store) Find(r *http.Request) *Session { return s.find(r, true) }

// Peek is Find for what a page asks on its own: it doesn't count as use of the session.
func (s *Store) Peek(r *http.Request) *Session { return s.find(r, false) }

func (s *Store) find(r *http.Request, use bool) *Session {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" && !navigates(r) {
		return nil
	}
	id := s.id(r)
	if id == "" {
		return nil
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(id))
	k := s.kept[key]
	if k == nil {
		return nil
	}
	caller := s.callers.Holder(k.token)
	if caller == nil || k.over(now) {
		delete(s.kept, key)
		return nil
	}
	if use {
		k.used = now
	}
	return &Session{Caller: caller, Form: formToken(id)}
}

// navigates says whether a person follows a link, whose answer the page with the link can't read.
func navigates(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document"
}

// Check checks that a request that changes something was meant by whose session it belongs to: it comes from a page of
// this gateway, and has the form token. The error is ErrForeign.
func (s *Store) Check(r *http.Request, session *Session, form string) error {
	if s.origins.Check(r) != nil || subtle.ConstantTimeCompare([]byte(form), []byte(session.Form)) != 1 {
		return ErrForeign
	}
	return nil
}

// End signs out.
func (s *Store) End(w http.ResponseWriter, r *http.Request) {
	s.forget(r)
	http.SetCookie(w, s.bake(r, "", -1))
}

func (s *Store) forget(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, sha256.Sum256([]byte(s.id(r))))
}

// id is the session's id by the request's cookie, or "".
func (s *Store) id(r *http.Request) string {
	c, err := r.Cookie(s.name(r))
	if err != nil {
		return ""
	}
	return c.Value
}

// name of the cookie. With the prefix, browsers take it only over TLS and for this host alone.
func (s *Store) name(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-" + s.cookie
	}
	return s.cookie
}

func (s *Store) bake(r *http.Request, id string, age int) *http.Cookie {
	return &http.Cookie{
		Name: s.name(
			r,
		), Value: id, Path: "/", MaxAge: age, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	}
}

// formToken is made of the id, and doesn't tell it.
func formToken(id string) string {
	sum := sha256.Sum256([]byte("form\x00" + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
