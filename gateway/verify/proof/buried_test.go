package proof_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
)

// An organisation that repeats another's recordings often enough fills the answer of the chaincode. A proof that names
// the first recording lists it all the same, as the first.
func TestNobodyCanBuryTheFirstRecording(t *testing.T) {
	h := newHarness(t)
	const events, repeats = 5, 40
	submit := func(id *ledger.Identity, records ...*record.Record) string {
		var bodies [][]byte
		for _, r := range records {
			bodies = append(bodies, r.Body)
		}
		pack, err := record.Pack(bodies)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		done, err := h.client.Submit(
			ctx, id, ledger.Call{Function: "Events:Submit", Transient: map[string][]byte{record.TransientPack: pack}},
		)
		require.NoError(t, err)
		return done.TransactionID
	}
	var all []*record.Record
	first := map[record.ID]string{}
	for i := range events {
		v, err := canonical.From(map[string]any{
			"type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:00:00Z", "eventTimeZoneOffset": "+00:00",
			"epcList": []any{fmt.Sprintf("urn:epc:id:sgtin:9520001.012345.%d%d", i, time.Now().UnixNano()%1e12)},
		})
		require.NoError(t, err)
		e, problems := record.NewEvent(v, canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"))
		require.Empty(t, problems)
		all = append(all, e)
		first[e.ID] = submit(h.id, e)
	}
	certificate, key := h.net.Identity("market", network.Submitter)
	market, err := ledger.LoadIdentity("MarketMSP", certificate, key)
	require.NoError(t, err)
	var wait sync.WaitGroup
	places := make(chan struct{}, 8)
	for range repeats {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			submit(market, all...)
		})
	}
	wait.Wait()

	by := func(p *proof.Proof) []string {
		v, err := proof.Verify(p, h.trust, proof.Wanted{})
		require.NoError(t, err)
		require.True(t, v.Records[0].More)
		var who []string
		for _, r := range v.Records[0].Recordings {
			who = append(who, r.MSPID)
		}
		return who
	}
	buried := 0
	for id := range first {
		plain, err := h.maker.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
		require.NoError(t, err)
		if !slices.Contains(by(plain), "HarborMSP") {
			buried++
		}
		kept := memory{id: plain.Bytes()} // of before, and not good enough any more
		m := &proof.Maker{
			Network: h.maker.Network, Channel: "pedigree", Chaincode: "pedigree", Kept: kept, Patience: 30 * time.Second,
			First: func(context.Context, record.ID) ([]string, error) { return []string{first[id]}, nil },
		}
		named, err := m.Prove(h.within(time.Minute), id, proof.LevelBlock, 0)
		require.NoError(t, err)
		read, err := proof.Parse(named.Bytes())
		require.NoError(t, err)
		assert.Equal(t, "HarborMSP", by(read)[0])
		v, err := proof.Verify(read, h.trust, proof.Wanted{ID: id})
		require.NoError(t, err)
		assert.Equal(t, first[id], v.Records[0].Recordings[0].Tx)
		assert.Contains(t, v.Records[0].Ordered.SubmittedBy, "HarborMSP")

		// The answer of peers to one question is none to another.
		other := strings.Repeat("0", len(first[id]))
		forged := *read.Receipts[0]
		forged.Answer = []byte(strings.Replace(string(forged.Answer), first[id], other, 1))
		_, err = proof.Verify(&proof.Proof{
			Channel: read.Channel, Chaincode: read.Chaincode, Receipts: []*proof.Receipt{&forged},
		}, h.trust, proof.Wanted{})
		require.Error(t, err)
	}
	require.Positive(t, buried, "nothing was buried, so nothing was tried")
}
