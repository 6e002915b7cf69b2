package ledger

import (
	"context"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
)

// EndorseSigned collects endorsements of a proposal that its submitter has signed, whose key isn't here. It returns the
// payload of the transaction, which the submitter is to sign. Errors are those of [Client.Endorse].
func (c *Client) EndorseSigned(ctx context.Context, p *prepared.Proposal, signature []byte) ([]byte, error) {
	return c.collect(ctx, p, &peer.SignedProposal{ProposalBytes: p.Bytes, Signature: signature})
}

// SubmitSigned hands a transaction to the orderers that its submitter has signed, and returns when it is committed as
// valid and the function given to Follow has returned for its block. A transaction that is on the ledger already isn't
// sent again, so this can be called any number of times. Peers are asked about it as reader. Errors are those of
// [Client.Submit], but a transaction that was committed as invalid stays so.
func (c *Client) SubmitSigned(
	ctx context.Context, reader *Identity, txID string, payload, signature []byte,
) (Commit, error) {
	s := submission{Client: c, id: reader, final: true, sent: true, // by an earlier call, for all that is known
		envelope: &Envelope{TransactionID: txID, signed: &common.Envelope{Payload: payload, Signature: signature}}}
	return s.run(ctx)
}
