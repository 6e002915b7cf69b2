package proof

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"google.golang.org/protobuf/proto"
)

var errNotExact = errors.New("it isn't in the one encoding that Fabric writes")

// Config is the configuration of a channel from one configuration block to the next: its members, its orderers and its
// policies.
type Config struct {
	// Channel is the channel's name. Block is the number of the configuration block.
	Channel  string
	Block    uint64
	Sequence uint64
	// Organisations are all membership definitions of the channel, by MSP id. Members are the MSP ids of the organisations
	// in the group Application; the others only order.
	Organisations map[string]*Organisation
	Members       []string
	// Orderers sign blocks. The key is the id that is in their signatures.
	Orderers map[uint32]*Identity
	// Quorum is how many orderers must sign a block; see quorum.
	Quorum int

	root   *common.ConfigGroup
	groups map[string]string // of the members, by MSP id
}

// MemberGroup returns the name of a member's group in the configuration, or "" if the organisation isn't a member. The
// name can be the MSP id, but Fabric allows any other.
func (c *Config) MemberGroup(mspID string) string { return c.groups[mspID] }

// Names of groups, values and policies in a configuration.
const (
	applicationGroup = "Application"
	ordererGroup     = "Orderer"
	mspValue         = "MSP"
	anchorsValue     = "AnchorPeers"
	consensusValue   = "ConsensusType"
	orderersValue    = "Orderers"
	bft              = "BFT"

	blockValidation = "/Channel/Orderer/BlockValidation"
	// lifecycleEndorsement is the channel policy for the endorsement of chaincode definitions.
	lifecycleEndorsement = "/Channel/Application/LifecycleEndorsement"
)

// openConfigEnvelope reads the only transaction of a configuration block. ok is false for other blocks.
func openConfigEnvelope(data [][]byte) (channel string, m *common.ConfigEnvelope, ok bool, err error) {
	if len(data) != 1 {
		return "", nil, false, nil
	}
	payload, header, err := openPayload(data[0])
	if err != nil || common.HeaderType(header.GetType()) != common.HeaderType_CONFIG {
		return "", nil, false, nil // it isn't a configuration block
	}
	m = new(common.ConfigEnvelope)
	if err := proto.Unmarshal(payload.GetData(), m); err != nil {
		return "", nil, false, refuse(BadConfig, "it can't be read: %v", err)
	}
	return header.GetChannelId(), m, true, nil
}

// openPayload reads an envelope as far as its channel header.
func openPayload(envelope []byte) (*common.Payload, *common.ChannelHeader, error) {
	var payload common.Payload
	var header common.ChannelHeader
	text, _, err := splitEnvelope(envelope)
	if err != nil {
		return nil, nil, refuse(BadTransaction, "its envelope can't be read: %v", err)
	}
	if err := proto.Unmarshal(text, &payload); err != nil {
		return nil, nil, refuse(BadTransaction, "its payload can't be read: %v", err)
	}
	if err := proto.Unmarshal(payload.GetHeader().GetChannelHeader(), &header); err != nil {
		return nil, nil, refuse(BadTransaction, "its channel header can't be read: %v", err)
	}
	return &payload, &header, nil
}

// newConfig makes a configuration from the content of a configuration block.
func newConfig(channel string, block uint64, m *common.Config) (*Config, error) {
	c := &Config{Channel: channel, Block: block, Sequence: m.GetSequence(),
		Organisations: map[string]*Organisation{}, Orderers: map[uint32]*Identity{},
		root: m.GetChannelGroup(), groups: map[string]string{}}
	definitions := map[string][]byte{} // by MSP id
	for _, name := range []string{applicationGroup, ordererGroup} {
		groups := c.root.GetGroups()[name].GetGroups()
		for _, title := range slices.Sorted(maps.Keys(groups)) {
			definition := groups[title].GetValues()[mspValue].GetValue()
			o, err := openOrganisation(definition)
			if err != nil {
				return nil, err
			}
			if o.MSPID == "" {
				continue
			}
			if c.Organisations[o.MSPID] != nil {
				// A member can order, too. As in Fabric, both groups must define it alike.
				if !bytes.Equal(definitions[o.MSPID], definition) {
					return nil, refuse(BadConfig, "it defines %s in two ways", o.MSPID)
				}
				continue
			}
			c.Organisations[o.MSPID], definitions[o.MSPID] = o, definition
			if name == applicationGroup {
				c.Members, c.groups[o.MSPID] = append(c.Members, o.MSPID), title
			}
		}
	}
	if len(c.Members) == 0 {
		return nil, refuse(BadConfig, "no organisation is a member of the channel")
	}
	return c, c.readOrderers()
}

func (c *Config) readOrderers() error {
	values := c.root.GetGroups()[ordererGroup].GetValues()
	var consensus orderer.ConsensusType
	var m common.Orderers
	if err := proto.Unmarshal(values[consensusValue].GetValue(), &consensus); err != nil {
		return refuse(BadConfig, "the kind of ordering can't be read: %v", err)
	}
	if consensus.GetType() != bft {
		return refuse(BadConfig,
			"the channel is ordered by %q, under which one orderer can sign whatever it likes; proofs need %s",
			consensus.GetType(), bft)
	}
	if err := proto.Unmarshal(values[orderersValue].GetValue(), &m); err != nil {
		return refuse(BadConfig, "the list of orderers can't be read: %v", err)
	}
	for _, one := range m.GetConsenterMapping() {
		certificate, err := parsePEM(one.GetIdentity())
		if err != nil {
			return At(err, "orderer %d", one.GetId())
		}
		id := &Identity{MSPID: one.GetMspId(), Certificate: certificate,
			serialized: fmt.Appendf(nil, "%s\n%s", one.GetMspId(), one.GetIdentity())}
		if c.Orderers[one.GetId()] != nil {
			return refuse(BadConfig, "two orderers have the id %d", one.GetId())
		}
		for _, other := range c.Orderers {
			if other.Certificate.Equal(certificate) {
				return refuse(BadConfig, "two orderers have one certificate")
			}
		}
		c.Orderers[one.GetId()] = id
	}
	n := len(c.Orderers)
	if n == 0 {
		return refuse(BadConfig, "nobody orders the channel")
	}
	c.Quorum = Quorum(n)
	return nil
}

// Tolerated is how many of n orderers may fail or lie: the largest number below a third of n.
func Tolerated(n int) int { return (n - 1) / 3 }

// Quorum is how many of n orderers must sign a block. Any two sets of so many orderers have an honest one in common, as
// long as no more lie than are tolerated. With f for these, it is (n+f+1)/2, rounded up.
func Quorum(n int) int { return (n + Tolerated(n) + 2) / 2 }

func pemBlock(text []byte) []byte {
	if block, _ := pem.Decode(text); block != nil {
		return block.Bytes
	}
	return nil
}
