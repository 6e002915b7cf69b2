package ledger

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// transactionBytes are the transactions of the blocks in testdata, without their envelopes.
func transactionBytes(t testing.TB) (all [][]byte) {
	for _, name := range []string{"03", "04", "05"} {
		for _, raw := range rawBlock(t, name).GetData().GetData() {
			_, data, err := openPayload(raw)
			require.NoError(t, err)
			all = append(all, data)
		}
	}
	return all
}

func TestRealTransactionsAreReadWithoutDecodingThem(t *testing.T) {
	p := parser{chaincode: "pedigree"}
	found := 0
	for _, data := range transactionBytes(t) {
		packs, ok := p.wirePacks(data)
		require.True(t, ok)
		decoded, err := p.decodedPacks(data)
		require.NoError(t, err)
		require.Equal(t, decoded, packs)
		found += len(packs)
	}
	require.Equal(t, 4, found)
}

func TestAFieldThatComesTwiceIsLeftToTheDecoder(t *testing.T) {
	raw := rawBlock(t, "05").GetData().GetData()[0]
	var envelope common.Envelope
	require.NoError(t, proto.Unmarshal(raw, &envelope))
	// The decoder takes the last of two payloads.
	twice := append(protowire.AppendBytes(protowire.AppendTag(nil, envelopePayload, protowire.BytesType),
		[]byte("another")), raw...)
	_, ok := sole(twice, envelopePayload)
	require.False(t, ok)
	_, data, err := openPayload(twice)
	require.NoError(t, err)
	_, alone, err := openPayload(raw)
	require.NoError(t, err)
	require.Equal(t, alone, data)
}

// agree checks that what is read without decoding is what decoding gives, and says whether both had an answer.
func agree(t *testing.T, data []byte) bool {
	p := parser{chaincode: "pedigree"}
	packs, ok := p.wirePacks(data)
	if !ok {
		return false
	}
	decoded, err := p.decodedPacks(data)
	if err != nil {
		return false // in a part that holds no writes
	}
	require.Equal(t, len(decoded), len(packs))
	for i := range packs {
		require.Equal(t, string(decoded[i]), string(packs[i]))
	}
	return true
}

func FuzzWirePacks(f *testing.F) {
	for _, data := range transactionBytes(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { agree(t, data) })
}

func TestChangedTransactionsAreReadAlikeWithAndWithoutDecoding(t *testing.T) {
	all := transactionBytes(t)
	random := rand.New(rand.NewPCG(1, 2))
	agreed := 0
	for range 20_000 {
		data := slices.Clone(all[random.IntN(len(all))])
		for range 1 + random.IntN(3) {
			at := random.IntN(len(data))
			switch random.IntN(3) {
			case 0:
				data[at] = byte(random.Uint32())
			case 1:
				data = slices.Delete(data, at, min(at+1+random.IntN(4), len(data)))
			case 2:
				data = slices.Insert(data, at, data[max(0, at-4):at]...)
			}
		}
		if agree(t, data) {
			agreed++
		}
	}
	require.Greater(t, agreed, 1_000)
}
