package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func TestAHeightIsSignedByAPeerOfTheChannel(t *testing.T) {
	lab := newAuthority(t)
	config := &proof.Config{Organisations: map[string]*proof.Organisation{"LabMSP": lab.organisation("LabMSP")}}
	signer := lab.member("LabMSP", "peer", time.Time{})
	for name, c := range map[string]struct {
		spoil func(*height)
		want  string // of the error; empty if there is none
	}{
		"as it should be":                    {func(*height) {}, ""},
		"nobody signed":                      {func(h *height) { h.signer = &Member{sign: signer.sign} }, "identity"},
		"another organisation signed":        {func(h *height) { h.signer = newAuthority(t).member("XMSP", "peer", time.Time{}) }, "signed, and doesn't belong to the channel"},
		"another authority's peer signed":    {func(h *height) { h.signer = newAuthority(t).member("LabMSP", "peer", time.Time{}) }, "LabMSP"},
		"a peer signed whose time is over":   {func(h *height) { h.signer = lab.member("LabMSP", "peer", time.Unix(1_700_000_000, 0)) }, "LabMSP"},
		"a client signed":                    {func(h *height) { h.signer = lab.member("LabMSP", "client", time.Time{}) }, "signed, and isn't a peer"},
		"the signature is of something else": {func(h *height) { h.signature, _ = signer.signature([]byte("something else")) }, "signature"},
		"the answer is to another question":  {func(h *height) { h.question = []byte("another") }, "isn't an answer to the question"},
		"another chaincode answered":         {func(h *height) { h.action.ChaincodeId.Name = "cc" }, "isn't an answer to the question"},
		"the signed answer is a failure":     {func(h *height) { h.action.Response.Status = 500 }, "isn't an answer to the question"},
		"what is signed can't be read":       {func(h *height) { h.payloadBytes = garbage }, "isn't an answer to the question"},
		"the signed action can't be read":    {func(h *height) { h.actionBytes = garbage }, "isn't an answer to the question"},
		"the signed height can't be read":    {func(h *height) { h.infoBytes = garbage }, "isn't an answer to the question"},
	} {
		t.Run(name, func(t *testing.T) {
			h := heightBy(signer)
			c.spoil(h)
			got, err := readHeight(h.answer(t), []byte("question"), config)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, &SignedHeight{MSPID: "LabMSP", Height: 12, Hash: "ab"}, got)
		})
	}
}

func TestAPeerIsAskedForItsHeightByAMember(t *testing.T) {
	lab := newAuthority(t)
	config := &proof.Config{Organisations: map[string]*proof.Organisation{"LabMSP": lab.organisation("LabMSP")}}
	signer, as := lab.member("LabMSP", "peer", time.Time{}), lab.member("LabMSP", "client", time.Time{})
	change := func(*peer.ProposalResponse) error { return nil }
	nonces := map[string]bool{}
	p := (&fakePeer{answer: func(signed *peer.SignedProposal) (*peer.ProposalResponse, error) {
		checkSigned(t, as, signed.ProposalBytes, signed.Signature)
		proposal := decoded(t, signed.ProposalBytes, new(peer.Proposal))
		header := decoded(t, proposal.Header, new(common.Header))
		channel := decoded(t, header.ChannelHeader, new(common.ChannelHeader))
		signature := decoded(t, header.SignatureHeader, new(common.SignatureHeader))
		assert.Equal(t, as.creator, signature.Creator)
		assert.Len(t, signature.Nonce, nonceBytes)
		nonces[string(signature.Nonce)] = true
		assert.Equal(t, []any{common.HeaderType_ENDORSER_TRANSACTION, "c", proof.TransactionID(signature.Nonce, signature.Creator)},
			[]any{common.HeaderType(channel.Type), channel.ChannelId, channel.TxId})
		assert.NotNil(t, channel.Timestamp)
		assert.Equal(t, "qscc", decoded(t, channel.Extension, new(peer.ChaincodeHeaderExtension)).ChaincodeId.GetName())
		payload := decoded(t, proposal.Payload, new(peer.ChaincodeProposalPayload))
		spec := decoded(t, payload.Input, new(peer.ChaincodeInvocationSpec)).ChaincodeSpec
		assert.Equal(t, "qscc", spec.ChaincodeId.GetName())
		assert.Equal(t, [][]byte{[]byte("GetChainInfo"), []byte("c")}, spec.Input.GetArgs())
		h := heightBy(signer)
		h.question = proof.ProposalHash(header.ChannelHeader, header.SignatureHeader, proposal.Payload)
		answer := h.answer(t)
		return answer, change(answer)
	}}).listen(t, as)
	h, err := p.SignedHeight(t.Context(), config)
	require.NoError(t, err)
	assert.Equal(t, &SignedHeight{MSPID: "LabMSP", Peer: p.Address, Height: 12, Hash: "ab"}, h)
	require.NoError(t, p.LearnHeight(t.Context()))
	_, all := p.Share(3)
	assert.EqualValues(t, 12, all)
	assert.Len(t, nonces, 2, "each question has a nonce of its own")

	_, err = p.SignedHeight(t.Context(), &proof.Config{})
	assert.ErrorContains(t, err, p.String()+": ")
	for name, c := range map[string]struct {
		change func(*peer.ProposalResponse) error
		want   string
	}{
		"it hangs up": {func(*peer.ProposalResponse) error { return errors.New("not now") }, "doesn't answer: not now"},
		"it says that it can't": {func(a *peer.ProposalResponse) error {
			a.Response.Status, a.Response.Message = 500, "no ledger"
			return nil
		}, "doesn't say how many blocks it has: 500 no ledger"},
		"its height can't be read":  {func(a *peer.ProposalResponse) error { a.Response.Payload = garbage; return nil }, "doesn't say how many blocks it has: 200"},
		"its status is another one": {func(a *peer.ProposalResponse) error { a.Response.Status = 201; return nil }, "doesn't say how many blocks it has: 201"},
	} {
		t.Run(name, func(t *testing.T) {
			change = c.change
			err := p.LearnHeight(t.Context())
			require.ErrorContains(t, err, c.want)
			_, isUnreachable := errors.AsType[*UnreachableError](err)
			assert.True(t, isUnreachable)
		})
	}
}

