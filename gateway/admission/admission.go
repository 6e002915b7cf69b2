// Package admission decides how many requests a gateway serves at once, and for whom, so that no caller keeps others
// from being served. There are three classes of requests:
//
//   - Health: the routes that tell how the gateway is. They have places of their own, because the machines that ask
//     must get an answer when the gateway has most to do.
//   - Member: requests with a valid token, session or certificate. One member can take half of the places.
//   - Anonymous: all other requests. They have fewer places, of which one source address can take a quarter. The
//     address is the one of the connection. No header can change it.
//
// A request waits for a place for a limited time. Then it fails with [ErrBusy].
//
// An anonymous sender must not hold a place by being slow. Therefore a form is read before its request gets a place, in
// limited time and up to a limited size, and the answer must be taken in limited time.
package admission

import (
	"bytes"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/pace"
)

// The numbers of places.
const (
	DefaultMembers = 256 // for members
	health         = 64
	anonymous      = 128
	eachAnonymous  = anonymous / 4
	forms          = 1024 // forms of anonymous senders that are read at once
	eachForms      = forms / 2
)

const (
	answerPatience = time.Minute // how long an anonymous receiver may take
	// maxForm is how much of a form is read before its request gets a place. The largest form without files that pages
	// read is of this size.
	maxForm = 64 << 10
)

// HealthRoutes are the paths that have places of their own.
var HealthRoutes = []string{"/healthz", "/readyz", "/metrics"}

// Config says for whom requests are admitted.
type Config struct {
	// Member tells which member sends a request: the ID of who is behind a valid token, session or certificate, or "".
	Member func(r *http.Request) string
	// Members is how many requests of members are served at once. Optional. If zero, DefaultMembers.
	Members int
}

// Control admits requests. It is safe for concurrent use.
type Control struct {
	member                            func(r *http.Request) string
	health, members, anonymous, forms *Places
}

// New makes a control whose places are all free.
func New(cfg Config) *Control {
	if cfg.Members == 0 {
		cfg.Members = DefaultMembers
	}
	members := int64(cfg.Members)
	return &Control{
		member:    cfg.Member,
		health:    NewPlaces(health, health),
		members:   NewPlaces(members, max(1, members/2)),
		anonymous: NewPlaces(anonymous, eachAnonymous),
		forms:     NewPlaces(forms, eachForms),
	}
}

// Admit waits until a request may be served. The caller serves the request that is returned, which can have another
// body, and then calls release. The error is ErrBusy, or the one of the request's context.
func (c *Control) Admit(w http.ResponseWriter, r *http.Request) (admitted *http.Request, release func(), err error) {
	holder, of := "", c.health
	if !slices.Contains(HealthRoutes, r.URL.Path) {
		if holder, of = c.member(r), c.members; holder == "" {
			holder, of = Source(r.RemoteAddr), c.anonymous
			if r, err = c.readForm(w, r, holder); err != nil {
				return nil, nil, err
			}
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerPatience)) // if the server can
		}
	}
	release, err = of.Take(r.Context(), holder)
	return r, release, err
}

// readForm reads an anonymous sender's form before its request gets a place. The request that it returns has the same
// body, including the error that reading it met.
func (c *Control) readForm(w http.ResponseWriter, r *http.Request, holder string) (*http.Request, error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" || r.Body == nil || r.Body == http.NoBody {
		return r, nil
	}
	release, err := c.forms.Take(r.Context(), holder)
	if err != nil {
		return nil, err
	}
	defer release()
	body := pace.Form.Body(w, r.Body)
	var came bytes.Buffer
	_, err = io.Copy(&came, io.LimitReader(body, maxForm))
	rest := io.Reader(body)
	if err != nil {
		rest = failing{err}
	}
	r = r.WithContext(r.Context()) // a copy
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&came, rest), r.Body}
	return r, nil
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Source is the address that a connection comes from, as far as it tells senders apart. One sender can have all
// addresses of an IPv6 network with a prefix of 64 bits, so they are one source.
func Source(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if address = address.Unmap(); address.Is6() {
		if network, err := address.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
