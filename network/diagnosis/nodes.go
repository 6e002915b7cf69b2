package diagnosis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// explained reports whether a node's absence is explained by nothing of ours running.
func (s *Seen) explained(n Node) bool { return n.Own && !s.Running && s.Kind != Gateway }

// highest is how many blocks the node has that has most.
func (s *Seen) highest() (most uint64) {
	for _, n := range s.Nodes {
		if n.Problem == "" {
			most = max(most, n.Blocks)
		}
	}
	return most
}

func (s *Seen) judgeOrderers(f *findings) {
	if s.Channel == nil {
		return
	}
	var out []string
	up := 0
	for _, n := range s.Nodes {
		if n.Role != Orderer {
			continue
		}
		if n.answers() && !n.Foreign {
			up++
		} else {
			out = append(out, n.String())
		}
	}
	all, quorum := s.Channel.Orderers, s.Channel.Quorum
	switch {
	case s.Kind == Network && !s.Running: // it is stopped, and all orderers with it
	case up < quorum:
		f.add(Now, "start them, beginning with those whose data are whole; see below",
			"the orderers have lost their quorum: %d of %d take part, and %d are needed. Nothing is recorded until then. "+
				"Out: %s", up, all, quorum, list(out))
	case up == quorum && all > quorum:
		f.add(Soon, "bring them back before another one fails; see below",
			"no further orderer may fail: %d of %d take part, and %d are needed. Out: %s", up, all, quorum, list(out))
	}
	s.judgeNodes(f, Orderer, up < quorum)
	s.judgeShares(f)
}

// judgeShares tells who could halt the network alone. A network on one machine is for trials.
func (s *Seen) judgeShares(f *findings) {
	if s.Kind == Network {
		return
	}
	shares := map[string]int{}
	for _, n := range s.Nodes {
		if n.Role == Orderer {
			shares[n.MSPID]++
		}
	}
	spare := s.Channel.Orderers - s.Channel.Quorum
	for _, mspID := range slices.Sorted(maps.Keys(shares)) {
		if n := shares[mspID]; n > spare && len(shares) > 1 {
			f.add(Note, "spread the orderers: `pedigree propose add-orderer`",
				"%s runs %d of the %d orderers. The others can do without %d, so it can halt the ledger alone", mspID, n,
				s.Channel.Orderers, spare)
		}
	}
}

func (s *Seen) judgePeers(f *findings) {
	if s.Channel == nil {
		return
	}
	s.judgeNodes(f, Peer, false)
	if s.Channel.Stale {
		return
	}
	for _, mspID := range s.Channel.Members {
		known := slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Role == Peer && n.MSPID == mspID })
		if !known {
			f.add(Note, s.tell(mspID, "have the channel's configuration name an anchor peer"),
				"the channel names no peer of %s, so nothing is known about its peers", mspID)
		}
	}
}

// judgeNodes tells what is wrong with each node of a role. critical says that the ledger stands still without them.
func (s *Seen) judgeNodes(f *findings, role string, critical bool) {
	most := s.highest()
	for _, n := range s.Nodes {
		if n.Role != role || s.explained(n) {
			continue
		}
		urgency := Soon
		if critical || n.Own && s.Kind != Network {
			urgency = Now
		}
		switch {
		case n.Local:
			f.add(Now, fmt.Sprintf("open port %s to the others, and check that the host in that address is this machine",
				port(n.Address)), "others can't reach %s: it answers on this machine and not at %s, which the channel names",
				n, n.Address)
		case n.Problem != "" && n.Own:
			f.add(urgency, "see whether its process runs, and look at its log", "%s doesn't answer at %s: %s", n, n.Address,
				n.Problem)
		case n.Problem != "":
			f.add(urgency, s.tell(n.MSPID, "start it, or open its port; if only you can't reach it, look at your own firewall"),
				"%s can't be reached from here: %s", n, n.Problem)
		case n.Foreign:
			f.add(Now, "run `"+s.Renew+"` again: it was probably interrupted",
				"%s has another certificate than the channel expects of it, so the other orderers refuse it", n)
		case n.Blocks == 0 && role == Orderer:
			f.add(urgency, s.tell(n.MSPID, "restore its folder, or have it get the ledger from the others with `pedigree node "+
				"start DIR --rejoin NAME`"), "%s has no ledger of the channel: it hasn't joined, or its disk is lost", n)
		case n.Blocks == 0:
			f.add(urgency, s.tell(n.MSPID, "start it again with `pedigree node start`, which has it join"),
				"%s has no ledger of the channel: it hasn't joined, or its disk is lost", n)
		case n.Blocks+blocksBehind < most:
			f.add(Soon, s.tell(n.MSPID, "run this command again in a minute; if it isn't catching up, look at its log and "+
				"its connection to the others"), "%s is %s behind: it has %d, and there are %d", n,
				terminal.Count(int(most-n.Blocks), "block"), n.Blocks, most)
		}
		if n.Hidden {
			f.add(Now, "make its keys with the name or address of this machine as --host of `pedigree org init`",
				"others know %s by the address %s, which only this machine can reach", n, n.Address)
		}
	}
}

func port(address string) string {
	return address[strings.LastIndexByte(address, ':')+1:]
}

// judgeEndorsement tells how far the organisations are from being too few to endorse.
func (s *Seen) judgeEndorsement(f *findings) {
	if s.Channel == nil || s.Channel.Endorsing == 0 || s.Channel.Stale || s.Kind == Network && !s.Running {
		return
	}
	able := map[string]bool{}
	for _, n := range s.Nodes {
		if n.Role == Peer && n.answers() {
			able[n.MSPID] = true
		}
	}
	unknown := 0
	for _, mspID := range s.Channel.Members {
		if !slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Role == Peer && n.MSPID == mspID }) {
			unknown++ // its peers may well endorse
		}
	}
	if s.Definition != nil {
		for _, mspID := range s.Definition.Unapproved {
			delete(able, mspID)
		}
	}
	can, need, all := len(able), s.Channel.Endorsing, len(s.Channel.Members)
	var out []string
	for _, mspID := range s.Channel.Members {
		if !able[mspID] {
			out = append(out, mspID)
		}
	}
	switch {
	case can+unknown < need:
		f.add(Now, "bring back a peer of one of them; see above",
			"too few organisations can endorse: %d of %d, and %d are needed. Nothing is recorded until then. Out: %s", can,
			all, need, list(out))
	case can+unknown == need && all > need:
		f.add(Soon, "bring back a peer of one of them; see above",
			"no further organisation may fail: %d of %d can endorse, and %d are needed. Out: %s", can+unknown, all, need,
			list(out))
	}
}
