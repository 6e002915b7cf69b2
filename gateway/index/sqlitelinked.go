package index

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// linked tells which nodes have rows in the table link, by a bit for each. Most
// have none, and to find that out from the table costs a walk a third of what
// reading its nodes costs. A bit may be set for nothing, by a batch that was
// rolled back; it is never missing for what a reader can see.
type linked struct {
	mutex sync.RWMutex
	bits  []uint64
}

func (l *linked) add(node int64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	word := int(node >> 6)
	if word >= len(l.bits) {
		l.bits = append(l.bits, make([]uint64, word+1-len(l.bits))...)
	}
	l.bits[word] |= 1 << (node & 63)
}

// among picks out of nodes those with a bit.
func (l *linked) among(nodes []int64) []int64 {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	var some []int64
	for _, node := range nodes {
		if word := int(node >> 6); word < len(l.bits) && l.bits[word]&(1<<(node&63)) != 0 {
			some = append(some, node)
		}
	}
	return some
}

// mostNodes is more than an index has: what is beyond was never written by one.
const mostNodes = 1 << 32

// readLinked reads the table link.
func readLinked(ctx context.Context, db *sql.DB) (*linked, error) {
	var last int64
	if err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM node`).Scan(&last); err != nil {
		return nil, err
	}
	if last < 0 || last > mostNodes {
		return nil, fmt.Errorf("%w: it has a node %d", ErrDamaged, last)
	}
	l := &linked{bits: make([]uint64, last>>6+1)}
	rows, err := db.QueryContext(ctx, `SELECT DISTINCT node FROM link`)
	if err != nil {
		return nil, err
	}
	err = scanAll(rows, func(rows *sql.Rows) error {
		var node int64
		if err := rows.Scan(&node); err != nil {
			return err
		}
		if node < 0 || node > last {
			return fmt.Errorf("%w: links lead to a node %d, which isn't there", ErrDamaged, node)
		}
		l.add(node)
		return nil
	})
	return l, err
}
