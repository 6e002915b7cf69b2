package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// ProcessedTransaction is a transaction with the peers' decision about it.
type ProcessedTransaction struct {
	Recording
	Code    int32    `json:"code"`    // Fabric's validation code; 0 is valid
	Records []string `json:"records"` // ids, in the order of the pack; empty unless valid
}

// Transaction finds a transaction by its id. If several have the same id it is the first one: peers mark all others as
// duplicates. The error is ErrNotFound if there is none as of the block.
func (ix *Index) Transaction(ctx context.Context, txID string, at uint64) (*ProcessedTransaction, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	var id int64
	t := ProcessedTransaction{Records: []string{}}
	err = ix.row(ctx, `SELECT id, code FROM tx WHERE txid = ? AND block <= ? ORDER BY id LIMIT 1`,
		txID, int64(snap.Block)).Scan(&id, &t.Code)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("transaction %q: %w", record.Brief(txID), ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't look up transaction %s: %w", txID, err)
	}
	found, err := ix.recordings(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	t.Recording = found[id]
	// The packs of a transaction are numbered upwards, so pack and line give the order.
	query := `SELECT digest FROM (
		SELECT digest, pack, line FROM node WHERE tx = ? AND digest IS NOT NULL
			AND id > (SELECT before FROM tx WHERE id = ?) AND id <= COALESCE((SELECT before FROM tx WHERE id = ?), ?)
		UNION ALL
		SELECT n.digest, a.pack, a.line FROM again a JOIN node n ON n.id = a.record WHERE a.tx = ?
			AND a.id > (SELECT before FROM tx WHERE id = ?) AND a.id <= COALESCE((SELECT before FROM tx WHERE id = ?), ?)
	) AS lines ORDER BY pack, line`
	last := ix.currentTip().Last
	err = ix.each(ctx, query, []any{id, id, id + 1, last, id, id, id + 1, last}, func(rows *sql.Rows) error {
		var digest []byte
		if err := rows.Scan(&digest); err != nil {
			return err
		}
		t.Records = append(t.Records, projection.RecordID(digest))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't list the records of transaction %s: %w", txID, err)
	}
	return &t, nil
}

// BlockAt is the block of the newest transaction that says it was made at a time or before. Submitters claim these
// times, so this is only about the ledger as it was then. The error is ErrNotFound if there is no such transaction.
func (ix *Index) BlockAt(ctx context.Context, at time.Time) (uint64, error) {
	var block uint64
	err := ix.row(ctx, `SELECT block FROM tx WHERE time <= ? AND block < ? ORDER BY time DESC, id DESC LIMIT 1`,
		at.UnixMicro(), int64(ix.currentTip().Height)).Scan(&block)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("a transaction of %s or before: %w", at.Format(time.RFC3339), ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("couldn't look up the block of a time: %w", err)
	}
	return block, nil
}
