package ledger

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// The blocks in testdata/blocks come from a network of this project: the genesis block, a commit of the chaincode's
// definition, three members' records, and an artifact version of Harbor.
func blockBytes(t testing.TB, name string) []byte {
	raw, err := os.ReadFile(filepath.Join("testdata", "blocks", name+".block"))
	require.NoError(t, err)
	return raw
}

func rawBlock(t testing.TB, name string) *common.Block {
	block := new(common.Block)
	require.NoError(t, proto.Unmarshal(blockBytes(t, name), block))
	return block
}

// parse reads a block as Follow does, apart from who signed it.
func (p *parser) parse(raw *common.Block) (*Block, error) {
	opened, err := openBlock(raw)
	if err != nil {
		return nil, err
	}
	return p.read(raw, opened)
}

// dataHash is SHA-256 over the transactions' bytes one after the other.
func dataHash(data [][]byte) []byte {
	sum := sha256.Sum256(slices.Concat(data...))
	return sum[:]
}

func headerHash(t testing.TB, b *common.Block) []byte {
	opened, err := proof.OpenBlock(b)
	require.NoError(t, err)
	return opened.Hash()
}

func TestARealBlockIsRead(t *testing.T) {
	p := parser{chaincode: "pedigree"}
	genesis, err := p.parse(rawBlock(t, "00"))
	require.NoError(t, err)
	require.Equal(t, uint64(0), genesis.Number)
	require.Len(t, genesis.Transactions, 1)

	members, err := p.parse(rawBlock(t, "04"))
	require.NoError(t, err)
	var by []string
	for i, tx := range members.Transactions {
		require.Equal(t, i, tx.Position)
		require.Len(t, tx.ID, 64)
		require.Len(t, tx.Packs, 1)
		by = append(by, tx.MSPID)
	}
	require.ElementsMatch(t, []string{"HarborMSP", "MarketMSP", "LabMSP"}, by)

	artifact, err := p.parse(rawBlock(t, "05"))
	require.NoError(t, err)
	require.Equal(t, members.Hash, artifact.PreviousHash)
	require.Equal(t, "CN=submitter@harbor.pedigree.example,OU=client,O=harbor.pedigree.example",
		artifact.Transactions[0].Subject)
	_, pack, err := record.ParsePackValue(artifact.Transactions[0].Packs[0])
	require.NoError(t, err)
	bodies, err := record.Unpack(pack, record.PackLimits{})
	require.NoError(t, err)
	decoded, problems := record.Decode(bodies[0])
	require.Empty(t, problems)
	require.Equal(t, "readings", decoded.Artifact.Name)
	require.Empty(t, genesis.Orderers)
	require.Len(t, artifact.Orderers, 3, "a quorum of four orderers signed it")
	require.Subset(t, []uint32{1, 2, 3, 4}, artifact.Orderers)

	definition, err := p.parse(rawBlock(t, "03"))
	require.NoError(t, err)
	require.Empty(t, definition.Transactions[0].Packs, "what another chaincode writes is not ours")
	foreign := parser{chaincode: "another"}
	artifact, err = foreign.parse(rawBlock(t, "05"))
	require.NoError(t, err)
	require.Empty(t, artifact.Transactions[0].Packs)
}

func TestABlockThatIsNotWhatItSaysIsRefused(t *testing.T) {
	for name, change := range map[string]func(*common.Block){
		"it has no header":                      func(b *common.Block) { b.Header = nil },
		"it has no transactions":                func(b *common.Block) { b.Data = nil },
		"a transaction was changed":             func(b *common.Block) { b.Data.Data[0][100] ^= 1 },
		"a transaction was left out":            func(b *common.Block) { b.Data.Data = b.Data.Data[1:] },
		"it has no validation codes":            func(b *common.Block) { b.Metadata = nil },
		"it has too few validation codes":       func(b *common.Block) { b.Metadata.Metadata[2] = b.Metadata.Metadata[2][1:] },
		"a valid transaction is no transaction": func(b *common.Block) { garble(t, b, []byte("nonsense")) },
		"a valid transaction has no id":         func(b *common.Block) { garble(t, b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			b := rawBlock(t, "04")
			change(b)
			p := parser{chaincode: "pedigree"}
			_, err := p.parse(b)
			var bad *BlockError
			require.ErrorAs(t, err, &bad)
		})
	}
}

// garble replaces the payload of the first transaction and makes the header agree.
func garble(t *testing.T, b *common.Block, with []byte) {
	envelope, err := proto.Marshal(&common.Envelope{Payload: with, Signature: []byte("none")})
	require.NoError(t, err)
	b.Data.Data[0] = envelope
	b.Header.DataHash = dataHash(b.Data.Data)
}

func TestAnInvalidTransactionMayBeAnythingAndWritesNothing(t *testing.T) {
	b := rawBlock(t, "04")
	b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = []byte{byte(peer.TxValidationCode_BAD_PAYLOAD),
		byte(peer.TxValidationCode_MVCC_READ_CONFLICT), 0}
	garble(t, b, []byte("nonsense"))
	p := parser{chaincode: "pedigree"}
	block, err := p.parse(b)
	require.NoError(t, err)
	require.Equal(t, Transaction{Code: int32(peer.TxValidationCode_BAD_PAYLOAD)}, block.Transactions[0])
	require.Len(t, block.Transactions[1].ID, 64)
	require.Empty(t, block.Transactions[1].Packs)
	require.Len(t, block.Transactions[2].Packs, 1)
}

func TestTheFirstCopyOfATransactionCounts(t *testing.T) {
	b := rawBlock(t, "05")
	p := parser{chaincode: "pedigree"}
	parsed, err := p.parse(b)
	require.NoError(t, err)
	txID := parsed.Transactions[0].ID
	b.Data.Data = append(b.Data.Data, b.Data.Data[0])
	b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = []byte{0,
		byte(peer.TxValidationCode_DUPLICATE_TXID)}
	c, ok := findCommit(b, txID)
	require.True(t, ok)
	require.True(t, c.Valid())
	_, ok = findCommit(b, "another")
	require.False(t, ok)
}

// No bytes make the parser panic, and what it accepts hangs together.
func FuzzParseBlock(f *testing.F) {
	for _, name := range []string{"00", "03", "04", "05"} {
		f.Add(blockBytes(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var block common.Block
		if proto.Unmarshal(raw, &block) != nil {
			return
		}
		if block.GetHeader() != nil && block.GetData() != nil {
			block.Header.DataHash = dataHash(block.Data.Data) // so that more than the hash is tried
		}
		p := parser{chaincode: "pedigree"}
		parsed, err := p.parse(&block)
		if err != nil {
			var bad *BlockError
			if !errors.As(err, &bad) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(parsed.Transactions) != len(block.Data.Data) || len(parsed.Hash) == 0 {
			t.Fatal("a block lost transactions or has no hash")
		}
		for i, tx := range parsed.Transactions {
			if tx.Position != i || tx.Code != 0 && tx.Packs != nil {
				t.Fatalf("transaction %d: %+v", i, tx)
			}
			findCommit(&block, tx.ID)
		}
	})
}
