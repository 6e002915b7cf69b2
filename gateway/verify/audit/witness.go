package audit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// SignedHeight says how many blocks a peer has. The peer signed it.
type SignedHeight struct {
	MSPID  string `json:"mspId"`
	Peer   string `json:"peer"` // its address
	Height uint64 `json:"height"`
	// Hash is the hash of the newest block's header, in hexadecimal.
	Hash string `json:"hash"`
}

const (
	// nonceBytes is the length of a nonce as Fabric's own clients make it.
	nonceBytes = 24
	// answerTime is how long a peer may take to answer a question.
	answerTime = 20 * time.Second

	answered        = 200    // the status of a successful answer
	ledgerChaincode = "qscc" // Fabric's system chaincode for questions about the ledger
)

// SignedHeight asks the peer how many blocks it has. The peer signs the answer. SignedHeight checks the signature by a
// configuration of the channel that comes from elsewhere.
func (p *Peer) SignedHeight(ctx context.Context, config *proof.Config) (*SignedHeight, error) {
	answer, question, err := p.askHeight(ctx)
	if err != nil {
		return nil, err
	}
	h, err := readHeight(answer, question, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	h.Peer = p.Address
	return h, nil
}

// LearnHeight asks the peer how many blocks it has, for Share. It doesn't check the signature of the answer.
func (p *Peer) LearnHeight(ctx context.Context) error {
	_, _, err := p.askHeight(ctx)
	return err
}

// askHeight asks the peer how many blocks it has, and remembers the height. It doesn't check the signature of the
// answer.
func (p *Peer) askHeight(ctx context.Context) (answer *peer.ProposalResponse, question []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := p.dial()
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	signed, question, err := p.question("GetChainInfo", p.Channel)
	if err != nil {
		return nil, nil, err
	}
	if answer, err = peer.NewEndorserClient(conn).ProcessProposal(ctx, signed); err != nil {
		return nil, nil, unreachable("%s doesn't answer: %s", p, status.Convert(err).Message())
	}
	var info common.BlockchainInfo
	if r := answer.GetResponse(); r.GetStatus() != answered || proto.Unmarshal(r.GetPayload(), &info) != nil {
		return nil, nil, unreachable("%s doesn't say how many blocks it has: %d %s", p, r.GetStatus(), r.GetMessage())
	}
	p.height = info.GetHeight()
	return answer, question, nil
}

// question makes a signed call of the ledger's chaincode. It also returns the hash that an answer to it must have.
func (p *Peer) question(args ...string) (*peer.SignedProposal, []byte, error) {
	nonce := make([]byte, nonceBytes)
	rand.Read(nonce)
	id := &peer.ChaincodeID{Name: ledgerChaincode}
	call := &peer.ChaincodeSpec{ChaincodeId: id, Input: new(peer.ChaincodeInput)}
	for _, arg := range args {
		call.Input.Args = append(call.Input.Args, []byte(arg))
	}
	var failed error
	encode := func(m proto.Message) []byte {
		data, err := proto.Marshal(m)
		if err != nil {
			failed = err
		}
		return data
	}
	head, err := header(&common.ChannelHeader{
		Type: int32(common.HeaderType_ENDORSER_TRANSACTION), Timestamp: timestamppb.Now(), ChannelId: p.Channel,
		TxId: proof.TransactionID(nonce, p.As.creator), Extension: encode(&peer.ChaincodeHeaderExtension{ChaincodeId: id}),
	}, &common.SignatureHeader{Creator: p.As.creator, Nonce: nonce})
	if err != nil {
		return nil, nil, err
	}
	payload := encode(&peer.ChaincodeProposalPayload{Input: encode(&peer.ChaincodeInvocationSpec{ChaincodeSpec: call})})
	proposal := encode(&peer.Proposal{Header: encode(head), Payload: payload})
	if failed != nil {
		return nil, nil, fmt.Errorf("couldn't write a question: %w", failed)
	}
	signature, err := p.As.signature(proposal)
	hash := proof.ProposalHash(head.GetChannelHeader(), head.GetSignatureHeader(), payload)
	return &peer.SignedProposal{ProposalBytes: proposal, Signature: signature}, hash, err
}

// readHeight checks that a peer of the channel signed an answer, and that it is an answer to the question with a hash.
func readHeight(answer *peer.ProposalResponse, question []byte, config *proof.Config) (*SignedHeight, error) {
	var payload peer.ProposalResponsePayload
	var action peer.ChaincodeAction
	var info common.BlockchainInfo
	id, err := proof.ParseIdentity(answer.GetEndorsement().GetEndorser())
	if err != nil {
		return nil, err
	}
	o := config.Organisations[id.MSPID]
	if o == nil {
		return nil, fmt.Errorf("%s signed, and doesn't belong to the channel", id)
	}
	if err := o.Check(id, time.Now()); err != nil {
		return nil, err
	}
	if !o.Is(id, proof.Peer) {
		return nil, fmt.Errorf("%s signed, and isn't a peer", id)
	}
	if err := id.Verify(slices.Concat(answer.GetPayload(), id.Serialized()), answer.GetEndorsement().GetSignature()); err != nil {
		return nil, err
	}
	if proto.Unmarshal(answer.GetPayload(), &payload) != nil || !bytes.Equal(payload.GetProposalHash(), question) ||
		proto.Unmarshal(payload.GetExtension(), &action) != nil || action.GetChaincodeId().GetName() != ledgerChaincode ||
		action.GetResponse().GetStatus() != answered || proto.Unmarshal(action.GetResponse().GetPayload(), &info) != nil {
		return nil, fmt.Errorf("what %s signed isn't an answer to the question", id)
	}
	return &SignedHeight{
		MSPID:  id.MSPID,
		Height: info.GetHeight(),
		Hash:   hex.EncodeToString(info.GetCurrentBlockHash()),
	}, nil
}

// Witnesses compares the audited blocks with the heights that peers of several organisations sign. If agree
// organisations sign a greater height than the source has, the source is hiding blocks, unless it catches up within the
// audit's patience. If agree is 0, it is a majority of the channel's members. Witnesses returns the signed heights, and
// for each peer that signed none, why.
func (a *Auditor) Witnesses(
	ctx context.Context,
	source Source,
	peers []*Peer,
	agree int,
) (heights []SignedHeight, problems []error, err error) {
	if a.replay.chain == nil {
		return nil, nil, nil // without a configuration, signatures can't be checked
	}
	config := a.replay.chain.Config()
	if agree == 0 {
		agree = len(config.Members)/2 + 1
	}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, p := range peers {
		wait.Go(func() {
			h, err := p.SignedHeight(ctx, config)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				problems = append(problems, err)
				return
			}
			heights = append(heights, *h)
		})
	}
	wait.Wait()
	slices.SortFunc(heights, func(x, y SignedHeight) int {
		return cmp.Or(cmp.Compare(y.Height, x.Height), cmp.Compare(x.MSPID, y.MSPID), cmp.Compare(x.Peer, y.Peer))
	})
	slices.SortFunc(problems, func(x, y error) int { return cmp.Compare(x.Error(), y.Error()) })
	tip := agreed(heights, agree)
	if tip > a.replay.progress.Next && !a.ended {
		if err := a.catchUp(ctx, source, tip); err != nil {
			return heights, problems, err
		}
		if next := a.replay.progress.Next; next < tip && !a.ended {
			a.replay.note(Finding{Code: HiddenTip, Detail: fmt.Sprintf(
				"%s ends before block %d, and %d organisations sign that they have %d blocks", source, next, agree, tip)})
		}
	}
	a.doubt(heights, agree)
	return heights, problems, a.compareHashes(heights)
}

