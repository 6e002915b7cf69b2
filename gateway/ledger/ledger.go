// Package ledger is one organisation's client of a Fabric channel: it evaluates, endorses, submits and follows.
//
// It speaks gRPC to the gateway and deliver services of peers: its own organisation's peer while that one answers, the
// other organisations' peers while it does not (any peer's gateway service takes a channel member's proposals). One
// connection for each peer is shared by every identity.
//
// # The life of a transaction
//
//	proposal, _ := client.Propose(identity, Call{...}, "key", 0) // the transaction id is known here, before anything is sent
//	waiter := client.Commits().Register(proposal.TransactionID)
//	envelope, err := client.Endorse(ctx, proposal)               // may fail: nothing has left for the orderers
//	err = client.Send(ctx, envelope)                             // may fail with an unknown fate
//	commit := <-waiter.Done()                                    // resolved by the block stream of Follow
//
// The transaction id is a function of a secret, a key and an attempt number, so that sending again after a crash is
// sending the same transaction: the ledger itself lets only one of them through. [Client.Submit] does all of it for
// callers that need no durability.
//
// Commits are resolved by one block stream for the whole channel, never by the gateway service's CommitStatus, which
// holds one of the peer's slots for each waiting transaction.
//
// # Failures
//
// Every failure is an [*Error] that says in which phase it happened and of which [Kind] it is; [Rules] says for each
// kind whether the same transaction may be sent again, a new one is needed, or trying again is of no use.
package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Defaults of the fields of Config that may be left zero.
const (
	DefaultEvaluateTimeout = 30 * time.Second
	DefaultEndorseTimeout  = 15 * time.Second
	DefaultSubmitTimeout   = 30 * time.Second
	DefaultKeepalive       = 65 * time.Second
	DefaultAnswerWithin    = 4 * time.Second
	DefaultConnectWait     = 3 * time.Second
	DefaultPatience        = 30 * time.Second
)

// maxMessageBytes bounds one gRPC message. Blocks may reach the channel's AbsoluteMaxBytes (10 MB by default, and one
// more transaction); gRPC's own default of 4 MB would end the block stream without a word.
const maxMessageBytes = 100 << 20

// Config says which network to speak to, and how.
type Config struct {
	// Channel and Chaincode are the names on the network. Required.
	Channel, Chaincode string

	// MSPID is the organisation that this client belongs to. Required.
	MSPID string

	// Peers lists the peers to use, the preferred one (one's own) first. Required.
	Peers []Peer

	// Secret makes transaction ids that nobody else can foresee. It must be kept for as long as unfinished transactions
	// are: with another secret the same key gives another transaction. Optional. If empty, a random one is made, and
	// transaction ids are not repeatable after a restart.
	Secret []byte

	// EvaluateTimeout, EndorseTimeout and SubmitTimeout bound one call each. Optional. If zero, the defaults above.
	EvaluateTimeout, EndorseTimeout, SubmitTimeout time.Duration

	// Keepalive is the time between pings on an idle connection. Peers close connections that are pinged more often than
	// their peer.keepalive.minInterval (60 s unless configured). Optional. If zero, DefaultKeepalive.
	Keepalive time.Duration

	// AnswerWithin is how long [Client.Tip] waits for a peer's answer. Optional. If zero, DefaultAnswerWithin.
	AnswerWithin time.Duration

	// ConnectWait is how long a call waits for any peer to be connected before it fails with ErrUnavailable. Optional. If
	// zero, DefaultConnectWait.
	ConnectWait time.Duration

	// Patience is how long [Client.Follow] looks for a peer that proves the caller's last block, while the organisation's
	// own peer has fewer blocks, before it says that the block is not on the ledger. Optional. If zero, DefaultPatience.
	Patience time.Duration

	// Logger receives what an operator should know: peers lost and found, streams restarted. Optional. If nil,
	// slog.Default().
	Logger *slog.Logger
}

// Peer is one peer's gRPC endpoint.
type Peer struct {
	// MSPID is the organisation of the peer.
	MSPID string
	// Address is host:port.
	Address string
	// ServerName is the name in the peer's TLS certificate. Optional. If empty, the host of Address.
	ServerName string
	// TLSRoots is the path of a PEM file with the certificates to trust for TLS. Required: Fabric peers speak TLS here.
	TLSRoots string
}

