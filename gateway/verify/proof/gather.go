package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// block fetches a block and opens it.
func (m *Maker) block(ctx context.Context, number uint64) (*Block, error) {
	raw, err := m.Network.Block(ctx, number)
	if err != nil {
		return nil, fmt.Errorf("couldn't fetch block %d: %w", number, err)
	}
	return OpenBlock(raw)
}

// configured makes sure that the Maker has every configuration block up to the one with a given number. It walks back
// from that one: each block names the configuration block before it.
func (m *Maker) configured(ctx context.Context, number uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.configs); n > 0 && m.configs[n-1].Number >= number {
		return nil
	}
	known := uint64(0)
	if len(m.configs) == 0 {
		genesis, err := m.block(ctx, 0)
		if err != nil {
			return err
		}
		m.configs = []*Block{genesis}
	} else {
		known = m.configs[len(m.configs)-1].Number
	}
	later, err := configsBack(ctx, m.block, number, known)
	if err != nil {
		return err
	}
	configs := append(slices.Clone(m.configs), later...)
	trust, err := NewTrust(configs[0], configs[1:], m.Chaincode, 1)
	if err != nil {
		return err
	}
	m.configs, m.trust = configs, trust
	return nil
}

// addBlocks adds to a proof the blocks that prove the first recordings of its records.
func (m *Maker) addBlocks(ctx context.Context, p *Proof) error {
	blocks := map[uint64]*Block{}
	need := func(number uint64) (*Block, error) {
		if blocks[number] == nil {
			b, err := m.block(ctx, number)
			if err != nil {
				return nil, err
			}
			blocks[number] = b
		}
		return blocks[number], nil
	}
	for _, r := range p.Receipts {
		a, err := r.attested(m.Chaincode)
		if err != nil {
			return err
		}
		if err := m.needed(a.Recordings[0].Version, need); err != nil {
			return err
		}
	}
	newest := uint64(0)
	for _, b := range blocks {
		last, err := b.LastConfig()
		if err != nil {
			return err
		}
		newest = max(newest, last)
	}
	if err := m.configured(ctx, newest); err != nil {
		return err
	}
	m.mu.Lock()
	for _, b := range m.configs {
		if b.Number <= newest {
			blocks[b.Number] = b
		}
	}
	m.mu.Unlock()
	for _, b := range blocks {
		p.Blocks = append(p.Blocks, b)
	}
	slices.SortFunc(p.Blocks, func(a, b *Block) int { return int(int64(a.Number) - int64(b.Number)) })
	return nil
}

// needed fetches the block of a transaction, and the blocks with the definition of the chaincode that was in force for
// it.
func (m *Maker) needed(v Version, need func(uint64) (*Block, error)) error {
	key := definitionPrefix + m.Chaincode
	field := sequenceField
	for range maxPolicyDepth {
		b, err := need(v.Block)
		if err != nil {
			return err
		}
		if v.Position >= uint64(len(b.Data)) {
			return refuse(WrongTransaction, "block %d has %d transactions", v.Block, len(b.Data))
		}
		t, err := OpenTransaction(b.Data[v.Position])
		if err != nil {
			return err
		}
		if _, ok := t.Action.Written(lifecycleNamespace, key+validationField); ok {
			return nil
		}
		next, ok := t.Action.ReadVersion(lifecycleNamespace, key+field)
		if !ok || next.Block >= v.Block {
			return refuse(BadTransaction, "transaction %s doesn't tell which definition of the chaincode it was endorsed under",
				t.ID)
		}
		v, field = next, validationField
	}
	return refuse(BadTransaction, "the chaincode's definition goes back more than %d transactions", maxPolicyDepth)
}

// check verifies a proof by the channel's configuration. If the proof fails, perhaps the configuration that the Maker
// knows is outdated. Then check tries again with a newer one, if there is one.
func (m *Maker) check(ctx context.Context, p *Proof) error {
	t, err := m.Trust(ctx)
	if err != nil {
		return err
	}
	if _, err = Verify(p, t, Wanted{}); err == nil {
		return nil
	}
	newer, newerErr := m.newer(ctx, t)
	if newerErr != nil || newer == nil {
		return errors.Join(err, newerErr)
	}
	_, err = Verify(p, newer, Wanted{})
	return err
}

// newer makes a Trust from the channel's newest configuration. It returns nil if t is the newest.
func (m *Maker) newer(ctx context.Context, t *Trust) (*Trust, error) {
	newest, err := m.Network.Newest(ctx)
	if err != nil || newest == 0 {
		return nil, err
	}
	b, err := m.block(ctx, newest)
	if err != nil {
		return nil, err
	}
	last, err := b.LastConfig()
	if err != nil || last <= t.config {
		return nil, err
	}
	if err := m.configured(ctx, last); err != nil {
		return nil, err
	}
	return m.Trust(ctx)
}

// Current makes a Trust from the channel's newest configuration, or from the newest that the Maker knows if the network
// doesn't tell which that is: a stored receipt needs nobody's answer.
func (m *Maker) Current(ctx context.Context) (*Trust, error) {
	t, err := m.Trust(ctx)
	if err != nil {
		return nil, err
	}
	if newer, err := m.newer(ctx, t); err == nil && newer != nil {
		return newer, nil
	}
	return t, ctx.Err()
}

// good checks that an answer is signed by a peer of its organisation. A bad answer is left out of the receipt, so that
// one organisation can't spoil the proofs of the others.
func (m *Maker) good(ctx context.Context, a Answer, when time.Time, t *Trust) error {
	e := a.Response.GetEndorsement()
	id, err := parseExactIdentity(e.GetEndorser())
	if err != nil {
		return err
	}
	if id.MSPID != a.MSPID {
		return refuse(UnknownOrganisation, "it was signed as %s", id.MSPID)
	}
	if err := id.Verify(slices.Concat(a.Response.GetPayload(), e.GetEndorser()), e.GetSignature()); err != nil {
		return err
	}
	if err = t.checkPeer(id, when); err == nil {
		return nil
	}
	newer, newerErr := m.newer(ctx, t)
	if newerErr != nil || newer == nil {
		return errors.Join(err, newerErr)
	}
	return newer.checkPeer(id, when)
}

// Trust makes a Trust from the newest configuration of the channel that the Maker knows. It comes from the same network
// as the proofs, so don't verify proofs of others with it.
func (m *Maker) Trust(ctx context.Context) (*Trust, error) {
	if err := m.configured(ctx, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trust.clone(), nil
}
