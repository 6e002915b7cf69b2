package ledger

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
)

// The circuit of one peer: after a failed call the peer is left alone for firstPenalty, which doubles up to mostPenalty
// while it keeps failing. One call that succeeds clears it.
const (
	firstPenalty = 500 * time.Millisecond
	mostPenalty  = 15 * time.Second
)

// pool holds one connection for each peer and knows which of them to use.
type pool struct {
	wait time.Duration
	ping time.Duration
	log  *slog.Logger
	life context.Context // of the client

	mu      sync.Mutex
	peers   []*peerConn   // the configured ones first; replaced and never changed, so that who has it may read it
	ranks   int           // given out so far
	changed chan struct{} // closed and replaced whenever a peer's usability may have changed
}

// peerConn is one peer. Its fields below mu are guarded by pool.mu.
type peerConn struct {
	Peer
	rank int
	conn *grpc.ClientConn
	tls  handshakes

	// A learned peer is in the channel's configuration, and not in this client's. It is only asked what it has and
	// signs; nothing goes through it.
	learned bool
	roots   string             // of a learned peer: what TLS rests on, in PEM
	forget  context.CancelFunc // of a learned peer: ends the watch of its connection
	left    bool               // its organisation is no member of the channel any more

	connected bool
	since     time.Time
	problem   string
	penalty   time.Duration // zero while the circuit is closed
	until     time.Time     // end of the penalty
	probing   bool          // a single call tries a peer whose penalty is over
	height    uint64        // blocks that it said it has

	answers context.Context // ends when the peer is found to hang, and is replaced
	fail    context.CancelFunc
}

func newPool(ctx context.Context, cfg Config) (*pool, error) {
	p := &pool{wait: cfg.ConnectWait, ping: cfg.Keepalive, log: cfg.Logger, life: ctx, changed: make(chan struct{})}
	for _, peer := range cfg.Peers {
		pc, err := p.addConfigured(peer)
		if err != nil {
			p.close()
			return nil, err
		}
		p.peers = append(p.peers, pc)
	}
	for _, pc := range p.peers {
		go p.watch(ctx, pc)
	}
	return p, nil
}

func (p *pool) addConfigured(peer Peer) (*peerConn, error) {
	if _, _, err := net.SplitHostPort(peer.Address); err != nil {
		return nil, fmt.Errorf("ledger: peer address %q isn't host:port: %w", peer.Address, err)
	}
	roots, err := os.ReadFile(peer.TLSRoots)
	if err != nil {
		return nil, fmt.Errorf("ledger: couldn't read the TLS roots of peer %s: %w", peer.Address, err)
	}
	return p.add(peer, roots)
}

// add makes the connection of one more peer, which isn't in the list yet. roots are in PEM.
func (p *pool) add(peer Peer, roots []byte) (*peerConn, error) {
	conn, tls, err := dial(peer, roots, p.ping)
	if err != nil {
		return nil, err
	}
	pc := &peerConn{Peer: peer, rank: p.ranks, conn: conn, tls: tls, since: time.Now(), problem: "not connected yet"}
	p.ranks++
	pc.answers, pc.fail = context.WithCancel(p.life)
	return pc, nil
}

func dial(peer Peer, pem []byte, ping time.Duration) (*grpc.ClientConn, handshakes, error) {
	host, _, err := net.SplitHostPort(peer.Address)
	if err != nil {
		return nil, handshakes{}, fmt.Errorf("ledger: peer address %q isn't host:port: %w", peer.Address, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		from := cmp.Or(peer.TLSRoots, "of the channel's configuration")
		return nil, handshakes{}, fmt.Errorf("ledger: the TLS roots of peer %s (%s) hold no PEM certificate", peer.Address,
			from)
	}
	name := peer.ServerName
	if name == "" {
		name = host
	}
	secured := watchHandshakes(
		credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}),
	)
	conn, err := grpc.NewClient(
		peer.Address,
		grpc.WithTransportCredentials(secured),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes), grpc.MaxCallSendMsgSize(maxMessageBytes)),
		grpc.WithKeepaliveParams(
			keepalive.ClientParameters{Time: ping, Timeout: 20 * time.Second, PermitWithoutStream: true},
		),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  200 * time.Millisecond,
				Multiplier: 1.6,
				Jitter:     0.2,
				MaxDelay:   3 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithIdleTimeout(0),
	)
	if err != nil {
		return nil, handshakes{}, fmt.Errorf("ledger: couldn't prepare the connection to peer %s: %w", peer.Address, err)
	}
	return conn, secured, nil
}

func (p *pool) close() {
	for _, pc := range p.all() {
		_ = pc.conn.Close()
	}
}

