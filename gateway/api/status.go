package api

import (
	"net/http"
	"time"
)

// health is the answer of healthz and readyz.
type health struct {
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty"`
}

// healthz says that the process works: it could answer.
func (s *Server) healthz(c *call) error { return c.answer(http.StatusOK, health{OK: true}) }

// readyz says whether the gateway follows the ledger, has caught up, and gets transactions recorded. What the operator
// should know all the same is in why.
func (s *Server) readyz(c *call) error {
	ready, why := s.Ready()
	if !ready {
		c.Header("Retry-After", "1")
		return c.answer(http.StatusServiceUnavailable, health{Why: why})
	}
	return c.answer(http.StatusOK, health{OK: true, Why: why})
}

type statusView struct {
	Name      string     `json:"name"`
	MSPID     string     `json:"mspId"`
	Channel   string     `json:"channel"`
	Chaincode string     `json:"chaincode"`
	Version   string     `json:"version"`
	StartedAt time.Time  `json:"startedAt"`
	Ready     bool       `json:"ready"`
	Why       string     `json:"why,omitempty"`
	Height    uint64     `json:"height"`
	Tip       uint64     `json:"tip"`
	Confirmed time.Time  `json:"confirmed,omitzero"`
	Following string     `json:"following,omitempty"`
	Peers     []peerView `json:"peers"`
	Queue     queueView  `json:"queue"`
}

type peerView struct {
	MSPID   string    `json:"mspId"`
	Address string    `json:"address"`
	Learned bool      `json:"learned,omitempty"` // as in ledger.PeerHealth
	Usable  bool      `json:"usable"`
	Since   time.Time `json:"since,omitzero"`
	Problem string    `json:"problem,omitempty"`
}

type queueView struct {
	Jobs     int     `json:"jobs"`
	Records  int     `json:"records"`
	Bytes    int     `json:"bytes"`
	InFlight int     `json:"inFlight"`
	Rate     float64 `json:"rate"`
	Waiting  string  `json:"waiting,omitempty"`
}

// status tells how the gateway is doing.
func (s *Server) status(c *call) error {
	h, q := s.Health(), s.Queue.Stats()
	v := statusView{
		Name: s.Name, MSPID: s.MSPID, Channel: s.Channel, Chaincode: s.Chaincode, Version: s.Version,
		StartedAt: s.started.UTC(),
		Height:    s.Index.Height(), Tip: s.Tip(), Peers: []peerView{},
		Queue: queueView{q.Jobs, q.Records, q.Bytes, q.InFlight, q.Rate, q.Waiting},
	}
	v.Ready, v.Why = s.Ready()
	v.Confirmed = s.Confirmed().UTC()
	if h.Following {
		v.Following = h.FollowedPeer
	}
	for _, p := range h.Peers {
		v.Peers = append(v.Peers, peerView{p.MSPID, p.Address, p.Learned, p.Usable, p.Since.UTC(), p.Problem})
	}
	return c.answer(http.StatusOK, v)
}

// metrics gives figures for Prometheus.
func (s *Server) metrics(c *call) error {
	s.Metrics.ServeHTTP(c.Writer, c.Request)
	return nil
}

// reindex has the index built again.
func (s *Server) reindex(c *call) error {
	s.Rebuild()
	c.Header("Location", "/v1/status")
	return c.answer(
		http.StatusAccepted,
		health{OK: true, Why: "the index is being built again; /v1/status tells how far it is"},
	)
}
