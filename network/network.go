// Package network runs a Hyperledger Fabric network as plain processes on this machine: four BFT orderers, and for
// each organisation a peer, a chaincode process and a gateway. It builds Fabric from its pinned Go module, makes the
// keys and the genesis block, deploys the chaincode, and restarts processes that die. It needs the go command for the
// first start. It needs neither Docker nor a shell.
//
// [Up], [Down], [Status] and [Reset] return the commands. Programs and tests call [Start].
package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pedigree-ledger/pedigree/network/pin"
)

// startPatience is the longest time that a network may take to become ready after its processes have started.
const startPatience = 3 * time.Minute

// Options describes the network to start. The zero value is the demonstration consortium in DefaultDir, on free ports.
type Options struct {
	// Dir is the folder of the network. Start makes it if it doesn't exist. Empty: DefaultDir.
	Dir string
	// BasePort is the port before those of the gateways. 0: that of the last start, or free ports for a new network.
	BasePort int
	// Executable is the program with the verbs `chaincode` and `serve`, which a peer also calls as its [Builder]. Start
	// copies it into Dir. Empty: this program.
	Executable string
	// Orgs names the organisations of a new network. An existing network keeps its own. Nil: DefaultOrgs.
	Orgs []string
	// Orderers is the number of orderers of a new network. With n orderers, (n-1)/3, rounded down, may fail or lie.
	// 0: DefaultOrderers.
	Orderers int
	// Out gets progress, line by line. Nil: nothing is written.
	Out io.Writer
	// Env is added to the environment of the chaincode and gateway processes, as NAME=value.
	Env []string
	// Index is where the gateways keep their indexes: IndexSQLite, or the URL of a PostgreSQL database, in which every
	// organisation gets a schema of its own. Empty: as at the last start, or files for a new network.
	Index string
	// BatchRecords is the greatest number of records that a gateway puts into one transaction. 0: the gateway's default.
	BatchRecords int
	// CertificateLifetime is how long the certificates of a new network are valid, other than those of authorities. An
	// existing network keeps its own. 0: DefaultCertificateLifetime.
	CertificateLifetime time.Duration

	lock     *os.File // the folder's lock, if the caller already holds it
	door     door     // where the gateway listens
	detached bool
}

// A Network is a running network. Its methods are safe for use by several goroutines.
type Network struct {
	dir     folder
	plan    *plan
	fabric  fabric
	options Options
	say     *reporter
	lock    *os.File // the folder's lock; nil while a node runs some parts
	state   *stateFile
	sup     *supervisor
	clients []*peerClient
	stop    sync.Once

	partLocks []*os.File // of a node that runs some parts
	stopped   chan struct{}
}

// Start starts the network of a folder, making it first if there is none, and returns when it is ready: every
// organisation's chaincode has endorsed a call through every organisation's peer, and every gateway says that it has
// caught up with the ledger. Until [Network.Stop] it keeps all processes running. If it fails, or ctx ends before, it
// stops what it started. Only one process can run a folder's network at a time.
func Start(ctx context.Context, o Options) (*Network, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	d, err := openFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	n := &Network{dir: d, options: o, say: newReporter(o.Out), lock: o.lock, stopped: make(chan struct{})}
	if n.lock == nil {
		if n.lock, err = d.take(); err != nil {
			return nil, err
		}
	}
	if err := n.prepare(ctx); err != nil {
		n.lock.Close()
		return nil, err
	}
	if err := n.start(ctx); err != nil {
		n.Stop() // the error to report is why it didn't start
		if d.full() && !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
			err = fmt.Errorf("%w (%w)", err, syscall.ENOSPC) // processes that died because of this couldn't report it
		}
		return nil, plainly(err)
	}
	return n, nil
}

