package network

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

// What an organisation approves is on the disks of its own peers alone. If it has lost its peer, it approves the
// definition in force again, with the next number. The nodes of the others see that on the ledger and do the same: the
// definition is the one that they have approved before, so nobody has to decide anything. When they have, one of them
// puts it into force.

// approveOwn has the organisation approve the definition in force, or, when the network is founded, the first one. It
// returns the definition that the organisation has approved, and other rules if these are in force.
func (node *Node) approveOwn(ctx context.Context, packageID string) (approved definition, other chaincode.Rules, err error) {
	n, c := node.network, node.network.clients[0]
	ordering := "the orderers of the others, to approve the chaincode's definition"
	if !node.founder() {
		ordering = "being a member, to approve the chaincode's definition"
	}
	err = node.await(ctx, ordering, func(ctx context.Context) error {
		now, err := c.committed(ctx, n.plan.Chaincode)
		if err != nil {
			return err
		}
		if now.sequence != 0 && now.rules != node.rules {
			other = now.rules
			return nil
		}
		approved = definition{max(now.sequence, firstSequence), node.rules}
		err = c.approve(ctx, n.plan.Chaincode, packageID, approved)
		if !errors.Is(err, errApprovalLost) || now.sequence == 0 {
			return err
		}
		approved.sequence++
		return c.approve(ctx, n.plan.Chaincode, packageID, approved)
	})
	return approved, other, err
}

// awaitDefinition waits until a definition is in force. Whoever comes first puts it there when all have approved it.
func (node *Node) awaitDefinition(ctx context.Context, d definition) error {
	n, c := node.network, node.network.clients[0]
	if d.sequence == firstSequence {
		return node.await(ctx, "the definition of the chaincode", func(ctx context.Context) error {
			if now, err := c.committed(ctx, n.plan.Chaincode); err != nil || now.sequence >= d.sequence {
				return err
			}
			missing, err := c.unapproved(ctx, n.plan.Chaincode, d, n.plan.mspIDs())
			if err != nil {
				return err
			}
			if len(missing) > 0 {
				return fmt.Errorf("it is the turn of %s, who haven't approved it", strings.Join(missing, ", "))
			}
			return c.commit(ctx, n.plan.Chaincode, d, n.plan.mspIDs())
		})
	}
	if now, err := c.committed(ctx, n.plan.Chaincode); err != nil || now.sequence >= d.sequence {
		return err
	}
	n.say.line("the peer has lost what %s approved before, which nobody else has: approved the definition again, with "+
		"number %d", n.plan.Orgs[0].MSPID, d.sequence)
	again := repeated{node: node}
	return node.await(ctx, "the nodes of the others, which approve the definition again", func(ctx context.Context) error {
		missing, err := again.follow(ctx)
		if err == nil && len(missing) > 0 {
			err = fmt.Errorf("%s haven't approved it", strings.Join(missing, ", "))
		}
		return err
	})
}

// repeated is the definition in force as it is approved once more.
type repeated struct {
	node     *Node
	approved int64     // number of the definition that the own organisation is known to have approved
	seen     time.Time // when somebody was first seen to have approved the next one
}

// latePatience is how long a definition that is approved again waits for organisations whose nodes don't run, before
// those who have approved it put it into force. The others approve it when they start.
const latePatience = 20 * time.Second

// follow approves the definition in force again if another organisation has done so, and puts it into force. It returns
// who hasn't approved it yet.
func (r *repeated) follow(ctx context.Context) (missing []string, err error) {
	n, c := r.node.network, r.node.network.clients[0]
	own, name := n.plan.Orgs[0], n.plan.Chaincode
	now, err := c.committed(ctx, name)
	if err != nil || now.sequence == 0 || now.rules != r.node.rules {
		return nil, err
	}
	pack, err := n.dir.packChaincode(own, now.rules)
	if err != nil {
		return nil, err
	}
	if r.approved < now.sequence { // others may have put it into force while this node didn't run
		if err := c.approve(ctx, name, pack.id, now); err != nil && !errors.Is(err, errApprovalLost) {
			return nil, err
		}
		r.approved, r.seen = now.sequence, time.Time{}
	}
	next := definition{now.sequence + 1, now.rules}
	approvals, err := c.approvals(ctx, name, next)
	if err != nil {
		return nil, err
	}
	var approvers []string
	for mspID, approved := range approvals {
		if approved {
			approvers = append(approvers, mspID)
		} else if mspID != own.MSPID {
			missing = append(missing, mspID)
		}
	}
	slices.Sort(missing)
	if len(approvers) == 0 {
		return nil, nil
	}
	if r.seen.IsZero() {
		r.seen = time.Now()
	}
	if !approvals[own.MSPID] {
		if err := c.approve(ctx, name, pack.id, next); err != nil {
			return missing, err
		}
		n.say.line("approved the chaincode's definition again, with number %d: an organisation has lost its approval",
			next.sequence)
	}
	if len(missing) > 0 && time.Since(r.seen) < latePatience {
		return missing, nil
	}
	if err := c.commit(ctx, name, next, nil); err != nil {
		return missing, err
	}
	n.say.line("definition %d of the chaincode is in force", next.sequence)
	return nil, nil
}