// watch keeps a peer's connection open and follows its state: gRPC reconnects with a backoff of its own, so finding a
// peer again costs no call.
func (p *pool) watch(ctx context.Context, pc *peerConn) {
	for {
		state := pc.conn.GetState()
		switch state {
		case connectivity.Shutdown:
			return
		case connectivity.Idle:
			pc.conn.Connect()
		case connectivity.Ready:
			p.setConnected(pc, true, "")
		case connectivity.TransientFailure:
			p.setConnected(pc, false, pc.tls.problem())
		}
		if !pc.conn.WaitForStateChange(ctx, state) {
			return
		}
	}
}

func (p *pool) setConnected(pc *peerConn, connected bool, problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if connected == pc.connected {
		if !connected && pc.problem != problem {
			pc.problem = problem
			p.log.Warn("peer can't be reached", "peer", pc.Address, "msp", pc.MSPID, "problem", problem)
		}
		return
	}
	pc.connected, pc.problem, pc.since = connected, problem, time.Now()
	if connected {
		pc.penalty, pc.probing = 0, false
		p.log.Info("peer connected", "peer", pc.Address, "msp", pc.MSPID)
	} else {
		p.log.Warn("peer lost", "peer", pc.Address, "msp", pc.MSPID, "problem", problem)
	}
	p.announce()
}

// announce wakes those who wait for a usable peer; pool.mu is held.
func (p *pool) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// usable tells whether a call may go to this peer now; pool.mu is held.
func (pc *peerConn) usable(now time.Time) bool {
	return pc.connected && !pc.left && (pc.penalty == 0 || !pc.probing && now.After(pc.until))
}

// pick gives the most preferred peer that can be used, leaving out those in except. It waits for a connection for as
// long as the pool is told to. When it gives nothing there is nothing to call. A caller MUST report back by
// [pool.done].
func (p *pool) pick(ctx context.Context, except map[*peerConn]bool) *peerConn {
	timeout := time.NewTimer(p.wait)
	defer timeout.Stop()
	for {
		p.mu.Lock()
		now := time.Now()
		hope := false // that waiting could help
		for _, pc := range p.peers {
			if except[pc] || pc.learned || pc.left {
				continue
			}
			if pc.usable(now) {
				pc.probing = pc.penalty > 0
				p.mu.Unlock()
				return pc
			}
			hope = true
		}
		changed := p.changed
		p.mu.Unlock()
		if !hope || len(except) > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-timeout.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// done reports how a call to a peer went. Only what is the peer's own fault opens its circuit.
func (p *pool) done(pc *peerConn, fault error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pc.probing = false
	if fault == nil {
		if pc.penalty > 0 {
			pc.penalty, pc.problem, pc.since = 0, "", time.Now()
			p.announce()
		}
		return
	}
	if pc.penalty == 0 {
		pc.since = time.Now()
		p.log.Warn("peer failed", "peer", pc.Address, "msp", pc.MSPID, "problem", fault)
	}
	pc.penalty = min(max(firstPenalty, 2*pc.penalty), mostPenalty)
	pc.until = time.Now().Add(pc.penalty)
	pc.problem = fault.Error()
	time.AfterFunc(pc.penalty, func() {
		p.mu.Lock()
		p.announce()
		p.mu.Unlock()
	})
}

// connected lists the peers with a connection, whether they can be used or not.
func (p *pool) connected() []*peerConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.peers), func(pc *peerConn) bool { return !pc.connected || pc.left })
}

// organisations counts the members of the channel that have a peer.
func (p *pool) organisations() int {
	all := map[string]bool{}
	for _, pc := range p.members() {
		all[pc.MSPID] = true
	}
	return len(all)
}

// all are the peers at the moment.
func (p *pool) all() []*peerConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peers
}

// answering gives a context that ends when the peer is found to hang.
func (p *pool) answering(pc *peerConn) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pc.answers
}

// hung opens the circuit of a peer that answers nothing, and ends what waits for it.
func (p *pool) hung(pc *peerConn) {
	p.done(pc, errHung)
	p.mu.Lock()
	defer p.mu.Unlock()
	pc.fail()
	pc.answers, pc.fail = context.WithCancel(p.life)
}

// better gives a channel that is closed when something may have changed, and whether a peer of a better rank than pc is
// connected and in no penalty: a stream should move there.
func (p *pool) better(pc *peerConn) (<-chan struct{}, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range p.peers[:pc.rank] {
		if other.connected && !other.left && other.penalty == 0 {
			return p.changed, true
		}
	}
	return p.changed, false
}

// tall notes how many blocks a peer said it has.
func (p *pool) tall(pc *peerConn, height uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pc.height = height
}

func (p *pool) health() []PeerHealth {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	list := make([]PeerHealth, len(p.peers))
	for i, pc := range p.peers {
		list[i] = PeerHealth{
			MSPID:   pc.MSPID,
			Address: pc.Address,
			Learned: pc.learned,
			Usable:  pc.usable(now),
			Since:   pc.since,
			Problem: pc.problem,
			Height:  pc.height,
		}
		if pc.left {
			list[i].Problem = "its organisation isn't a member of the channel"
		}
	}
	return list
}
