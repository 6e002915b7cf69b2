package proof

import (
	"maps"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"
)

// OpenConfig reads the configuration of a configuration block. It doesn't check who ordered the block, so the block
// must come from a node that the caller trusts. [Chain] checks it.
func OpenConfig(b *Block) (*Config, error) {
	channel, m, ok, err := openConfigEnvelope(b.Data)
	if err == nil && !ok {
		err = refuse(BadConfig, "it isn't a configuration block")
	}
	if err != nil {
		return nil, At(err, "block %d", b.Number)
	}
	c, err := newConfig(channel, b.Number, m.GetConfig())
	return c, At(err, "block %d", b.Number)
}

// Group returns a copy of the configuration as Fabric has it.
func (c *Config) Group() *common.ConfigGroup { return proto.Clone(c.root).(*common.ConfigGroup) }

// A Preview is what an update would make of a configuration if everybody signed it.
type Preview struct {
	// After is the configuration that would be in force.
	After *Config
	// Policies are the paths of the channel policies that the signers have to meet, sorted.
	Policies []string
}

// Preview applies an update to the configuration without asking who signed it. It refuses an update that isn't of this
// channel or was made for another state of it.
func (c *Config) Preview(update *common.ConfigUpdate) (*Preview, error) {
	if update.GetChannelId() != c.Channel {
		return nil, refuse(WrongChannel, "the update is of the channel %q", update.GetChannelId())
	}
	result, changed, err := c.overlay(update)
	if err != nil {
		return nil, err
	}
	after, err := newConfig(c.Channel, c.Block, &common.Config{Sequence: c.Sequence + 1, ChannelGroup: result})
	if err != nil {
		return nil, At(err, "the configuration that would follow")
	}
	policies := map[string]bool{}
	for _, is := range changed {
		policies[is.decidedBy()] = true
	}
	return &Preview{After: after, Policies: slices.Sorted(maps.Keys(policies))}, nil
}

// Signer checks a signature of an encoded update (common.ConfigUpdate), and returns whose it is.
func (c *Config) Signer(update []byte, s *common.ConfigSignature) (*Identity, error) {
	var header common.SignatureHeader
	if err := proto.Unmarshal(s.GetSignatureHeader(), &header); err != nil {
		return nil, refuse(BadConfig, "a signature's header can't be read: %v", err)
	}
	id, err := ParseIdentity(header.GetCreator())
	if err != nil {
		return nil, err
	}
	if c.Organisations[id.MSPID] == nil {
		return nil, refuse(UnknownOrganisation, "%s isn't of an organisation of this channel", id)
	}
	return id, id.Verify(slices.Concat(s.GetSignatureHeader(), update), s.GetSignature())
}
