package network

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"google.golang.org/protobuf/proto"
)

// chaincodeVersion is the version in the chaincode's definition. The definition commits the organisations to rules, not
// to a program. Each organisation may run any program, but results that differ from those of the others don't count.
const chaincodeVersion = "1"

// firstSequence is the sequence number of the definition. It counts changes of the definition, such as a new
// endorsement policy. Ours has never changed: it uses the channel's default, a majority of organisations.
const firstSequence = 1

// definition returns the endorsement policy on which the organisations agree. It refers to a policy in the channel's
// configuration, so it stays right when organisations join.
func definition() ([]byte, error) {
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

// approve approves the definition for the organisation and names its package, unless the ledger says so already.
func (c *peerClient) approve(ctx context.Context, chaincode, packageID string) error {
	query, err := proto.Marshal(&lifecycle.QueryApprovedChaincodeDefinitionArgs{Name: chaincode, Sequence: firstSequence})
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
	} else if !strings.Contains(explain(err).Error(), "could not fetch approved chaincode definition") {
		return explain(err)
	}
	policy, err := definition()
	if err != nil {
		return err
	}
	args, err := proto.Marshal(&lifecycle.ApproveChaincodeDefinitionForMyOrgArgs{
		Name: chaincode, Version: chaincodeVersion, Sequence: firstSequence, ValidationParameter: policy,
		Source: &lifecycle.ChaincodeSource{Type: &lifecycle.ChaincodeSource_LocalPackage{
			LocalPackage: &lifecycle.ChaincodeSource_Local{PackageId: packageID},
		}},
	})
	if err != nil {
		return err
	}
	return c.submit(ctx, "_lifecycle", "ApproveChaincodeDefinitionForMyOrg", args, c.org.MSPID)
}

// commit puts the definition into force, unless it already is. All organisations must have approved it before, so that
// all of them can endorse from the start.
func (c *peerClient) commit(ctx context.Context, chaincode string, mspIDs []string) error {
	query, err := proto.Marshal(&lifecycle.QueryChaincodeDefinitionArgs{Name: chaincode})
	if err != nil {
		return err
	}
	answer, err := c.network.GetContract("_lifecycle").EvaluateWithContext(ctx, "QueryChaincodeDefinition",
		client.WithBytesArguments(query), client.WithEndorsingOrganizations(c.org.MSPID))
	if err == nil {
		var committed lifecycle.QueryChaincodeDefinitionResult
		if err := proto.Unmarshal(answer, &committed); err != nil {
			return err
		}
		if committed.GetSequence() >= firstSequence {
			return nil
		}
	} else if !strings.Contains(explain(err).Error(), "is not defined") {
		return explain(err)
	}
	policy, err := definition()
	if err != nil {
		return err
	}
	args, err := proto.Marshal(&lifecycle.CommitChaincodeDefinitionArgs{
		Name: chaincode, Version: chaincodeVersion, Sequence: firstSequence, ValidationParameter: policy,
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
