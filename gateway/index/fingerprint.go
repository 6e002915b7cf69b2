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
// built again and in whatever batches the blocks came. It reads everything.
func (ix *Index) Fingerprint(ctx context.Context) (string, error) {
	// One read transaction, so that the tables fit together.
	tx, err := ix.db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return "", fmt.Errorf("couldn't read the index: %w", err)
	}
	defer tx.Rollback()
	sum := sha256.New()
	for _, t := range tables {
		fmt.Fprintf(sum, "%s\n", t.name)
		if err := hashTable(ctx, tx, `SELECT * FROM `+t.name+` ORDER BY `+t.order, sum); err != nil {
			return "", fmt.Errorf("couldn't read the index's table %s: %w", t.name, err)
		}
	}
	if err := hashKeys(ctx, tx, sum); err != nil {
		return "", fmt.Errorf("couldn't read the index's keys: %w", err)
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
			case string:
				fmt.Fprintf(sum, "s%d:%s;", len(v), v)
			default:
				fmt.Fprintf(sum, "v%v;", v)
			}
		}
	}
	return rows.Err()
}

// hashKeys hashes the pairs of all runs together: how they are divided depends on
// the batches that the blocks came in.
func hashKeys(ctx context.Context, tx *sql.Tx, sum io.Writer) error {
	rows, err := tx.QueryContext(ctx, `SELECT data FROM keychunk`)
	if err != nil {
		return err
	}
	var all []pair
	err = scanAll(rows, func(rows *sql.Rows) error {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return err
		}
		for i := range len(data) / pairSize {
			all = append(all, pairAt(data, i))
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, pair.compare)
	for _, p := range all {
		sum.Write(appendPair(nil, p))
	}
	return nil
}
