package proof_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"crypto/ecdsa"
	"crypto/elliptic"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/network"
)

// These change the channel of the harness as its administrators would: its configuration, and the chaincode's
// definition.

// administrator is an identity of an organisation's authority with the role admin.
func (h *harness) administrator(mspID, folder string) *signer {
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(h.net.Dir(), folder, "ca", name))
		require.NoError(h, err)
		block, _ := pem.Decode(text)
		return block.Bytes
	}
	ca, err := x509.ParseCertificate(read("cert.pem"))
	require.NoError(h, err)
	caKey, err := x509.ParsePKCS8PrivateKey(read("key.pem"))
	require.NoError(h, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(h, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "admin", OrganizationalUnit: []string{"admin"}},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}, ca, &key.PublicKey, caKey)
	require.NoError(h, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return &signer{marshal(h, &msp.SerializedIdentity{Mspid: mspID, IdBytes: text}), key}
}

// config is the channel's configuration at the moment.
func (h *harness) config() *common.Config {
	newest, err := h.maker.Network.Newest(h.Context())
	require.NoError(h, err)
	index := uint64(0)
	if newest > 0 {
		var metadata common.Metadata
		var signed common.OrdererBlockMetadata
		require.NoError(h, proto.Unmarshal(h.block(newest).GetMetadata().GetMetadata()[common.BlockMetadataIndex_SIGNATURES], &metadata))
		require.NoError(h, proto.Unmarshal(metadata.GetValue(), &signed))
		index = signed.GetLastConfig().GetIndex()
	}
	var envelope common.Envelope
	var payload common.Payload
	var config common.ConfigEnvelope
	require.NoError(h, proto.Unmarshal(h.block(index).GetData().GetData()[0], &envelope))
	require.NoError(h, proto.Unmarshal(envelope.GetPayload(), &payload))
	require.NoError(h, proto.Unmarshal(payload.GetData(), &config))
	return config.GetConfig()
}

func (h *harness) block(number uint64) *common.Block {
	b, err := h.maker.Network.Block(h.Context(), number)
	require.NoError(h, err)
	return b
}

// header is a signature header of a signer.
func (h *harness) header(s *signer) []byte {
	nonce := make([]byte, 24)
	rand.Read(nonce)
	return marshal(h, &common.SignatureHeader{Creator: s.serialized, Nonce: nonce})
}

// reconfigure changes the channel's configuration and waits until every peer follows the new one. The change raises the
// versions of what it changes.
func (h *harness) reconfigure(change func(root *common.ConfigGroup), admins ...*signer) {
	now := h.config()
	changed := proto.Clone(now.GetChannelGroup()).(*common.ConfigGroup)
	change(changed)
	read, write := difference(now.GetChannelGroup(), changed)
	update := marshal(h, &common.ConfigUpdate{ChannelId: network.ChannelName, ReadSet: read, WriteSet: write})
	envelope := &common.ConfigUpdateEnvelope{ConfigUpdate: update}
	for _, admin := range admins {
		header := h.header(admin)
		envelope.Signatures = append(envelope.Signatures, &common.ConfigSignature{SignatureHeader: header, Signature: admin.sign(h, slices.Concat(header, update), false)})
	}
	payload := marshal(h, &common.Payload{
		Header: &common.Header{
			ChannelHeader:   marshal(h, &common.ChannelHeader{Type: int32(common.HeaderType_CONFIG_UPDATE), ChannelId: network.ChannelName}),
			SignatureHeader: h.header(admins[0]),
		},
		Data: marshal(h, envelope),
	})
	// The signature header inside names the same creator with another nonce; what counts is the creator.
	h.broadcast(&common.Envelope{Payload: payload, Signature: admins[0].sign(h, payload, false)})
	require.Eventually(h, func() bool { return h.config().GetSequence() == now.GetSequence()+1 }, time.Minute, 50*time.Millisecond)
}

