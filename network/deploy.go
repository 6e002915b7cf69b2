package network

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

// firstSequence is the sequence number of the first definition. Fabric counts the definitions of a chaincode. Ours
// always has the channel's default policy, a majority of organisations. Its version commits the organisations to a
// version of the rules. It is made again, with the next number, if an organisation has lost its approval.
const firstSequence = 1

// errApprovalLost means that the ledger has an organisation's approval of a definition, and the organisation's peer has
// not. What an organisation approves is on the disks of its own peers alone; the ledger has hashes of it.
var errApprovalLost = errors.New("the approval is lost")

// define approves the chaincode's definition for every organisation and commits it, as far as that wasn't done before.
// If the disk of a peer was lost, and with it the approval, the organisations approve and commit the definition again.
func (n *Network) define(ctx context.Context) error {
	inForce, err := n.clients[0].committed(ctx, n.plan.Chaincode)
	if err != nil {
		return fmt.Errorf("couldn't find out how the chaincode is defined: %w", err)
	}
	if inForce.sequence == 0 {
		inForce = definition{firstSequence, n.plan.rules()}
	}
	if err := n.adopt(inForce.rules); err != nil {
		return err
	}
	err = n.approveAll(ctx, inForce)
	if errors.Is(err, errApprovalLost) {
		inForce.sequence++
		n.say.line("%v: the chaincode's definition is approved and committed again, with number %d", err, inForce.sequence)
		err = n.approveAll(ctx, inForce)
	}
	if err != nil {
		return err
	}
	return n.commit(ctx, inForce)
}

// commit commits a definition that all organisations have approved.
func (n *Network) commit(ctx context.Context, d definition) error {
	err := eventually(ctx, func(ctx context.Context) error {
		return n.clients[0].commit(ctx, n.plan.Chaincode, d, n.plan.mspIDs())
	})
	return wrap(err, "couldn't commit the chaincode's definition")
}

// approveAll approves a definition for each organisation.
func (n *Network) approveAll(ctx context.Context, d definition) error {
	var approvals []func() error
	for _, c := range n.clients {
		approvals = append(approvals, func() error { return n.approve(ctx, c, d) })
	}
	return together(approvals...)
}

func (n *Network) approve(ctx context.Context, c *peerClient, d definition) error {
	pack, err := n.dir.packChaincode(n.plan.org(c.org.Name), d.rules)
	if err != nil {
		return err
	}
	if err := c.install(ctx, pack); err != nil {
		return err
	}
	var lost error
	err = eventually(ctx, func(ctx context.Context) error {
		err := c.approve(ctx, n.plan.Chaincode, pack.id, d)
		if errors.Is(err, errApprovalLost) {
			lost = err
			return nil
		}
		return err
	})
	if err == nil {
		return wrap(lost, "%s's peer doesn't have what it approved before", c.org.Title)
	}
	return wrap(err, "%s couldn't approve the chaincode's definition", c.org.Title)
}

// definition is what the organisations approve and commit: its number, and the rules that it puts in force.
type definition struct {
	sequence int64
	rules    chaincode.Rules
}

// policy returns the endorsement policy on which the organisations agree. It refers to a policy in the channel's
// configuration, so it stays right when organisations join.
func policy() ([]byte, error) {
	return proto.Marshal(&peer.ApplicationPolicy{
		Type: &peer.ApplicationPolicy_ChannelConfigPolicyReference{
			ChannelConfigPolicyReference: "/Channel/Application/Endorsement",
		},
	})
}

// joinChannel joins the peer to the channel of the genesis block, unless it has joined already. It waits until the peer
// answers.
func (c *peerClient) joinChannel(ctx context.Context, channel string, genesis []byte) error {
	var joined peer.ChannelQueryResponse
	err := eventually(ctx, func(ctx context.Context) error {
		answer, err := c.ask(ctx, "cscc", "GetChannels")
		if err != nil {
			return err
		}
		return proto.Unmarshal(answer, &joined)
	})
	if err != nil {
		return fmt.Errorf("%s's peer doesn't answer: %w", c.org.Title, err)
	}
	for _, one := range joined.GetChannels() {
		if one.GetChannelId() == channel {
			return nil
		}
	}
	_, err = c.ask(ctx, "cscc", "JoinChain", genesis)
	return wrap(err, "couldn't join %s's peer to channel %s", c.org.Title, channel)
}

// install installs the organisation's package on the peer, unless the peer has it.
func (c *peerClient) install(ctx context.Context, p chaincodePackage) error {
	query, err := proto.Marshal(&lifecycle.QueryInstalledChaincodesArgs{})
	if err != nil {
		return err
	}
	answer, err := c.ask(ctx, "_lifecycle", "QueryInstalledChaincodes", query)
	if err != nil {
		return fmt.Errorf("couldn't ask %s's peer for its chaincode: %w", c.org.Title, err)
	}
	var installed lifecycle.QueryInstalledChaincodesResult
	if err := proto.Unmarshal(answer, &installed); err != nil {
		return err
	}
	if slices.ContainsFunc(
		installed.GetInstalledChaincodes(),
		func(one *lifecycle.QueryInstalledChaincodesResult_InstalledChaincode) bool {
			return one.GetPackageId() == p.id
		},
	) {
		return nil
	}
	args, err := proto.Marshal(&lifecycle.InstallChaincodeArgs{ChaincodeInstallPackage: p.bytes})
	if err != nil {
		return err
	}
	_, err = c.ask(ctx, "_lifecycle", "InstallChaincode", args)
	return wrap(err, "couldn't install the chaincode on %s's peer", c.org.Title)
}

