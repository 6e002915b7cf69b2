package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/network/definition"
)

// startChaincode starts the chaincode process for the rules that were last in force.
func (node *Node) startChaincode() error {
	rules := cmp.Or(node.org.Rules, node.rules)
	if rules.Known() != nil {
		return nil // follow says that the program is too old
	}
	return node.network.startChaincode(node.own(), rules)
}

// own is the organisation with the ports of today.
func (node *Node) own() Org { return node.org.Org.founded(node.rules) }

// define sees to the definition of the chaincode when the node starts. The founders approve the charter's, and one of
// them puts it into force. Later, a node without its organisation's approval goes on and says so.
func (node *Node) define(ctx context.Context) error {
	n := node.network
	c := n.clients[0]
	what := "the orderers of the others, to approve the chaincode's definition"
	if !node.founder() {
		what = "being a member, to approve the chaincode's definition"
	}
	first := definition.ByChannel(firstSequence, node.rules)
	inForce := false
	node.defined = firstSequence
	err := node.await(ctx, what, func(ctx context.Context) error {
		now, err := c.committed(ctx, n.plan.Chaincode)
		if err != nil {
			return err
		}
		if inForce = now.Sequence != 0; !inForce {
			return node.approve(ctx, c, first)
		}
		node.defined = now.Sequence
		node.standing, err = node.settle(ctx, c, now)
		return err
	})
	switch {
	case err != nil:
		return err
	case node.standing != nil:
		n.say.line("%v", node.standing)
		return nil
	}
	n.say.line("%s has approved the chaincode's definition", node.org.Org.MSPID)
	if inForce {
		return nil
	}
	err = node.await(ctx, "the definition of the chaincode", func(ctx context.Context) error {
		if now, err := c.committed(ctx, n.plan.Chaincode); err != nil || now.Sequence >= first.Sequence {
			return err
		}
		missing, err := c.unapproved(ctx, n.plan.Chaincode, first, n.plan.mspIDs())
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return fmt.Errorf("it is the turn of %s, who haven't approved it", strings.Join(missing, ", "))
		}
		return c.commit(ctx, n.plan.Chaincode, first, n.plan.mspIDs())
	})
	if err == nil {
		n.say.line("the chaincode's definition is approved by all and in force")
	}
	return err
}

// install installs the organisation's package for a definition.
func (node *Node) install(ctx context.Context, c *peerClient, d definition.Definition) (chaincodePackage, error) {
	pack, err := node.network.dir.packChaincode(node.own(), d.Rules())
	if err == nil {
		err = c.install(ctx, pack)
	}
	return pack, err
}

// approve installs the package for a definition and approves it.
func (node *Node) approve(ctx context.Context, c *peerClient, d definition.Definition) error {
	pack, err := node.install(ctx, c, d)
	if err != nil {
		return err
	}
	return c.approve(ctx, node.network.plan.Chaincode, pack.id, d)
}

// settle sees that the organisation has approved the definition in force. It approves it if that has the rules and the
// endorsement policy of the charter, which the operator has signed, and anew if the operator approved it and the keys
// of the package have changed. Otherwise only the operator can: standing says why the organisation endorses nothing.
func (node *Node) settle(ctx context.Context, c *peerClient, now definition.Definition) (standing, err error) {
	own, rules := node.org.Org.MSPID, now.Rules()
	approval, err := c.approved(ctx, node.network.plan.Chaincode, now.Sequence)
	switch {
	case err != nil && !errors.Is(err, errApprovalLost):
		return nil, err
	case rules.Known() != nil:
		return fmt.Errorf("%s endorses nothing: definition %d is in force, and %w on this host, and then approve the "+
			"definition if that isn't done: `pedigree propose chaincode --in-force`. Queries are answered",
			own, now.Sequence, rules.Known()), nil
	case err == nil && approval == "" && !now.Is(definition.ByChannel(now.Sequence, node.rules)):
		return fmt.Errorf("%s endorses nothing: definition %d is in force, with rules %d, and %s hasn't approved it: see "+
			"`pedigree propose chaincode --in-force`. Queries are answered", own, now.Sequence, rules, own), nil
	}
	isLost := err != nil
	if node.org, err = node.network.dir.makeRoom(ctx, rules, node.rules); err != nil {
		return nil, err
	}
	if !isLost {
		return nil, node.approve(ctx, c, now)
	}
	endorses, err := node.endorsesUnread(ctx, c, now)
	if err != nil || endorses {
		return nil, err
	}
	next := now
	next.Sequence++
	if err := node.approve(ctx, c, next); err != nil {
		return nil, err
	}
	return fmt.Errorf("%s endorses nothing: its peer's ledger was lost, and with it the approval of definition %d, which "+
		"nobody else has. It is approved again with the next number, and the nodes of the others do the same by "+
		"themselves. Queries are answered", own, now.Sequence), nil
}

// endorsesUnread reports whether the organisation's peer endorses although it can't read what the organisation has
// approved. The ledger has hashes of that. The peer endorses if the installed package is the one with that hash.
func (node *Node) endorsesUnread(ctx context.Context, c *peerClient, d definition.Definition) (bool, error) {
	if _, err := node.install(ctx, c, d); err != nil {
		return false, err
	}
	trying, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return eventually(trying, func(ctx context.Context) error {
		_, err := c.endorse(ctx, node.network.plan.Chaincode, provenFunction, nil, node.org.Org.MSPID)
		return err
	}) == nil, nil
}

