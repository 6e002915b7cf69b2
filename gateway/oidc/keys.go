package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Times and bounds of keys.
const (
	keysInterval = 5 * time.Minute  // between fetches
	keysRetry    = 15 * time.Second // after one that failed
	// keysAgain is the least time between fetches that requests cause. Anybody can name a key that there isn't.
	keysAgain = 10 * time.Second
	// keysLast is how long keys are used after the issuer said them.
	keysLast = time.Hour

	maxKeys        = 100
	minRSA, maxRSA = 2048, 8192 // bits
	maxKeyID       = 1000
)

// algorithms are those that a token may be signed with.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}

var (
	errNoKeys     = errors.New("the issuer's keys aren't known, and it can't be reached")
	errUnknownKey = errors.New("the issuer doesn't publish the key that signed it")
)

// keySet holds the keys of an issuer.
type keySet struct {
	issuer *Issuer

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	said    time.Time     // when the issuer said them
	asked   time.Time     // when it was asked last
	failed  bool          // whether it didn't answer then
	pending chan struct{} // closed when the fetch in progress ends; nil without one
}

// find finds the keys that may have signed a token. If there is none, and ask is true, the issuer is asked whether it has
// new ones. The error is errNoKeys or errUnknownKey, or says that ctx has ended.
func (s *keySet) find(ctx context.Context, header jose.Header, ask bool) ([]jose.JSONWebKey, error) {
	found, err := s.cached(header)
	if err == nil || !ask {
		return found, err
	}
	if err := s.refetch(ctx); err != nil {
		return nil, err
	}
	return s.cached(header)
}

func (s *keySet) cached(header jose.Header) ([]jose.JSONWebKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said.IsZero() || s.issuer.now().Sub(s.said) > keysLast {
		return nil, errNoKeys
	}
	var found []jose.JSONWebKey
	for _, k := range s.keys {
		if fits(k, header.Algorithm) && (header.KeyID == "" || k.KeyID == header.KeyID) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) > 0 && (header.KeyID != "" || len(found) == 1):
		return found, nil
	case s.failed:
		return nil, errNoKeys // it may be a new one
	}
	return nil, errUnknownKey
}

// fits tells whether a key is one for an algorithm. The algorithm never decides what a key is taken for.
func fits(k jose.JSONWebKey, algorithm string) bool {
	if k.Algorithm != "" && k.Algorithm != algorithm {
		return false
	}
	switch k.Key.(type) {
	case *rsa.PublicKey:
		return algorithm == string(jose.RS256)
	case *ecdsa.PublicKey:
		return algorithm == string(jose.ES256)
	case ed25519.PublicKey:
		return algorithm == string(jose.EdDSA)
	}
	return false
}

// refetch fetches the keys because of a request. Requests at the same time share one fetch, and there is one every ten
// seconds at most. It isn't an error if there was one a moment ago.
func (s *keySet) refetch(ctx context.Context) error {
	s.mu.Lock()
	pending := s.pending
	if pending == nil {
		if s.issuer.now().Sub(s.asked) < keysAgain {
			s.mu.Unlock()
			return nil
		}
		pending = s.begin()
		go func() { _ = s.end(context.WithoutCancel(ctx), pending) }()
	}
	s.mu.Unlock()
	select {
	case <-pending:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch fetches the keys now, or waits for who does.
func (s *keySet) fetch(ctx context.Context) error {
	s.mu.Lock()
	if pending := s.pending; pending != nil {
		s.mu.Unlock()
		select {
		case <-pending:
		case <-ctx.Done():
		}
		return nil
	}
	pending := s.begin()
	s.mu.Unlock()
	return s.end(ctx, pending)
}

// begin begins a fetch. The caller has locked s.mu.
func (s *keySet) begin() chan struct{} {
	s.pending, s.asked = make(chan struct{}), s.issuer.now()
	return s.pending
}

// end carries out a fetch that was begun.
func (s *keySet) end(ctx context.Context, pending chan struct{}) error {
	keys, err := s.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed, s.pending = err != nil, nil
	if err == nil {
		s.keys, s.said = keys, s.issuer.now()
	}
	close(pending)
	return err
}

// load asks the issuer where its keys are, and for the keys.
func (s *keySet) load(ctx context.Context) ([]jose.JSONWebKey, error) {
	m, err := s.issuer.about(ctx)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.issuer.get(ctx, m.Keys, "", &set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%s has %d keys, more than %d", m.Keys, len(set.Keys), maxKeys)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(raw) == nil && usable(k) { // a set may have keys of other kinds, for other uses
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no public key for RS256, ES256 or EdDSA", m.Keys)
	}
	return keys, nil
}

// usable tells whether a key is a public one, of a strength and kind that signatures are accepted from.
func usable(k jose.JSONWebKey) bool {
	if !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" || len(k.KeyID) > maxKeyID {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSA && key.N.BitLen() <= maxRSA && key.E >= 3
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return len(key) == ed25519.PublicKeySize
	}
	return false
}
