package hostile

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/network"
	build "github.com/pedigree-ledger/pedigree/test/program"
)

// The tests share one network of real processes, which the first of them starts.
var victim struct {
	once    sync.Once
	dir     string
	network *network.Network
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if victim.network != nil {
		if err := victim.network.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if victim.dir != "" {
		_ = os.RemoveAll(victim.dir)
	}
	os.Exit(code)
}

func shared(t *testing.T) *network.Network {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a network")
	}
	victim.once.Do(func() {
		if victim.dir, victim.err = os.MkdirTemp("", "hostile"); victim.err != nil {
			return
		}
		program, err := build.Build("../..", victim.dir)
		if victim.err = err; err != nil {
			return
		}
		victim.network, victim.err = network.Start(context.Background(), network.Options{
			Dir: filepath.Join(victim.dir, "network"), Executable: program, Out: os.Stderr,
		})
	})
	require.NoError(t, victim.err)
	return victim.network
}

// A result must not be taken from the cache after the program has changed.
func TestTheProgramIsLookedAt(t *testing.T) { require.NoError(t, build.Look("../..")) }

func join(t *testing.T, n *network.Network, org string) *Member {
	t.Helper()
	for _, o := range n.Orgs() {
		if o.Name == org {
			m, err := Join(n, o, network.Submitter)
			require.NoError(t, err)
			t.Cleanup(m.Leave)
			return m
		}
	}
	require.Fail(t, "there is no such organisation", org)
	return nil
}

// endorsed is a transaction that is ready for the orderers.
type endorsed struct {
	id       string
	envelope *common.Envelope
}

// endorse has honest peers endorse the recording of a pack of events.
func (m *Member) endorse(t *testing.T, pack []byte) *endorsed {
	t.Helper()
	certificate, err := identity.CertificateFromPEM(m.certificate)
	require.NoError(t, err)
	id, err := identity.NewX509Identity(m.MSPID, certificate)
	require.NoError(t, err)
	g, err := client.Connect(id, client.WithSign(m.sign), client.WithHash(hash.SHA256), client.WithClientConnection(m.peer))
	require.NoError(t, err)
	defer g.Close()
	contract := g.GetNetwork(network.ChannelName).GetContract(network.ChaincodeName)
	proposal, err := contract.NewProposal("Events:Submit", client.WithTransient(map[string][]byte{record.TransientPack: pack}))
	require.NoError(t, err)
	transaction, err := proposal.EndorseWithContext(t.Context())
	require.NoError(t, err)
	text, err := transaction.Bytes()
	require.NoError(t, err)
	var prepared gateway.PreparedTransaction
	require.NoError(t, proto.Unmarshal(text, &prepared))
	payload := prepared.GetEnvelope().GetPayload()
	digest := sha256.Sum256(payload)
	signature, err := m.sign(digest[:])
	require.NoError(t, err)
	return &endorsed{id: transaction.TransactionID(), envelope: &common.Envelope{Payload: payload, Signature: signature}}
}

func proposalHash(header *common.Header, call []byte) []byte {
	h := sha256.New()
	h.Write(header.GetChannelHeader())
	h.Write(header.GetSignatureHeader())
	h.Write(call)
	return h.Sum(nil)
}
