package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Block is the signed part of a block: its header, its data and the orderers' metadata. It lacks what peers add, such
// as the validity of each transaction, because nobody signs that.
type Block struct {
	Number       uint64
	PreviousHash []byte
	// Data are the transactions' envelopes, in order.
	Data [][]byte
	// Metadata is what the orderers sign besides the header (common.OrdererBlockMetadata).
	Metadata   []byte
	Signatures []BlockSignature

	data, header []byte // the hash of the data, and the header in DER
}

// BlockSignature is the signature of one orderer.
type BlockSignature struct {
	// Header names the orderer by number (common.IdentifierHeader).
	Header    []byte
	Signature []byte

	orderer uint32
}

// OpenBlock takes the signed part from a block that a peer delivered. It checks that the data has the hash in the
// header.
func OpenBlock(m *common.Block) (*Block, error) {
	b := &Block{
		Number: m.GetHeader().GetNumber(), PreviousHash: m.GetHeader().GetPreviousHash(), Data: m.GetData().GetData(),
	}
	if all := m.GetMetadata().GetMetadata(); len(all) > int(common.BlockMetadataIndex_SIGNATURES) {
		var metadata common.Metadata
		if err := proto.Unmarshal(all[common.BlockMetadataIndex_SIGNATURES], &metadata); err != nil {
			return nil, At(refuse(BadBlock, "its signatures can't be read: %v", err), "block %d", b.Number)
		}
		// The genesis block has metadata but no signatures. Unsigned metadata isn't kept.
		if len(metadata.GetSignatures()) > 0 {
			b.Metadata = metadata.GetValue()
		}
		for _, s := range metadata.GetSignatures() {
			if len(s.GetIdentifierHeader()) == 0 || len(s.GetSignatureHeader()) > 0 {
				return nil, At(refuse(BadBlock, "a signature doesn't name its orderer by number"), "block %d", b.Number)
			}
			b.Signatures = append(b.Signatures, BlockSignature{Header: s.GetIdentifierHeader(), Signature: s.GetSignature()})
		}
	}
	if err := b.open(); err != nil {
		return nil, At(err, "block %d", b.Number)
	}
	if want := m.GetHeader().GetDataHash(); !bytes.Equal(b.data, want) {
		return nil, At(refuse(BadBlock, "its data has the hash %x, its header says %x", b.data, want),
			"block %d", b.Number)
	}
	return b, nil
}

// open checks the form of a block and puts its signatures in order.
func (b *Block) open() error {
	if len(b.Data) == 0 {
		return refuse(BadBlock, "it has no transactions")
	}
	for i := range b.Signatures {
		var m common.IdentifierHeader
		if err := decodeExactly(b.Signatures[i].Header, &m); err != nil {
			return refuse(BadBlock, "the header of a signature can't be read: %v", err)
		}
		b.Signatures[i].orderer = m.GetIdentifier()
	}
	slices.SortStableFunc(b.Signatures, func(x, y BlockSignature) int { return int(int64(x.orderer) - int64(y.orderer)) })
	b.data = b.dataHash()
	b.header = headerBytes(b.Number, b.PreviousHash, b.data)
	return b.wellFormed()
}

// wellFormed refuses a block whose data isn't divided into envelopes in the canonical way. A header hashes the
// envelopes one after the other, without saying where each ends (CVE-2023-46132). So the same hash and signatures would
// fit another division.
func (b *Block) wellFormed() error {
	for i, envelope := range b.Data {
		payload, signature, err := splitEnvelope(envelope)
		if err != nil {
			return refuse(SplitEnvelopes, "transaction %d: %v", i, err)
		}
		if len(payload) == 0 || len(signature) == 0 && len(b.Data) > 1 {
			return refuse(SplitEnvelopes, "transaction %d has no payload or no signature", i)
		}
	}
	return nil
}

