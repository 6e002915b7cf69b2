// Package session keeps people signed in to a gateway's pages.
//
// A person signs in once, with the same token that programs send with each request, or by an issuer. The browser then
// gets a random id in a cookie. Scripts can't read the cookie. Of the requests that other sites cause, browsers send it
// only when the person follows a link to a page of this gateway, so a link from elsewhere keeps the session (HttpOnly,
// SameSite=Lax; over TLS also Secure and __Host-). The other site can't read what the link leads to.
//
// The gateway keeps only the SHA-256 of the id and of the token, and only in memory, so sessions end with the process.
// A session also ends when the person signs out, when it has not been used for an hour, when it is twelve hours old,
// and when the token is revoked, expires, gets another secret, or is removed from the gateway's list, or the issuer
// doesn't vouch for the person any longer.
//
// A cookie shows who sends a request, but not that the person meant to send it. Therefore a request that changes
// something must also carry the session's form token, which only pages of this gateway know, and must not come from
// another origin. Another port of the same host is another origin, even though browsers send it the same cookies.
package session

import (
	"context"
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
	most     = 1000 // sessions at once; one more ends the session that has been unused for longest

	// FormField is the form field, and FormHeader the header, that carries the session's form token.
	FormField  = "csrf"
	FormHeader = "X-Pedigree-Form"
)

var (
	// ErrForeign means that a request comes from another origin, or from a page of a session that has ended.
	ErrForeign = errors.New("the request doesn't come from a page of this session")
)

// TooManyError means that there were too many wrong attempts with tokens that begin like this one.
type TooManyError struct {
	Wait time.Duration // until the next attempt
}

func (e *TooManyError) Error() string { return "too many attempts to sign in; wait " + e.Wait.String() }

// Session is the session of one person in one browser.
type Session struct {
	Caller *access.Caller
	Form   string // the form token
	// Leave is the address at which the person signs out at the issuer that let it sign in, or "".
	Leave string
}

// Person is somebody whom an issuer has let sign in. Its methods MUST be safe for concurrent use.
type Person interface {
	// Caller is who it is now. If an error matches access.ErrUnavailable, the session may go on later. Any other error
	// ends it.
	Caller(ctx context.Context) (*access.Caller, error)
	// Leave is the address at which the person signs out at the issuer, or "".
	Leave() string
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
	person      Person
	as          string // the ID of the caller, as it was known last
	began, used time.Time
}

// holder is somebody who has shown a token of the gateway.
type holder struct {
	callers *access.Callers
	token   [sha256.Size]byte // hash
}

func (h holder) Caller(context.Context) (*access.Caller, error) {
	return h.callers.Holder(h.token, true)
}

func (h holder) Leave() string { return "" }

// New makes a store for an organisation's gateway. The cookie's name contains the organisation, because gateways of
// several organisations may run on one host and browsers send a cookie to every port of it.
func New(callers *access.Callers, mspID string) *Store {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(mspID))
	return &Store{
		callers: callers, cookie: "pedigree-" + name, origins: http.NewCrossOriginProtection(),
		attempts: newAttempts(time.Now), now: time.Now, kept: map[[sha256.Size]byte]*kept{},
	}
}

// Begin starts a session for the holder of a token, and sets the cookie with the session's id. The errors are
// ErrForeign, *TooManyError and those of access.Callers.Holder.
func (s *Store) Begin(w http.ResponseWriter, r *http.Request, token string) (*Session, error) {
	if s.origins.Check(r) != nil {
		return nil, ErrForeign
	}
	from := originOf(r.RemoteAddr, token)
	if wait := s.attempts.wait(from); wait > 0 {
		return nil, &TooManyError{wait}
	}
	digest := sha256.Sum256([]byte(strings.TrimSpace(token)))
	caller, err := s.callers.Holder(digest, true)
	if errors.Is(err, access.ErrUnknownToken) {
		s.attempts.failed(from)
	}
	if err != nil {
		return nil, err
	}
	s.attempts.succeeded(from)
	return s.begin(w, r, caller, holder{s.callers, digest}), nil
}

// BeginFor starts a session for a person whom an issuer has let sign in. Whoever calls it has made sure that the person
// began to sign in in this browser.
func (s *Store) BeginFor(w http.ResponseWriter, r *http.Request, person Person) (*Session, error) {
	caller, err := person.Caller(r.Context())
	if err != nil {
		return nil, err
	}
	return s.begin(w, r, caller, person), nil
}

func (s *Store) begin(w http.ResponseWriter, r *http.Request, caller *access.Caller, person Person) *Session {
	s.forget(r) // signing in again ends the browser's old session
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	id := base64.RawURLEncoding.EncodeToString(raw[:])
	now := s.now()
	s.mu.Lock()
	s.makeRoom(now)
	s.kept[sha256.Sum256([]byte(id))] = &kept{person: person, as: caller.ID, began: now, used: now}
	s.mu.Unlock()
	http.SetCookie(w, s.bake(r, id, 0))
	return &Session{Caller: caller, Form: formToken(id), Leave: person.Leave()}
}