// makeRoom gives an organisation a port for its chaincode process for a version of the rules. first are the charter's.
func (d folder) makeRoom(ctx context.Context, rules, first chaincode.Rules) (*organisation, error) {
	org, err := d.readOrganisation()
	if err != nil || org.Org.founded(first).chaincodePort(rules) != 0 {
		return org, err
	}
	var failed error
	org, err = d.changeOrganisation(ctx, func(o *organisation) {
		own := &plan{Orgs: []Org{o.Org.founded(first)}, Orderers: o.Orderers}
		if failed = own.makeRoom(rules); failed == nil {
			o.Org.RulesPorts = own.Orgs[0].RulesPorts
		}
	})
	return org, errors.Join(failed, err)
}

// follow keeps the node in step with the chaincode's definition from now on.
func (node *Node) follow() error {
	if !node.runs(peerPart) && !node.runs(chaincodePart) {
		return nil
	}
	n := node.network
	if len(n.clients) == 0 { // the peer runs under another command
		c, err := n.dir.connectPeer(node.own(), n.plan.Channel)
		if err != nil {
			return err
		}
		n.clients = append(n.clients, c)
	}
	f := follower{node: node, client: n.clients[0], standing: node.standing, said: fmt.Sprint(node.standing),
		last: node.defined, again: repeated{node: node}}
	node.keep(f.look)
	return nil
}

// A follower looks at the chaincode's definition again and again.
type follower struct {
	node     *Node
	client   *peerClient
	standing error
	said     string // the last thing that was said, so that it isn't said again
	last     int64  // the number of the definition that was last in force
	again    repeated
}

// look looks once.
func (f *follower) look(ctx context.Context) error {
	node, n := f.node, f.node.network
	now, _, err := f.client.defined(ctx, n.plan.Chaincode)
	if err != nil || now.Sequence == 0 {
		return err
	}
	if node.runs(peerPart) {
		if err := f.approve(ctx, now); err != nil {
			return err
		}
	}
	if node.runs(chaincodePart) {
		if err := f.run(ctx, now); err != nil {
			return err
		}
	}
	if f.last != 0 && f.last != now.Sequence {
		n.say.line("definition %d is in force, with rules %d", now.Sequence, now.Rules())
		if node.runs(gatewayPart) { // the rules may be the first that know addresses of gateways
			if err := node.introduce(ctx, now.Rules()); err != nil {
				return err
			}
		}
	}
	f.last = now.Sequence
	return nil
}

// approve approves what follows from what the operator has approved, and says why that isn't enough.
func (f *follower) approve(ctx context.Context, now definition.Definition) (err error) {
	if f.standing != nil || f.last != now.Sequence {
		if f.standing, err = f.node.settle(ctx, f.client, now); err != nil {
			return err
		}
		f.tell()
	}
	switch approval, err := f.client.approved(ctx, f.node.network.plan.Chaincode, now.Sequence); {
	case err != nil && !errors.Is(err, errApprovalLost):
		return err
	case err == nil && approval == "" || now.Rules().Known() != nil:
		return nil
	}
	return f.again.follow(ctx, f.client, now)
}

// tell says why the organisation endorses nothing, unless that was the last thing that was said.
func (f *follower) tell() {
	said := fmt.Sprint(f.standing)
	if said != f.said && f.standing != nil {
		f.node.network.say.line("%s", said)
	}
	f.said = said
}

// run starts the chaincode processes for the definition in force and for the next one, as far as the organisation has
// approved them. It ends those for other rules once the definition has been in force for a while.
func (f *follower) run(ctx context.Context, now definition.Definition) error {
	node, n := f.node, f.node.network
	var needed []string
	for sequence := now.Sequence; sequence <= now.Sequence+1; sequence++ {
		approval, err := f.client.approved(ctx, n.plan.Chaincode, sequence)
		rules := chaincode.RulesOfPackage(approval)
		if errors.Is(err, errApprovalLost) { // it had approved something for this number
			rules, err, approval = now.Rules(), nil, "unread"
		}
		if err != nil {
			return err
		}
		if approval == "" || rules.Known() != nil {
			continue
		}
		org, err := n.dir.makeRoom(ctx, rules, node.rules)
		if err != nil {
			return err
		}
		own := org.Org.founded(node.rules)
		name := own.chaincodeProcess(rules)
		needed = append(needed, name)
		running := slices.ContainsFunc(n.Processes(), func(p ProcessStatus) bool { return p.Name == name })
		if !running {
			if err := n.startChaincode(own, rules); err != nil {
				return err
			}
			n.say.line("started the chaincode for definition %d, with rules %d", sequence, rules)
		}
		if sequence == now.Sequence && org.Rules != rules {
			if _, err := n.dir.changeOrganisation(ctx, func(o *organisation) { o.Rules = rules }); err != nil {
				return err
			}
		}
	}
	if f.last != now.Sequence || !slices.Contains(needed, node.own().chaincodeProcess(now.Rules())) {
		return nil // transactions may still be endorsed by the rules of before
	}
	return f.retire(needed)
}

// retire ends the chaincode processes that are no longer needed.
func (f *follower) retire(needed []string) error {
	n := f.node.network
	for _, p := range n.Processes() {
		if p.Role != chaincodePart || slices.Contains(needed, p.Name) {
			continue
		}
		if err := n.sup.retire(p.Name); err != nil {
			return err
		}
		n.say.line("ended %s: its rules aren't in force any more", p.Name)
	}
	return nil
}
