package audit_test

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	fabric "github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
)

// forger has everybody's keys, and so can make whatever the consortium could make if all of it lied.
type forger struct {
	testing.TB
	blocks []*common.Block
}

func newForger(t testing.TB) *forger { return &forger{t, chain(t)} }

// signer is one key and who holds it.
type signer struct {
	creator []byte
	sign    fabric.Sign
}

// signers remembers keys by the files of their certificates.
var signers = map[string]signer{}

func (f *forger) signer(mspID, certificate, key string) *signer {
	if s, ok := signers[certificate]; ok {
		return &s
	}
	pem, err := os.ReadFile(certificate)
	require.NoError(f, err)
	text, err := os.ReadFile(key)
	require.NoError(f, err)
	private, err := fabric.PrivateKeyFromPEM(text)
	require.NoError(f, err)
	s := &signer{}
	s.sign, err = fabric.NewPrivateKeySign(private)
	require.NoError(f, err)
	s.creator = f.encode(&msp.SerializedIdentity{Mspid: mspID, IdBytes: pem})
	signers[certificate] = *s
	return s
}

func (f *forger) encode(m proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(f, err)
	return data
}

func (f *forger) signature(s *signer, message ...[]byte) []byte {
	digest := sha256.Sum256(slices.Concat(message...))
	signature, err := s.sign(digest[:])
	require.NoError(f, err)
	return signature
}

var mspIDs = map[string]string{"harbor": "HarborMSP", "market": "MarketMSP", "lab": "LabMSP"}

func (f *forger) peer(org string) *signer {
	dir := filepath.Join(networkDir(), org, "peer", "msp")
	return f.signer(mspIDs[org], filepath.Join(dir, "signcerts", "cert.pem"), filepath.Join(dir, "keystore", "key.pem"))
}

