package index

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Fingerprint is a digest, in hexadecimal, over every row of every table. Two indexes of the same blocks have the same
// one, however often either was built again, in whatever batches the blocks came, and in whatever store they are. It
// reads everything.
func (ix *Index) Fingerprint(ctx context.Context) (string, error) {
	sum := sha256.New()
	err := ix.store.ReadAll(ctx, func(tx *sql.Tx, keys []projection.Key) error {
		for _, t := range projection.AllTables {
			fmt.Fprintf(sum, "%s\n", t.Name)
			if err := hashTable(ctx, tx, `SELECT * FROM `+t.Name+` ORDER BY `+t.OrderBy, sum); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		slices.SortFunc(keys, projection.Key.Compare)
		for _, k := range keys {
			sum.Write(k.AppendTo(nil))
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("couldn't read the index: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func hashTable(ctx context.Context, tx *sql.Tx, query string, sum io.Writer) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	columns, err := rows.Columns()
	if err != nil {
		rows.Close()
		return err
	}
	values, fields := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		fields[i] = &values[i]
	}
	return Scan(rows, func(rows *sql.Rows) error {
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
		return nil
	})
}
