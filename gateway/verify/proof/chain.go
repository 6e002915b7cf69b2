package proof

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
)

// whenAny makes [Organisation.Check] judge certificates as Fabric does: at the time of their issue.
var whenAny time.Time

// Chain follows a channel from its genesis block through some of its blocks. Ordinary blocks may be left out, but every
// configuration block must be among them. Orderers sign the number of the last configuration block, so a Chain notices
// if one is missing.
type Chain struct {
	config *Config
	last   *Block
}

// NewChain begins with a genesis block. Nobody signs a genesis block, so the caller must know its hash.
func NewChain(genesis *Block, hash []byte) (*Chain, error) {
	if genesis.Number != 0 || len(genesis.PreviousHash) > 0 || !bytes.Equal(genesis.Hash(), hash) {
		return nil, At(refuse(WrongGenesis, "it has the hash %x, and the genesis block to trust has %x",
			genesis.Hash(), hash), "block %d", genesis.Number)
	}
	if len(genesis.Signatures) > 0 || len(genesis.Metadata) > 0 {
		return nil, At(refuse(BadBlock, "nobody signs a genesis block"), "block 0")
	}
	channel, m, ok, err := openConfigEnvelope(genesis.Data)
	if err == nil && !ok {
		err = refuse(BadBlock, "it has no configuration")
	}
	if err != nil {
		return nil, At(err, "block 0")
	}
	config, err := newConfig(channel, 0, m.GetConfig())
	if err != nil {
		return nil, At(err, "block 0")
	}
	return &Chain{config: config, last: genesis}, nil
}

// Fetch gets a block of a channel by its number. Whoever it asks needn't be trusted.
type Fetch func(ctx context.Context, number uint64) (*Block, error)

// ChainTo makes a Chain whose last block is the one with a given number. It fetches that block, the genesis block and
// the configuration blocks between the two, and checks them as [Chain.Take] does. So the block that it ends at, and by
// the hashes every block before that one, is of the ledger that begins with the genesis block. The hash is that of the
// genesis block. If it is empty, whatever block 0 is fetched is believed.
func ChainTo(ctx context.Context, genesis []byte, number uint64, fetch Fetch) (*Chain, error) {
	first, err := fetch(ctx, 0)
	if err != nil {
		return nil, err
	}
	if len(genesis) == 0 {
		genesis = first.Hash()
	}
	c, err := NewChain(first, genesis)
	if err != nil || number == 0 {
		return c, err
	}
	end, err := fetch(ctx, number)
	if err != nil {
		return nil, err
	}
	last, err := end.LastConfig()
	if err != nil {
		return nil, At(err, "block %d", number)
	}
	if last > number {
		return nil, At(refuse(BadBlock, "it names a later configuration, that of block %d", last), "block %d", number)
	}
	configs, err := configsBack(ctx, fetch, last, 0)
	if err != nil {
		return nil, err
	}
	if last != number {
		configs = append(configs, end)
	}
	for _, b := range configs {
		if _, err := c.Take(b); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// configsBack fetches the configuration block with a number and those before it, down to the known one, which it leaves
// out. The oldest comes first. It finds them one by the other: the block before a configuration block names the
// configuration block before that.
func configsBack(ctx context.Context, fetch Fetch, number, known uint64) ([]*Block, error) {
	var later []*Block
	for number > known {
		b, err := fetch(ctx, number)
		if err != nil {
			return nil, err
		}
		later = append(later, b)
		if number == known+1 {
			break
		}
		before, err := fetch(ctx, number-1)
		if err != nil {
			return nil, err
		}
		last, err := before.LastConfig()
		if err != nil {
			return nil, At(err, "block %d", number-1)
		}
		if last >= number {
			return nil, At(refuse(BadBlock, "it names a later configuration, that of block %d", last), "block %d", number-1)
		}
		number = last
	}
	slices.Reverse(later)
	return later, nil
}

// Config is the configuration by which the next block is judged.
func (c *Chain) Config() *Config { return c.config }

// Last is the block that was taken last.
func (c *Chain) Last() *Block { return c.last }

// Take checks a block and moves on to it. The block must come after the last one, at any distance. Take checks that a
// quorum of the orderers in charge signed the block, and that no configuration block was left out before it. If the
// block directly follows the last one, Take checks the link between them. If it is a configuration block, Take checks
// that the change was authorised. Take doesn't check which of the transactions are valid. It returns the configuration
// by which the block's transactions are judged. A block that is refused changes nothing.
func (c *Chain) Take(b *Block) (*Config, error) {
	before, err := c.take(b)
	return before, At(err, "block %d", b.Number)
}

func (c *Chain) take(b *Block) (*Config, error) {
	switch {
	case b.Number <= c.last.Number:
		return nil, refuse(BadBlock, "it comes after block %d", c.last.Number)
	case b.Number == c.last.Number+1 && !bytes.Equal(b.PreviousHash, c.last.Hash()):
		return nil, refuse(BadBlock, "it follows a block with the hash %x, and block %d has %x",
			b.PreviousHash, c.last.Number, c.last.Hash())
	}
	before := c.config
	if err := before.CheckOrderers(b); err != nil {
		// Perhaps a missing configuration block changed the orderers. The block names its last configuration block.
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
		return nil, refuse(MissingConfig,
			"its orderers say that it follows the configuration of block %d, and here it is that of block %d",
			last, want)
	}
	if isConfig {
		if channel != before.Channel {
			return nil, refuse(WrongChannel, "it configures the channel %q", channel)
		}
		next, err := before.next(b.Number, m)
		if err != nil {
			return nil, err
		}
		c.config = next
	}
	c.last = b
	return before, nil
}

// isConfigBlock tells whether a block is one that changes the configuration.
func (b *Block) isConfigBlock() bool {
	_, header, err := openPayload(b.Data[0])
	return len(b.Data) == 1 && err == nil && common.HeaderType(header.GetType()) == common.HeaderType_CONFIG
}
