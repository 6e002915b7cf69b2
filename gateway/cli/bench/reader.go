package bench

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	fabric "github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/network"
)

// reader reads the ledger directly from a peer, with the identity of an auditor of the peer's organisation. It uses no
// gateway, queue or index of this program.
type reader struct {
	conn    *grpc.ClientConn
	gateway *fabric.Gateway
	channel *fabric.Network
}

// connect connects Fabric's own client to an organisation's peer. Nothing is sent before the first call.
func connect(n *network.Network, org network.Org, role string) (*reader, error) {
	r, err := dial(n, org, role)
	if err != nil {
		return nil, fmt.Errorf("couldn't connect to %s's peer as %s: %w", org.Title, role, err)
	}
	return r, nil
}

func dial(n *network.Network, org network.Org, role string) (*reader, error) {
	certificatePath, keyPath := n.Identity(org.Name, role)
	files := map[string][]byte{}
	for _, path := range []string{certificatePath, keyPath, n.TLSRoots(org.Name)} {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files[path] = text
	}
	certificate, err := identity.CertificateFromPEM(files[certificatePath])
	if err != nil {
		return nil, err
	}
	id, err := identity.NewX509Identity(org.MSPID, certificate)
	if err != nil {
		return nil, err
	}
	key, err := identity.PrivateKeyFromPEM(files[keyPath])
	if err != nil {
		return nil, err
	}
	sign, err := identity.NewPrivateKeySign(key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(files[n.TLSRoots(org.Name)]) {
		return nil, fmt.Errorf("%s holds no certificate", n.TLSRoots(org.Name))
	}
	const block = 100 << 20 // a block may be larger than gRPC's default limit
	conn, err := grpc.NewClient(
		org.PeerAddress(),
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, org.PeerName())),
		grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(block)),
	)
	if err != nil {
		return nil, err
	}
	gateway, err := fabric.Connect(
		id,
		fabric.WithSign(sign),
		fabric.WithHash(hash.SHA256),
		fabric.WithClientConnection(conn),
	)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &reader{conn: conn, gateway: gateway, channel: gateway.GetNetwork(network.ChannelName)}, nil
}

// commitOf returns the commit of a transaction of which only the id is known.
func (r *reader) commitOf(transaction string) (*fabric.Commit, error) {
	id := r.gateway.Identity()
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: id.MspID(), IdBytes: id.Credentials()})
	if err != nil {
		return nil, err
	}
	request, err := proto.Marshal(
		&gateway.CommitStatusRequest{TransactionId: transaction, ChannelId: network.ChannelName, Identity: creator},
	)
	if err != nil {
		return nil, err
	}
	signed, err := proto.Marshal(&gateway.SignedCommitStatusRequest{Request: request})
	if err != nil {
		return nil, err
	}
	return r.gateway.NewCommit(signed)
}

func (r *reader) close() {
	r.gateway.Close()
	r.conn.Close()
}

// height asks the peer for the number of its blocks.
func (r *reader) height(ctx context.Context) (uint64, error) {
	answer, err := r.channel.GetContract("qscc").
		EvaluateWithContext(ctx, "GetChainInfo", fabric.WithArguments(network.ChannelName))
	if err != nil {
		return 0, fmt.Errorf("couldn't ask a peer for its height: %w", err)
	}
	var info common.BlockchainInfo
	if err := proto.Unmarshal(answer, &info); err != nil {
		return 0, fmt.Errorf("couldn't understand a peer's height: %w", err)
	}
	return info.GetHeight(), nil
}

