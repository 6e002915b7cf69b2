package hostile

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/require"

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
