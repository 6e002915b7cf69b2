// Package gateway builds and runs one organisation's gateway to the ledger.
//
// A gateway is one process. It reads blocks from the organisation's Fabric peers into an index, answers questions from
// that index, and records what its callers send. The work is done by the packages below this one. This package opens
// them, connects them and closes them:
//
//   - access knows the callers and the ledger identity of each one, and token keeps the tokens that operators make;
//   - api and pages answer programs and people;
//   - capture queues records and brings them to the ledger, and runs does so for runs that OpenLineage events describe;
//   - ledger talks to the peers, and index stores what their blocks say.
//
// [Open] prepares a gateway and [Gateway.Run] serves it. [Command] and [ReindexCommand] are its verbs on the command
// line.
package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/actor"
	"github.com/pedigree-ledger/pedigree/gateway/api"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/cosign"
	"github.com/pedigree-ledger/pedigree/gateway/filelock"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/stores"
	"github.com/pedigree-ledger/pedigree/gateway/kept"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/oidc"
	"github.com/pedigree-ledger/pedigree/gateway/receipts"
	"github.com/pedigree-ledger/pedigree/gateway/runs"
	"github.com/pedigree-ledger/pedigree/gateway/token"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/witness"
)

// Bounds of connections.
const (
	headerTimeout  = 10 * time.Second
	readTimeout    = 5 * time.Minute // enough for the largest body over a slow connection
	writeTimeout   = 6 * time.Minute
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
	// farewell is how long the requests in progress may take after the gateway was told to stop.
	farewell = 15 * time.Second

	tokensInterval = time.Second
)

// Gateway is one organisation's gateway. Make it with Open, then Run it once.
type Gateway struct {
	cfg      config.Config
	log      *slog.Logger
	lock     *os.File
	callers  *access.Callers
	issuer   *oidc.Issuer             // nil if there is none
	machines *clientcert.Certificates // nil if none are accepted
	kept     *kept.DB
	actors   *actor.Store
	index    *index.Index
	queue    *capture.Queue
	runs     *runs.Store
	client   *ledger.Client
	follower *follower
	server   *http.Server
	listener net.Listener
	// certificate is the gateway's own for TLS, with its key; nil without TLS.
	certificate *tls.Certificate
	trusted     []certificate.Certificate
	rebuild     chan struct{}

	witnesses *witness.Finder
	parts     []closing // in the order of their opening
	// stopWatching ends the answers that a page keeps open to receive updates.
	stopWatching func()
}

// Open opens all parts of a gateway and begins to listen. It serves no request before Run.
func Open(cfg config.Config, log *slog.Logger) (*Gateway, error) {
	g := &Gateway{cfg: cfg, log: log, rebuild: make(chan struct{}, 1)}
	if err := g.open(); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *Gateway) open() (err error) {
	cfg, log := g.cfg, g.log
	if g.lock, err = lockData(cfg.Data); err != nil {
		return err
	}
	g.opened("data folder's lock", g.lock.Close)
	if g.callers, err = access.Open(cfg.Tokens, log); err != nil {
		return err
	}
	if cfg.OIDC.Issuer != "" {
		if g.issuer, err = oidc.New(cfg.OIDC, g.callers.Signer, log); err != nil {
			return err
		}
		g.callers.Trust(g.issuer)
	}
	if cfg.ClientCertificates.On() {
		if g.machines, err = clientcert.Open(cfg.ClientCertificates, g.callers.Signer, log); err != nil {
			return err
		}
		g.callers.Recognise(g.machines)
	}
	if g.kept, err = kept.Open(cfg.KeptPlace(), slices.Concat(token.Tables, actor.Tables)...); err != nil {
		return err
	}
	g.opened("gateway's own database", g.kept.Close)
	tokens := token.NewStore(g.kept, cfg.MSPID)
	g.opened("tokens", tokens.Close)
	g.callers.Manage(tokens)
	g.actors = actor.NewStore(g.kept, cfg.MSPID)
	var journal capture.Journal
	if cfg.Actor != config.ActorNone {
		journal = g.actors
	}
	if g.index, err = stores.Open(cfg.IndexPlace(), index.WithLogger(log)); err != nil {
		return err
	}
	g.opened("index", g.index.Close)
	if g.queue, err = capture.Open(capture.Config{
		Folder: cfg.QueueFolder(), Identity: g.callers.Identity, BatchRecords: cfg.BatchRecords, Journal: journal,
		Logger: log,
	}); err != nil {
		return err
	}
	g.opened("queue", g.queue.Close)
	l := ledgerConfig(cfg)
	l.Secret, l.Logger = g.queue.Secret(), log
	if g.client, err = ledger.Open(l); err != nil {
		return err
	}
	g.opened("connections to peers", g.client.Close)
	if g.trusted, err = trusted(cfg); err != nil {
		return err
	}
	g.follower = newFollower(g.client, cfg.GenesisHash(), g.index, g.callers.Reader, log)
	if g.runs, err = runs.Open(runs.Config{Folder: cfg.RunsFolder(), Namespace: cfg.DatasetNamespace(), Logger: log}, runs.IndexedBy(g.index, g.follower.newest)); err != nil {
		return err
	}
	g.opened("runs", g.runs.Close)
	g.witnesses = &witness.Finder{Index: g.index, Patience: api.DefaultPatience}
	kept, err := receipts.Open(cfg.ProofsFolder())
	if err != nil {
		return err
	}
	maker := &proof.Maker{
		Network:   g.client.Inquire(g.callers.Reader),
		Channel:   cfg.Channel,
		Chaincode: cfg.Chaincode,
		Kept:      kept,
		First:     g.firstRecordings,
	}
	signers, err := cosign.New(cosign.Config{
		MSPID: cfg.MSPID, Blocks: g.index, Signer: g.speaker, Trust: maker.Current, Ready: g.ready, Others: cfg.Cosigners,
		Members: g.gateways, Reach: cfg.Reach(), Hosts: hosts(cfg), Logger: log,
		Certificate: func() *tls.Certificate { return g.certificate },
	})
	if err != nil {
		return err
	}
	figures := newMetrics(g)
	handler, err := g.router(maker, signers, figures)
	if err != nil {
		return err
	}
	g.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	g.server.RegisterOnShutdown(g.stopWatching)
	return g.listen()
}