func heightOf(mspID string, height uint64, hash string) SignedHeight {
	return SignedHeight{MSPID: mspID, Height: height, Hash: hash}
}

func TestAHeightIsAgreedOnByOrganisationsAndNotByPeers(t *testing.T) {
	for _, c := range []struct {
		agree   int
		heights []SignedHeight // from the greatest down
		want    uint64
	}{
		{2, nil, 0},
		{1, []SignedHeight{heightOf("A", 9, "")}, 9},
		{2, []SignedHeight{heightOf("A", 9, "")}, 0},
		{2, []SignedHeight{heightOf("A", 9, ""), heightOf("A", 8, "")}, 0},
		{2, []SignedHeight{heightOf("A", 9, ""), heightOf("A", 8, ""), heightOf("B", 7, ""), heightOf("C", 6, "")}, 7},
		{3, []SignedHeight{heightOf("A", 9, ""), heightOf("B", 7, ""), heightOf("C", 6, "")}, 6},
	} {
		assert.Equal(t, c.want, agreed(c.heights, c.agree), "%v", c)
	}
}

// audited is an audit that has audited four blocks with the hashes 00 to 03.
func audited(t *testing.T) *Auditor {
	s, err := state.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	genesis := genesisOf(t)
	chain, err := proof.NewChain(genesis, genesis.Hash())
	require.NoError(t, err)
	b := s.NewBatch()
	for n := range byte(4) {
		hash := make([]byte, 32)
		hash[31] = n
		b.Block(uint64(n), hash, nil)
	}
	require.NoError(t, s.Commit(b, state.Progress{Next: 4}))
	workers := newWorkers()
	return &Auditor{workers: workers, patience: time.Millisecond, replay: &replay{
		store: s, chain: chain, progress: s.Progress(), epoch: newEpoch(chain.Config()), run: workers.run,
		definitions: map[string]*definition{},
	}}
}

func TestSignedHashesAreComparedWithTheAuditedBlocks(t *testing.T) {
	hash := func(n int) string { return fmt.Sprintf("%064x", n) }
	for name, c := range map[string]struct {
		height SignedHeight
		fork   int // the block that differs; -1 if none does
	}{
		"no block":                       {heightOf("A", 0, "ff"), -1},
		"the first block":                {heightOf("A", 1, hash(0)), -1},
		"another first block":            {heightOf("A", 1, hash(1)), 0},
		"the last block":                 {heightOf("A", 4, hash(3)), -1},
		"another last block":             {heightOf("A", 4, "ff"), 3},
		"a block that isn't audited yet": {heightOf("A", 5, "ff"), -1},
	} {
		t.Run(name, func(t *testing.T) {
			a := audited(t)
			require.NoError(t, a.compareHashes([]SignedHeight{c.height}))
			if c.fork < 0 {
				assert.Empty(t, a.Findings())
				return
			}
			require.Len(t, a.Findings(), 1)
			assert.Equal(t, Fork, a.Findings()[0].Code)
			assert.EqualValues(t, c.fork, *a.Findings()[0].Block)
		})
	}
}

