package network

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/network/card"
	"github.com/pedigree-ledger/pedigree/network/charter"
)

// The parts of an organisation that a node runs.
var nodeParts = []string{"orderer", "peer", "chaincode", "gateway"}

// waitingReport is the time after which a node says again what it waits for.
const waitingReport = 10 * time.Second

// NodeOptions describes what to run of an organisation.
type NodeOptions struct {
	Dir     string        // the folder of the organisation
	Charter *charter.File // signed by all. Nil: that of the last start
	Parts   []string      // orderer, peer, chaincode, gateway. Nil: all of them
	Rejoin  []string      // orderers that have lost their ledger, and are to get it from the others
	// Executable is the program to run, as in [Options].
	Executable string
	Out        io.Writer
}

// A Node runs the parts of one organisation on this host. The other organisations run theirs elsewhere.
type Node struct {
	network *Network
	org     *organisation
	charter *charter.Charter
	rules   chaincode.Rules // those of the charter
	parts   []string
	rejoin  []string
}

// StartNode starts an organisation's parts. It returns once they are ready, or when ctx ends. That may take as long as
// the other founders need to start theirs; what it waits for is said to Out.
func StartNode(ctx context.Context, o NodeOptions) (*Node, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	d, err := openFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	node := &Node{parts: o.Parts, rejoin: o.Rejoin}
	if len(node.parts) == 0 || slices.Contains(node.parts, "all") {
		node.parts = nodeParts
	}
	for _, part := range node.parts {
		if !slices.Contains(nodeParts, part) {
			return nil, fmt.Errorf("an organisation has no part %q: choose from %s and all",
				part, strings.Join(nodeParts, ", "))
		}
	}
	if node.org, err = d.readOrganisation(); err != nil {
		return nil, err
	}
	n := &Network{dir: d, options: Options{Executable: o.Executable}, say: newReporter(o.Out),
		stopped: make(chan struct{})}
	node.network = n
	if n.lock, err = d.lock(); err != nil {
		return nil, err
	}
	if err := node.prepare(ctx, o.Charter); err != nil {
		n.lock.Close()
		return nil, err
	}
	if err := node.start(ctx); err != nil {
		n.Stop() // the error to report is why it didn't start
		return nil, plainly(err)
	}
	return node, nil
}

// Stop ends every process of the node and returns when none is left.
func (node *Node) Stop() error { return node.network.Stop() }

// runs reports whether the node runs a part.
func (node *Node) runs(part string) bool { return slices.Contains(node.parts, part) }

func (d folder) charterFile() string { return d.path("charter.json") }

// prepare lays out what the processes read. Everything in it follows from the charter and the organisation's own keys.
func (node *Node) prepare(ctx context.Context, file *charter.File) error {
	n := node.network
	if _, err := n.dir.endLeftovers(); err != nil {
		return err
	}
	if err := node.agree(file); err != nil {
		return err
	}
	var err error
	if n.fabric, err = buildFabric(ctx, n.say); err != nil {
		return err
	}
	if err := node.layGenesis(); err != nil {
		return err
	}
	n.plan = node.plan()
	for i := range node.charter.Organisations {
		other := &node.charter.Organisations[i]
		if other.MSPID == node.org.Org.MSPID {
			continue
		}
		if err := layFile(n.dir.path(other.Name, "tlsca", "cert.pem"), []byte(other.TLSAuthority)); err != nil {
			return plainly(err)
		}
	}
	if err := n.dir.gatherRoots(n.plan); err != nil {
		return plainly(err)
	}
	source := n.options.Executable
	if source == "" {
		if source, err = os.Executable(); err != nil {
			return fmt.Errorf("couldn't find this program: %w", err)
		}
	}
	if err := n.dir.layProgram(source); err != nil {
		return err
	}
	if err := n.dir.layBuilder(); err != nil {
		return err
	}
	return n.dir.configureGateway(n.plan, n.plan.Orgs[0], n.options)
}