// doubt notes what the signed heights leave open: too few organisations signed one, or fewer than must agree have more
// blocks than the audited ones.
func (a *Auditor) doubt(heights []SignedHeight, agree int) {
	signed, beyond := map[string]bool{}, map[string]bool{}
	for _, h := range heights {
		signed[h.MSPID] = true
		if h.Height > a.replay.progress.Next {
			beyond[h.MSPID] = true
		}
	}
	switch {
	case len(signed) < agree:
		a.notes = append(a.notes, fmt.Sprintf("%d of the %d organisations that must agree signed a height, so blocks after "+
			"the last one may be hidden; name more peers with --witness", len(signed), agree))
	case len(beyond) > 0 && len(beyond) < agree:
		a.notes = append(a.notes, fmt.Sprintf("%s: more blocks than the %d audited ones are signed for, by fewer than the %d "+
			"organisations that must agree; audit a peer of theirs too",
			strings.Join(slices.Sorted(maps.Keys(beyond)), ", "), a.replay.progress.Next, agree))
	}
}

// agreed returns the greatest height that at least agree organisations have reached. It returns 0 if there are fewer
// organisations.
func agreed(heights []SignedHeight, agree int) uint64 {
	seen := map[string]bool{}
	for _, h := range heights { // sorted from the greatest down
		if seen[h.MSPID] = true; len(seen) >= agree {
			return h.Height
		}
	}
	return 0
}

// waiter is a source that can wait for blocks that it doesn't have yet, as a [Peer] can.
type waiter interface {
	Source
	BlocksTo(ctx context.Context, from, last uint64, take func(*common.Block) error) error
}

// catchUp waits for blocks that others have and the audited source doesn't, and audits them.
func (a *Auditor) catchUp(ctx context.Context, source Source, tip uint64) error {
	w, ok := source.(waiter)
	if !ok {
		return nil
	}
	inner, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	err := a.follow(inner, upTo{w, tip - 1})
	if inner.Err() != nil {
		return ctx.Err()
	}
	return err
}

// upTo is a source whose Blocks waits until the source has a certain block.
type upTo struct {
	waiter
	last uint64
}

func (u upTo) Blocks(ctx context.Context, from uint64, take func(*common.Block) error) error {
	return u.BlocksTo(ctx, from, u.last, take)
}

// compareHashes compares the hash of each signed height with the audited block. If they differ, there are two
// histories.
func (a *Auditor) compareHashes(heights []SignedHeight) error {
	for _, h := range heights {
		if h.Height == 0 || h.Height > a.replay.progress.Next {
			continue
		}
		hash, _, err := a.replay.store.Block(h.Height - 1)
		if err != nil {
			return err
		}
		if audited := hex.EncodeToString(hash); audited != h.Hash {
			a.replay.note(inBlock(h.Height-1, Fork, "%s signs that it has the hash %s, and the audited one has %s",
				h.MSPID, h.Hash, audited))
		}
	}
	return nil
}