func TestWhatSignedHeightsLeaveOpen(t *testing.T) {
	a, b, c := heightOf("A", 4, ""), heightOf("B", 4, ""), heightOf("C", 4, "")
	beyond := func(h SignedHeight) SignedHeight { h.Height = 5; return h }
	for name, x := range map[string]struct {
		heights []SignedHeight
		want    string
	}{
		"two of two agree":         {[]SignedHeight{a, b}, ""},
		"three agree":              {[]SignedHeight{a, b, c}, ""},
		"nobody signed":            {nil, "0 of the 2 organisations that must agree signed a height"},
		"one organisation signed":  {[]SignedHeight{a, a}, "1 of the 2 organisations that must agree signed a height"},
		"one has more blocks":      {[]SignedHeight{beyond(a), b, c}, "A: more blocks than the 4 audited ones are signed for, by fewer than the 2"},
		"two have more blocks":     {[]SignedHeight{beyond(a), beyond(b), c}, ""},
		"one signed, and has more": {[]SignedHeight{beyond(a)}, "1 of the 2 organisations that must agree signed a height"},
	} {
		t.Run(name, func(t *testing.T) {
			audit := audited(t)
			audit.doubt(x.heights, 2)
			if x.want == "" {
				assert.Empty(t, audit.notes)
				return
			}
			require.Len(t, audit.notes, 1)
			assert.Contains(t, audit.notes[0], x.want)
		})
	}
}

// noBlocks is a source that isn't a peer.
type noBlocks struct{}

func (noBlocks) Blocks(context.Context, uint64, func(*common.Block) error) error {
	return errors.New("it isn't asked")
}
func (noBlocks) Share(uint64) (read, all int64) { return 0, 0 }
func (noBlocks) String() string                 { return "a source" }

// late is a source that has caught up as soon as it is asked for the missing blocks. They count as audited then.
type late struct {
	noBlocks
	audit *Auditor
	next  uint64
}

func (l late) BlocksTo(context.Context, uint64, uint64, func(*common.Block) error) error {
	l.audit.replay.progress.Next = l.next
	return nil
}

