package network

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/network/diagnosis"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// lookAtGateway looks at a gateway on a Fabric network of the operator's own, from its configuration.
func lookAtGateway(ctx context.Context, s *diagnosis.Seen, file string) error {
	c, err := config.Read(file)
	if err != nil {
		return err
	}
	s.Kind, s.Self, s.Start = diagnosis.Gateway, c.MSPID, "pedigree serve --config "+shorten(file)
	place := filepath.Dir(file)
	if fileExists(c.Data) {
		place = c.Data
	}
	lookAtDisk(s, place)
	as := lookAtCallers(s, c)
	l := looker{seen: s, gates: []gate{gateOf(c)}}
	if as == nil {
		s.Unasked = "no token in " + c.Tokens + " acts for " + c.MSPID
		l.lookAtGates(ctx)
		return nil
	}
	own := c.Peers[0]
	host, port, err := net.SplitHostPort(own.Address)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("peers[0].address: the port of %q isn't a number", own.Address)
	}
	org := Org{Name: c.Name, Title: c.Name, MSPID: c.MSPID, At: host, PeerPort: number,
		ServerName: cmp.Or(own.ServerName, host)}
	l.plan = &plan{Channel: c.Channel, Chaincode: c.Chaincode, Orgs: []Org{org}}
	l.open = func() (*proposal.Organisation, error) { return proposal.OpenGateway(c, as.Certificate, as.Key) }
	l.connect = func() (*peerClient, error) {
		return connectPeerAs(org, c.Channel, own.TLSRoots, as.Certificate, as.Key)
	}
	l.look(ctx)
	return nil
}

// lookAtCallers looks at the certificates that a gateway uses. It returns a caller of its organisation, an operator if
// there is one.
func lookAtCallers(s *diagnosis.Seen, c config.Config) (as *config.Token) {
	add := func(owner, use, path string, authority bool) {
		one, err := readKept(owner, use, path)
		if err != nil {
			damaged(s, err)
			return
		}
		s.Certificates = append(s.Certificates, diagnosis.Certificate{Certificate: one, Own: owner == c.MSPID,
			Authority: authority})
	}
	var tokens config.TokenFile
	text, err := input.File(nil, c.Tokens, input.MaxSmall)
	if err == nil {
		err = json.Unmarshal(text, &tokens)
	}
	if err != nil {
		damaged(s, fmt.Errorf("couldn't read the file of tokens %s: %w", c.Tokens, err))
	}
	for i := range tokens.Tokens {
		t := &tokens.Tokens[i]
		add(t.MSPID, "identity of the token "+t.Name, t.Certificate, false)
		if t.MSPID == c.MSPID && (as == nil || as.Role != Operator) {
			as = t
		}
	}
	if c.TLS.Certificate != "" {
		add(c.MSPID, "gateway, TLS", c.TLS.Certificate, false)
	}
	for _, peer := range c.Peers {
		add(peer.MSPID, "authority of TLS", peer.TLSRoots, true)
	}
	return as
}

// look asks a gateway whether it is ready, and how far its index is.
func (g gate) look(ctx context.Context) diagnosis.Gate {
	seen := diagnosis.Gate{MSPID: g.mspID, URL: g.url}
	status, body, err := callWith(ctx, g.client, http.MethodGet, g.url+"/readyz", "", nil)
	if err != nil {
		seen.Problem = err.Error()
		return seen
	}
	var said struct{ Why string }
	_ = json.Unmarshal([]byte(body), &said) // another program may listen there
	if status == http.StatusOK {
		seen.Notice = said.Why
	} else {
		seen.Problem = cmp.Or(said.Why, fmt.Sprintf("status %d: %s", status, body))
	}
	// How far the index is behind is in the text. A gateway that is catching up says nothing else.
	if _, err := fmt.Sscanf(seen.Problem, "the index has %d of %d blocks", &seen.Index, &seen.Ledger); err != nil {
		seen.Index, seen.Ledger = 0, 0
	}
	return seen
}
