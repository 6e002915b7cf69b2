package hostile

import (
	"crypto/sha256"
	"os"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/networktest"
	build "github.com/pedigree-ledger/pedigree/test/program"
)

// victim is the network of real processes that the tests share.
var victim networktest.Shared

func TestMain(m *testing.M) { os.Exit(victim.Main(m)) }

func shared(t *testing.T) *network.Network {
	t.Helper()
	return victim.Network(t)
}

// A result must not be taken from the cache after the program has changed.
func TestTheProgramIsLookedAt(t *testing.T) { require.NoError(t, build.Look("../..")) }

func join(t *testing.T, n *network.Network, org string) *Member {
	return joinAs(t, n, org, network.Submitter)
}

func joinAs(t *testing.T, n *network.Network, org, role string) *Member {
	t.Helper()
	for _, o := range n.Orgs() {
		if o.Name == org {
			m, err := Join(n, o, role)
			require.NoError(t, err)
			t.Cleanup(m.Leave)
			return m
		}
	}
	require.Fail(t, "there is no such organisation", org)
	return nil
}

func proposalHash(header *common.Header, call []byte) []byte {
	h := sha256.New()
	h.Write(header.GetChannelHeader())
	h.Write(header.GetSignatureHeader())
	h.Write(call)
	return h.Sum(nil)
}
