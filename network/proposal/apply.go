package proposal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Approve adds the organisation's signature. The caller must have shown the review first. It refuses a proposal that
// isn't for the configuration in force.
func (p *Proposal) Approve(o *Organisation, now *Configuration) error {
	review, err := p.Assess(now)
	if err != nil {
		return err
	}
	self, err := proof.ParseIdentity(o.creator)
	if err != nil {
		return err
	}
	if member := now.Config.Organisations[o.MSPID]; member == nil || !member.Is(self, proof.Admin) {
		return exit.Refusedf("%s isn't an administrator of an organisation of this channel, so its signature has no effect",
			self)
	}
	own := func(id *proof.Identity) bool { return id.Certificate.Equal(self.Certificate) }
	if slices.ContainsFunc(review.Signers, own) {
		return exit.Refusedf("%s has approved this proposal already", o.MSPID)
	}
	header, err := encode(o.header())
	if err != nil {
		return err
	}
	signature, err := o.signMessage(slices.Concat(header, p.Update))
	if err != nil {
		return err
	}
	p.Signatures = append(p.Signatures, Signature{MSPID: o.MSPID, Header: header, Signature: signature})
	return nil
}

// Apply sends the proposal to the orderers, and returns when the organisation's own node has the block with the new
// configuration. It refuses a proposal that has too few signatures, and says whose are missing.
func (p *Proposal) Apply(ctx context.Context, o *Organisation, now *Configuration) (*Configuration, error) {
	review, err := p.Assess(now)
	if err != nil {
		return nil, err
	}
	if len(review.Missing) > 0 {
		return nil, exit.Refusedf("the proposal needs more signatures:\n%s\nSend the file to them for `pedigree approve`",
			indented(review.Missing))
	}
	envelope := p.envelope()
	envelope.Signatures = review.valid
	content, err := proto.Marshal(envelope)
	if err != nil {
		return nil, err
	}
	message, err := o.message(common.HeaderType_CONFIG_UPDATE, time.Now(), content)
	if err != nil {
		return nil, err
	}
	nodes, err := orderers(now.Config.Group())
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, n := range nodes {
		refused, err := n.broadcast(ctx, message)
		if refused {
			return nil, exit.Refusedf("the orderer %s refused the update: %w", n.address, err)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", n.address, err))
			continue
		}
		// An orderer that lies or hangs may have taken the update without passing it on.
		after, err := o.await(ctx, now)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil && !proto.Equal(after.Config.Group(), review.After.Group()):
			return nil, exit.Refusedf("another change came first: the channel has configuration %d now, in block %d. Propose "+
				"this one again", after.Config.Sequence, after.Config.Block)
		case err == nil:
			return after, nil
		}
		failures = append(failures, fmt.Errorf("%s took the update: %w", n.address, err))
	}
	return nil, exit.Unreachablef("no orderer put the update into a block. Look at the channel before you try again: "+
		"%w", errors.Join(failures...))
}

// orderPatience is how long an update may take from an orderer to the organisation's own node. A leader that hangs is
// replaced within that time.
const orderPatience = 40 * time.Second

// await waits until the organisation's own node has another configuration than before.
func (o *Organisation) await(ctx context.Context, before *Configuration) (*Configuration, error) {
	ctx, cancel := context.WithTimeout(ctx, orderPatience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := o.Configuration(ctx)
		if err == nil && now.Config.Sequence > before.Config.Sequence {
			return now, nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = errors.New("the configuration is still the old one")
			}
			return nil, err
		case <-tick.C:
		}
	}
}

// broadcast sends a message to an orderer. refused says that the orderer answered that the message is wrong.
func (n node) broadcast(ctx context.Context, message *common.Envelope) (refused bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, nodePatience)
	defer cancel()
	conn, err := n.dial()
	if err != nil {
		return false, err
	}
	defer conn.Close()
	stream, err := orderer.NewAtomicBroadcastClient(conn).Broadcast(ctx)
	if err == nil {
		err = stream.Send(message)
	}
	if err != nil {
		return false, err
	}
	answer, err := stream.Recv()
	if err != nil {
		return false, err
	}
	switch answer.GetStatus() {
	case common.Status_SUCCESS:
		return false, nil
	case common.Status_BAD_REQUEST, common.Status_FORBIDDEN:
		return true, errors.New(answer.GetInfo())
	}
	return false, fmt.Errorf("%s: %s", answer.GetStatus(), answer.GetInfo())
}

// orderers lists the channel's orderers with the TLS authorities of their organisations.
func orderers(root *common.ConfigGroup) ([]node, error) {
	var all []node
	groups := root.GetGroups()["Orderer"].GetGroups()
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		var endpoints common.OrdererAddresses
		var outer msp.MSPConfig
		var definition msp.FabricMSPConfig
		values := groups[name].GetValues()
		err := proto.Unmarshal(values["Endpoints"].GetValue(), &endpoints)
		if err == nil {
			err = proto.Unmarshal(values["MSP"].GetValue(), &outer)
		}
		if err == nil {
			err = proto.Unmarshal(outer.GetConfig(), &definition)
		}
		if err != nil {
			return nil, fmt.Errorf("couldn't read how to reach the orderers of %s: %w", name, err)
		}
		var roots []byte
		for _, one := range slices.Concat(definition.GetTlsRootCerts(), definition.GetTlsIntermediateCerts()) {
			roots = append(append(roots, one...), '\n')
		}
		for _, address := range endpoints.GetAddresses() {
			all = append(all, node{address: address, roots: roots})
		}
	}
	if len(all) == 0 {
		return nil, exit.Refusedf("the channel's configuration names no address of an orderer")
	}
	return all, nil
}