// Client is one organisation's client of one channel. It is safe for concurrent use.
type Client struct {
	cfg     Config
	pool    *pool
	commits *Commits
	log     *slog.Logger

	closing   context.Context
	close     context.CancelFunc
	closeOnce sync.Once

	following following
}

// Open checks the configuration and begins to connect in the background. It does not wait for a peer to be there: a
// gateway starts, and says that it is not ready, while its peers are down.
func Open(cfg Config) (*Client, error) {
	switch {
	case cfg.Channel == "":
		return nil, errors.New("ledger: the channel's name is missing")
	case cfg.Chaincode == "":
		return nil, errors.New("ledger: the chaincode's name is missing")
	case cfg.MSPID == "":
		return nil, errors.New("ledger: the MSP id of this organisation is missing")
	case len(cfg.Peers) == 0:
		return nil, errors.New("ledger: no peer is named; name at least the organisation's own")
	}
	if len(cfg.Secret) == 0 {
		cfg.Secret = make([]byte, 32)
		if _, err := rand.Read(cfg.Secret); err != nil {
			return nil, fmt.Errorf("ledger: couldn't make a secret: %w", err)
		}
	}
	setDefault(&cfg.EvaluateTimeout, DefaultEvaluateTimeout)
	setDefault(&cfg.EndorseTimeout, DefaultEndorseTimeout)
	setDefault(&cfg.SubmitTimeout, DefaultSubmitTimeout)
	setDefault(&cfg.Keepalive, DefaultKeepalive)
	setDefault(&cfg.AnswerWithin, DefaultAnswerWithin)
	setDefault(&cfg.ConnectWait, DefaultConnectWait)
	setDefault(&cfg.Patience, DefaultPatience)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	p, err := newPool(ctx, cfg)
	if err != nil {
		cancel()
		return nil, err
	}
	return &Client{
		following: following{moved: make(chan struct{})},
		cfg:       cfg,
		pool:      p,
		commits:   NewCommits(),
		log:       cfg.Logger,
		closing:   ctx,
		close:     cancel,
	}, nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Close ends all connections and every call and stream on them.
func (c *Client) Close() error {
	c.closeOnce.Do(func() {
		c.close()
		c.pool.close()
	})
	return nil
}

// Commits returns the waiters that the followed block stream resolves.
func (c *Client) Commits() *Commits { return c.commits }

// Health is what this client knows of the network at one moment.
type Health struct {
	// Peers are the configured peers in order of preference, and then those that the channel's configuration names.
	Peers []PeerHealth
	// Following tells whether a block stream is open, and Height is the number of blocks it has handed on (the number of
	// the next block).
	Following bool
	Height    uint64
	// FollowedPeer is the address of the peer whose stream is followed.
	FollowedPeer string
	// FollowError is why the last stream ended, empty while one is open.
	FollowError string
	// Orderers are those whose signatures the followed blocks bear, by their numbers.
	Orderers []OrdererHealth
}

// OrdererHealth is what blocks tell of an orderer.
type OrdererHealth struct {
	ID uint32
	// Signed is the newest block that it signed, of those followed since this client was opened.
	Signed uint64
}

// PeerHealth is the state of one peer as this client sees it.
type PeerHealth struct {
	MSPID, Address string
	// Learned tells that the channel's configuration names the peer, and not this client's: it is only asked for its
	// height and for what proofs are made of.
	Learned bool
	// Usable tells whether the next call may go to this peer.
	Usable bool
	// Since is when Usable last changed.
	Since time.Time
	// Problem is why the peer is not usable.
	Problem string
	// Height is how many blocks the peer said that it has when it was last asked; zero if it never answered.
	Height uint64
}

// Usable counts the configured peers that can be called.
func (h Health) Usable() int {
	n := 0
	for _, p := range h.Peers {
		if p.Usable && !p.Learned {
			n++
		}
	}
	return n
}

// Health reports the state of peers and of the followed stream.
func (c *Client) Health() Health {
	h := c.following.health() // the lock of each part is held on its own: the parts may differ by a moment
	h.Peers = c.pool.health()
	return h
}