// agree reads the charter and keeps it. It refuses one that isn't signed by all, that has another card for this
// organisation, or that isn't the one with which the organisation started before.
func (node *Node) agree(file *charter.File) error {
	d := node.network.dir
	text, err := os.ReadFile(d.charterFile())
	switch {
	case errors.Is(err, fs.ErrNotExist) && file == nil:
		return errors.New("there is no charter yet: name it with --charter FILE at the first start")
	case err == nil:
		before, err := charter.Parse(text)
		if err != nil {
			return fmt.Errorf("couldn't read %s: %w", d.charterFile(), err)
		}
		if file != nil && file.Charter.Hash() != before.Charter.Hash() {
			return fmt.Errorf("the charter isn't the one that this organisation started with:\n  %s, and before\n  %s",
				file.Charter.Digest(), before.Charter.Digest())
		}
		file = before
	case !errors.Is(err, fs.ErrNotExist):
		return plainly(err)
	}
	if err := file.Complete(); err != nil {
		return err
	}
	own, err := CardOf(string(d))
	if err != nil {
		return err
	}
	there, ok := file.Charter.Founder(own.MSPID)
	if !ok || there.Digest() != own.Digest() {
		return fmt.Errorf("the charter has no card of %s, or another one than this folder's", own.MSPID)
	}
	if c := file.Charter; c.Channel != ChannelName || c.Chaincode.Name != ChaincodeName {
		return fmt.Errorf("this program runs chaincode %s on channel %s, and the charter has %s on %s",
			ChaincodeName, ChannelName, c.Chaincode.Name, c.Channel)
	}
	node.rules = chaincode.RulesOf(file.Charter.Chaincode.Version)
	if version := file.Charter.Chaincode.Version; node.rules.DefinitionVersion() != version {
		return fmt.Errorf("the charter has version %q of the chaincode, which names no rules: see `pedigree version`",
			version)
	}
	if err := node.rules.Known(); err != nil {
		return fmt.Errorf("this program can't run the chaincode of the charter: %w", err)
	}
	node.charter = &file.Charter
	text, err = file.Text()
	if err == nil {
		err = writeFile(d.charterFile(), text, 0o644)
	}
	return wrap(plainly(err), "couldn't keep the charter")
}

// layGenesis makes the genesis block, or checks that it is still the one that follows from the charter.
func (node *Node) layGenesis() error {
	n := node.network
	block, err := n.fabric.genesis(node.charter)
	if err != nil {
		return fmt.Errorf("couldn't make the genesis block: %w", err)
	}
	before, err := os.ReadFile(n.dir.genesis())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wrap(plainly(writeFile(n.dir.genesis(), block, 0o644)), "couldn't write the genesis block")
	case err != nil:
		return plainly(err)
	case !bytes.Equal(before, block):
		return fmt.Errorf("%s isn't the genesis block that follows from the charter", n.dir.genesis())
	}
	return nil
}

// plan describes the network as this node sees it: the own organisation first, and of the orderers only the own ones.
func (node *Node) plan() *plan {
	hash := node.charter.Hash()
	own := node.org.Org
	if node.rules != chaincode.First { // an organisation has one port for its chaincode, whatever the first rules are
		own.RulesPorts = map[chaincode.Rules]int{node.rules: own.ChaincodePort}
	}
	p := &plan{Version: planVersion, ID: hex.EncodeToString(hash[:8]), Channel: node.charter.Channel, Rules: node.rules,
		Chaincode: node.charter.Chaincode.Name, Orgs: []Org{own}, Orderers: node.org.Orderers}
	for i := range node.charter.Organisations {
		if c := &node.charter.Organisations[i]; c.MSPID != node.org.Org.MSPID {
			p.Orgs = append(p.Orgs, orgOf(c))
		}
	}
	return p
}

// orgOf describes another organisation as far as its card tells.
func orgOf(c *card.Card) Org {
	org := newOrg(c.Name)
	p := c.Peers[0]
	org.MSPID, org.At, org.PeerPort, org.Domain = c.MSPID, p.Host, p.Port, strings.TrimPrefix(p.ServerName, "peer0.")
	return org
}

// start starts the parts in the order in which they need each other.
func (node *Node) start(ctx context.Context) error {
	n := node.network
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var err error
	if n.state, err = newStateFile(n.dir, false); err != nil {
		return fmt.Errorf("couldn't record what is running: %w", plainly(err))
	}
	n.sup = newSupervisor(n.say, n.state.setProcesses, fail)
	genesis, err := os.ReadFile(n.dir.genesis())
	if err != nil {
		return plainly(err)
	}
	if node.runs("orderer") && len(n.plan.Orderers) > 0 {
		if err := node.startOrderers(ctx, genesis); err != nil {
			return err
		}
	}
	if node.runs("chaincode") {
		if err := n.startChaincode(n.plan.Orgs[0], node.rules); err != nil {
			return err
		}
	}
	if node.runs("peer") {
		if err := node.startPeer(ctx, genesis); err != nil {
			return err
		}
	}
	if node.runs("gateway") {
		if err := node.startGateway(ctx); err != nil {
			return err
		}
	}
	if err := n.state.set(StateReady); err != nil {
		return fmt.Errorf("couldn't record what is running: %w", plainly(err))
	}
	n.say.line("ready: %s of %s", strings.Join(node.parts, ", "), node.org.Org.MSPID)
	return nil
}