// speaker is the identity of an operator, which signs answers of the organisation. It is nil if the gateway has none.
func (g *Gateway) speaker() cosigned.Signer {
	for _, caller := range g.callers.All() {
		if caller.Role == access.Operator && caller.Identity.MSPID == g.cfg.MSPID {
			return caller.Identity
		}
	}
	return nil
}

// mostNamed is how many transactions a question for a receipt may name.
const mostNamed = 16

// firstRecordings are the transactions in which organisations first recorded a record. The first of all comes first,
// then that of this gateway's organisation, then those of the others in the order of the ledger.
func (g *Gateway) firstRecordings(ctx context.Context, id record.ID) ([]string, error) {
	list, _, err := g.index.FirstRecordings(ctx, string(id), index.Latest, 1)
	if err != nil {
		return nil, err
	}
	for i, r := range list {
		if i > 0 && r.MSPID == g.cfg.MSPID {
			copy(list[2:i+1], list[1:i])
			list[1] = r
			break
		}
	}
	var txs []string
	for _, r := range list[:min(len(list), mostNamed)] {
		txs = append(txs, r.TxID)
	}
	return txs, nil
}

func (g *Gateway) listen() error {
	listener, err := net.Listen("tcp", g.cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("couldn't listen on %s: another program does", g.cfg.Listen)
	}
	if err != nil {
		return fmt.Errorf("couldn't listen on %s: %w", g.cfg.Listen, err)
	}
	g.listener = listener
	g.opened("listener", listener.Close)
	if g.cfg.TLS.Certificate == "" {
		return nil
	}
	certificate, err := tls.LoadX509KeyPair(g.cfg.TLS.Certificate, g.cfg.TLS.Key)
	if err != nil {
		return fmt.Errorf("couldn't read the certificate in tls.certificate and tls.key: %w", err)
	}
	g.certificate = &certificate
	server := &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}
	if g.machines != nil {
		g.machines.Request(server)
	}
	askGateways(server)
	g.listener = tls.NewListener(listener, server)
	return nil
}

// URL returns the address at which the gateway answers.
func (g *Gateway) URL() string {
	scheme := "http"
	if g.cfg.TLS.Certificate != "" {
		scheme = "https"
	}
	return scheme + "://" + g.listener.Addr().String()
}

