package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/networktest"
)

// shared is the network of real processes that the tests of this file share.
var shared networktest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

// harness is Harbor's client of the shared network, which follows from the first block.
type harness struct {
	*testing.T
	net    *network.Network
	client *Client
	id     *Identity

	mu     sync.Mutex
	blocks []*Block
}

func newHarness(t *testing.T) *harness {
	n := shared.Network(t)
	cfg := Config{Channel: network.ChannelName, Chaincode: network.ChaincodeName, MSPID: "HarborMSP",
		Logger:         slog.New(slog.DiscardHandler),
		EndorseTimeout: 15 * time.Second, SubmitTimeout: 15 * time.Second}
	for _, org := range n.Orgs() {
		cfg.Peers = append(cfg.Peers, Peer{MSPID: org.MSPID, Address: org.PeerAddress(), ServerName: org.PeerName(),
			TLSRoots: n.TLSRoots(org.Name)})
	}
	c, err := Open(cfg)
	require.NoError(t, err)
	h := &harness{T: t, net: n, client: c}
	certificate, key := n.Identity("harbor", network.Submitter)
	h.id, err = LoadIdentity("HarborMSP", certificate, key)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Follow(ctx, h.id, Start{}, h.take) }()
	t.Cleanup(func() {
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.NoError(t, c.Close())
	})
	return h
}

func (h *harness) take(b *Block) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.blocks = append(h.blocks, b)
	return nil
}

// find gives the transaction of a block that was followed.
func (h *harness) find(c Commit) Transaction {
	h.mu.Lock()
	defer h.mu.Unlock()
	require.Greater(h, uint64(len(h.blocks)), c.Block)
	return h.blocks[c.Block].Transactions[c.Position]
}