func (f *forger) user(org, role string) *signer {
	dir := filepath.Join(networkDir(), org, "users", role)
	return f.signer(mspIDs[org], filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
}

func (f *forger) orderer(n int) *signer {
	dir := filepath.Join(networkDir(), "orderer", fmt.Sprint("orderer", n), "msp")
	return f.signer("OrdererMSP", filepath.Join(dir, "signcerts", "cert.pem"), filepath.Join(dir, "keystore", "key.pem"))
}

// relink makes headers and signatures right again, from a block on: as if so many orderers had signed what is there
// now.
func (f *forger) relink(from int, orderers ...int) {
	if orderers == nil {
		orderers = []int{1, 2, 3}
	}
	for i := from; i < len(f.blocks); i++ {
		b := f.blocks[i]
		before, err := proof.OpenBlock(f.blocks[i-1])
		require.NoError(f, err)
		data := sha256.Sum256(slices.Concat(b.Data.Data...))
		b.Header.Number, b.Header.PreviousHash, b.Header.DataHash = uint64(i), before.Hash(), data[:]
		f.order(b, orderers...)
	}
}

// order has orderers sign a block.
func (f *forger) order(b *common.Block, orderers ...int) {
	var m common.Metadata
	require.NoError(f, proto.Unmarshal(b.Metadata.Metadata[0], &m))
	header := headerBytes(b.Header)
	m.Signatures = nil
	for _, n := range orderers {
		id := f.encode(&common.IdentifierHeader{Identifier: uint32(n)})
		m.Signatures = append(m.Signatures, &common.MetadataSignature{IdentifierHeader: id, Signature: f.signature(f.orderer(n), m.Value, id, header)})
	}
	b.Metadata.Metadata[0] = f.encode(&m)
}

// headerBytes is what orderers sign of a header.
func headerBytes(h *common.BlockHeader) []byte {
	der, err := asn1.Marshal(struct {
		Number                 *big.Int
		PreviousHash, DataHash []byte
	}{new(big.Int).SetUint64(h.Number), h.PreviousHash, h.DataHash})
	if err != nil {
		panic(err)
	}
	return der
}

// opened is a transaction taken apart.
type opened struct {
	channel  *common.ChannelHeader
	nonce    []byte
	creator  *signer
	proposed *peer.ChaincodeProposalPayload
	answer   *peer.ProposalResponsePayload
	action   *peer.ChaincodeAction
	sets     *rwset.TxReadWriteSet
	own      *kvrwset.KVRWSet // of the chaincode
	peers    []*signer
}

// find looks for the first valid call of a function of the chaincode, and says where it is.
func (f *forger) find(function string) (block, position int) {
	for i, b := range f.blocks {
		for j, data := range b.Data.Data {
			if t := f.open(data); t != nil && b.Metadata.Metadata[2][j] == 0 && string(f.arguments(t)[0]) == function {
				return i, j
			}
		}
	}
	f.Fatalf("no block has a call of %s", function)
	return 0, 0
}

func (f *forger) arguments(t *opened) [][]byte {
	var call peer.ChaincodeInvocationSpec
	require.NoError(f, proto.Unmarshal(t.proposed.Input, &call))
	return call.ChaincodeSpec.Input.Args
}

// open takes a transaction apart; nil if it is no call of the chaincode.
func (f *forger) open(data []byte) *opened {
	var envelope common.Envelope
	var payload common.Payload
	var signature common.SignatureHeader
	var tx peer.Transaction
	var actionPayload peer.ChaincodeActionPayload
	t := &opened{channel: new(common.ChannelHeader), proposed: new(peer.ChaincodeProposalPayload), answer: new(peer.ProposalResponsePayload),
		action: new(peer.ChaincodeAction), sets: new(rwset.TxReadWriteSet), own: new(kvrwset.KVRWSet)}
	require.NoError(f, proto.Unmarshal(data, &envelope))
	require.NoError(f, proto.Unmarshal(envelope.Payload, &payload))
	require.NoError(f, proto.Unmarshal(payload.Header.ChannelHeader, t.channel))
	if t.channel.Type != int32(common.HeaderType_ENDORSER_TRANSACTION) {
		return nil
	}
	require.NoError(f, proto.Unmarshal(payload.Header.SignatureHeader, &signature))
	require.NoError(f, proto.Unmarshal(payload.Data, &tx))
	require.NoError(f, proto.Unmarshal(tx.Actions[0].Payload, &actionPayload))
	require.NoError(f, proto.Unmarshal(actionPayload.ChaincodeProposalPayload, t.proposed))
	require.NoError(f, proto.Unmarshal(actionPayload.Action.ProposalResponsePayload, t.answer))
	require.NoError(f, proto.Unmarshal(t.answer.Extension, t.action))
	require.NoError(f, proto.Unmarshal(t.action.Results, t.sets))
	if t.action.ChaincodeId.Name != network.ChaincodeName {
		return nil
	}
	t.nonce = signature.Nonce
	t.creator = f.userOf(signature.Creator)
	for _, ns := range t.sets.NsRwset {
		if ns.Namespace == network.ChaincodeName {
			require.NoError(f, proto.Unmarshal(ns.Rwset, t.own))
		}
	}
	t.peers = []*signer{f.peer("harbor"), f.peer("market")}
	return t
}

// userOf finds the keys of who made a transaction.
func (f *forger) userOf(creator []byte) *signer {
	for org := range mspIDs {
		for _, role := range []string{network.Submitter, network.Auditor, network.Operator} {
			if s := f.user(org, role); string(s.creator) == string(creator) {
				return s
			}
		}
	}
	f.Fatal("nobody's keys fit the transaction")
	return nil
}

// id is what the transaction's id has to be.
func (t *opened) id() string {
	return fmt.Sprintf("%x", sha256.Sum256(slices.Concat(t.nonce, t.creator.creator)))
}

// rename makes a transaction's writes follow its id, as the rules have it for events.
func (f *forger) rename(t *opened, was string) {
	short := func(id string) string { return strings.TrimPrefix(record.PackKey(id), record.PackPrefix)[:16] }
	for _, w := range t.own.Writes {
		if w.Key == record.PackKey(was) {
			w.Key = record.PackKey(t.id())
		} else if strings.HasPrefix(w.Key, "r/") {
			w.Key = strings.TrimSuffix(w.Key, short(was)) + short(t.id())
		}
	}
}

// close puts a transaction together again, signed by all who take part.
func (f *forger) close(t *opened) []byte {
	t.channel.TxId = t.id()
	for _, ns := range t.sets.NsRwset {
		if ns.Namespace == network.ChaincodeName {
			ns.Rwset = f.encode(t.own)
		}
	}
	channel := f.encode(t.channel)
	signature := f.encode(&common.SignatureHeader{Creator: t.creator.creator, Nonce: t.nonce})
	proposed := f.encode(t.proposed)
	hash := sha256.Sum256(slices.Concat(channel, signature, proposed))
	t.action.Results = f.encode(t.sets)
	t.answer.ProposalHash, t.answer.Extension = hash[:], f.encode(t.action)
	answer := f.encode(t.answer)
	action := &peer.ChaincodeEndorsedAction{ProposalResponsePayload: answer}
	for _, p := range t.peers {
		action.Endorsements = append(action.Endorsements, &peer.Endorsement{Endorser: p.creator, Signature: f.signature(p, answer, p.creator)})
	}
	tx := f.encode(&peer.Transaction{Actions: []*peer.TransactionAction{{
		Header: signature, Payload: f.encode(&peer.ChaincodeActionPayload{ChaincodeProposalPayload: proposed, Action: action}),
	}}})
	payload := f.encode(&common.Payload{Header: &common.Header{ChannelHeader: channel, SignatureHeader: signature}, Data: tx})
	return f.encode(&common.Envelope{Payload: payload, Signature: f.signature(t.creator, payload)})
}

// change makes the first call of a function another one, in place, and signs everything after it anew.
func (f *forger) change(function string, how func(t *opened)) {
	block, position := f.find(function)
	t := f.open(f.blocks[block].Data.Data[position])
	how(t)
	f.blocks[block].Data.Data[position] = f.close(t)
	f.relink(block)
}

// reseal changes the first call of a function below its creator's signature only.
func (f *forger) reseal(function string, how func(*opened, *common.Payload)) {
	block, position := f.find(function)
	data := f.blocks[block].Data.Data[position]
	t := f.open(data)
	var envelope common.Envelope
	var payload common.Payload
	require.NoError(f, proto.Unmarshal(data, &envelope))
	require.NoError(f, proto.Unmarshal(envelope.Payload, &payload))
	how(t, &payload)
	envelope.Payload = f.encode(&payload)
	envelope.Signature = f.signature(t.creator, envelope.Payload)
	f.blocks[block].Data.Data[position] = f.encode(&envelope)
	f.relink(block)
}

// resign changes the creator's signature of the first call of a function.
func (f *forger) resign(function string, how func(testing.TB, []byte) []byte) {
	block, position := f.find(function)
	var envelope common.Envelope
	require.NoError(f, proto.Unmarshal(f.blocks[block].Data.Data[position], &envelope))
	envelope.Signature = how(f, envelope.Signature)
	f.blocks[block].Data.Data[position] = f.encode(&envelope)
	f.relink(block)
}

// highS makes the other signature that anybody can make of one.
func highS(t testing.TB, signature []byte) []byte {
	var s struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(signature, &s)
	require.NoError(t, err)
	s.S.Sub(elliptic.P256().Params().N, s.S)
	other, err := asn1.Marshal(s)
	require.NoError(t, err)
	return other
}
