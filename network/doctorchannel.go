package network

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/definition"
	"github.com/pedigree-ledger/pedigree/network/diagnosis"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// lookPatience is how long the own peer may take to answer a question.
const lookPatience = 10 * time.Second

// A looker looks at the channel: what its configuration says, and how its nodes are.
type looker struct {
	d      folder // empty: a gateway of the operator's own network
	seen   *diagnosis.Seen
	plan   *plan                 // what is ours
	wanted definition.Definition // the first definition of the chaincode; empty: not known
	gates  []gate

	open    func() (*proposal.Organisation, error) // in whose name it looks
	connect func() (*peerClient, error)            // the own peer
}

func (l *looker) look(ctx context.Context) {
	if l.d != "" {
		for _, org := range l.plan.Orgs {
			l.gates = append(l.gates, l.d.gate(org))
		}
	}
	o, now, err := l.configuration(ctx)
	if err != nil {
		l.seen.Unasked = plainly(err).Error()
	}
	var wait sync.WaitGroup
	wait.Go(func() { l.lookAtGates(ctx) })
	if now != nil {
		l.lookAtConfiguration(now)
		wait.Go(func() { l.lookAtNodes(ctx, o, now) })
		wait.Go(func() { l.lookAtDefinition(ctx, now) })
		l.lookAtProposals(o, now)
	}
	wait.Wait()
}

// configuration returns the channel's configuration: from the own peer, or else from whatever node of the first
// configuration answers, or else the first configuration itself.
func (l *looker) configuration(ctx context.Context) (*proposal.Organisation, *proposal.Configuration, error) {
	o, err := l.open()
	if err != nil {
		return nil, nil, err
	}
	own, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	now, err := o.Configuration(own)
	if err == nil || l.d == "" {
		return o, now, err
	}
	block, missing := os.ReadFile(l.d.genesis())
	if missing != nil {
		return o, nil, err
	}
	first, damaged := proposal.FirstConfiguration(block)
	if damaged != nil {
		return o, nil, damaged
	}
	if now, err := o.Newest(ctx, first); err == nil {
		return o, now, nil
	}
	l.seen.Channel = &diagnosis.Channel{Stale: true}
	return o, first, nil
}

// lookAtConfiguration looks at members, quorum, and the certificates of others in the channel's configuration.
func (l *looker) lookAtConfiguration(now *proposal.Configuration) {
	s := l.seen
	if s.Channel == nil {
		s.Channel = &diagnosis.Channel{}
	}
	s.Channel.Members = now.Config.Members
	s.Channel.Orderers, s.Channel.Quorum = len(now.Config.Orderers), now.Config.Quorum
	s.Channel.Endorsing = now.Endorsing()
	ours := func(mspID string) bool { return s.Kind == diagnosis.Network || mspID == s.Self }
	other := func(mspID, use string, c *x509.Certificate, authority bool) {
		if c == nil || ours(mspID) {
			return // it is in a file of ours
		}
		s.Certificates = append(s.Certificates, diagnosis.Certificate{Authority: authority,
			Certificate: certificate.Certificate{
				Owner: mspID, Use: use, Subject: c.Subject.String(), NotAfter: c.NotAfter.UTC()}})
	}
	members := now.Memberships()
	for _, m := range members {
		for _, c := range m.Roots {
			other(m.MSPID, "authority of identities", c, true)
		}
		for _, c := range m.TLSRoots {
			other(m.MSPID, "authority of TLS", c, true)
		}
		for _, list := range m.Lists {
			if !list.NextUpdate.IsZero() {
				s.Lists = append(s.Lists, diagnosis.RevocationList{MSPID: m.MSPID, Until: list.NextUpdate})
			}
		}
	}
	for _, p := range now.Places() {
		other(p.MSPID, "orderer "+p.Address+", identity", p.Identity, false)
		other(p.MSPID, "orderer "+p.Address+", TLS", p.TLS, false)
	}
	for i := range s.Certificates {
		c := &s.Certificates[i]
		if c.File == "" || !c.Own || c.Authority {
			continue
		}
		if one, err := certificate.Read(c.File); err == nil {
			c.Revoked = slices.ContainsFunc(members, func(m proposal.Membership) bool { return m.Revokes(one) })
		}
	}
}

// lookAtNodes asks all nodes of the channel at once.
func (l *looker) lookAtNodes(ctx context.Context, o *proposal.Organisation, now *proposal.Configuration) {
	places := now.Places()
	nodes := make([]diagnosis.Node, len(places))
	seen := make([]*x509.Certificate, len(places))
	var wait sync.WaitGroup
	for i, p := range places {
		wait.Go(func() {
			answer, err := o.Probe(ctx, p)
			n := diagnosis.Node{Role: diagnosis.Orderer, MSPID: p.MSPID, Address: p.Address, Blocks: answer.Blocks,
				Ahead: answer.Ahead, ClockKnown: answer.ClockKnown}
			if p.Peer {
				n.Role = diagnosis.Peer
			}
			if err != nil {
				n.Problem = plainly(err).Error()
			}
			l.recognise(ctx, &n, p)
			nodes[i], seen[i] = n, answer.Certificate
		})
	}
	wait.Wait()
	l.seen.Nodes = nodes
	for i, c := range seen {
		if p := places[i]; c != nil && p.Peer && !nodes[i].Own {
			l.seen.Certificates = append(l.seen.Certificates, diagnosis.Certificate{Certificate: certificate.Certificate{
				Owner: p.MSPID, Use: "peer " + p.Address + ", TLS", Subject: c.Subject.String(), NotAfter: c.NotAfter.UTC()}})
		}
	}
}

