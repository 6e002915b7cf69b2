package network

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// The parts of an organisation that a node runs.
const (
	ordererPart   = "orderer"
	peerPart      = "peer"
	chaincodePart = "chaincode"
	gatewayPart   = "gateway"
)

var nodeParts = []string{ordererPart, peerPart, chaincodePart, gatewayPart}

// NodeOptions describes what to run of an organisation.
type NodeOptions struct {
	Dir     string        // the folder of the organisation
	Charter *charter.File // signed by all. Nil: that of the last start
	Parts   []string      // orderer, peer, chaincode, gateway. Nil, or all among them: all that the organisation has
	Rejoin  []string      // orderers that have lost their ledger, and are to get it from the others
	From    string        // a folder with files of the organisation to refer to, such as mounted secrets. Empty: none
	Health  string        // the host:port at which to say whether the parts work. Empty: nowhere
	// Listen is where the gateway listens, host:port. Empty: the variables of the process say so, or it is on loopback.
	Listen string
	// LogToStderr has the processes log to standard error, and not to files.
	LogToStderr bool
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
	listen  string // see NodeOptions.Listen

	direct     bool            // the processes log to standard error
	health     *health         // nil: nobody asks
	identities sync.Mutex      // held while the identities of its orderers are compared with the channel's
	looked     time.Time       // when they were compared
	lenient    bool            // the identity of an orderer had expired when it started
	running    context.Context // ends when the node stops. Nil as long as it follows nothing
	end        context.CancelFunc
	keeping    sync.WaitGroup

	// standing says why the organisation endorses nothing by the definition in force. Nil: it does, as far as is known.
	standing error
	defined  int64 // number of the definition that was in force when the node started. 0: not known
}

// StartNode starts an organisation's parts. It returns once they are ready, or when ctx ends. That may take as long as
// the others need to start theirs; what it waits for is said to Out.
func StartNode(ctx context.Context, o NodeOptions) (*Node, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	d, err := openFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	node := &Node{rejoin: o.Rejoin, direct: o.LogToStderr, listen: o.Listen}
	if o.From != "" {
		if err := d.referTo(ctx, o.From); err != nil {
			return nil, err
		}
		if file := filepath.Join(o.From, "charter.json"); o.Charter == nil && fileExists(file) {
			if o.Charter, err = charter.Read(nil, file); err != nil {
				return nil, err
			}
		}
	}
	if node.org, err = d.readOrganisation(); err != nil {
		return nil, err
	}
	if err := node.choose(o.Parts); err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	n := &Network{dir: d, options: Options{Executable: o.Executable}, say: newReporter(o.Out),
		stopped: make(chan struct{})}
	node.network = n
	if err := node.sayHealth(o.Health); err != nil {
		return nil, err
	}
	started, err := node.startIn(ctx, d, o)
	if err != nil {
		node.health.close()
	}
	return started, err
}

// startIn starts the node when it has the locks of its parts.
func (node *Node) startIn(ctx context.Context, d folder, o NodeOptions) (*Node, error) {
	n := node.network
	var err error
	if node.whole() {
		n.lock, err = d.lock()
	} else {
		n.lock, n.partLocks, err = d.lockParts(ctx, n.say, node.parts)
	}
	if err != nil {
		return nil, err
	}
	if err := node.prepare(ctx, o.Charter); err != nil {
		closeAll(append(n.partLocks, n.lock))
		return nil, err
	}
	if !node.whole() {
		closeAll([]*os.File{n.lock})
		n.lock = nil
	}
	if err := node.start(ctx); err != nil {
		node.Stop() // the error to report is why it didn't start
		return nil, plainly(err)
	}
	return node, nil
}

// choose decides which parts to run.
func (node *Node) choose(parts []string) error {
	for _, part := range parts {
		if part != "all" && !slices.Contains(nodeParts, part) {
			return fmt.Errorf("an organisation has no part %q: choose from %s and all", part, strings.Join(nodeParts, ", "))
		}
	}
	if len(parts) == 0 || slices.Contains(parts, "all") {
		parts = nodeParts
		if len(node.org.Orderers) == 0 {
			parts = nodeParts[1:]
		}
	}
	if slices.Contains(parts, ordererPart) && len(node.org.Orderers) == 0 {
		return fmt.Errorf("%s has no orderer", node.org.Org.MSPID)
	}
	node.parts = slices.Compact(slices.Sorted(slices.Values(parts)))
	for _, name := range node.rejoin {
		own := slices.ContainsFunc(node.org.Orderers, func(o Orderer) bool { return o.Name == name })
		if !own || !node.runs(ordererPart) {
			return fmt.Errorf("--rejoin %s: that isn't one of the orderers that this command runs", name)
		}
	}
	return nil
}

