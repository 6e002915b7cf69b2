package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Inquirer asks as one identity what proofs are made of. It is a proof.Network.
type Inquirer struct {
	client *Client
	id     func() *Identity
}

// Inquire gives the means to make proofs, for which an identity asks. It is called whenever one is needed: identities
// are replaced while a gateway runs.
func (c *Client) Inquire(id func() *Identity) Inquirer { return Inquirer{c, id} }

// Creator is the identity as proposals name it (msp.SerializedIdentity).
func (q Inquirer) Creator() []byte { return q.id().creator }

// Ask has a peer of each organisation run a proposal (peer.Proposal), and gives their answers in the order in which the
// organisations are configured. Those that the channel's configuration alone names come last. Peers are asked themselves, not through a gateway service, which would
// keep answers apart that differ. Of an organisation's peers the first counts that answers. Nothing is written.
func (q Inquirer) Ask(ctx context.Context, proposal []byte) ([]proof.Answer, error) {
	signature, err := q.id().signMessage(proposal)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign a question: %w", err)
	}
	signed := &peer.SignedProposal{ProposalBytes: proposal, Signature: signature}
	var answers []proof.Answer
	for _, pc := range q.client.pool.members() {
		if !slices.ContainsFunc(answers, func(a proof.Answer) bool { return a.MSPID == pc.MSPID }) {
			answers = append(answers, proof.Answer{MSPID: pc.MSPID, Err: errors.New("none of its peers was asked")})
		}
	}
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { q.ask(ctx, &answers[i], signed) })
	}
	all.Wait()
	return answers, ctx.Err()
}

// ask tries the peers of one organisation in turn.
func (q Inquirer) ask(ctx context.Context, a *proof.Answer, signed *peer.SignedProposal) {
	for _, pc := range q.client.pool.members() {
		if pc.MSPID != a.MSPID {
			continue
		}
		callCtx, cancel := context.WithTimeout(ctx, q.client.cfg.EvaluateTimeout)
		a.Response, a.Err = peer.NewEndorserClient(pc.conn).ProcessProposal(callCtx, signed)
		cancel()
		if a.Err == nil {
			return
		}
		a.Response, a.Err = nil, classify(Evaluating, "", pc.Address, a.Err)
	}
}

// Block fetches a block of the channel from a peer.
func (q Inquirer) Block(ctx context.Context, number uint64) (*common.Block, error) {
	block := new(common.Block)
	if err := q.ledger(ctx, block, "GetBlockByNumber", strconv.AppendUint(nil, number, 10)); err != nil {
		return nil, err
	}
	if block.GetHeader().GetNumber() != number {
		return nil, &Error{
			Phase:   LookingUp,
			Kind:    EndorsersUnavailable,
			Message: fmt.Sprintf("the peer's answer isn't block %d", number),
		}
	}
	return block, nil
}

// Newest is the number of the newest block that a peer has.
func (q Inquirer) Newest(ctx context.Context) (uint64, error) {
	var info common.BlockchainInfo
	if err := q.ledger(ctx, &info, "GetChainInfo"); err != nil {
		return 0, err
	}
	if info.GetHeight() == 0 {
		return 0, &Error{Phase: LookingUp, Kind: EndorsersUnavailable, Message: "the peer says that it has no blocks"}
	}
	return info.GetHeight() - 1, nil
}

// ledger asks a peer's own chaincode about its ledger.
func (q Inquirer) ledger(ctx context.Context, into proto.Message, function string, args ...[]byte) error {
	raw, err := q.client.evaluate(ctx, q.id(), Call{
		Chaincode: "qscc", Function: function, Args: append([][]byte{[]byte(q.client.cfg.Channel)}, args...),
	}, LookingUp, "")
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(raw, into); err != nil {
		return &Error{Phase: LookingUp, Kind: EndorsersUnavailable, Message: "the peer's answer can't be read",
			Err: err}
	}
	return nil
}
