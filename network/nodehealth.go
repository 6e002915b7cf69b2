package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// checkPatience is how long a process may take to say that it works.
const checkPatience = 5 * time.Second

// A health says to others, such as Kubernetes, whether the parts of a node work. Anybody may ask. A nil health says
// nothing.
type health struct {
	server *http.Server
	mu     sync.Mutex
	sup    *supervisor // nil before the first process
	is     bool        // ready
}

// answer is what is said: the fields are those of a gateway's answer.
type answer struct {
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty"`
}

// sayHealth answers at an address from now on: /healthz, whether the processes that have worked still do, and /readyz,
// whether all of them are ready.
func (node *Node) sayHealth(address string) error {
	if address == "" {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("couldn't say at %s whether the parts work: %w", address, err)
	}
	h := &health{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { h.say(w, r, false) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { h.say(w, r, true) })
	h.server = &http.Server{Handler: mux, ReadHeaderTimeout: checkPatience, ReadTimeout: checkPatience,
		WriteTimeout: 2 * checkPatience, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}
	node.health = h
	go h.server.Serve(listener) // until close
	return nil
}

func (h *health) say(w http.ResponseWriter, r *http.Request, ready bool) {
	h.mu.Lock()
	sup, is := h.sup, h.is
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), checkPatience)
	defer cancel()
	var err error
	if sup != nil {
		err = sup.check(ctx, ready)
	}
	if err == nil && ready && !is {
		err = errors.New("it is still starting")
	}
	said, status := answer{OK: err == nil}, http.StatusOK
	if err != nil {
		said.Why, status = err.Error(), http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(said) // who asked may have gone
}

// of makes the answers those about the processes of a supervisor.
func (h *health) of(sup *supervisor) {
	if h != nil {
		h.mu.Lock()
		h.sup = sup
		h.mu.Unlock()
	}
}

// ready says that everything was started.
func (h *health) ready() {
	if h != nil {
		h.mu.Lock()
		h.is = true
		h.mu.Unlock()
	}
}

func (h *health) close() {
	if h != nil {
		_ = h.server.Close() // nothing is left to be said
	}
}

// check returns why a process doesn't work. Unless all must work, one that has only been started may take its time.
func (s *supervisor) check(ctx context.Context, all bool) error {
	s.mu.Lock()
	children := append([]*child{}, s.children...)
	s.mu.Unlock()
	var checks []func() error
	for _, c := range children {
		checks = append(checks, func() error {
			err := c.works(ctx)
			s.mu.Lock()
			defer s.mu.Unlock()
			if err == nil {
				c.worked = true
			}
			if err != nil && (all || c.worked) {
				return fmt.Errorf("%s doesn't work: %w", c.name, err)
			}
			return nil
		})
	}
	return together(checks...)
}

// healthy asks a process for its health, as peers, orderers and gateways tell it.
func healthy(client *http.Client, url string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		status, body, err := callWith(ctx, client, http.MethodGet, url+"/healthz", "", nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d: %s", status, body)
		}
		return err
	}
}

// listens connects to a process that tells nothing else of its health.
func listens(address string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