// Run serves until ctx ends or a part fails for good. Then it gives the requests in progress a limited time to finish,
// and closes everything. Whatever the gateway has acknowledged is on disk at any time.
func (g *Gateway) Run(ctx context.Context) error {
	defer g.close()
	inner, stop := context.WithCancel(context.WithoutCancel(ctx)) // outlives the requests in progress
	defer stop()
	group, inner := errgroup.WithContext(inner)
	group.Go(func() error {
		if err := g.server.Serve(g.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("couldn't go on serving: %w", err)
		}
		return nil
	})
	group.Go(func() error { return g.work(inner) })
	group.Go(func() error {
		warnEveryDay(inner, g.log, g.expiring)
		return nil
	})
	if g.issuer != nil {
		group.Go(func() error {
			g.issuer.Run(inner)
			return nil
		})
	}
	if g.machines != nil {
		group.Go(func() error {
			g.machines.Watch(inner, tokensInterval)
			return nil
		})
	}
	group.Go(func() error {
		hangups := notifyHangup()
		defer hangups.stop()
		g.callers.Watch(inner, tokensInterval, hangups.C)
		return nil
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
		case <-inner.Done(): // something failed
		}
		g.log.Info("stopping")
		farewell, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		if err := g.server.Shutdown(farewell); err != nil {
			g.log.Warn("cut off requests that took too long", "error", err)
			_ = g.server.Close()
		}
		stop()
		return nil
	})
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}

// work follows the ledger. Once the index has caught up, it also brings queued records to the ledger. It starts over
// each time the index has to be built again.
func (g *Gateway) work(ctx context.Context) error {
	for {
		phase, end := context.WithCancel(ctx)
		group, phase := errgroup.WithContext(phase)
		group.Go(func() error { return g.follower.run(phase) })
		group.Go(func() error {
			if err := g.follower.awaitReady(phase); err != nil {
				return err
			}
			g.log.Info("ready", "blocks", g.index.Height())
			return g.queue.Run(phase, queueLedger{g.client, g.follower}, queueIndex{g.index})
		})
		group.Go(func() error {
			if err := g.follower.awaitReady(phase); err != nil {
				return err
			}
			return g.runs.Run(phase, g.queue, g.witnesses.Find)
		})
		again := false
		group.Go(func() error {
			select {
			case <-phase.Done():
			case <-g.rebuild:
				again = true
				end()
			}
			return nil
		})
		err := group.Wait()
		end()
		if errors.Is(err, errEmptied) && ctx.Err() == nil {
			// Another gateway is building the index that both use.
			g.log.Warn("starting over with the index", "why", err)
			g.follower.discard(false)
			continue
		}
		switch {
		case ctx.Err() != nil:
			return err
		case forked(err):
			g.log.Error("the index has blocks that are not on the ledger; building it again from block 0", "why", err)
			g.follower.discard(true)
		case again:
			g.log.Info("building the index again")
		default:
			return err
		}
		if err := g.empty(ctx); err != nil {
			return err
		}
		g.follower.discard(false)
	}
}

// empty empties the index. While the index's database is unavailable it keeps trying.
func (g *Gateway) empty(ctx context.Context) error {
	for {
		err := g.index.Reset(ctx)
		if !errors.Is(err, index.ErrUnavailable) {
			return err
		}
		g.log.Error("couldn't empty the index; trying again", "error", err, "in", firstRepair)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(firstRepair):
		}
	}
}

// Rebuild empties the index and builds it again from the ledger in the background. The gateway isn't ready until that
// is done.
func (g *Gateway) Rebuild() {
	g.follower.discard(true)
	select {
	case g.rebuild <- struct{}{}:
	default: // a rebuild is already due
	}
}

// closing is an open part of the gateway, with its name for the log.
type closing struct {
	name  string
	close func() error
}

// opened registers a part to be closed when the gateway stops. Parts are closed in the reverse order of their opening,
// so that each one can use the parts opened before it until it is closed itself.
func (g *Gateway) opened(name string, close func() error) {
	g.parts = append(g.parts, closing{name, close})
}

func (g *Gateway) close() {
	for _, part := range slices.Backward(g.parts) {
		if err := part.close(); err != nil && !errors.Is(err, net.ErrClosed) {
			g.log.Error("couldn't close the "+part.name, "error", err)
		}
	}
	g.parts = nil
}

// lockData locks the data folder for this process.
func lockData(folder string) (*os.File, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the data folder: %w", err)
	}
	lock, err := filelock.Take(filepath.Join(folder, "gateway.lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("the data folder %s: %w", folder, errInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't take the data folder: %w", err)
	}
	return lock, nil
}

// errInUse means that another process has locked the data folder or writes the index.
var errInUse = index.ErrInUse

// ledgerConfig returns the configuration of the ledger's client.
func ledgerConfig(cfg config.Config) ledger.Config {
	l := ledger.Config{Channel: cfg.Channel, Chaincode: cfg.Chaincode, MSPID: cfg.MSPID}
	for _, p := range cfg.Peers {
		l.Peers = append(l.Peers, ledger.Peer(p))
	}
	return l
}
