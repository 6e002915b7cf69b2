package ledger

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
)

// A gateway that knows no peer but its own finds the others in the channel's configuration, and asks them.
func TestMembersAreFoundInTheChannelsConfiguration(t *testing.T) {
	h := newHarness(t)
	own := h.client.cfg.Peers[0]
	cfg := h.client.cfg
	cfg.Peers = []Peer{own}
	c, err := Open(cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Follow(ctx, h.id, Start{}, func(*Block) error { return nil }) }()
	defer func() {
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
	}()

	require.Eventually(t, func() bool {
		answering := 0
		for _, p := range c.Health().Peers {
			if p.Usable {
				answering++
			}
		}
		return answering == 3
	}, time.Minute, 20*time.Millisecond)
	assert.Equal(t, 1, c.Health().Usable(), "calls go through the configured peer alone")
	tip, err := c.Tip(t.Context(), h.id)
	require.NoError(t, err)
	assert.Equal(t, 3, tip.Answered)
	assert.Equal(t, 3, tip.Asked)
	m := &proof.Maker{
		Network: c.Inquire(func() *Identity { return h.id }), Channel: network.ChannelName, Chaincode: network.ChaincodeName,
	}
	call, r := artifact(t, "found", "1", "in the configuration")
	_, err = h.client.Submit(within(t, time.Minute), h.id, call)
	require.NoError(t, err)
	p, err := m.Prove(within(t, time.Minute), r.ID, proof.LevelReceipt, 3)
	require.NoError(t, err)
	assert.Len(t, p.Receipts[0].Endorsements, 3)

	only := c.pool.all()[0]
	for range 10 {
		assert.Equal(t, only, c.pool.pick(t.Context(), nil))
		c.pool.done(only, nil)
	}
	assert.Nil(t, c.pool.pick(t.Context(), map[*peerConn]bool{only: true}), "others aren't worked through")
}

// poolOf is a pool of peers at addresses that nobody listens at.
func poolOf(t *testing.T, mspIDs ...string) (p *pool, roots []byte) {
	n := shared.Network(t)
	file := n.TLSRoots("harbor")
	roots, err := os.ReadFile(file)
	require.NoError(t, err)
	cfg := Config{Keepalive: time.Minute, Logger: slog.New(slog.DiscardHandler)}
	for _, mspID := range mspIDs {
		cfg.Peers = append(cfg.Peers, Peer{MSPID: mspID, Address: "127.0.0.1:1", TLSRoots: file})
	}
	ctx, cancel := context.WithCancel(t.Context())
	p, err = newPool(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { cancel(); p.close() })
	return p, roots
}

func TestPeersFollowTheMembersOfTheChannel(t *testing.T) {
	p, roots := poolOf(t, "A", "B")
	anchor := func(mspID, address string) proof.Anchor {
		return proof.Anchor{MSPID: mspID, Address: address, TLSRoots: roots}
	}
	addresses := func() []string {
		var all []string
		for _, pc := range p.members() {
			all = append(all, pc.MSPID+" "+pc.Address)
		}
		return all
	}
	for _, step := range []struct {
		name    string
		members []string
		anchors []proof.Anchor
		want    []string
	}{
		{"configured organisations need no anchor", []string{"A", "B"}, []proof.Anchor{anchor("B", "b:1")}, []string{"A 127.0.0.1:1", "B 127.0.0.1:1"}},
		{"another joins", []string{"A", "B", "C"}, []proof.Anchor{anchor("C", "c:1"), anchor("C", "c:2")}, []string{"A 127.0.0.1:1", "B 127.0.0.1:1", "C c:1", "C c:2"}},
		{"a configured one leaves, and an anchor moves", []string{"A", "C"}, []proof.Anchor{anchor("C", "c:2"), anchor("C", "c:3")}, []string{"A 127.0.0.1:1", "C c:2", "C c:3"}},
		{"it comes back, and the other leaves", []string{"A", "B"}, nil, []string{"A 127.0.0.1:1", "B 127.0.0.1:1"}},
		{"one's own peers stay whatever happens", []string{"B"}, nil, []string{"A 127.0.0.1:1", "B 127.0.0.1:1"}},
		{"authorities that are none are left out", []string{"A", "B", "D"}, []proof.Anchor{{MSPID: "D", Address: "d:1", TLSRoots: []byte("x")}}, []string{"A 127.0.0.1:1", "B 127.0.0.1:1"}},
	} {
		p.learn("A", step.members, step.anchors)
		assert.Equal(t, step.want, addresses(), step.name)
		organisations := map[string]bool{}
		for _, pc := range p.members() {
			organisations[pc.MSPID] = true
		}
		assert.Equal(t, len(organisations), p.organisations(), step.name)
	}
	p.learn("A", []string{"A"}, nil)
	assert.Equal(t, "its organisation isn't a member of the channel", p.health()[1].Problem)
	assert.False(t, p.health()[1].Usable)
}
