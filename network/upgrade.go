package network

import (
	"context"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

// upgrade puts the newest rules of this program in force, on a network that runs by earlier ones. Every organisation
// gets a second chaincode process beside the first, and approves a definition that names the new rules. Until that is
// committed, transactions are endorsed by the old rules. A transaction that was endorsed by them and comes later is
// invalid, and its gateway sends it again. If upgrade is interrupted, the next start goes on with it.
func (n *Network) upgrade(ctx context.Context) error {
	newest, old := chaincode.Newest(), n.plan.rules()
	if newest <= old {
		return nil
	}
	n.say.line("the chaincode's rules are version %d, and this program has version %d: upgrading", old, newest)
	inForce, err := n.clients[0].committed(ctx, n.plan.Chaincode)
	if err != nil {
		return fmt.Errorf("couldn't find out how the chaincode is defined: %w", err)
	}
	if err := n.beginRules(newest); err != nil {
		return err
	}
	next := inForce
	next.Sequence, next.Version = inForce.Sequence+1, newest.DefinitionVersion()
	if err := n.approveAll(ctx, next); err != nil {
		return err
	}
	if err := n.commit(ctx, next); err != nil {
		return err
	}
	if err := n.record(newest); err != nil {
		return err
	}
	if err := n.AwaitReady(ctx); err != nil {
		return err
	}
	n.say.line("rules %d are in force, with definition %d", newest, next.Sequence)
	return nil
}

// adopt starts the chaincode processes for the rules in force, if the plan has others: an upgrade was interrupted after
// it was committed.
func (n *Network) adopt(inForce chaincode.Rules) error {
	if err := inForce.Known(); err != nil {
		return fmt.Errorf("the chaincode's definition names the rules in force: %w", err)
	}
	if inForce == n.plan.rules() {
		return nil
	}
	if err := n.beginRules(inForce); err != nil {
		return err
	}
	return n.record(inForce)
}

// beginRules starts a chaincode process for a version of the rules for each organisation.
func (n *Network) beginRules(rules chaincode.Rules) error {
	if err := n.plan.makeRoom(rules); err != nil {
		return err
	}
	if err := n.plan.write(n.dir); err != nil {
		return fmt.Errorf("couldn't record the ports of the chaincode: %w", plainly(err))
	}
	for _, org := range n.plan.Orgs {
		if err := n.startChaincode(org, rules); err != nil {
			return err
		}
	}
	return nil
}

// record records which rules are in force. The next start runs the chaincode for these alone.
func (n *Network) record(rules chaincode.Rules) error {
	n.plan.Rules = rules
	return wrap(plainly(n.plan.write(n.dir)), "couldn't record the rules in force")
}

func (n *Network) startChaincode(org Org, rules chaincode.Rules) error {
	pack, err := n.dir.packChaincode(org, rules)
	if err != nil {
		return err
	}
	return n.sup.start(n.dir.chaincodeProcess(org, rules, pack.id, n.options.Env))
}

// org returns an organisation by its name. Its ports may have changed since a client of its peer was made.
func (p *plan) org(name string) Org {
	for _, org := range p.Orgs {
		if org.Name == name {
			return org
		}
	}
	return Org{}
}
