package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Block is what a gateway needs of a block of the channel.
type Block struct {
	Number uint64
	// Hash is the SHA-256 of the DER form of the header; the next block's PreviousHash.
	Hash []byte
	// PreviousHash is empty in block 0.
	PreviousHash []byte
	// Transactions are all of them, invalid ones and configuration too, in the order of the block.
	Transactions []Transaction
	// Orderers are the numbers of those whose signatures the block bears.
	Orderers []uint32
}

// Transaction is one transaction of a block.
type Transaction struct {
	// ID is 64 hexadecimal digits. It may be empty for configuration, and is for what cannot be read.
	ID string
	// Position is the place in the block, from 0.
	Position int
	// MSPID is the organisation of who submitted it, and Subject the subject of that certificate (RFC 2253).
	MSPID, Subject string
	// Time is what the submitter claims, in UTC.
	Time time.Time
	// Code is the validation code that the peer computed; 0 is valid.
	Code int32
	// Packs are the values written under pack keys of the configured chaincode, in the order of their keys; empty unless
	// Code is 0: an invalid transaction has written nothing.
	Packs [][]byte
}

// BlockError is a block that is not what the channel would have: malformed, out of order, not linked by hash to the one
// before, or not signed by a quorum of the orderers. None of it was handed on.
type BlockError struct {
	Number  uint64
	Message string
}

// Error says which block is wrong, and how.
func (e *BlockError) Error() string { return fmt.Sprintf("block %d: %s", e.Number, e.Message) }

// parser reads blocks. It is safe for concurrent use.
type parser struct {
	chaincode string
	subjects  subjects
}

// read reads a block whose signed part was opened from it. It trusts no byte of it: whatever is wrong is a *BlockError.
func (p *parser) read(raw *common.Block, opened *proof.Block) (*Block, error) {
	fail := func(format string, args ...any) (*Block, error) {
		return nil, &BlockError{Number: opened.Number, Message: fmt.Sprintf(format, args...)}
	}
	codes, err := validationCodes(raw)
	if err != nil {
		return fail("%v", err)
	}
	b := &Block{
		Number: opened.Number, Hash: opened.Hash(), PreviousHash: opened.PreviousHash,
		Transactions: make([]Transaction, len(opened.Data)), Orderers: opened.Signers(),
	}
	for i, envelope := range opened.Data {
		t := Transaction{Position: i, Code: int32(codes[i])}
		if err := p.transaction(envelope, &t); err != nil {
			// Anything may be in an invalid transaction, which Fabric has marked as such. A valid one must be readable.
			if t.Code == 0 {
				return fail("transaction %d is marked as valid and can't be read: %v", i, err)
			}
			t.Packs = nil
		}
		b.Transactions[i] = t
	}
	return b, nil
}

func validationCodes(raw *common.Block) ([]byte, error) {
	var codes []byte
	if metadata := raw.GetMetadata().GetMetadata(); len(metadata) > int(common.BlockMetadataIndex_TRANSACTIONS_FILTER) {
		codes = metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	}
	n := len(raw.GetData().GetData())
	if len(codes) == 0 && raw.GetHeader().GetNumber() == 0 {
		return make([]byte, n), nil // the genesis block is valid by being the genesis block
	}
	if len(codes) != n {
		return nil, fmt.Errorf("it has %d validation codes for %d transactions", len(codes), n)
	}
	return codes, nil
}

// transaction reads one envelope into t, as far as it can be read.
func (p *parser) transaction(raw []byte, t *Transaction) error {
	header, data, channel, err := openEnvelope(raw)
	if err != nil {
		return err
	}
	t.ID = channel.GetTxId()
	if ts := channel.GetTimestamp(); ts != nil {
		t.Time = ts.AsTime()
	}
	var signature common.SignatureHeader
	if err := proto.Unmarshal(header.GetSignatureHeader(), &signature); err != nil {
		return fmt.Errorf("its signature header: %w", err)
	}
	creator, err := p.subjects.of(signature.GetCreator())
	if err != nil {
		return err
	}
	t.MSPID, t.Subject = creator.mspID, creator.subject
	if t.Code != 0 || common.HeaderType(channel.GetType()) != common.HeaderType_ENDORSER_TRANSACTION {
		return nil
	}
	if t.ID == "" {
		return errors.New("it has no transaction id")
	}
	t.Packs, err = p.packs(data)
	return err
}