// prepare brings everything on disk into a state from which processes can be started. The caller holds the lock.
func (n *Network) prepare(ctx context.Context) error {
	if err := n.takeOver(ctx); err != nil {
		return err
	}
	if err := n.readOrMake(); err != nil {
		return err
	}
	if err := n.layPrograms(); err != nil {
		return err
	}
	for _, org := range n.plan.Orgs {
		if err := n.dir.configureGateway(n.plan, org, n.options); err != nil {
			return err
		}
	}
	changed, err := placeOperations(n.plan.Orgs, n.plan.Orderers, func(string) bool { return true })
	if err == nil && changed {
		err = n.plan.write(n.dir)
	}
	if err != nil {
		return fmt.Errorf("couldn't choose the ports for figures: %w", plainly(err))
	}
	if err := n.dir.listTargets(n.plan.Orgs, n.plan.Orderers); err != nil {
		return err
	}
	return n.dir.nameOrderers(n.plan)
}

// takeOver ends what a killed supervisor has left of some parts, or of all, and finds or builds the programs of Fabric.
func (n *Network) takeOver(ctx context.Context, parts ...string) error {
	names, err := n.dir.endLeftovers(parts...)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		n.say.line("ended what a killed supervisor left running: %s", strings.Join(names, ", "))
	}
	n.fabric, err = buildFabric(ctx, n.say)
	return err
}

// layPrograms puts this program and the peers' builder into the folder.
func (n *Network) layPrograms() error {
	source := n.options.Executable
	if source == "" {
		var err error
		if source, err = os.Executable(); err != nil {
			return fmt.Errorf("couldn't find this program: %w", err)
		}
	}
	if err := n.dir.layProgram(source); err != nil {
		return err
	}
	return n.dir.layBuilder()
}

// readOrMake reads the network's plan, or plans and makes a new network. It returns an error unless all ports of the
// network are free.
func (n *Network) readOrMake() error {
	var err error
	n.plan, err = readPlan(n.dir)
	if err == nil {
		if base := n.options.BasePort; base != 0 && base != n.plan.BasePort {
			if err := n.plan.moveGateways(base); err != nil {
				return err
			}
			if err := n.plan.write(n.dir); err != nil {
				return fmt.Errorf("couldn't record the gateways' new ports: %w", plainly(err))
			}
		}
		if n.plan.neverFormed(n.dir) {
			if err := n.dir.clearLedgers(n.plan); err != nil {
				return err
			}
		}
		return n.plan.checkFree()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	orgs, orderers := n.options.Orgs, n.options.Orderers
	if orgs == nil {
		orgs = DefaultOrgs
	}
	if orderers == 0 {
		orderers = DefaultOrderers
	}
	if n.plan, err = newPlan(orgs, orderers, n.options.BasePort, pin.Fabric); err != nil {
		return err
	}
	if n.options.CertificateLifetime != 0 {
		n.plan.CertificateLifetime = n.options.CertificateLifetime.String()
	}
	if err := n.plan.checkFree(); err != nil {
		return err
	}
	if err := n.dir.make(n.plan, n.fabric); err != nil {
		return err
	}
	n.say.line("made a network of %d organisations and %d orderers in %s", len(orgs), orderers, n.dir)
	return nil
}

// start starts every process and deploys what isn't deployed yet.
func (n *Network) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var err error
	if n.state, err = newStateFile(n.dir.stateFile(), n.options.detached); err != nil {
		return fmt.Errorf("couldn't record what is running: %w", plainly(err))
	}
	n.sup = newSupervisor(n.say, n.state.setProcesses, fail)
	if err := n.startLedger(); err != nil {
		return err
	}
	if err := n.deploy(ctx); err != nil {
		return err
	}
	for _, org := range n.plan.Orgs {
		if err := n.sup.start(n.dir.gatewayProcess(org, n.options.Env)); err != nil {
			return err
		}
	}
	if err := n.AwaitReady(ctx); err != nil {
		return err
	}
	if err := n.registerMembers(ctx); err != nil {
		return err
	}
	if err := n.upgrade(ctx); err != nil {
		return err
	}
	if err := n.state.set(StateReady); err != nil {
		return fmt.Errorf("couldn't record what is running: %w", plainly(err))
	}
	n.say.line("ready: every organisation endorses, every gateway answers")
	return nil
}

