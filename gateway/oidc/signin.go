package oidc

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// Bounds of sign-ins.
const (
	// patience is how long a person may take at the issuer.
	patience = 10 * time.Minute
	maxNext  = 1500 // bytes of the path of the page to show afterwards
	maxCode  = 4096
)

var defaultScopes = []string{"openid", "profile"}

// ErrNotBegun means that an answer of the issuer is to no sign-in that this browser began, or to one that has ended.
var ErrNotBegun = errors.New("this sign-in wasn't begun in this browser, or it was too long ago, or has ended already")

// DeniedError means that the issuer didn't let somebody sign in.
type DeniedError struct{ Code, Description string }

func (e *DeniedError) Error() string {
	if e.Description == "" {
		return "the issuer says " + e.Code
	}
	return "the issuer says " + e.Code + ": " + e.Description
}

// begun is a sign-in that was begun. The browser keeps it in a cookie that only this process can read or make, so that
// nobody can fill the gateway's memory with sign-ins that never end.
type begun struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	Next     string    `json:"next"`
	Until    time.Time `json:"until"`
}

// signIns are what a process needs to know its own sign-ins by.
type signIns struct {
	seal cipher.AEAD

	mu   sync.Mutex
	done map[string]time.Time // states of sign-ins that have ended or are about to, and until when to remember them
}

func newSignIns() (*signIns, error) {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	return &signIns{seal: seal, done: map[string]time.Time{}}, err
}

// People tells whether people can sign in to pages by the issuer.
func (i *Issuer) People() bool { return i.cfg.ClientID != "" }

// Start begins a sign-in by the authorization code flow with PKCE. The answer is the address at the issuer to lead the
// browser to. next is the path of the page to show afterwards. The error matches access.ErrUnavailable.
func (i *Issuer) Start(w http.ResponseWriter, r *http.Request, next string) (string, error) {
	client, _, err := i.client(r.Context())
	if err != nil {
		return "", err
	}
	if len(next) > maxNext {
		next = "/"
	}
	b := begun{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Until: i.now().Add(patience),
	}
	text, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	sealed := base64.RawURLEncoding.EncodeToString(i.signIns.seal.Seal(nil, nil, text, []byte(i.cfg.Issuer)))
	http.SetCookie(w, i.bake(r, sealed, int(patience.Seconds())))
	return client.AuthCodeURL(b.State, oauth2.S256ChallengeOption(b.Verifier), oauth2.SetAuthURLParam("nonce", b.Nonce)), nil
}

// Finish ends a sign-in with the issuer's answer, which the browser brings. It gives the person and the path of the page
// to show. The errors match ErrNotBegun, *DeniedError, *RefusedError, access.ErrNoRole, access.ErrNoSigner and
// access.ErrUnavailable.
func (i *Issuer) Finish(w http.ResponseWriter, r *http.Request) (*Person, string, error) {
	query := r.URL.Query()
	b, err := i.opened(r, query.Get("state"))
	if err != nil {
		return nil, "", err
	}
	http.SetCookie(w, i.bake(r, "", -1))
	client, m, err := i.client(r.Context())
	if err != nil {
		return nil, "", err
	}
	if iss, sent := query["iss"]; sent && !slices.Equal(iss, []string{i.cfg.Issuer}) || !sent && m.SendsIssuer {
		return nil, "", refused("it doesn't come from %s (iss)", i.cfg.Issuer) // RFC 9207
	}
	if code := query.Get("error"); code != "" {
		return nil, "", &DeniedError{clean(code), clean(query.Get("error_description"))}
	}
	code := query.Get("code")
	if code == "" || len(code) > maxCode {
		return nil, "", refused("it has no code")
	}
	if !i.signIns.take(b, i.now()) {
		return nil, "", ErrNotBegun
	}
	p, err := i.exchange(r.Context(), client, b, code)
	if err != nil {
		i.signIns.forget(b)
		return nil, "", err
	}
	return p, b.Next, nil
}