func TestAHiddenTipIsFoundByWitnesses(t *testing.T) {
	ca := newAuthority(t)
	members := []string{"A", "B", "C"}
	organisations := map[string]*proof.Organisation{}
	for _, id := range members {
		organisations[id] = ca.organisation(id)
	}
	witness := func(mspID string, blocks uint64) *Peer {
		signer := ca.member(mspID, "peer", time.Time{})
		return (&fakePeer{answer: func(signed *peer.SignedProposal) (*peer.ProposalResponse, error) {
			proposal := decoded(t, signed.ProposalBytes, new(peer.Proposal))
			header := decoded(t, proposal.Header, new(common.Header))
			h := heightBy(signer)
			h.question = proof.ProposalHash(header.ChannelHeader, header.SignatureHeader, proposal.Payload)
			h.info = &common.BlockchainInfo{Height: blocks, CurrentBlockHash: append(make([]byte, 31), byte(blocks-1))}
			return h.answer(t), nil
		}}).listen(t, ca.member(mspID, "client", time.Time{}))
	}
	a4, a6, b4, b6, c7 := witness("A", 4), witness("A", 6), witness("B", 4), witness("B", 6), witness("C", 7)
	stranger, another := witness("X", 9), witness("Y", 9)
	for name, c := range map[string]struct {
		peers    []*Peer
		agree    int
		four     bool // the channel has a fourth member
		ended    bool
		heights  []uint64 // in order
		problems int
		noted    bool   // that the heights leave something open
		hidden   string // how many organisations sign how many blocks; empty if none is hidden
	}{
		"nobody is asked":               {noted: true},
		"all have as many":              {peers: []*Peer{a4, b4}, heights: []uint64{4, 4}},
		"one of three has more":         {peers: []*Peer{a4, b4, c7}, heights: []uint64{7, 4, 4}, noted: true},
		"a majority has more":           {peers: []*Peer{a4, b6, c7}, heights: []uint64{7, 6, 4}, hidden: "2 organisations sign that they have 6 blocks"},
		"one has more, which is enough": {peers: []*Peer{a4, b4, c7}, agree: 1, heights: []uint64{7, 4, 4}, hidden: "1 organisations sign that they have 7 blocks"},
		"all have more":                 {peers: []*Peer{c7, b6, a6}, agree: 3, heights: []uint64{7, 6, 6}, hidden: "3 organisations sign that they have 6 blocks"},
		"a stranger has more":           {peers: []*Peer{stranger, b6}, heights: []uint64{6}, problems: 1, noted: true},
		"two of four have more":         {peers: []*Peer{a4, b6, c7}, four: true, heights: []uint64{7, 6, 4}, noted: true},
		"strangers have more":           {peers: []*Peer{stranger, another, stranger, b6, another}, heights: []uint64{6}, problems: 4, noted: true},
		"the audit has ended early":     {peers: []*Peer{a6, b6, c7}, ended: true, heights: []uint64{7, 6, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			a := audited(t)
			config := a.replay.chain.Config()
			config.Members, config.Organisations, a.ended = members, organisations, c.ended
			if c.four {
				config.Members = append(slices.Clone(members), "D")
			}
			got, problems, err := a.Witnesses(t.Context(), noBlocks{}, c.peers, c.agree)
			require.NoError(t, err)
			assert.Len(t, problems, c.problems)
			assert.True(t, slices.IsSortedFunc(problems, func(x, y error) int { return cmp.Compare(x.Error(), y.Error()) }))
			var heights []uint64
			for i, h := range got {
				heights = append(heights, h.Height)
				assert.True(t, i == 0 || got[i-1].Height > h.Height || got[i-1].MSPID < h.MSPID, "%v", got)
			}
			assert.Equal(t, c.heights, heights)
			assert.Equal(t, c.noted, len(a.notes) > 0, "%v", a.notes)
			if c.hidden == "" {
				assert.Empty(t, a.Findings())
				return
			}
			require.Len(t, a.Findings(), 1)
			assert.Equal(t, HiddenTip, a.Findings()[0].Code)
			assert.Contains(t, a.Findings()[0].Detail, "a source ends before block 4, and "+c.hidden)
		})
	}

	t.Run("a peer is asked for the blocks that are missing", func(t *testing.T) {
		for name, c := range map[string]struct {
			ends    bool // the peer says that it has no more
			fails   bool
			cancels bool
		}{"and has none": {ends: true}, "and never gives one": {}, "and is in trouble": {fails: true}, "until the caller gives up": {cancels: true}} {
			t.Run(name, func(t *testing.T) {
				a := audited(t)
				if c.ends || c.fails || c.cancels {
					a.patience = time.Hour
				}
				a.replay.chain.Config().Members, a.replay.chain.Config().Organisations = members, organisations
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan struct{})
				defer close(done)
				source := (&fakePeer{deliver: func(r *common.Envelope, give func(*peer.DeliverResponse) error) error {
					seek := decoded(t, decoded(t, r.Payload, new(common.Payload)).Data, new(orderer.SeekInfo))
					assert.EqualValues(t, 5, seek.GetStop().GetSpecified().GetNumber(), "the last block that others have")
					if c.fails {
						return errors.New("the disk is full")
					}
					if c.cancels {
						cancel()
					}
					if !c.ends {
						<-done
					}
					return give(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: common.Status_SUCCESS}})
				}}).listen(t, ca.member("A", "client", time.Time{}))
				_, _, err := a.Witnesses(ctx, source, []*Peer{a6, b6}, 2)
				if c.cancels {
					require.ErrorIs(t, err, context.Canceled)
					return
				}
				if c.fails {
					require.ErrorContains(t, err, "the disk is full")
					return
				}
				require.NoError(t, err)
				var codes []Code
				for _, f := range a.Findings() {
					codes = append(codes, f.Code)
				}
				assert.Contains(t, codes, HiddenTip)
			})
		}
	})

	t.Run("a source catches up", func(t *testing.T) {
		for next, hidden := range map[uint64]int{5: 1, 6: 0, 7: 0} {
			a := audited(t)
			a.patience = time.Hour
			a.replay.chain.Config().Members, a.replay.chain.Config().Organisations = members, organisations
			_, _, err := a.Witnesses(t.Context(), late{audit: a, next: next}, []*Peer{a6, b6}, 2)
			require.NoError(t, err)
			found := slices.DeleteFunc(a.Findings(), func(f Finding) bool { return !strings.Contains(f.Detail, "2 organisations sign") })
			assert.Len(t, found, hidden, "after %d of 6 blocks", next)
		}
	})

	t.Run("without a configuration nobody is asked", func(t *testing.T) {
		a := audited(t)
		a.replay.chain = nil
		heights, problems, err := a.Witnesses(t.Context(), noBlocks{}, []*Peer{a6}, 1)
		require.NoError(t, err)
		assert.Empty(t, heights)
		assert.Empty(t, problems)
	})
}