// makeRoom removes expired sessions and, if there are still too many, the one that has been unused for longest.
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

// Find returns the session that a request belongs to, or nil. A request made by a page of another origin belongs to no
// session, even if it carries the cookie.
func (s *Store) Find(r *http.Request) *Session { return s.find(r, true) }

// Peek is like Find, but doesn't count as use of the session. It is for requests that a page makes by itself.
func (s *Store) Peek(r *http.Request) *Session { return s.find(r, false) }

func (s *Store) find(r *http.Request, use bool) *Session {
	id := s.ownID(r)
	if id == "" {
		return nil
	}
	key := sha256.Sum256([]byte(id))
	person, _ := s.person(key)
	if person == nil {
		return nil
	}
	caller, err := person.Caller(r.Context()) // may ask an issuer, so the sessions aren't locked
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept[key]
	if err != nil {
		if !errors.Is(err, access.ErrUnavailable) {
			delete(s.kept, key)
		}
		return nil
	}
	if k == nil {
		return nil // signed out meanwhile
	}
	k.as = caller.ID
	if use {
		k.used = s.now()
	}
	return &Session{Caller: caller, Form: formToken(id), Leave: person.Leave()}
}

// ownID is the id of the session in a request, or "" if a page of another origin made the request.
func (s *Store) ownID(r *http.Request) string {
	if foreign(r) {
		return ""
	}
	return s.id(r)
}

// person is whose session has an id, and the caller's ID as it was known last; or nil.
func (s *Store) person(key [sha256.Size]byte) (person Person, as string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept[key]
	if k == nil {
		return nil, ""
	}
	if k.over(s.now()) {
		delete(s.kept, key)
		return nil, ""
	}
	return k.person, k.as
}

// Caller authenticates a request: one of this program's own, or by its token, or, if a page of this gateway asks
// without one, by the session of who is signed in, or else by its client certificate. A session reads by itself, for
// the browser sends its cookie with no other site's requests and gives other origins no answers; to write it takes the
// session's form token, too. Nobody is nil. The error says why what was shown is not accepted; see access.Callers.
func (s *Store) Caller(r *http.Request) (*access.Caller, error) {
	if caller := access.CallerIn(r.Context()); caller != nil {
		return caller, nil
	}
	if r.Header.Get("Authorization") != "" {
		return s.callers.Find(r, true)
	}
	found := s.Find(r)
	if found == nil {
		return s.machine(r)
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reads || s.Check(r, found, r.Header.Get(FormHeader)) == nil {
		return found.Caller, nil
	}
	return nil, nil
}

// Member tells which member sends a request: the ID of the caller whose token, session or certificate it has, or "". It
// doesn't count as use of the session, and asks no issuer: it comes before the limits on how much is under way. So it
// may be somebody whose session is about to end.
func (s *Store) Member(r *http.Request) string {
	if r.Header.Get("Authorization") != "" {
		return idOf(s.callers.Find(r, false))
	}
	if id := s.ownID(r); id != "" {
		if _, as := s.person(sha256.Sum256([]byte(id))); as != "" {
			return as
		}
	}
	return idOf(s.machine(r))
}

// idOf is the ID of a caller, or "" if there is none.
func idOf(caller *access.Caller, err error) string {
	if err != nil || caller == nil {
		return ""
	}
	return caller.ID
}

// machine is the caller that shows a certificate; see access.Callers.Machine. A browser that has one shows it with
// whatever it requests. So requests that pages of other sites cause are nobody's.
func (s *Store) machine(r *http.Request) (*access.Caller, error) {
	if foreign(r) || s.origins.Check(r) != nil {
		return nil, nil
	}
	return s.callers.Machine(r)
}

// foreign tells whether a page of another origin made a request. A link that a person follows isn't foreign.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none" && !navigates(r)
}

// navigates reports whether the browser opens a new document, as when a person follows a link. The page that has the
// link can't read the answer.
func navigates(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document"
}

// Check checks a request that changes something: it must come from a page of this gateway and carry the session's form
// token. The error is ErrForeign.
func (s *Store) Check(r *http.Request, session *Session, form string) error {
	if s.origins.Check(r) != nil || subtle.ConstantTimeCompare([]byte(form), []byte(session.Form)) != 1 {
		return ErrForeign
	}
	return nil
}

// End ends the request's session and removes the cookie.
func (s *Store) End(w http.ResponseWriter, r *http.Request) {
	s.forget(r)
	http.SetCookie(w, s.bake(r, "", -1))
}

func (s *Store) forget(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, sha256.Sum256([]byte(s.id(r))))
}

// id returns the session's id from the request's cookie, or "".
func (s *Store) id(r *http.Request) string {
	c, err := r.Cookie(s.name(r))
	if err != nil {
		return ""
	}
	return c.Value
}

// name returns the cookie's name. The prefix makes browsers accept the cookie only over TLS and only for this host.
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
		), Value: id, Path: "/", MaxAge: age, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	}
}

// formToken derives the form token from the id. The id can't be computed from it.
func formToken(id string) string {
	sum := sha256.Sum256([]byte("form\x00" + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