// difference makes the sets of a configuration update: what hasn't changed is named with its version and no content.
func difference(now, changed *common.ConfigGroup) (read, write *common.ConfigGroup) {
	read, write = &common.ConfigGroup{Version: now.GetVersion()}, &common.ConfigGroup{Version: changed.GetVersion(), ModPolicy: changed.GetModPolicy()}
	for _, g := range []*common.ConfigGroup{read, write} {
		g.Groups, g.Values, g.Policies = map[string]*common.ConfigGroup{}, map[string]*common.ConfigValue{}, map[string]*common.ConfigPolicy{}
	}
	for name, is := range changed.GetGroups() {
		if was := now.GetGroups()[name]; was != nil {
			read.Groups[name], write.Groups[name] = difference(was, is)
		} else {
			write.Groups[name] = is
		}
	}
	for name, is := range changed.GetValues() {
		was := now.GetValues()[name]
		if was != nil {
			read.Values[name] = &common.ConfigValue{Version: was.GetVersion()}
		}
		if write.Values[name] = is; was != nil && was.GetVersion() == is.GetVersion() {
			write.Values[name] = read.Values[name]
		}
	}
	for name, is := range changed.GetPolicies() {
		was := now.GetPolicies()[name]
		if was != nil {
			read.Policies[name] = &common.ConfigPolicy{Version: was.GetVersion()}
		}
		if write.Policies[name] = is; was != nil && was.GetVersion() == is.GetVersion() {
			write.Policies[name] = read.Policies[name]
		}
	}
	return read, write
}

// broadcast gives an envelope to every orderer that takes it.
func (h *harness) broadcast(e *common.Envelope) {
	roots, err := credentials.NewClientTLSFromFile(filepath.Join(h.net.Dir(), "orderer", "tlsca", "cert.pem"), "localhost")
	require.NoError(h, err)
	taken := 0
	var refusals []string
	for _, o := range h.net.Orderers() {
		conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", o.Port), grpc.WithTransportCredentials(roots))
		require.NoError(h, err)
		defer conn.Close()
		stream, err := orderer.NewAtomicBroadcastClient(conn).Broadcast(h.Context())
		if err != nil || stream.Send(e) != nil {
			continue
		}
		answer, err := stream.Recv()
		// An update that the first orderers took may be in force before the next one is asked.
		inForce := strings.Contains(answer.GetInfo(), "but it is currently at version")
		if err == nil && (answer.GetStatus() == common.Status_SUCCESS || inForce && taken > 0) {
			taken++
		} else {
			refusals = append(refusals, fmt.Sprint(answer, err))
		}
	}
	require.Greater(h, taken, 1, "%v", refusals)
}

// signaturePolicy asks for n signatures of holders of a role, one of each organisation.
func signaturePolicy(h *harness, n int, role msp.MSPRole_MSPRoleType, mspIDs ...string) *common.SignaturePolicyEnvelope {
	p := &common.SignaturePolicyEnvelope{}
	var rules []*common.SignaturePolicy
	for i, mspID := range mspIDs {
		p.Identities = append(p.Identities, &msp.MSPPrincipal{PrincipalClassification: msp.MSPPrincipal_ROLE, Principal: marshal(h, &msp.MSPRole{MspIdentifier: mspID, Role: role})})
		rules = append(rules, &common.SignaturePolicy{Type: &common.SignaturePolicy_SignedBy{SignedBy: int32(i)}})
	}
	p.Rule = &common.SignaturePolicy{Type: &common.SignaturePolicy_NOutOf_{NOutOf: &common.SignaturePolicy_NOutOf{N: int32(n), Rules: rules}}}
	return p
}

func configPolicy(h *harness, p *common.SignaturePolicyEnvelope) *common.ConfigPolicy {
	return &common.ConfigPolicy{ModPolicy: "Admins", Policy: &common.Policy{Type: int32(common.Policy_SIGNATURE), Value: marshal(h, p)}}
}

// newcomer is the configuration of an organisation that joins.
func (h *harness) newcomer(mspID string) *common.ConfigGroup {
	ca := newConsortium(h, mspID).orgs[mspID].ca
	units := &msp.FabricNodeOUs{Enable: true}
	for name, into := range map[string]**msp.FabricOUIdentifier{"client": &units.ClientOuIdentifier, "peer": &units.PeerOuIdentifier, "admin": &units.AdminOuIdentifier, "orderer": &units.OrdererOuIdentifier} {
		*into = &msp.FabricOUIdentifier{OrganizationalUnitIdentifier: name}
	}
	definition := marshal(h, &msp.FabricMSPConfig{Name: mspID, RootCerts: [][]byte{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})}, FabricNodeOus: units,
		CryptoConfig: &msp.FabricCryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"}})
	return &common.ConfigGroup{
		ModPolicy: "Admins",
		Values:    map[string]*common.ConfigValue{"MSP": {ModPolicy: "Admins", Value: marshal(h, &msp.MSPConfig{Config: definition})}},
		Policies: map[string]*common.ConfigPolicy{
			"Readers": configPolicy(h, signaturePolicy(h, 1, msp.MSPRole_MEMBER, mspID)), "Writers": configPolicy(h, signaturePolicy(h, 1, msp.MSPRole_CLIENT, mspID)),
			"Admins": configPolicy(h, signaturePolicy(h, 1, msp.MSPRole_ADMIN, mspID)), "Endorsement": configPolicy(h, signaturePolicy(h, 1, msp.MSPRole_PEER, mspID)),
		},
	}
}

