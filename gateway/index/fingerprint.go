package index

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// Fingerprint is a digest, in hexadecimal, over every row of every table. Two
// indexes of the same blocks have the same one, however often either was
// built again, in whatever batches the blocks came and wherever it lies. It
// reads everything.
func (ix *Index) Fingerprint(ctx context.Context) (string, error) {
	// One read transaction, so that the tables fit together.
	tx, err := ix.db.snapshot(ctx)
	if err != nil {
		return "", fmt.Errorf("couldn't read the index: %w", err)
	}
	defer tx.Rollback()
	sum := sha256.New()
	for _, t := range allTables {
		fmt.Fprintf(sum, "%s\n", t.name)
		if err := hashTable(ctx, tx, `SELECT * FROM `+t.name+` ORDER BY `+t.order, sum); err != nil {
			return "", fmt.Errorf("couldn't read the index's table %s: %w", t.name, err)
		}
	}
	pairs, err := ix.db.allPairs(ctx, tx)
	if err != nil {
		return "", fmt.Errorf("couldn't read the index's keys: %w", err)
	}
	slices.SortFunc(pairs, pair.compare)
	for _, p := range pairs {
		sum.Write(appendPair(nil, p))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func hashTable(ctx context.Context, tx *sql.Tx, query string, sum io.Writer) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, fields := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		fields[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		for _, v := range values {
			switch v := v.(type) {
			case nil:
				fmt.Fprint(sum, "n;")
			case []byte:
				fmt.Fprintf(sum, "b%d:%s;", len(v), v)
			case string: // not every store tells texts and bytes apart
				fmt.Fprintf(sum, "b%d:%s;", len(v), v)
			default:
				fmt.Fprintf(sum, "v%v;", v)
			}
		}
	}
	return rows.Err()
}
