package gateway

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// A peer may say anything of a transaction. What counts is what the verified blocks have.
func TestWhatBecameOfATransactionIsNotAPeersWord(t *testing.T) {
	l, ix := indextest.Mixed(t), indextest.Open(t)
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	last := l.Blocks[len(l.Blocks)-1]
	known := last.Transactions[0].ID
	f := newFollower(nil, nil, ix, nil, slog.New(slog.DiscardHandler))

	commit, err := f.committed(t.Context(), known, func() (ledger.Commit, error) {
		require.Fail(t, "the index has it: no peer need be asked")
		return ledger.Commit{}, nil
	})
	require.NoError(t, err)
	assert.Equal(t, last.Number, commit.Block)
	assert.Equal(t, last.Transactions[0].Code, commit.Code)

	for name, block := range map[string]uint64{"a block that hasn't it": 0, "the newest block": last.Number} {
		_, err = f.committed(t.Context(), "nowhere", func() (ledger.Commit, error) {
			return ledger.Commit{TransactionID: "nowhere", Block: block}, nil
		})
		assert.ErrorIs(t, err, ledger.ErrNotFound, name)
	}

	ctx, cancel := context.WithCancel(t.Context())
	_, err = f.committed(ctx, "nowhere", func() (ledger.Commit, error) {
		cancel()
		return ledger.Commit{TransactionID: "nowhere", Block: 1 << 60}, nil
	})
	assert.ErrorIs(t, err, context.Canceled)
}
