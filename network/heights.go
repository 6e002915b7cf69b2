package network

import (
	"context"
	"fmt"
	"strings"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// lostOrderers returns the orderers that have nothing of the channel: all of them at the first start, and later those
// whose data were lost. It refuses to go on if more are lost than the others can do without. Those that are left would
// not be a quorum, and those that begin anew might be: they would order a second history from the genesis block on.
func (n *Network) lostOrderers(ctx context.Context, admin *ordererAdmin) ([]Orderer, error) {
	heights, err := n.ordererHeights(ctx, admin)
	if err != nil {
		return nil, err
	}
	var lost []Orderer
	var names []string
	for i, o := range n.plan.Orderers {
		if heights[i] == 0 {
			lost, names = append(lost, o), append(names, o.Name)
		}
	}
	if !n.plan.Formed || len(lost) == 0 {
		return lost, nil
	}
	all := len(n.plan.Orderers)
	if spare := proof.Tolerated(all); len(lost) > spare {
		return nil, fmt.Errorf("%d of %d orderers have lost their data (%s), and the network can do without %d: "+
			"restore their folders in %s from a backup, or start over with `pedigree reset`",
			len(lost), all, strings.Join(names, ", "), spare, n.dir.path("orderer"))
	}
	n.say.line("lost the data of %s; it gets the ledger from the other orderers", strings.Join(names, ", "))
	return lost, nil
}

// checkHeights refuses to go on if a peer has blocks that no orderer has. The orderers' data are then older than the
// ledger, and they would order other blocks in the place of those that they don't have.
func (n *Network) checkHeights(ctx context.Context, admin *ordererAdmin) error {
	if !n.plan.Formed {
		return nil
	}
	heights, err := n.ordererHeights(ctx, admin)
	if err != nil {
		return err
	}
	ordered := uint64(0)
	for _, height := range heights {
		ordered = max(ordered, height)
	}
	for _, c := range n.clients {
		height, err := c.height(ctx, n.plan.Channel)
		if err != nil {
			return err
		}
		if height > ordered {
			return fmt.Errorf("%s's peer has %d blocks, and no orderer has more than %d: the orderers' data are older than the "+
				"ledger, and they would write a second history; restore newer data in %s, or start over with `pedigree reset`",
				c.org.Title, height, ordered, n.dir.path("orderer"))
		}
	}
	return nil
}

// ordererHeights returns how many blocks each orderer has, in the order of the plan.
func (n *Network) ordererHeights(ctx context.Context, admin *ordererAdmin) ([]uint64, error) {
	heights := make([]uint64, len(n.plan.Orderers))
	var asks []func() error
	for i, o := range n.plan.Orderers {
		asks = append(asks, func() (err error) {
			heights[i], err = admin.height(ctx, o, n.plan.Channel)
			return err
		})
	}
	return heights, together(asks...)
}

// height returns how many blocks of the channel the peer has.
func (c *peerClient) height(ctx context.Context, channel string) (height uint64, err error) {
	err = eventually(ctx, func(ctx context.Context) error {
		answer, err := c.network.GetContract("qscc").EvaluateWithContext(ctx, "GetChainInfo",
			client.WithArguments(channel), client.WithEndorsingOrganizations(c.org.MSPID))
		if err != nil {
			return explain(err)
		}
		var info common.BlockchainInfo
		err = proto.Unmarshal(answer, &info)
		height = info.GetHeight()
		return err
	})
	return height, wrap(err, "%s's peer doesn't say how many blocks it has", c.org.Title)
}
