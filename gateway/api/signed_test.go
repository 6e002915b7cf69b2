package api

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// A submitter chooses the nonce of a transaction, and with it the id. A second transaction with the id of one that is on
// the ledger has no receipt.
func TestAReceiptIsOfWhatTheTransactionOnTheLedgerHas(t *testing.T) {
	f := newFixture(t, capture.Config{})
	event, _ := f.story()
	first, err := f.server.Index.Record(t.Context(), event, index.Latest)
	require.NoError(t, err)
	tx, err := f.server.Index.Transaction(t.Context(), first.TxID, index.Latest)
	require.NoError(t, err)
	var records []*record.Record
	for _, id := range tx.Records {
		records = append(records, &record.Record{ID: record.ID(id)})
	}
	require.NoError(t, f.server.hasRecorded(t.Context(), tx.TxID, records))
	other := &record.Record{ID: "ni:///sha-256;0000000000000000000000000000000000000000000000000000000000000000"}
	for name, records := range map[string][]*record.Record{
		"another": append(slices.Clone(records[1:]), other), "one more": append(slices.Clone(records), other), "none": nil,
	} {
		err := f.server.hasRecorded(t.Context(), tx.TxID, records)
		assert.ErrorContains(t, err, "with other records", name)
	}
}
