package proof

import (
	"bytes"
	"net"
	"strconv"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

// Anchor is a peer of a member, as the channel's configuration names it for everybody to call.
type Anchor struct {
	MSPID    string
	Address  string // host:port
	TLSRoots []byte // the member's authorities for TLS, in PEM
}

// mostAnchors is how many anchor peers of one member are read.
const mostAnchors = 4

// Anchors returns the anchor peers of the members, in the order of the members. It leaves out what can't be called: a
// member without authorities for TLS, and an address without a host or a port.
func (c *Config) Anchors() []Anchor {
	var all []Anchor
	for _, mspID := range c.Members {
		values := c.root.GetGroups()[applicationGroup].GetGroups()[c.groups[mspID]].GetValues()
		var named peer.AnchorPeers
		var definition msp.MSPConfig
		var member msp.FabricMSPConfig
		if proto.Unmarshal(values[anchorsValue].GetValue(), &named) != nil ||
			proto.Unmarshal(values[mspValue].GetValue(), &definition) != nil ||
			proto.Unmarshal(definition.GetConfig(), &member) != nil {
			continue
		}
		roots := bytes.Join(member.GetTlsRootCerts(), []byte("\n"))
		peers := named.GetAnchorPeers()
		for _, p := range peers[:min(len(peers), mostAnchors)] {
			if len(roots) > 0 && p.GetHost() != "" && p.GetPort() > 0 && p.GetPort() < 1<<16 {
				address := net.JoinHostPort(p.GetHost(), strconv.Itoa(int(p.GetPort())))
				all = append(all, Anchor{MSPID: mspID, Address: address, TLSRoots: roots})
			}
		}
	}
	return all
}
