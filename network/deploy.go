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

	"github.com/pedigree-ledger/pedigree/network/definition"
)

// firstSequence is the number of the first definition. It leaves it to the channel's policy who must endorse.
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
	if inForce.Sequence == 0 {
		inForce = definition.ByChannel(firstSequence, n.plan.rules())
	}
	if err := n.adopt(inForce.Rules()); err != nil {
		return err
	}
	err = n.approveAll(ctx, inForce)
	if errors.Is(err, errApprovalLost) {
		inForce.Sequence++
		n.say.line("%v: the chaincode's definition is approved and committed again, with number %d", err, inForce.Sequence)
		err = n.approveAll(ctx, inForce)
	}
	if err != nil {
		return err
	}
	return n.commit(ctx, inForce)
}

// commit commits a definition that all organisations have approved.
func (n *Network) commit(ctx context.Context, d definition.Definition) error {
	err := eventually(ctx, func(ctx context.Context) error {
		return n.clients[0].commit(ctx, n.plan.Chaincode, d, n.plan.mspIDs())
	})
	return wrap(err, "couldn't commit the chaincode's definition")
}

// approveAll approves a definition for each organisation.
func (n *Network) approveAll(ctx context.Context, d definition.Definition) error {
	var approvals []func() error
	for _, c := range n.clients {
		approvals = append(approvals, func() error { return n.approve(ctx, c, d) })
	}
	return together(approvals...)
}

func (n *Network) approve(ctx context.Context, c *peerClient, d definition.Definition) error {
	pack, err := n.dir.packChaincode(n.plan.org(c.org.Name), d.Rules())
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

// approve approves a definition for the organisation and names its package, unless the ledger says so already. It
// returns errApprovalLost if the ledger has an approval that the peer can't read.
func (c *peerClient) approve(ctx context.Context, chaincode, packageID string, d definition.Definition) error {
	if before, err := c.approved(ctx, chaincode, d.Sequence); err != nil || before == packageID {
		return err
	}
	args, err := proto.Marshal(&lifecycle.ApproveChaincodeDefinitionForMyOrgArgs{
		Name: chaincode, Version: d.Version, Sequence: d.Sequence, ValidationParameter: d.Policy,
		Source: &lifecycle.ChaincodeSource{Type: &lifecycle.ChaincodeSource_LocalPackage{
			LocalPackage: &lifecycle.ChaincodeSource_Local{PackageId: packageID},
		}},
	})
	if err != nil {
		return err
	}
	return c.submit(ctx, "_lifecycle", "ApproveChaincodeDefinitionForMyOrg", args, c.org.MSPID)
}

// approved returns the package that the organisation named when it approved the definition of a number, or "" if it
// hasn't approved it. It returns errApprovalLost if the ledger has an approval that the peer can't read.
func (c *peerClient) approved(ctx context.Context, chaincode string, sequence int64) (packageID string, err error) {
	query, err := proto.Marshal(&lifecycle.QueryApprovedChaincodeDefinitionArgs{Name: chaincode, Sequence: sequence})
	if err != nil {
		return "", err
	}
	answer, err := c.network.GetContract("_lifecycle").EvaluateWithContext(ctx, "QueryApprovedChaincodeDefinition",
		client.WithBytesArguments(query), client.WithEndorsingOrganizations(c.org.MSPID))
	if err != nil {
		switch said := explain(err); {
		case strings.Contains(said.Error(), "private data matching public hash version is not available"):
			return "", errApprovalLost
		case strings.Contains(said.Error(), "could not fetch approved chaincode definition"):
			return "", nil
		default:
			return "", said
		}
	}
	var result lifecycle.QueryApprovedChaincodeDefinitionResult
	err = proto.Unmarshal(answer, &result)
	return result.GetSource().GetLocalPackage().GetPackageId(), err
}

// committed returns the definition that is in force. Its number is 0 if there is none.
func (c *peerClient) committed(ctx context.Context, name string) (d definition.Definition, err error) {
	err = eventually(ctx, func(ctx context.Context) error {
		d, _, err = c.defined(ctx, name)
		return err
	})
	return d, err
}

// defined asks once for the definition in force, and for the organisations that have approved it.
func (c *peerClient) defined(ctx context.Context, name string) (definition.Definition, map[string]bool, error) {
	committed, err := c.definedAt(ctx, name, c.org.MSPID)
	if err != nil {
		if strings.Contains(err.Error(), "is not defined") {
			return definition.Definition{}, nil, nil
		}
		return definition.Definition{}, nil, err
	}
	return definition.Definition{Sequence: committed.GetSequence(), Version: committed.GetVersion(),
		Policy: committed.GetValidationParameter()}, committed.GetApprovals(), nil
}

// definedAt asks the peers of an organisation for the definition in force.
func (c *peerClient) definedAt(
	ctx context.Context, name, mspID string,
) (*lifecycle.QueryChaincodeDefinitionResult, error) {
	query, err := proto.Marshal(&lifecycle.QueryChaincodeDefinitionArgs{Name: name})
	if err != nil {
		return nil, err
	}
	answer, err := c.network.GetContract("_lifecycle").EvaluateWithContext(ctx, "QueryChaincodeDefinition",
		client.WithBytesArguments(query), client.WithEndorsingOrganizations(mspID))
	if err != nil {
		return nil, explain(err)
	}
	committed := new(lifecycle.QueryChaincodeDefinitionResult)
	return committed, proto.Unmarshal(answer, committed)
}

// unapproved returns which organisations haven't approved a definition.
func (c *peerClient) unapproved(
	ctx context.Context, name string, d definition.Definition, all []string,
) ([]string, error) {
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

// approvals says which members have approved a definition that isn't in force yet.
func (c *peerClient) approvals(ctx context.Context, name string, d definition.Definition) (map[string]bool, error) {
	query, err := proto.Marshal(&lifecycle.CheckCommitReadinessArgs{
		Name: name, Version: d.Version, Sequence: d.Sequence, ValidationParameter: d.Policy,
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
	err = proto.Unmarshal(answer, &ready)
	return ready.GetApprovals(), err
}

// commit puts a definition into force, unless it already is. The organisations endorse that, and each must have
// approved it before.
func (c *peerClient) commit(ctx context.Context, chaincode string, d definition.Definition, mspIDs []string) error {
	if now, err := c.committed(ctx, chaincode); err != nil || now.Sequence >= d.Sequence {
		return err
	}
	args, err := proto.Marshal(&lifecycle.CommitChaincodeDefinitionArgs{
		Name: chaincode, Version: d.Version, Sequence: d.Sequence, ValidationParameter: d.Policy,
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