// startOrderers starts the organisation's orderers and joins them to the channel. An orderer that had joined and has no
// ledger has lost it. It joins again only if that is asked for: if too many orderers began anew, they would order a
// second history from the genesis block on.
func (node *Node) startOrderers(ctx context.Context, genesis []byte) error {
	n := node.network
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
			_, spare := node.charter.Orderers()
			if slices.Contains(node.org.Joined, o.Name) && !slices.Contains(node.rejoin, o.Name) {
				return fmt.Errorf("%s has lost its ledger: restore %s from a backup; or, if no more than %d of all organisations' "+
					"orderers have lost theirs, start with --rejoin %s to get it from the others",
					o.Name, n.dir.orderer(o.Name), spare, o.Name)
			}
			if err := admin.join(ctx, o, n.plan.Channel, genesis); err != nil {
				return err
			}
		}
		if !slices.Contains(node.org.Joined, o.Name) {
			node.org.Joined = append(node.org.Joined, o.Name)
			if err := writeJSON(n.dir.organisationFile(), node.org, 0o644); err != nil {
				return fmt.Errorf("couldn't record that %s has joined: %w", o.Name, plainly(err))
			}
		}
	}
	n.say.line("%d orderers follow channel %s", len(n.plan.Orderers), n.plan.Channel)
	return nil
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
	pack, err := n.dir.packChaincode(own, node.rules)
	if err != nil {
		return err
	}
	if err := c.install(ctx, pack); err != nil {
		return err
	}
	var other chaincode.Rules // that are in force
	wanted := definition{firstSequence, node.rules}
	const ordering = "the orderers of the others, to approve the chaincode's definition"
	err = node.await(ctx, ordering, func(ctx context.Context) error {
		now, err := c.committed(ctx, n.plan.Chaincode)
		if err != nil {
			return err
		}
		if now.sequence != 0 && now.rules != node.rules {
			other = now.rules
			return nil
		}
		wanted.sequence = max(now.sequence, firstSequence)
		return c.approve(ctx, n.plan.Chaincode, pack.id, wanted)
	})
	if err != nil {
		return err
	}
	if other != 0 {
		return fmt.Errorf("rules %d are in force, and the charter has rules %d: this command can't follow an upgrade yet",
			other, node.rules)
	}
	n.say.line("%s has approved the chaincode's definition", own.MSPID)
	err = node.await(ctx, "the definition of the chaincode", func(ctx context.Context) error {
		if now, err := c.committed(ctx, n.plan.Chaincode); err != nil || now.sequence >= wanted.sequence {
			return err
		}
		missing, err := c.unapproved(ctx, n.plan.Chaincode, wanted, n.plan.mspIDs())
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return fmt.Errorf("it is the turn of %s, who haven't approved it", strings.Join(missing, ", "))
		}
		return c.commit(ctx, n.plan.Chaincode, wanted, n.plan.mspIDs())
	})
	if err != nil {
		return err
	}
	n.say.line("the chaincode's definition is approved by all and in force")
	return nil
}

// startGateway starts the gateway and registers the organisation as a member.
func (node *Node) startGateway(ctx context.Context) error {
	n := node.network
	own := n.plan.Orgs[0]
	if err := n.sup.start(n.dir.gatewayProcess(own, n.options.Env)); err != nil {
		return err
	}
	if len(n.clients) > 0 {
		err := node.await(ctx, "an endorsement of every organisation", func(ctx context.Context) error {
			_, err := n.clients[0].endorse(ctx, n.plan.Chaincode, provenFunction, nil, n.plan.mspIDs()...)
			return err
		})
		if err != nil {
			return err
		}
	}
	err := node.await(ctx, "the gateway", func(ctx context.Context) error {
		_, err := gatewayReady(ctx, own)
		return err
	})
	if err != nil {
		return err
	}
	return n.dir.register(ctx, own)
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

// unapproved returns which organisations haven't approved a definition.
func (c *peerClient) unapproved(ctx context.Context, name string, d definition, all []string) ([]string, error) {
	policy, err := policy()
	if err != nil {
		return nil, err
	}
	query, err := proto.Marshal(&lifecycle.CheckCommitReadinessArgs{
		Name: name, Version: d.rules.DefinitionVersion(), Sequence: d.sequence, ValidationParameter: policy,
	})
	if err != nil {
		return nil, err
	}
	answer, err := c.network.GetContract("_lifecycle").EvaluateWithContext(ctx, "CheckCommitReadiness",
		client.WithBytesArguments(query), client.WithEndorsingOrganizations(c.org.MSPID))
	if err != nil {
		return nil, explain(err)
	}
	var ready lifecycle.CheckCommitReadinessResult
	if err := proto.Unmarshal(answer, &ready); err != nil {
		return nil, err
	}
	var missing []string
	for _, id := range all {
		if !ready.GetApprovals()[id] {
			missing = append(missing, id)
		}
	}
	return missing, nil
}