// startLedger starts the orderers and the chaincode, and prepares the connections to the peers.
func (n *Network) startLedger() error {
	for _, o := range n.plan.Orderers {
		if err := n.sup.start(n.dir.ordererProcess(n.fabric, o)); err != nil {
			return err
		}
	}
	for _, org := range n.plan.Orgs {
		if err := n.startChaincode(org, n.plan.rules()); err != nil {
			return err
		}
		client, err := n.dir.connectPeer(org, n.plan.Channel)
		if err != nil {
			return err
		}
		n.clients = append(n.clients, client)
	}
	n.say.line("started %d orderers and %d chaincode processes", len(n.plan.Orderers), len(n.plan.Orgs))
	if n.dir.orderersExpired() {
		n.say.line("the identity of an orderer has expired: when the network is ready, run `pedigree renew orderer%s`",
			dirFlag(n.dir))
	}
	return nil
}

// deploy starts the peers, joins all nodes to the channel and puts the chaincode's definition on it. It skips what has
// been done before, so it can be interrupted at any point and repeated.
func (n *Network) deploy(ctx context.Context) error {
	genesis, err := os.ReadFile(n.dir.genesis())
	if err != nil {
		return fmt.Errorf("couldn't read the genesis block: %w", err)
	}
	admin, err := n.dir.ordererAdmin()
	if err != nil {
		return err
	}
	defer admin.close()
	var joins, listens []func() error
	for _, o := range n.plan.Orderers {
		listens = append(listens, func() error { return o.listening(ctx) })
	}
	if err := together(listens...); err != nil {
		return err
	}
	lost, err := n.lostOrderers(ctx, admin)
	if err != nil {
		return err
	}
	for _, o := range lost {
		joins = append(joins, func() error { return admin.join(ctx, o, n.plan.Channel, genesis) })
	}
	joins = append(joins, func() error { return n.startPeers(ctx, genesis) })
	if err := together(joins...); err != nil {
		return err
	}
	if err := n.checkHeights(ctx, admin); err != nil {
		return err
	}
	if !n.plan.Formed {
		n.plan.Formed = true
		if err := n.plan.write(n.dir); err != nil {
			return fmt.Errorf("couldn't record that everybody has joined: %w", plainly(err))
		}
	}
	n.say.line("started %d peers; orderers and peers follow channel %s", len(n.plan.Orgs), n.plan.Channel)
	if err := n.define(ctx); err != nil {
		return err
	}
	n.say.line("chaincode %s is defined and approved by %s", n.plan.Chaincode, strings.Join(n.plan.mspIDs(), ", "))
	return nil
}

// startPeers starts the peers one after another and joins each to the channel. Peers that start at the same moment call
// each other before either can answer, and then each cuts off the other's second call. Now and then gossip needs many
// seconds to recover from that.
func (n *Network) startPeers(ctx context.Context, genesis []byte) error {
	for _, c := range n.clients {
		if err := n.sup.start(n.dir.peerProcess(n.fabric, c.org)); err != nil {
			return err
		}
		if err := c.joinChannel(ctx, n.plan.Channel, genesis); err != nil {
			return err
		}
	}
	return nil
}

// AwaitReady waits until the network is ready in the sense of [Start], for example after processes were killed or held.
// If ctx ends first, the error says what isn't ready.
func (n *Network) AwaitReady(ctx context.Context) error {
	var checks []func() error
	for i, c := range n.clients {
		checks = append(checks,
			func() error { return c.prove(ctx, n.plan.Chaincode, n.plan.mspIDs()) },
			func() error {
				return eventually(ctx, func(ctx context.Context) error {
					_, err := n.dir.gatewayReady(ctx, n.plan.Orgs[i])
					return err
				})
			})
	}
	return together(checks...)
}