// founder reports whether the charter names the organisation. Another one joins later.
func (node *Node) founder() bool {
	_, is := node.charter.Founder(node.org.Org.MSPID)
	return is
}

// runs reports whether the node runs a part.
func (node *Node) runs(part string) bool { return slices.Contains(node.parts, part) }

// whole reports whether the node runs all parts that the organisation has.
func (node *Node) whole() bool {
	return len(node.parts) == len(nodeParts) || len(node.parts) == len(nodeParts)-1 && len(node.org.Orderers) == 0
}

// takeOver ends what a killed node has left of the parts to run.
func (node *Node) takeOver(ctx context.Context) error {
	if node.whole() {
		return node.network.takeOver(ctx)
	}
	return node.network.takeOver(ctx, node.parts...)
}

// stateFile is where the node records what it runs.
func (node *Node) stateFile() string {
	if node.whole() {
		return node.network.dir.stateFile()
	}
	return node.network.dir.partsState(node.parts)
}

// record changes what the folder's organisation.json says. The processes of several parts may do so at the same time.
func (node *Node) record(ctx context.Context, change func(o *organisation)) error {
	now, err := node.network.dir.changeOrganisation(ctx, change)
	if err == nil {
		node.org = now
	}
	return err
}

// changeOrganisation changes organisation.json, of which every process has a copy.
func (d folder) changeOrganisation(ctx context.Context, change func(o *organisation)) (*organisation, error) {
	unlock, err := waitForLock(ctx, d.path("run", "organisation.lock"), func() {})
	if err != nil {
		return nil, err
	}
	defer unlock()
	now, err := d.readOrganisation()
	if err != nil {
		return nil, err
	}
	change(now)
	return now, plainly(now.write(d))
}

func (d folder) charterFile() string { return d.path("charter.json") }

// prepare lays out what the processes read. Everything in it follows from the charter and the organisation's own keys.
func (node *Node) prepare(ctx context.Context, file *charter.File) error {
	n := node.network
	if err := node.agree(file); err != nil {
		return err
	}
	if !node.founder() {
		n.say.line("%s isn't a founder: the members must have added it with `pedigree propose add-organisation`",
			node.org.Org.MSPID)
	}
	if err := node.takeOver(ctx); err != nil {
		return err
	}
	var err error
	if n.options.door, err = node.door(); err != nil {
		return err
	}
	if err := node.checkPorts(); err != nil {
		return err
	}
	if err := node.layGenesis(); err != nil {
		return err
	}
	if err := node.placeOperations(ctx); err != nil {
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
	if err := n.layPrograms(); err != nil {
		return err
	}
	return node.configure()
}

// configure writes the gateway's configuration, and lists what Prometheus may ask.
func (node *Node) configure() error {
	n := node.network
	own := n.plan.Orgs[0]
	if err := n.dir.configureGateway(n.plan, own, n.options); err != nil {
		return err
	}
	if _, err := config.Read(n.dir.path(own.Name, "gateway.json")); err != nil {
		return err
	}
	if node.runs(gatewayPart) && !node.org.Org.Registered {
		if err := n.dir.knowsOperator(own); err != nil {
			return err
		}
	}
	return n.dir.listTargets([]Org{node.org.Org}, node.org.Orderers)
}

// checkPorts returns an error about the first port of the node that another program is using.
func (node *Node) checkPorts() error {
	own := plan{}
	if node.runs(ordererPart) {
		own.Orderers = node.org.Orderers
	}
	gatewayHost, gatewayPort := node.network.options.door.place(node.org.Org.GatewayPort)
	for _, one := range []struct {
		part string
		at   string
		port int
	}{
		{peerPart, node.org.Org.At, node.org.Org.PeerPort},
		{chaincodePart, "", node.org.Org.ChaincodePort},
		{gatewayPart, gatewayHost, gatewayPort},
	} {
		if !node.runs(one.part) {
			continue
		}
		if err := explainPort(one.at, one.port, "the "+one.part, ""); err != nil {
			return err
		}
	}
	return own.checkFree()
}

// placeOperations chooses the ports of figures.
func (node *Node) placeOperations(ctx context.Context) error {
	var failed error
	err := node.record(ctx, func(o *organisation) {
		own := []Org{o.Org}
		_, failed = placeOperations(own, o.Orderers, node.runs)
		o.Org = own[0]
	})
	if failed != nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("couldn't choose the ports for figures: %w", err)
	}
	return nil
}

