package hostile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/network"
)

// withWrite adds a write to what honest peers have endorsed, and returns the payload to sign.
func withWrite(t *testing.T, honest *common.Envelope, key string, value []byte) []byte {
	t.Helper()
	read := func(text []byte, into proto.Message) { require.NoError(t, proto.Unmarshal(text, into)) }
	var payload common.Payload
	var transaction peer.Transaction
	var call peer.ChaincodeActionPayload
	var response peer.ProposalResponsePayload
	var action peer.ChaincodeAction
	var results rwset.TxReadWriteSet
	read(honest.GetPayload(), &payload)
	read(payload.GetData(), &transaction)
	read(transaction.GetActions()[0].GetPayload(), &call)
	read(call.GetAction().GetProposalResponsePayload(), &response)
	read(response.GetExtension(), &action)
	read(action.GetResults(), &results)
	for _, one := range results.GetNsRwset() {
		if one.GetNamespace() == network.ChaincodeName {
			var set kvrwset.KVRWSet
			read(one.GetRwset(), &set)
			set.Writes = append(set.Writes, &kvrwset.KVWrite{Key: key, Value: value})
			one.Rwset = encode(&set)
		}
	}
	action.Results = encode(&results)
	response.Extension = encode(&action)
	call.Action.ProposalResponsePayload = encode(&response)
	transaction.Actions[0].Payload = encode(&call)
	payload.Data = encode(&transaction)
	return encode(&payload)
}

// intrusion is an update of the channel by which Harbor's membership trusts Market's authority, too.
func intrusion(t *testing.T, n *network.Network, market *Member) *common.ConfigUpdate {
	t.Helper()
	application := configuration(t, market).GetChannelGroup().GetGroups()["Application"]
	authorities, err := filepath.Glob(filepath.Join(n.MSPDir("market"), "cacerts", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, authorities)
	authority, err := os.ReadFile(authorities[0])
	require.NoError(t, err)
	for name, org := range application.GetGroups() {
		value := org.GetValues()["MSP"]
		var outer msp.MSPConfig
		var inner msp.FabricMSPConfig
		require.NoError(t, proto.Unmarshal(value.GetValue(), &outer))
		require.NoError(t, proto.Unmarshal(outer.GetConfig(), &inner))
		if inner.GetName() != "HarborMSP" {
			continue
		}
		inner.RootCerts = append(inner.RootCerts, authority)
		outer.Config = encode(&inner)
		within := func(group *common.ConfigGroup) *common.ConfigGroup {
			return &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{"Application": {
				Version: application.GetVersion(), Groups: map[string]*common.ConfigGroup{name: group},
			}}}
		}
		return &common.ConfigUpdate{
			ChannelId: network.ChannelName,
			ReadSet:   within(&common.ConfigGroup{Version: org.GetVersion()}),
			WriteSet: within(&common.ConfigGroup{Version: org.GetVersion(), Values: map[string]*common.ConfigValue{
				"MSP": {Version: value.GetVersion() + 1, Value: encode(&outer), ModPolicy: value.GetModPolicy()},
			}}),
		}
	}
	require.Fail(t, "the channel has no Harbor")
	return nil
}

// configuration reads the channel's configuration from the member's own peer.
func configuration(t *testing.T, m *Member) *common.Config {
	t.Helper()
	text, err := m.evaluate(t.Context(), "cscc", "GetChannelConfig", network.ChannelName)
	require.NoError(t, err)
	config := new(common.Config)
	require.NoError(t, proto.Unmarshal(text, config))
	return config
}
