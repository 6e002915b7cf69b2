package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// errHung is what a call comes to whose peer is found to hang.
var errHung = status.Error(
	codes.DeadlineExceeded,
	"the peer is connected and answers nothing: context deadline exceeded",
)

// Tip is what peers say of the height of the ledger.
type Tip struct {
	// Height is the greatest height that peers of the most preferred organisation that answers say, or that peers of more
	// than half of the organisations say they have reached. A single other organisation could say anything.
	Height uint64
	// Answered is the number of organisations of which a peer answered, and Asked that of all with a peer in the
	// configuration.
	Answered, Asked int
}

// Confirmed reports whether more than half of the organisations stand behind the height. Nobody else can have recorded
// anything by the usual policy without one of them knowing.
func (t Tip) Confirmed() bool { return 2*t.Answered > t.Asked }

// Tip asks all connected peers at once how many blocks they have. A peer that doesn't answer within
// [Config.AnswerWithin] while another does hangs: its connection stands, so nothing else would tell. Its circuit is
// opened, the calls and the stream that wait for it are ended, and they go on at other peers.
func (c *Client) Tip(ctx context.Context, id *Identity) (Tip, error) {
	p, err := c.Propose(
		id,
		Call{Chaincode: "qscc", Function: "GetChainInfo", Args: [][]byte{[]byte(c.cfg.Channel)}},
		randomKey("tip"),
		0,
	)
	if err != nil {
		return Tip{}, err
	}
	type answer struct {
		from   *peerConn
		height uint64
		err    error
	}
	var answers []answer
	var mu sync.Mutex
	var group sync.WaitGroup
	round, cancel := context.WithTimeout(ctx, c.cfg.AnswerWithin)
	defer cancel()
	for _, pc := range c.pool.connected() {
		group.Go(func() {
			height, err := c.tipOf(round, pc, p)
			if err == nil {
				c.pool.tall(pc, height)
			}
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, answer{pc, height, err})
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return Tip{}, ctx.Err()
	}
	slices.SortFunc(answers, func(a, b answer) int { return cmp.Compare(a.from.rank, b.from.rank) })
	preferred := ""
	last := error(&Error{Phase: Evaluating, Kind: NoPeer, Message: "no peer can be reached: " + c.pool.problems()})
	reached := map[string]uint64{} // by organisation
	for _, a := range answers {
		if a.err != nil {
			last = a.err
			continue
		}
		preferred = cmp.Or(preferred, a.from.MSPID)
		reached[a.from.MSPID] = max(reached[a.from.MSPID], a.height)
	}
	if preferred == "" {
		return Tip{}, last
	}
	tip := Tip{Height: reached[preferred], Answered: len(reached), Asked: c.pool.organisations()}
	if tip.Confirmed() {
		heights := slices.SortedFunc(maps.Values(reached), func(a, b uint64) int { return cmp.Compare(b, a) })
		tip.Height = max(tip.Height, heights[tip.Asked/2])
	}
	for _, a := range answers {
		if status.Code(a.err) == codes.DeadlineExceeded {
			c.pool.hung(a.from)
		}
	}
	return tip, nil
}

// tipOf asks one peer.
func (c *Client) tipOf(ctx context.Context, pc *peerConn, p *Proposal) (uint64, error) {
	answer, err := gateway.NewGatewayClient(pc.conn).Evaluate(ctx, &gateway.EvaluateRequest{
		TransactionId: p.TransactionID, ChannelId: c.cfg.Channel, ProposedTransaction: p.signed,
		TargetOrganizations: []string{pc.MSPID},
	})
	if err != nil {
		return 0, err
	}
	var info common.BlockchainInfo
	if err := proto.Unmarshal(answer.GetResult().GetPayload(), &info); err != nil {
		return 0, fmt.Errorf("couldn't understand the answer of peer %s: %w", pc.Address, err)
	}
	return info.GetHeight(), nil
}