// registerMembers registers each organisation as a member, once in the network's life.
func (n *Network) registerMembers(ctx context.Context) error {
	var registrations []func() error
	for i := range n.plan.Orgs {
		if !n.plan.Orgs[i].Registered {
			registrations = append(registrations, func() error {
				err := n.dir.register(ctx, n.plan.Orgs[i], firstMember(n.plan.Orgs[i]))
				n.plan.Orgs[i].Registered = err == nil
				return err
			})
		}
	}
	if len(registrations) == 0 {
		return nil
	}
	err := together(registrations...)
	if err == nil {
		err = wrap(plainly(n.plan.write(n.dir)), "couldn't record who is a member")
	}
	if err == nil {
		n.say.line("registered every organisation as a member, with the namespace of its name")
	}
	return err
}

// Stop ends every process of the network and returns when none is left. It may be called again.
func (n *Network) Stop() error { return n.stopWithin(nil) }

// stopWithin is Stop, except that it kills the remaining processes once hurry is closed.
func (n *Network) stopWithin(hurry <-chan struct{}) error {
	var err error
	n.stop.Do(func() {
		defer close(n.stopped)
		for _, c := range n.clients {
			c.close()
		}
		if n.sup != nil {
			n.state.set(StateStopping) // if this fails, the processes are stopped all the same
			n.sup.stop(hurry)
		}
		if n.state != nil {
			if err = os.Remove(n.state.path); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		closeAll(append(n.partLocks, n.lock))
	})
	<-n.stopped
	return wrap(err, "stopped everything, but couldn't clear the record of what was running")
}

// Kill sends SIGKILL to a process. name is its name in [Network.Processes]. The process is restarted as after any other
// death.
func (n *Network) Kill(name string) error { return n.sup.kill(name) }

// Hold stops a process and keeps it down until [Network.Release].
func (n *Network) Hold(name string) error { return n.sup.hold(name, syscall.SIGTERM) }

// KillAndHold sends SIGKILL to a process and keeps it down until [Network.Release], as if its machine had lost power.
func (n *Network) KillAndHold(name string) error { return n.sup.hold(name, syscall.SIGKILL) }

// Release restarts a process that [Network.Hold] or [Network.KillAndHold] stopped.
func (n *Network) Release(name string) error { return n.sup.release(name) }

// Processes lists the processes of the network, whether they are running or not.
func (n *Network) Processes() []ProcessStatus {
	n.sup.mu.Lock()
	defer n.sup.mu.Unlock()
	all := n.sup.statusLocked()
	for i := range all {
		all[i].Running = all[i].PID != 0
	}
	return all
}

// Dir returns the absolute path of the network's folder.
func (n *Network) Dir() string { return string(n.dir) }

// Orgs returns the organisations, in the order of their gateways' ports.
func (n *Network) Orgs() []Org { return append([]Org(nil), n.plan.Orgs...) }

// Orderers returns the orderers.
func (n *Network) Orderers() []Orderer { return append([]Orderer(nil), n.plan.Orderers...) }

// GenesisFile returns the file with the channel's genesis block, as configtxgen wrote it.
func (n *Network) GenesisFile() string { return n.dir.genesis() }

// Token returns the bearer token of a role of an organisation.
func (n *Network) Token(org, role string) (string, error) {
	text, err := os.ReadFile(n.dir.token(org, role))
	return strings.TrimSpace(string(text)), wrap(err, "couldn't read a token")
}

// Identity returns the files with the certificate and the key of an organisation's ledger identity for a role, both
// PEM.
func (n *Network) Identity(org, role string) (certificate, key string) {
	return filepath.Join(n.dir.user(org, role), "cert.pem"), filepath.Join(n.dir.user(org, role), "key.pem")
}

// TLSRoots returns the file with the TLS authority of an organisation's peer, as PEM.
func (n *Network) TLSRoots(org string) string { return n.dir.path(org, "tlsca", "cert.pem") }

// MSPDir returns the folder with an organisation's public membership definition, in the form that Fabric reads.
func (n *Network) MSPDir(org string) string { return n.dir.path(org, "msp") }

// GatewayConfig returns the configuration file of an organisation's gateway.
func (n *Network) GatewayConfig(org string) string { return n.dir.path(org, "gateway.json") }