// blocks calls each for the blocks with numbers in [from, until).
func (r *reader) blocks(ctx context.Context, from, until uint64, each func(*common.Block) error) error {
	if from >= until {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	stream, err := r.channel.BlockEvents(ctx, fabric.WithStartBlock(from))
	if err != nil {
		cancel()
		return fmt.Errorf("couldn't read blocks from a peer: %w", err)
	}
	defer func() {
		cancel()
		for range stream { // the sender blocks until what it has read is taken
		}
	}()
	for b := range stream {
		if b.GetHeader().GetNumber() != from {
			return fmt.Errorf("a peer gave block %d instead of %d", b.GetHeader().GetNumber(), from)
		}
		if err := each(b); err != nil {
			return fmt.Errorf("block %d: %w", from, err)
		}
		if from++; from == until {
			return nil
		}
	}
	return fmt.Errorf("a peer stopped giving blocks before block %d", from)
}

// records calls each for every record that the valid transactions of a block wrote. It returns the numbers of valid and
// invalid transactions that wrote records.
func records(b *common.Block, each func(mspID string, body []byte) error) (valid, invalid int, err error) {
	codes := b.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	for i, raw := range b.GetData().GetData() {
		packs, err := packsOf(raw)
		if err != nil {
			return valid, invalid, fmt.Errorf("transaction %d: %w", i, err)
		}
		if len(packs) == 0 {
			continue
		}
		if i >= len(codes) || peer.TxValidationCode(codes[i]) != peer.TxValidationCode_VALID {
			invalid++
			continue
		}
		valid++
		for _, value := range packs {
			header, pack, err := record.ParsePackValue(value)
			if err != nil {
				return valid, invalid, fmt.Errorf("transaction %d: %w", i, err)
			}
			bodies, err := record.Unpack(pack, record.PackLimits{})
			if err != nil {
				return valid, invalid, fmt.Errorf("transaction %d: %w", i, err)
			}
			for _, body := range bodies {
				if err := each(header.MSPID, body); err != nil {
					return valid, invalid, err
				}
			}
		}
	}
	return valid, invalid, nil
}

// packsOf returns what a transaction writes under pack keys.
func packsOf(raw []byte) (packs [][]byte, err error) {
	var (
		envelope common.Envelope
		payload  common.Payload
		channel  common.ChannelHeader
		tx       peer.Transaction
	)
	if err := proto.Unmarshal(raw, &envelope); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(envelope.GetPayload(), &payload); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(payload.GetHeader().GetChannelHeader(), &channel); err != nil {
		return nil, err
	}
	if common.HeaderType(channel.GetType()) != common.HeaderType_ENDORSER_TRANSACTION {
		return nil, nil
	}
	if err := proto.Unmarshal(payload.GetData(), &tx); err != nil {
		return nil, err
	}
	for _, action := range tx.GetActions() {
		var (
			proposal  peer.ChaincodeActionPayload
			response  peer.ProposalResponsePayload
			chaincode peer.ChaincodeAction
			sets      rwset.TxReadWriteSet
		)
		if err := errors.Join(
			proto.Unmarshal(action.GetPayload(), &proposal),
			proto.Unmarshal(proposal.GetAction().GetProposalResponsePayload(), &response),
			proto.Unmarshal(response.GetExtension(), &chaincode),
			proto.Unmarshal(chaincode.GetResults(), &sets),
		); err != nil {
			return nil, err
		}
		for _, set := range sets.GetNsRwset() {
			if set.GetNamespace() != network.ChaincodeName {
				continue
			}
			var writes kvrwset.KVRWSet
			if err := proto.Unmarshal(set.GetRwset(), &writes); err != nil {
				return nil, err
			}
			for _, w := range writes.GetWrites() {
				if _, ok := record.ParsePackKey(w.GetKey()); ok {
					packs = append(packs, w.GetValue())
				}
			}
		}
	}
	return packs, nil
}

// signers returns which orderers signed a block, by their places counted from 1.
func signers(b *common.Block) ([]uint32, error) {
	signed, err := orderersMetadata(b)
	if err != nil {
		return nil, err
	}
	var places []uint32
	for _, s := range signed.GetSignatures() {
		var header common.IdentifierHeader
		if err := proto.Unmarshal(s.GetIdentifierHeader(), &header); err != nil {
			return nil, fmt.Errorf("couldn't read who signed a block: %w", err)
		}
		places = append(places, header.GetIdentifier())
	}
	return places, nil
}

func orderersMetadata(b *common.Block) (*common.Metadata, error) {
	metadata := b.GetMetadata().GetMetadata()
	if len(metadata) <= int(common.BlockMetadataIndex_SIGNATURES) {
		return nil, errors.New("the block has no orderers' metadata")
	}
	var signed common.Metadata
	if err := proto.Unmarshal(metadata[common.BlockMetadataIndex_SIGNATURES], &signed); err != nil {
		return nil, fmt.Errorf("couldn't read the orderers' metadata: %w", err)
	}
	return &signed, nil
}

// view returns the view in which the orderers agreed on a block. The leader of view v is the orderer with the place v
// modulo the number of orderers, because SmartBFT runs without rotation. The view is field 1 of SmartBFT's
// ViewMetadata.
func view(b *common.Block) (uint64, error) {
	signed, err := orderersMetadata(b)
	if err != nil {
		return 0, err
	}
	var of common.OrdererBlockMetadata
	if err := proto.Unmarshal(signed.GetValue(), &of); err != nil {
		return 0, fmt.Errorf("couldn't read the orderers' metadata: %w", err)
	}
	for rest := of.GetConsenterMetadata(); len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return 0, fmt.Errorf("couldn't read the orderers' view: %w", protowire.ParseError(n))
		}
		rest = rest[n:]
		if number == 1 && kind == protowire.VarintType {
			v, n := protowire.ConsumeVarint(rest)
			if n < 0 {
				return 0, fmt.Errorf("couldn't read the orderers' view: %w", protowire.ParseError(n))
			}
			return v, nil
		}
		if n = protowire.ConsumeFieldValue(number, kind, rest); n < 0 {
			return 0, fmt.Errorf("couldn't read the orderers' view: %w", protowire.ParseError(n))
		}
		rest = rest[n:]
	}
	return 0, nil // proto3 omits a zero
}