func openEnvelope(raw []byte) (*common.Header, []byte, *common.ChannelHeader, error) {
	header, data, err := openPayload(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	if header == nil {
		return nil, nil, nil, errors.New("it has no header")
	}
	var channel common.ChannelHeader
	if err := proto.Unmarshal(header.GetChannelHeader(), &channel); err != nil {
		return nil, nil, nil, fmt.Errorf("its channel header: %w", err)
	}
	return header, data, &channel, nil
}

func openPayload(raw []byte) (*common.Header, []byte, error) {
	if inner, ok := sole(raw, envelopePayload); ok {
		raw, ok := sole(inner, payloadHeader)
		data, alsoOK := sole(inner, payloadData)
		var header common.Header
		if ok && alsoOK && raw != nil && proto.Unmarshal(raw, &header) == nil {
			return &header, data, nil
		}
	}
	var envelope common.Envelope
	if err := proto.Unmarshal(raw, &envelope); err != nil {
		return nil, nil, fmt.Errorf("its envelope: %w", err)
	}
	var payload common.Payload
	if err := proto.Unmarshal(envelope.GetPayload(), &payload); err != nil {
		return nil, nil, fmt.Errorf("its payload: %w", err)
	}
	return payload.GetHeader(), payload.GetData(), nil
}

// packs collects what a transaction wrote under pack keys.
func (p *parser) packs(data []byte) ([][]byte, error) {
	if packs, ok := p.wirePacks(data); ok {
		return packs, nil
	}
	return p.decodedPacks(data)
}

func (p *parser) decodedPacks(data []byte) ([][]byte, error) {
	var tx peer.Transaction
	if err := proto.Unmarshal(data, &tx); err != nil {
		return nil, fmt.Errorf("its actions: %w", err)
	}
	var packs [][]byte
	for _, action := range tx.GetActions() {
		results, err := resultsOf(action)
		if err != nil {
			return nil, err
		}
		var sets rwset.TxReadWriteSet
		if err := proto.Unmarshal(results, &sets); err != nil {
			return nil, fmt.Errorf("its read-write set: %w", err)
		}
		for _, ns := range sets.GetNsRwset() {
			if ns.GetNamespace() != p.chaincode {
				continue
			}
			var set kvrwset.KVRWSet
			if err := proto.Unmarshal(ns.GetRwset(), &set); err != nil {
				return nil, fmt.Errorf("its writes: %w", err)
			}
			for _, w := range set.GetWrites() {
				if _, ok := record.ParsePackKey(w.GetKey()); ok && !w.GetIsDelete() {
					packs = append(packs, w.GetValue())
				}
			}
		}
	}
	return packs, nil
}

func resultsOf(action *peer.TransactionAction) ([]byte, error) {
	var payload peer.ChaincodeActionPayload
	if err := proto.Unmarshal(action.GetPayload(), &payload); err != nil {
		return nil, fmt.Errorf("its action: %w", err)
	}
	var response peer.ProposalResponsePayload
	if err := proto.Unmarshal(payload.GetAction().GetProposalResponsePayload(), &response); err != nil {
		return nil, fmt.Errorf("its proposal response: %w", err)
	}
	var chaincode peer.ChaincodeAction
	if err := proto.Unmarshal(response.GetExtension(), &chaincode); err != nil {
		return nil, fmt.Errorf("its chaincode action: %w", err)
	}
	return chaincode.GetResults(), nil
}

// findCommit reads from a block what became of one transaction, without reading the others' contents. The first copy
// counts.
func findCommit(raw *common.Block, txID string) (Commit, bool) {
	codes, err := validationCodes(raw)
	if err != nil {
		return Commit{}, false
	}
	for i, envelope := range raw.GetData().GetData() {
		_, _, channel, err := openEnvelope(envelope)
		if err != nil || channel.GetTxId() != txID {
			continue
		}
		return Commit{TransactionID: txID, Code: int32(codes[i]), Block: raw.GetHeader().GetNumber(), Position: i}, true
	}
	return Commit{}, false
}