// splitEnvelope reads an envelope. It accepts only an encoding that doesn't change when it is decoded and encoded
// again, as Fabric does. The payload and the signature that it returns share memory with the envelope.
func splitEnvelope(envelope []byte) (payload, signature []byte, err error) {
	rest := envelope
	payload, rest = cutField(rest, 1)
	signature, rest = cutField(rest, 2)
	if len(rest) == 0 {
		return payload, signature, nil
	}
	// Something is left: fields that this version of Fabric doesn't know, which come last, or another encoding.
	var m common.Envelope
	if err := proto.Unmarshal(envelope, &m); err != nil {
		return nil, nil, fmt.Errorf("it is no envelope: %w", err)
	}
	again, err := proto.Marshal(&m)
	if err != nil || !bytes.Equal(again, envelope) {
		return nil, nil, errors.New("it isn't in the one encoding that an envelope has")
	}
	return m.GetPayload(), m.GetSignature(), nil
}

// cutField takes a field of bytes from the front of a message. The field must not be empty, and its length must be
// encoded in as few bytes as possible. Otherwise nothing is taken.
func cutField(message []byte, number protowire.Number) (value, rest []byte) {
	n, kind, tag := protowire.ConsumeTag(message)
	if n != number || kind != protowire.BytesType || tag != 1 {
		return nil, message
	}
	value, length := protowire.ConsumeBytes(message[tag:])
	if length < 0 || len(value) == 0 || length != protowire.SizeBytes(len(value)) {
		return nil, message
	}
	return value, message[tag+length:]
}

func (b *Block) dataHash() []byte {
	h := sha256.New()
	for _, envelope := range b.Data {
		h.Write(envelope)
	}
	return h.Sum(nil)
}

// Hash is the hash of the header. The next block has it as its previous hash.
func (b *Block) Hash() []byte {
	sum := sha256.Sum256(b.header)
	return sum[:]
}

// Signers lists the numbers of the orderers that the block's signatures name. [Config.CheckOrderers] checks the
// signatures.
func (b *Block) Signers() []uint32 {
	var all []uint32
	for _, s := range b.Signatures {
		all = append(all, s.orderer)
	}
	return all
}

// headerBytes encodes a header in DER, as Fabric's protoutil.BlockHeaderBytes does.
func headerBytes(number uint64, previous, data []byte) []byte {
	der, err := asn1.Marshal(struct {
		Number                 *big.Int
		PreviousHash, DataHash []byte
	}{new(big.Int).SetUint64(number), previous, data})
	if err != nil {
		panic(err) // an integer and two byte strings can always be encoded
	}
	return der
}

// LastConfig returns the number of the last configuration block up to and including this block, as the orderers signed
// it.
func (b *Block) LastConfig() (uint64, error) {
	var m common.OrdererBlockMetadata
	if err := decodeExactly(b.Metadata, &m); err != nil {
		return 0, refuse(BadBlock, "what its orderers signed can't be read: %v", err)
	}
	if m.GetLastConfig() == nil {
		return 0, refuse(BadBlock, "its orderers haven't signed which configuration it follows")
	}
	return m.GetLastConfig().GetIndex(), nil
}

// CheckOrderers checks that a quorum of the configuration's orderers signed a block, that none signed it twice, and
// that no signature is bad.
func (c *Config) CheckOrderers(b *Block) error {
	var signers []*Identity
	for i, s := range b.Signatures {
		if i > 0 && b.Signatures[i-1].orderer == s.orderer {
			return refuse(OrdererTwice, "orderer %d has signed it twice", s.orderer)
		}
		id := c.Orderers[s.orderer]
		if id == nil {
			return refuse(UnknownOrderer, "orderer %d isn't one of the configuration of block %d", s.orderer, c.Block)
		}
		o := c.Organisations[id.MSPID]
		if o == nil {
			return refuse(UnknownOrganisation, "orderer %d is of %s, which the configuration of block %d doesn't have",
				s.orderer, id.MSPID, c.Block)
		}
		if err := o.Check(id, whenAny); err != nil {
			return At(err, "orderer %d", s.orderer)
		}
		if err := id.Verify(slices.Concat(b.Metadata, s.Header, b.header), s.Signature); err != nil {
			return At(err, "orderer %d", s.orderer)
		}
		signers = append(signers, id)
	}
	if len(signers) < c.Quorum {
		return refuse(TooFewOrderers, "%d of the %d orderers have signed it, and it takes %d",
			len(signers), len(c.Orderers), c.Quorum)
	}
	return c.Meets(blockValidation, signers)
}
