package network

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// waitingReport is the time after which a node says again what it waits for.
const waitingReport = 10 * time.Second

// start starts the parts in the order in which they need each other.
func (node *Node) start(ctx context.Context) error {
	n := node.network
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var err error
	if n.state, err = newStateFile(node.stateFile(), false); err != nil {
		return fmt.Errorf("couldn't record what is running: %w", plainly(err))
	}
	n.sup = newSupervisor(n.say, n.state.setProcesses, fail)
	n.sup.direct = node.direct
	node.health.of(n.sup)
	genesis, err := input.File(nil, n.dir.genesis(), input.MaxBlock)
	if err != nil {
		return err
	}
	if node.runs(ordererPart) {
		if err := node.startOrderers(ctx, genesis); err != nil {
			return err
		}
	}
	if node.runs(chaincodePart) {
		if err := node.startChaincode(); err != nil {
			return err
		}
	}
	if node.runs(peerPart) {
		if err := node.startPeer(ctx, genesis); err != nil {
			return err
		}
	}
	if err := node.follow(); err != nil {
		return err
	}
	if node.runs(gatewayPart) {
		if err := node.startGateway(ctx); err != nil {
			return err
		}
	}
	if node.runs(ordererPart) {
		if err := node.takePart(ctx); err != nil {
			return err
		}
	}
	if err := n.state.set(StateReady); err != nil {
		return fmt.Errorf("couldn't record what is running: %w", plainly(err))
	}
	node.health.ready()
	n.say.line("ready: %s of %s", strings.Join(node.parts, ", "), node.org.Org.MSPID)
	return nil
}

// startOrderers starts the organisation's orderers and joins them to the channel. An orderer that had joined and has no
// ledger has lost it. It joins again only if that is asked for: if too many orderers began anew, they would order a
// second history from the genesis block on.
func (node *Node) startOrderers(ctx context.Context, genesis []byte) error {
	n := node.network
	node.lenient = n.dir.orderersExpired()
	for _, o := range n.plan.Orderers {
		if err := n.sup.start(n.dir.ordererProcess(n.fabric, o)); err != nil {
			return err
		}
	}
	admin, err := n.dir.ordererAdmin()
	if err != nil {
		return err
	}
	defer admin.close()
	for _, o := range n.plan.Orderers {
		if err := o.listening(ctx); err != nil {
			return err
		}
		height, err := admin.height(ctx, o, n.plan.Channel)
		if err != nil {
			return err
		}
		if height == 0 {
			rejoins := slices.Contains(node.rejoin, o.Name)
			if slices.Contains(node.org.Joined, o.Name) && !rejoins {
				return node.lostLedger(o)
			}
			if rejoins {
				if err := node.clearRemains(o); err != nil {
					return err
				}
				if _, err := admin.height(ctx, o, n.plan.Channel); err != nil { // waits until it answers again
					return err
				}
				n.say.line("%s gets the ledger from the others", o.Name)
			}
			if err := admin.join(ctx, o, n.plan.Channel, genesis); err != nil {
				return err
			}
		}
		if !slices.Contains(node.org.Joined, o.Name) {
			err := node.record(ctx, func(org *organisation) { org.Joined = append(org.Joined, o.Name) })
			if err != nil {
				return fmt.Errorf("couldn't record that %s has joined: %w", o.Name, err)
			}
		}
	}
	n.say.line("%d orderers follow channel %s", len(n.plan.Orderers), n.plan.Channel)
	if node.lenient {
		n.say.line("the identity of an orderer has expired: when the node is ready, run `pedigree renew%s`", dirFlag(n.dir))
	}
	node.keep(node.keepIdentities)
	return nil
}

// lostLedger says what to do about an orderer that had joined the channel and has no ledger.
func (node *Node) lostLedger(o Orderer) error {
	all, spare := node.charter.Orderers()
	if spare == 0 {
		return fmt.Errorf("%s has lost its ledger, and none of the %d orderers can be spared: restore %s from a backup",
			o.Name, all, node.network.dir.orderer(o.Name))
	}
	return fmt.Errorf("%s has lost its ledger. If no more than %d of the %d orderers of all organisations have lost "+
		"theirs, have it get the ledger from the others with --rejoin %s; otherwise restore %s from a backup",
		o.Name, spare, all, o.Name, node.network.dir.orderer(o.Name))
}

// clearRemains restarts an orderer that has lost its ledger without its log of messages, which refers to blocks that
// the orderer no longer has. With such a log it would die when it joins.
func (node *Node) clearRemains(o Orderer) error {
	n := node.network
	if err := n.sup.hold(o.Name, syscall.SIGTERM); err != nil {
		return err
	}
	for _, name := range []string{"wal", "snapshots"} {
		if err := os.RemoveAll(filepath.Join(n.dir.orderer(o.Name), name)); err != nil {
			return fmt.Errorf("couldn't clear what is left of %s: %w", o.Name, plainly(err))
		}
	}
	return n.sup.release(o.Name)
}

// startPeer starts the peer, joins it to the channel, and sees to the chaincode's definition.
func (node *Node) startPeer(ctx context.Context, genesis []byte) error {
	n := node.network
	own := n.plan.Orgs[0]
	c, err := n.dir.connectPeer(own, n.plan.Channel)
	if err != nil {
		return err
	}
	n.clients = []*peerClient{c}
	if err := n.sup.start(n.dir.peerProcess(n.fabric, own)); err != nil {
		return err
	}
	if err := c.joinChannel(ctx, n.plan.Channel, genesis); err != nil {
		return err
	}
	n.say.line("the peer follows channel %s", n.plan.Channel)
	return node.define(ctx)
}

// gatewayVariables are the variables of this process that configure the gateway. Everything else in its configuration
// follows from the charter and the folder.
func gatewayVariables() []string {
	var set []string
	for _, member := range []string{
		"index", "indexPasswordFile", "namespace", "batchRecords", "cosigners", "cosignerNetworks",
	} {
		name := config.Prefix + config.Variable(member)
		if value := os.Getenv(name); value != "" {
			set = append(set, name+"="+value)
		}
	}
	return set
}

// startGateway starts the gateway and registers the organisation as a member.
func (node *Node) startGateway(ctx context.Context) error {
	n := node.network
	own := n.plan.Orgs[0]
	if err := n.sup.start(n.dir.gatewayProcess(own, append(gatewayVariables(), n.options.Env...))); err != nil {
		return err
	}
	if len(n.clients) > 0 && node.standing == nil {
		const endorsing = "the peers of as many organisations as must endorse"
		err := node.await(ctx, endorsing, func(ctx context.Context) error {
			_, err := n.clients[0].endorse(ctx, n.plan.Chaincode, provenFunction, nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	err := node.await(ctx, "the gateway", func(ctx context.Context) error {
		_, err := n.dir.gatewayReady(ctx, own)
		return err
	})
	if err != nil {
		return err
	}
	return node.introduce(ctx, cmp.Or(node.org.Rules, node.rules))
}

// await tries until it succeeds or ctx ends, and says at times what it waits for.
func (node *Node) await(ctx context.Context, what string, try func(context.Context) error) error {
	said := time.Now().Add(3*time.Second - waitingReport) // what takes no longer than usual isn't told
	return wrap(eventually(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		err := try(ctx)
		if err != nil && time.Since(said) >= waitingReport {
			said = time.Now()
			node.network.say.line("waiting for %s: %v", what, err)
		}
		return err
	}), "waited in vain for %s", what)
}
