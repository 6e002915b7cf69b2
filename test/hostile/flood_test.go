package hostile

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/test/thorough"
)

// TestAFloodStopsNobody sends every orderer, at the same time, rightly signed envelopes of 512 KiB that mean nothing:
// random bytes, which orderers refuse, and transactions that nobody endorsed, which they order. Under the first, Fabric
// 3.1.1 as it is released lost its leader again and again, and then two orderers waited for each other's channels for
// ever, through every restart. To order and to keep the second takes long, so it is a smaller one, but where tests are
// thorough.
func TestAFloodStopsNobody(t *testing.T) {
	const size = 512 << 10
	ordered := thorough.Of(12, 50)
	n := shared(t)
	market := join(t, n, "market")
	random := func() []byte {
		data := make([]byte, size)
		rand.Read(data)
		return data
	}
	for name, flood := range map[string]struct {
		each int // envelopes for each orderer
		make func() *common.Envelope
	}{
		"of random bytes": {50, func() *common.Envelope {
			header, _ := market.Header(network.ChaincodeName)
			return market.Signed(header, random())
		}},
		"of transactions that nobody endorsed": {ordered, func() *common.Envelope {
			return market.answered(&peer.ChaincodeAction{
				ChaincodeId: &peer.ChaincodeID{Name: network.ChaincodeName,
					Version: chaincode.Newest().DefinitionVersion()},
				Response: &peer.Response{Status: 200}, Results: random(),
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var floods sync.WaitGroup
			for to := range market.orderers {
				floods.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					defer cancel()
					for range flood.each {
						// An orderer may refuse it, or not answer while it looks for a leader: that is its right.
						_ = market.Broadcast(ctx, to, flood.make())
					}
				})
			}
			floods.Wait()
			for range 3 {
				recorded(t, n, market)
			}
		})
	}
}

// recorded has an event endorsed and sends it to each orderer, until every peer has it.
func recorded(t *testing.T, n *network.Network, m *Member) {
	t.Helper()
	valid := m.endorse(t, event(t, fresh()))
	const patience = 5 * time.Minute // orderers on one machine take their time for a hundred megabytes
	require.Eventually(t, func() bool {
		for to := range m.orderers {
			if m.Broadcast(within(t, 20*time.Second), to, valid.envelope) == nil {
				return true
			}
		}
		return false
	}, patience, time.Second, "no orderer took a transaction any more")
	for _, org := range n.Orgs() {
		member := join(t, n, org.Name)
		require.Eventually(t, func() bool {
			_, err := member.Block(within(t, 10*time.Second), valid.id)
			return err == nil
		}, patience, 100*time.Millisecond, "the peer of %s never had the transaction", org.Name)
	}
}