// approve approves the definition of a number for the organisation and names its package, unless the ledger says so
// already. It returns errApprovalLost if the ledger has an approval that the peer can't read.
func (c *peerClient) approve(ctx context.Context, chaincode, packageID string, d definition) error {
	query, err := proto.Marshal(&lifecycle.QueryApprovedChaincodeDefinitionArgs{Name: chaincode, Sequence: d.sequence})
	if err != nil {
		return err
	}
	answer, err := c.network.GetContract("_lifecycle").EvaluateWithContext(ctx, "QueryApprovedChaincodeDefinition",
		client.WithBytesArguments(query), client.WithEndorsingOrganizations(c.org.MSPID))
	if err == nil {
		var approved lifecycle.QueryApprovedChaincodeDefinitionResult
		if err := proto.Unmarshal(answer, &approved); err != nil {
			return err
		}
		if approved.GetSource().GetLocalPackage().GetPackageId() == packageID {
			return nil
		}
	} else if said := explain(err).Error(); strings.Contains(said,
		"private data matching public hash version is not available") {
		return errApprovalLost
	} else if !strings.Contains(said, "could not fetch approved chaincode definition") {
		return explain(err)
	}
	policy, err := policy()
	if err != nil {
		return err
	}
	args, err := proto.Marshal(&lifecycle.ApproveChaincodeDefinitionForMyOrgArgs{
		Name: chaincode, Version: d.rules.DefinitionVersion(), Sequence: d.sequence, ValidationParameter: policy,
		Source: &lifecycle.ChaincodeSource{Type: &lifecycle.ChaincodeSource_LocalPackage{
			LocalPackage: &lifecycle.ChaincodeSource_Local{PackageId: packageID},
		}},
	})
	if err != nil {
		return err
	}
	return c.submit(ctx, "_lifecycle", "ApproveChaincodeDefinitionForMyOrg", args, c.org.MSPID)
}

// committed returns the definition that is in force. Its number is 0 if there is none.
func (c *peerClient) committed(ctx context.Context, name string) (d definition, err error) {
	err = eventually(ctx, func(ctx context.Context) error {
		d, _, err = c.defined(ctx, name)
		return err
	})
	return d, err
}

// defined asks once for the definition in force, and for the organisations that have approved it.
func (c *peerClient) defined(ctx context.Context, name string) (definition, map[string]bool, error) {
	query, err := proto.Marshal(&lifecycle.QueryChaincodeDefinitionArgs{Name: name})
	if err != nil {
		return definition{}, nil, err
	}
	answer, err := c.network.GetContract("_lifecycle").EvaluateWithContext(ctx, "QueryChaincodeDefinition",
		client.WithBytesArguments(query), client.WithEndorsingOrganizations(c.org.MSPID))
	if err != nil {
		if err = explain(err); strings.Contains(err.Error(), "is not defined") {
			return definition{}, nil, nil
		}
		return definition{}, nil, err
	}
	var committed lifecycle.QueryChaincodeDefinitionResult
	if err := proto.Unmarshal(answer, &committed); err != nil {
		return definition{}, nil, err
	}
	return definition{committed.GetSequence(), chaincode.RulesOf(committed.GetVersion())}, committed.GetApprovals(), nil
}

// unapproved returns which of some organisations haven't approved a definition.
func (c *peerClient) unapproved(ctx context.Context, name string, d definition, all []string) ([]string, error) {
	approvals, err := c.approvals(ctx, name, d)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, id := range all {
		if !approvals[id] {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// approvals says of each member of the channel whether it has approved a definition.
func (c *peerClient) approvals(ctx context.Context, name string, d definition) (map[string]bool, error) {
	policy, err := policy()
	if err != nil {
		return nil, err
	}
	query, err := proto.Marshal(&lifecycle.CheckCommitReadinessArgs{
		Name: name, Version: d.rules.DefinitionVersion(), Sequence: d.sequence, ValidationParameter: policy,
	})
	if err != nil {
		return nil, err
	}
	answer, err := c.network.GetContract("_lifecycle").EvaluateWithContext(ctx, "CheckCommitReadiness",
		client.WithBytesArguments(query), client.WithEndorsingOrganizations(c.org.MSPID))
	if err != nil {
		return nil, explain(err)
	}
	var ready lifecycle.CheckCommitReadinessResult
	if err := proto.Unmarshal(answer, &ready); err != nil {
		return nil, err
	}
	return ready.GetApprovals(), nil
}

// commit puts the definition of a number into force, unless it already is. The named organisations endorse that; if
// there are none, as many as the channel's policy asks for.
func (c *peerClient) commit(ctx context.Context, chaincode string, d definition, mspIDs []string) error {
	if now, err := c.committed(ctx, chaincode); err != nil || now.sequence >= d.sequence {
		return err
	}
	policy, err := policy()
	if err != nil {
		return err
	}
	args, err := proto.Marshal(&lifecycle.CommitChaincodeDefinitionArgs{
		Name: chaincode, Version: d.rules.DefinitionVersion(), Sequence: d.sequence, ValidationParameter: policy,
	})
	if err != nil {
		return err
	}
	return c.submit(ctx, "_lifecycle", "CommitChaincodeDefinition", args, mspIDs...)
}

// provenFunction is a function of every chaincode that uses the contract API. It writes nothing.
const provenFunction = "org.hyperledger.fabric:GetMetadata"

// prove waits until the chaincode of every organisation endorses a call through this organisation's peer. It doesn't
// submit the endorsed transaction.
func (c *peerClient) prove(ctx context.Context, chaincode string, mspIDs []string) error {
	err := eventually(ctx, func(ctx context.Context) error {
		_, err := c.endorse(ctx, chaincode, provenFunction, nil, mspIDs...)
		return err
	})
	return wrap(err, "%s's peer gets no endorsement from all organisations", c.org.Title)
}
