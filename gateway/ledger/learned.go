package ledger

import (
	"context"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// learn follows the members of the channel. A member of which no peer is configured is asked through its anchor peers
// from now on, for the heights of ledgers and for what proofs are made of. Nothing else goes there: whom an organisation
// works through is its own choice. The peers of an organisation that has left are left alone, until it comes back. The
// client's own organisation keeps its peers: they hold what it knows.
func (p *pool) learn(own string, members []string, anchors []proof.Anchor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var kept []*peerConn
	configured := map[string]bool{}
	for _, pc := range p.peers {
		known := func(a proof.Anchor) bool {
			return a.MSPID == pc.MSPID && a.Address == pc.Address && string(a.TLSRoots) == pc.roots
		}
		switch {
		case !pc.learned:
			configured[pc.MSPID] = true
			if left := pc.MSPID != own && !slices.Contains(members, pc.MSPID); left != pc.left {
				pc.left = left
				p.log.Info("membership of the channel changed", "msp", pc.MSPID, "member", !left, "peer", pc.Address)
			}
		case !slices.ContainsFunc(anchors, known):
			pc.forget()
			_ = pc.conn.Close()
			p.log.Info("the channel no longer names a peer", "peer", pc.Address, "msp", pc.MSPID)
			continue
		}
		kept = append(kept, pc)
	}
	for _, a := range anchors {
		same := func(pc *peerConn) bool { return pc.learned && pc.MSPID == a.MSPID && pc.Address == a.Address }
		if configured[a.MSPID] || slices.ContainsFunc(kept, same) {
			continue
		}
		pc, err := p.add(Peer{MSPID: a.MSPID, Address: a.Address}, a.TLSRoots)
		if err != nil {
			p.log.Warn("the channel names a peer that can't be used", "peer", a.Address, "msp", a.MSPID, "problem", err)
			continue
		}
		pc.learned, pc.roots = true, string(a.TLSRoots)
		var ctx context.Context
		ctx, pc.forget = context.WithCancel(p.life)
		go p.watch(ctx, pc)
		kept = append(kept, pc)
		p.log.Info("the channel names a peer", "peer", pc.Address, "msp", pc.MSPID)
	}
	p.peers = kept
	p.announce()
}

// members are the peers of the members of the channel.
func (p *pool) members() []*peerConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.peers), func(pc *peerConn) bool { return pc.left })
}
