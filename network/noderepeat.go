package network

import (
	"context"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/network/definition"
)

// What an organisation approves is on the disks of its own peers alone. If it has lost its peer, and its package is
// another one than before, it approves the definition in force again, with the next number. The nodes of the others see
// that on the ledger and do the same: the definition is the one that they have approved before, so nobody has to decide
// anything. When they have, one of them puts it into force.

// repeated is the definition in force as it is approved once more.
type repeated struct {
	node   *Node
	number int64     // of the definition that was last in force
	seen   time.Time // when somebody was first seen to have approved the next one
}

// latePatience is how long a definition that is approved again waits for organisations whose nodes don't run, before
// those who have approved it put it into force. The others approve it when they start.
const latePatience = 20 * time.Second

// follow approves the definition in force again if another organisation has done so, and puts it into force. The own
// organisation must have approved the definition in force.
func (r *repeated) follow(ctx context.Context, c *peerClient, now definition.Definition) error {
	n, name := r.node.network, r.node.network.plan.Chaincode
	if r.number != now.Sequence {
		r.number, r.seen = now.Sequence, time.Time{}
	}
	next := now
	next.Sequence++
	approvals, err := c.approvals(ctx, name, next)
	if err != nil {
		return err
	}
	var approvers, missing []string
	for mspID, approved := range approvals {
		if approved {
			approvers = append(approvers, mspID)
		} else {
			missing = append(missing, mspID)
		}
	}
	if len(approvers) == 0 {
		return nil
	}
	if r.seen.IsZero() {
		r.seen = time.Now()
	}
	own := r.node.org.Org.MSPID
	if !approvals[own] {
		if err := r.node.approve(ctx, c, next); err != nil {
			return err
		}
		missing = slices.DeleteFunc(missing, func(id string) bool { return id == own })
		n.say.line("approved the chaincode's definition again, with number %d: an organisation has lost its approval",
			next.Sequence)
	}
	if len(missing) > 0 && time.Since(r.seen) < latePatience {
		return nil
	}
	return c.commit(ctx, name, next, nil)
}
