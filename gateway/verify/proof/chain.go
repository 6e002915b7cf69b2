package proof

import (
	"bytes"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
)

// whenAny asks for a judgement of certificates as Fabric makes it: at the time of their issue.
var whenAny time.Time

// Chain follows a channel from its genesis block through any of its blocks that include every configuration block. It
// knows which configuration each block is to be judged by, since orderers sign the number of the last one.
type Chain struct {
	config *Config
	last   *Block
}

// NewChain begins with a genesis block, which nobody signs: its hash must be known.
func NewChain(genesis *Block, hash []byte) (*Chain, error) {
	if genesis.Number != 0 || len(genesis.PreviousHash) > 0 || !bytes.Equal(genesis.Hash(), hash) {
		return nil, at(refuse(WrongGenesis, "it has the hash %x, and the genesis block to trust has %x", genesis.Hash(), hash), "block %d", genesis.Number)
	}
	if len(genesis.Signatures) > 0 || len(genesis.Metadata) > 0 {
		return nil, at(refuse(BadBlock, "nobody signs a genesis block"), "block 0")
	}
	channel, m, ok, err := openConfigEnvelope(genesis.Data)
	if err == nil && !ok {
		err = refuse(BadBlock, "it has no configuration")
	}
	if err != nil {
		return nil, at(err, "block 0")
	}
	config, err := newConfig(channel, 0, m.GetConfig())
	if err != nil {
		return nil, at(err, "block 0")
	}
	return &Chain{config: config, last: genesis}, nil
}

// Config is the configuration that the next block will be judged by.
func (c *Chain) Config() *Config { return c.config }

// Last is the block that was taken last.
func (c *Chain) Last() *Block { return c.last }

// Take checks a block that comes after the last one, at any distance, and moves on to it: that a quorum of the orderers
// in charge have signed it, that no configuration block was left out before it, that it is linked if it is the very next
// and, if it is a configuration block, that the change was consented to. Which of its transactions are valid it doesn't
// tell. It returns the configuration by which the block's transactions are to be judged.
func (c *Chain) Take(b *Block) (*Config, error) {
	before, err := c.take(b)
	return before, at(err, "block %d", b.Number)
}

func (c *Chain) take(b *Block) (*Config, error) {
	switch {
	case b.Number <= c.last.Number:
		return nil, refuse(BadBlock, "it comes after block %d", c.last.Number)
	case b.Number == c.last.Number+1 && !bytes.Equal(b.PreviousHash, c.last.Hash()):
		return nil, refuse(BadBlock, "it follows a block with the hash %x, and block %d has %x", b.PreviousHash, c.last.Number, c.last.Hash())
	}
	before := c.config
	if err := before.CheckOrderers(b); err != nil {
		// The orderers may have changed since, unseen; who they say was the last to be configured tells.
		if last, lastErr := b.LastConfig(); lastErr == nil && last > before.Block && last < b.Number {
			return nil, refuse(MissingConfig, "it follows the configuration of block %d, which is missing: %v", last, err)
		}
		return nil, err
	}
	channel, m, isConfig, err := openConfigEnvelope(b.Data)
	if err != nil {
		return nil, err
	}
	want := before.Block
	if isConfig {
		want = b.Number
	}
	last, err := b.LastConfig()
	if err != nil {
		return nil, err
	}
	if last != want {
		return nil, refuse(MissingConfig, "its orderers say that it follows the configuration of block %d, and here it is that of block %d", last, want)
	}
	if isConfig {
		if channel != before.Channel {
			return nil, refuse(WrongChannel, "it configures the channel %q", channel)
		}
		if c.config, err = before.next(b.Number, m); err != nil {
			return nil, err
		}
	}
	c.last = b
	return before, nil
}

// isConfigBlock tells whether a block is one that changes the configuration.
func (b *Block) isConfigBlock() bool {
	_, header, err := openPayload(b.Data[0])
	return len(b.Data) == 1 && err == nil && common.HeaderType(header.GetType()) == common.HeaderType_CONFIG
}
