package proof

import (
	"bytes"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// sameAsFabric compares with what Fabric does: decode, encode again, compare.
func sameAsFabric(t *testing.T, envelope []byte) {
	payload, signature, err := splitEnvelope(envelope)
	var m common.Envelope
	if proto.Unmarshal(envelope, &m) != nil {
		require.Error(t, err)
		return
	}
	again, marshalErr := proto.Marshal(&m)
	require.NoError(t, marshalErr)
	require.Equal(t, bytes.Equal(again, envelope), err == nil, "%x", envelope)
	if err == nil {
		require.Equal(t, string(m.GetPayload()), string(payload))
		require.Equal(t, string(m.GetSignature()), string(signature))
	}
}

func TestAnEnvelopeHasOneEncoding(t *testing.T) {
	whole, err := proto.Marshal(&common.Envelope{Payload: []byte("payload"), Signature: []byte("signature")})
	require.NoError(t, err)
	for _, test := range []struct {
		name     string
		envelope []byte
		ok       bool
	}{
		{"whole", whole, true},
		{"without a signature", whole[:9], true},
		{"without a payload", whole[9:], true},
		{"nothing", nil, true},
		{"two in one", append(bytes.Clone(whole), whole...), false},
		{"fields in another order", append(bytes.Clone(whole[9:]), whole[:9]...), false},
		{"a length in more bytes than it takes", append([]byte{0x0a, 0x87, 0x00}, whole[2:]...), false},
		{"an empty field written out", append(bytes.Clone(whole[:9]), 0x12, 0), false},
		{"an unknown field at the end", append(bytes.Clone(whole), 0x1a, 1, 'x'), true},
		{"an unknown field in front", append([]byte{0x1a, 1, 'x'}, whole...), false},
		{"cut off", whole[:5], false},
		{"a byte after the end", append(bytes.Clone(whole), 0x1a), false},
		{"a length in more bytes than it takes, and nothing after it", append([]byte{0x0a, 0x87, 0x00}, whole[2:9]...), false},
		{"a tag in more bytes than it takes", append([]byte{0x8a, 0x00}, whole[1:]...), false},
		{"only an empty field written out", []byte{0x0a, 0}, false},
		{"a number in place of the payload", []byte{0x08, 2, 0x18, 1}, true},
		{"a group in place of the payload", []byte{0x0b, 8, 1, 0x10, 1, 0x10, 1, 0x10, 1, 0x0c}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := splitEnvelope(test.envelope)
			assert.Equal(t, test.ok, err == nil, "%v", err)
			sameAsFabric(t, test.envelope)
		})
	}
}

func FuzzEnvelope(f *testing.F) {
	whole, err := proto.Marshal(&common.Envelope{Payload: []byte("payload"), Signature: []byte("signature")})
	require.NoError(f, err)
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), 0x1a, 1, 'x'))
	f.Fuzz(sameAsFabric)
}