// artifact is a call that registers an artifact version in Harbor's namespace, and its record.
func artifact(t *testing.T, name, version, content string) (Call, *record.Record) {
	digest := sha256.Sum256([]byte(content))
	v, err := canonical.From(map[string]any{
		"kind": "dataset", "namespace": "harbor", "name": name, "version": version,
		"digest": map[string]any{"algorithm": "sha-256", "value": hex.EncodeToString(digest[:]), "coverage": "full"},
	})
	require.NoError(t, err)
	r, problems := record.NewArtifact(v, "HarborMSP")
	require.Empty(t, problems)
	pack, err := record.Pack([][]byte{r.Body})
	require.NoError(t, err)
	return Call{Function: "Artifacts:Submit", Transient: map[string][]byte{record.TransientPack: pack}}, r
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestATransactionIsSubmittedAndFollowed(t *testing.T) {
	h := newHarness(t)
	call, r := artifact(t, "readings", "1", "readings")
	commit, err := h.client.Submit(within(t, time.Minute), h.id, call)
	require.NoError(t, err)
	tx := h.find(commit)
	require.Equal(t, commit.TransactionID, tx.ID)
	require.Equal(t, "HarborMSP", tx.MSPID)
	require.Equal(t, h.id.Subject, tx.Subject)
	require.WithinDuration(t, time.Now(), tx.Time, time.Minute)
	require.Len(t, tx.Packs, 1)
	header, pack, err := record.ParsePackValue(tx.Packs[0])
	require.NoError(t, err)
	require.Equal(t, "HarborMSP", header.MSPID)
	bodies, err := record.Unpack(pack, record.PackLimits{})
	require.NoError(t, err)
	require.Equal(t, [][]byte{r.Body}, bodies)

	body, err := h.client.Evaluate(t.Context(), h.id, Call{Function: "Artifacts:Read", Args: [][]byte{[]byte(r.ID)}})
	require.NoError(t, err)
	require.Contains(t, string(body), "readings")

	found, err := h.client.Lookup(t.Context(), h.id, commit.TransactionID)
	require.NoError(t, err)
	require.Equal(t, commit, found)
	require.NoError(t, h.client.Handed(t.Context(), commit.Block))
	require.Zero(t, h.client.Commits().Waiting())
}

func TestBlocksAreLinkedFromTheFirst(t *testing.T) {
	h := newHarness(t)
	call, _ := artifact(t, "links", "1", "links")
	_, err := h.client.Submit(within(t, time.Minute), h.id, call)
	require.NoError(t, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	require.Empty(t, h.blocks[0].PreviousHash)
	for i, b := range h.blocks {
		require.Equal(t, uint64(i), b.Number)
		require.NotEmpty(t, b.Transactions)
		if i > 0 {
			require.Equal(t, h.blocks[i-1].Hash, b.PreviousHash)
		}
	}
	genesis, err := os.ReadFile(h.net.GenesisFile())
	require.NoError(t, err)
	var block common.Block
	require.NoError(t, proto.Unmarshal(genesis, &block))
	require.Equal(t, headerHash(t, &block), h.blocks[0].Hash)
}

func TestARejectionSaysWhatTheChaincodeSaid(t *testing.T) {
	h := newHarness(t)
	first, r := artifact(t, "taken", "1", "one content")
	_, err := h.client.Submit(within(t, time.Minute), h.id, first)
	require.NoError(t, err)
	second, _ := artifact(t, "taken", "1", "another content")
	_, err = h.client.Submit(within(t, time.Minute), h.id, second)
	require.Equal(t, Rejected, KindOf(err))
	var rejection *record.Rejection
	require.ErrorAs(t, err, &rejection)
	require.Equal(t, string(r.ID), rejection.Problems[0].Existing)
	require.False(t, errors.Is(err, ErrUnavailable))

	_, err = h.client.Evaluate(t.Context(), h.id, Call{Function: "Artifacts:NoSuchFunction"})
	require.Equal(t, ChaincodeFailed, KindOf(err), "%v", err)
}

// The role is in the certificate, so no gateway can let its holder submit.
func TestAnAuditorsCertificateCantSubmit(t *testing.T) {
	h := newHarness(t)
	certificate, key := h.net.Identity("harbor", network.Auditor)
	auditor, err := LoadIdentity("HarborMSP", certificate, key)
	require.NoError(t, err)
	call, r := artifact(t, "audited", "1", "audited")
	_, err = h.client.Submit(within(t, time.Minute), auditor, call)
	require.Equal(t, Rejected, KindOf(err), "%v", err)
	var rejection *record.Rejection
	require.ErrorAs(t, err, &rejection)
	require.Equal(t, "not_submitter", rejection.Problems[0].Code)
	_, err = h.client.Submit(within(t, time.Minute), h.id, call)
	require.NoError(t, err)
	_, err = h.client.Evaluate(t.Context(), auditor, Call{Function: "Artifacts:Read", Args: [][]byte{[]byte(r.ID)}})
	require.NoError(t, err, "it reads")
}

func TestOneKeyIsOneTransaction(t *testing.T) {
	h := newHarness(t)
	call, _ := artifact(t, "once", "1", "once")
	ctx := within(t, time.Minute)
	first, err := h.client.Propose(h.id, call, "a key", 0)
	require.NoError(t, err)
	second, err := h.client.Propose(h.id, call, "a key", 0)
	require.NoError(t, err)
	require.Equal(t, first.TransactionID, second.TransactionID)
	require.Equal(t, first.TransactionID, h.client.TransactionID(h.id, "a key", 0))
	require.NotEqual(t, first.TransactionID, h.client.TransactionID(h.id, "a key", 1))

	_, err = h.client.Lookup(ctx, h.id, first.TransactionID)
	require.ErrorIs(t, err, ErrNotFound)

	// Both are endorsed before either is sent, and both are sent, one of them twice.
	waiter, other := h.client.Commits().Register(first.TransactionID), h.client.Commits().Register(first.TransactionID)
	one, err := h.client.Endorse(ctx, first)
	require.NoError(t, err)
	two, err := h.client.Endorse(ctx, second)
	require.NoError(t, err)
	for _, e := range []*Envelope{one, two, one} {
		require.NoError(t, h.client.Send(ctx, e))
	}
	commit := <-waiter.Done()
	require.True(t, commit.Valid())
	require.Equal(t, commit, <-other.Done())

	_, err = h.client.Endorse(ctx, first)
	require.Equal(t, DuplicateProposal, KindOf(err), "%v", err)

	// A transaction after them: by then all copies have been ordered that ever will be.
	call, _ = artifact(t, "once", "2", "after")
	_, err = h.client.Submit(ctx, h.id, call)
	require.NoError(t, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	valid := 0
	for _, b := range h.blocks {
		for _, tx := range b.Transactions {
			if tx.ID == first.TransactionID && tx.Code == 0 {
				valid++
			} else if tx.ID == first.TransactionID {
				require.Equal(t, int32(peer.TxValidationCode_DUPLICATE_TXID), tx.Code)
				require.Empty(t, tx.Packs)
			}
		}
	}
	require.Equal(t, 1, valid)
}

func TestAnInvalidTransactionIsMadeAnew(t *testing.T) {
	h := newHarness(t)
	ctx := within(t, time.Minute)
	// Two claims of one artifact version, endorsed on the same state: the second to be committed has read what the first
	// has changed.
	first, _ := artifact(t, "conflict", "1", "same")
	var envelopes []*Envelope
	var waiters []*Waiter
	for i := range 2 {
		p, err := h.client.Propose(h.id, first, "conflict", i)
		require.NoError(t, err)
		e, err := h.client.Endorse(ctx, p)
		require.NoError(t, err)
		envelopes, waiters = append(envelopes, e), append(waiters, h.client.Commits().Register(p.TransactionID))
	}
	var kinds []Kind
	for i, e := range envelopes {
		require.NoError(t, h.client.Send(ctx, e))
		kinds = append(kinds, KindOf((<-waiters[i].Done()).Err()))
	}
	require.Equal(t, []Kind{"", ReadConflict}, kinds)
	require.Equal(t, NewTransaction, Rules[ReadConflict].Retry)
}

func TestAnotherPeerStandsInForOnesOwn(t *testing.T) {
	h := newHarness(t)
	ctx := within(t, 2*time.Minute)
	call, _ := artifact(t, "failover", "1", "before")
	_, err := h.client.Submit(ctx, h.id, call)
	require.NoError(t, err)
	own := h.net.Orgs()[0]
	require.Equal(t, own.PeerAddress(), h.client.Health().FollowedPeer)

	h.hold("peer", "harbor")
	call, r := artifact(t, "failover", "2", "while it is down")
	commit, err := h.client.Submit(ctx, h.id, call)
	require.NoError(t, err)
	require.Equal(t, commit.TransactionID, h.find(commit).ID)
	_, err = h.client.Evaluate(ctx, h.id, Call{Function: "Artifacts:Read", Args: [][]byte{[]byte(r.ID)}})
	require.NoError(t, err)
	health := h.client.Health()
	require.False(t, health.Peers[0].Usable)
	require.NotEmpty(t, health.Peers[0].Problem)
	require.Positive(t, health.Usable())

	h.release("peer", "harbor")
	require.Eventually(t, func() bool { return h.client.Health().FollowedPeer == own.PeerAddress() }, time.Minute,
		20*time.Millisecond)
	call, _ = artifact(t, "failover", "3", "after")
	_, err = h.client.Submit(ctx, h.id, call)
	require.NoError(t, err)
}

func TestWithoutEnoughOrderersATransactionWaitsAndIsNotLost(t *testing.T) {
	h := newHarness(t)
	ctx := within(t, 2*time.Minute)
	call, _ := artifact(t, "orderers", "1", "orderers")
	proposal, err := h.client.Propose(h.id, call, "orderers", 0)
	require.NoError(t, err)
	envelope, err := h.client.Endorse(ctx, proposal)
	require.NoError(t, err)
	orderers := h.net.Orderers()
	for _, o := range orderers[2:] {
		require.NoError(t, h.net.Hold(o.Name))
	}
	waiter := h.client.Commits().Register(proposal.TransactionID)
	err = h.client.Send(ctx, envelope)
	require.ErrorIs(t, err, ErrUnavailable)
	require.Contains(t, []Kind{OrderersUnavailable, FateUnknown}, KindOf(err), "%v", err)
	for _, o := range orderers[2:] {
		require.NoError(t, h.net.Release(o.Name))
	}
	require.Eventually(t, func() bool { return h.client.Send(ctx, envelope) == nil }, time.Minute, 100*time.Millisecond)
	require.True(t, (<-waiter.Done()).Valid())
}

func TestWithoutEnoughPeersTheLedgerIsUnavailable(t *testing.T) {
	h := newHarness(t)
	ctx := within(t, 2*time.Minute)
	call, _ := artifact(t, "peers", "1", "peers")
	proposal, err := h.client.Propose(h.id, call, "peers", 0)
	require.NoError(t, err)
	h.hold("peer", "market")
	h.hold("peer", "lab")
	_, err = h.client.Endorse(ctx, proposal)
	require.ErrorIs(t, err, ErrUnavailable)
	t.Logf("two peers down: %s: %v", KindOf(err), err)
	h.hold("peer", "harbor")
	require.Eventually(t, func() bool {
		_, err = h.client.Evaluate(ctx, h.id, call)
		return KindOf(err) == NoPeer
	}, time.Minute, 20*time.Millisecond)
	require.ErrorIs(t, err, ErrUnavailable)
	for _, org := range []string{"harbor", "market", "lab"} {
		h.release("peer", org)
	}
	_, err = h.client.Submit(ctx, h.id, call)
	require.NoError(t, err)
}

// process finds the name of a process by its role and organisation.
func (h *harness) process(role, org string) string {
	list := h.net.Processes()
	i := slices.IndexFunc(list, func(p network.ProcessStatus) bool { return p.Role == role && p.Org == org })
	require.GreaterOrEqual(h, i, 0)
	return list[i].Name
}

func (h *harness) hold(role, org string)    { require.NoError(h, h.net.Hold(h.process(role, org))) }
func (h *harness) release(role, org string) { require.NoError(h, h.net.Release(h.process(role, org))) }