// recognise finds out whether a node is ours, and what only its own machine can tell.
func (l *looker) recognise(ctx context.Context, n *diagnosis.Node, p proposal.Place) {
	at := ""
	for _, org := range l.plan.Orgs {
		if p.Peer && org.MSPID == p.MSPID && org.PeerAddress() == p.Address {
			n.Own, n.Name, at = true, org.peerProcess(), org.At
		}
	}
	for _, o := range l.plan.Orderers {
		if p.Peer || o.mspID() != p.MSPID || o.Address() != p.Address {
			continue
		}
		n.Own, n.Name, at = true, o.Name, o.At
		mine, err := certificate.Read(filepath.Join(l.d.orderer(o.Name), "msp", "signcerts", "cert.pem"))
		n.Foreign = err == nil && p.Identity != nil && !mine.Equal(p.Identity)
	}
	if !n.Own || l.seen.Kind == diagnosis.Network {
		return
	}
	_, port, err := net.SplitHostPort(n.Address)
	if err != nil {
		return
	}
	if n.Problem != "" && listenHost(at) == "0.0.0.0" {
		n.Local = answersAt(ctx, net.JoinHostPort("127.0.0.1", port))
	}
	n.Hidden = isLoopback(ctx, at) && l.othersElsewhere(ctx)
}

// othersElsewhere reports whether a node of another organisation is on another machine.
func (l *looker) othersElsewhere(ctx context.Context) bool {
	file, err := charter.Read(nil, l.d.charterFile())
	if err != nil {
		return false
	}
	for _, c := range file.Charter.Organisations {
		for _, p := range c.Peers {
			if c.MSPID != l.seen.Self && !isLoopback(ctx, p.Host) {
				return true
			}
		}
	}
	return false
}

// isLoopback reports whether a host is known and can be reached from its own machine only.
func isLoopback(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	all, err := net.DefaultResolver.LookupHost(ctx, host)
	return err == nil && len(all) > 0 && !slices.ContainsFunc(all, func(address string) bool {
		ip := net.ParseIP(address)
		return ip == nil || !ip.IsLoopback()
	})
}

func answersAt(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close() // nothing was sent
	return true
}

func (l *looker) lookAtGates(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	seen := make([]diagnosis.Gate, len(l.gates))
	var wait sync.WaitGroup
	for i, g := range l.gates {
		wait.Go(func() { seen[i] = g.look(ctx) })
	}
	wait.Wait()
	l.seen.Gates = seen
}

// lookAtDefinition asks the own peer how the chaincode is defined, and who hasn't approved what.
func (l *looker) lookAtDefinition(ctx context.Context, now *proposal.Configuration) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	c, err := l.connect()
	if err != nil {
		return // the missing file is told
	}
	defer c.close()
	members := now.Config.Members
	inForce, approvals, err := c.defined(ctx, l.plan.Chaincode)
	if err != nil {
		return // that the peer doesn't answer is told
	}
	d := &diagnosis.Definition{Number: inForce.Sequence}
	if inForce.Sequence == 0 {
		if l.wanted.Sequence == 0 {
			return // whoever runs this network knows what is to be approved
		}
		if d.Missing, err = c.unapproved(ctx, l.plan.Chaincode, l.wanted, members); err == nil {
			l.seen.Definition = d
		}
		return
	}
	for _, mspID := range members {
		if !approvals[mspID] {
			d.Unapproved = append(d.Unapproved, mspID)
		}
	}
	for rules := inForce.Rules(); rules <= chaincode.Newest(); rules++ {
		next := definition.Definition{Sequence: inForce.Sequence + 1, Version: rules.DefinitionVersion(),
			Policy: inForce.Policy}
		missing, err := c.unapproved(ctx, l.plan.Chaincode, next, members)
		if err == nil && len(missing) < len(members) {
			d.Next, d.Missing = fmt.Sprintf("number %d, with rules %d", next.Sequence, rules), missing
		}
	}
	l.seen.Definition = d
}

// lookAtProposals assesses the proposals in the folders where they are usually kept.
func (l *looker) lookAtProposals(o *proposal.Organisation, now *proposal.Configuration) {
	folders := []string{"."}
	if l.d != "" {
		folders = append(folders, string(l.d))
		for _, org := range l.plan.Orgs {
			folders = append(folders, l.d.path(org.Name))
		}
	}
	for _, file := range proposalFiles(folders...) {
		p, err := proposal.Read(file)
		if err != nil || p.Channel != l.plan.Channel {
			continue // most files in JSON are something else
		}
		one := diagnosis.Proposal{File: shorten(file)}
		assessment, err := p.Assess(now)
		if err != nil {
			one.Stale = err.Error()
		} else {
			one.Missing = assessment.Missing
			for _, signer := range assessment.Signers {
				one.Signed = one.Signed || signer.MSPID == o.MSPID
			}
		}
		l.seen.Proposals = append(l.seen.Proposals, one)
	}
}

// proposalFiles lists the files that may be proposals: those in JSON in the folders.
func proposalFiles(folders ...string) []string {
	var all []string
	known := map[string]bool{}
	for _, f := range folders {
		entries, err := os.ReadDir(f)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			path := filepath.Join(f, entry.Name())
			absolute, err := filepath.Abs(path)
			if err == nil && strings.HasSuffix(path, ".json") && entry.Type().IsRegular() && !known[absolute] {
				known[absolute] = true
				all = append(all, path)
			}
		}
	}
	return all
}