// redefine gives the chaincode a new definition with an endorsement policy of its own.
func (h *harness) redefine(sequence int64, policy *common.SignaturePolicyEnvelope) {
	parameter := marshal(h, &peer.ApplicationPolicy{Type: &peer.ApplicationPolicy_SignaturePolicy{SignaturePolicy: policy}})
	var contracts []*client.Contract
	var names []string
	for _, org := range h.net.Orgs() {
		contract := h.operator(org)
		contracts, names = append(contracts, contract), append(names, org.MSPID)
		answer, err := contract.Evaluate("QueryApprovedChaincodeDefinition", client.WithEndorsingOrganizations(org.MSPID),
			client.WithBytesArguments(marshal(h, &lifecycle.QueryApprovedChaincodeDefinitionArgs{Name: network.ChaincodeName, Sequence: 1})))
		require.NoError(h, err)
		var approved lifecycle.QueryApprovedChaincodeDefinitionResult
		require.NoError(h, proto.Unmarshal(answer, &approved))
		_, err = contract.Submit("ApproveChaincodeDefinitionForMyOrg", client.WithEndorsingOrganizations(org.MSPID),
			client.WithBytesArguments(marshal(h, &lifecycle.ApproveChaincodeDefinitionForMyOrgArgs{
				Name: network.ChaincodeName, Version: "1", Sequence: sequence, ValidationParameter: parameter, Source: approved.GetSource(),
			})))
		require.NoError(h, err)
	}
	require.Eventually(h, func() bool { // every peer must have seen every approval
		_, err := contracts[0].Submit("CommitChaincodeDefinition", client.WithEndorsingOrganizations(names...),
			client.WithBytesArguments(marshal(h, &lifecycle.CommitChaincodeDefinitionArgs{
				Name: network.ChaincodeName, Version: "1", Sequence: sequence, ValidationParameter: parameter,
			})))
		return err == nil
	}, time.Minute, 50*time.Millisecond)
	for i, contract := range contracts { // every peer must have noticed
		require.Eventually(h, func() bool {
			answer, err := contract.Evaluate("QueryChaincodeDefinition", client.WithEndorsingOrganizations(names[i]),
				client.WithBytesArguments(marshal(h, &lifecycle.QueryChaincodeDefinitionArgs{Name: network.ChaincodeName})))
			var defined lifecycle.QueryChaincodeDefinitionResult
			return err == nil && proto.Unmarshal(answer, &defined) == nil && defined.GetSequence() == sequence
		}, time.Minute, 50*time.Millisecond)
	}
}

// operator calls the lifecycle chaincode at an organisation's own peer.
func (h *harness) operator(org network.Org) *client.Contract {
	certificatePath, keyPath := h.net.Identity(org.Name, network.Operator)
	certificatePEM, err := os.ReadFile(certificatePath)
	require.NoError(h, err)
	certificate, err := identity.CertificateFromPEM(certificatePEM)
	require.NoError(h, err)
	id, err := identity.NewX509Identity(org.MSPID, certificate)
	require.NoError(h, err)
	keyPEM, err := os.ReadFile(keyPath)
	require.NoError(h, err)
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	require.NoError(h, err)
	sign, err := identity.NewPrivateKeySign(key)
	require.NoError(h, err)
	roots, err := credentials.NewClientTLSFromFile(h.net.TLSRoots(org.Name), org.PeerName())
	require.NoError(h, err)
	conn, err := grpc.NewClient(org.PeerAddress(), grpc.WithTransportCredentials(roots))
	require.NoError(h, err)
	gateway, err := client.Connect(id, client.WithSign(sign), client.WithHash(hash.SHA256), client.WithClientConnection(conn))
	require.NoError(h, err)
	h.Cleanup(func() {
		gateway.Close()
		conn.Close()
	})
	return gateway.GetNetwork(network.ChannelName).GetContract("_lifecycle")
}

// within bounds what a test waits for.
func (h *harness) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(h.Context(), d)
	h.Cleanup(cancel)
	return ctx
}

func folderOf(mspID string) string { return strings.ToLower(strings.TrimSuffix(mspID, "MSP")) }