// agree reads the charter and keeps it at the first start. It refuses one that isn't signed by all founders, that has
// another card for this organisation, or that isn't the one with which the organisation started before. An organisation
// that isn't a founder joins the network of the charter.
func (node *Node) agree(file *charter.File) error {
	d := node.network.dir
	before, err := charter.Read(nil, d.charterFile())
	isFirst := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !isFirst:
		return err
	case isFirst && file == nil:
		return exit.Usagef("there is no charter in %s yet: name it with --charter FILE at the first start", d)
	case !isFirst && file != nil && file.Charter.Hash() != before.Charter.Hash():
		return fmt.Errorf("the charter isn't the one that this organisation started with. It has the digest\n  %s\n"+
			"and the other one\n  %s\nFor another network, make another organisation with `pedigree org init`",
			file.Charter.Digest(), before.Charter.Digest())
	case !isFirst:
		file = before
	}
	if err := file.Charter.Check(); err != nil {
		return err
	}
	if err := file.Complete(); err != nil {
		return err
	}
	if c := file.Charter; c.Channel != ChannelName || c.Chaincode.Name != ChaincodeName {
		return fmt.Errorf("this program runs chaincode %s on channel %s, and the charter has %s on %s",
			ChaincodeName, ChannelName, c.Chaincode.Name, c.Channel)
	}
	version := file.Charter.Chaincode.Version
	node.rules = chaincode.RulesOf(version)
	if node.rules.DefinitionVersion() != version {
		return fmt.Errorf("the charter has version %q of the chaincode, which names no rules: see `pedigree version`",
			version)
	}
	if err := node.rules.Known(); err != nil {
		return fmt.Errorf("this program can't run the chaincode of the charter: %w", err)
	}
	node.charter = &file.Charter
	if !isFirst {
		return nil
	}
	if err := node.checkCard(); err != nil {
		return err
	}
	text, err := file.Text()
	if err == nil {
		err = writeFile(d.charterFile(), text, 0o644)
	}
	return wrap(plainly(err), "couldn't keep the charter")
}

// checkCard checks that the charter has the organisation's card, if the organisation is a founder. It is asked at the
// first start only: later, the organisation may have renewed its certificates.
func (node *Node) checkCard() error {
	own, err := CardOf(string(node.network.dir))
	if err != nil {
		return err
	}
	there, ok := node.charter.Founder(own.MSPID)
	if !ok { // it joins later, and must differ from the founders as they do from each other
		all := *node.charter
		all.Organisations = append(slices.Clone(all.Organisations), *own)
		all.Trial = true
		return all.Check()
	}
	if there.Digest() != own.Digest() {
		return fmt.Errorf("the charter has another card for %s than this folder. It has the digest\n  %s\n"+
			"and this folder's\n  %s\nHave a charter made with the card that `pedigree org card` prints",
			own.MSPID, there.Digest(), own.Digest())
	}
	return nil
}

// layGenesis makes the genesis block at the first start.
func (node *Node) layGenesis() error {
	n := node.network
	if _, err := os.Stat(n.dir.genesis()); !errors.Is(err, fs.ErrNotExist) {
		return plainly(err)
	}
	block, err := n.fabric.genesis(node.charter)
	if err != nil {
		return fmt.Errorf("couldn't make the genesis block: %w", err)
	}
	if err := writeFile(n.dir.genesis(), block, 0o644); err != nil {
		return fmt.Errorf("couldn't write the genesis block: %w", plainly(err))
	}
	hash, err := n.dir.genesisHash()
	if err == nil {
		n.say.line("made the genesis block. All founders have the same one, with the hash %s", hash)
	}
	return err
}

// plan describes the network as this node sees it: the own organisation first, and of the orderers only the own ones.
func (node *Node) plan() *plan {
	hash := node.charter.Hash()
	own := node.own()
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
func orgOf(c *orgcard.Card) Org {
	org := newOrg(c.Name)
	p := c.Peers[0]
	org.MSPID, org.At, org.PeerPort, org.ServerName = c.MSPID, p.Host, p.Port, p.ServerName
	return org
}