// opened reads the sign-in that this browser began.
func (i *Issuer) opened(r *http.Request, state string) (*begun, error) {
	cookie, err := r.Cookie(i.cookieName(r))
	if err != nil {
		return nil, ErrNotBegun
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return nil, ErrNotBegun
	}
	text, err := i.signIns.seal.Open(nil, nil, sealed, []byte(i.cfg.Issuer))
	if err != nil {
		return nil, ErrNotBegun
	}
	b := new(begun)
	if json.Unmarshal(text, b) != nil || !i.now().Before(b.Until) ||
		subtle.ConstantTimeCompare([]byte(b.State), []byte(state)) != 1 {
		return nil, ErrNotBegun
	}
	return b, nil
}

// take makes sure that a sign-in ends once.
func (s *signIns) take(b *begun, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for state, until := range s.done {
		if !now.Before(until) {
			delete(s.done, state)
		}
	}
	if _, taken := s.done[b.State]; taken {
		return false
	}
	s.done[b.State] = b.Until
	return true
}

// forget forgets a sign-in that failed. The issuer takes no code twice.
func (s *signIns) forget(b *begun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.done, b.State)
}

// client is the gateway as the issuer's client, and what the issuer says about itself.
func (i *Issuer) client(ctx context.Context) (*oauth2.Config, *metadata, error) {
	m, err := i.known(ctx)
	if err != nil {
		i.log.Error("couldn't ask the issuer about itself", "issuer", i.cfg.Issuer, "error", err)
		return nil, nil, fmt.Errorf("%w: the issuer can't be reached", access.ErrUnavailable)
	}
	if m.Authorization == "" || m.Token == "" {
		return nil, nil, fmt.Errorf("%w: the issuer doesn't say where people sign in", access.ErrUnavailable)
	}
	scopes := i.cfg.Scopes
	if len(scopes) == 0 {
		scopes = defaultScopes
	}
	style := oauth2.AuthStyleInHeader // the default of OpenID Connect; a code can't be tried twice
	if i.cfg.ClientSecret == "" || len(m.ClientAuth) > 0 && !slices.Contains(m.ClientAuth, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: i.cfg.ClientID, ClientSecret: i.cfg.ClientSecret, RedirectURL: i.cfg.RedirectURL, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorization, TokenURL: m.Token, AuthStyle: style},
	}, m, nil
}

// cookieName is different for each gateway of a host, because browsers send a cookie to every port.
func (i *Issuer) cookieName(r *http.Request) string {
	sum := sha256.Sum256([]byte(i.cfg.RedirectURL))
	name := "pedigree-sign-in-" + hex.EncodeToString(sum[:4])
	if r.TLS != nil {
		return "__Host-" + name
	}
	return name
}

// bake makes the cookie of a sign-in. Browsers send it when the issuer leads the person back.
func (i *Issuer) bake(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: i.cookieName(r), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: r.TLS != nil,
		SameSite: http.SameSiteLaxMode,
	}
}

// leave is the address at which a person signs out at the issuer (OpenID Connect RP-Initiated Logout 1.0), or "".
func (i *Issuer) leave(m *metadata, idToken string) string {
	u, err := url.Parse(m.EndSession)
	if err != nil || m.EndSession == "" {
		return ""
	}
	back, err := url.Parse(i.cfg.RedirectURL)
	if err != nil {
		return ""
	}
	query := u.Query()
	query.Set("id_token_hint", idToken)
	query.Set("client_id", i.cfg.ClientID)
	query.Set("post_logout_redirect_uri", back.Scheme+"://"+back.Host+"/sign-in")
	u.RawQuery = query.Encode()
	return u.String()
}

// clean is a text that came in an address, as it may be shown.
func clean(text string) string {
	if !plain(text) {
		return "something that can't be shown"
	}
	return brief(text)
}
