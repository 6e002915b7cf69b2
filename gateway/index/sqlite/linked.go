package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// nodeSet is the set of nodes that have rows in the table link, a bit for each. Most nodes have none. To find that out
// from the table would cost a walk a third of what reading its nodes costs. A batch that was rolled back may leave
// bits of nodes that have no rows; a bit that a reader needs is never missing.
type nodeSet struct {
	mutex sync.RWMutex
	bits  []uint64
}

func (s *nodeSet) add(node int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	word := int(node >> 6)
	if word >= len(s.bits) {
		s.bits = append(s.bits, make([]uint64, word+1-len(s.bits))...)
	}
	s.bits[word] |= 1 << (node & 63)
}

// among picks the nodes that are in the set.
func (s *nodeSet) among(nodes []int64) []int64 {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	var some []int64
	for _, node := range nodes {
		if word := int(node >> 6); word < len(s.bits) && s.bits[word]&(1<<(node&63)) != 0 {
			some = append(some, node)
		}
	}
	return some
}

// mostNodes is more than any index has. A greater id means a damaged file.
const mostNodes = 1 << 32

// readLinked reads which nodes the table link has.
func readLinked(ctx context.Context, db *sql.DB) (*nodeSet, error) {
	var last int64
	if err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM node`).Scan(&last); err != nil {
		return nil, err
	}
	if last < 0 || last > mostNodes {
		return nil, fmt.Errorf("%w: it has a node %d", index.ErrDamaged, last)
	}
	s := &nodeSet{bits: make([]uint64, last>>6+1)}
	rows, err := db.QueryContext(ctx, `SELECT DISTINCT node FROM link`)
	if err != nil {
		return nil, err
	}
	err = index.Scan(rows, func(rows *sql.Rows) error {
		var node int64
		if err := rows.Scan(&node); err != nil {
			return err
		}
		if node < 0 || node > last {
			return fmt.Errorf("%w: links lead to a node %d, which doesn't exist", index.ErrDamaged, node)
		}
		s.add(node)
		return nil
	})
	return s, err
}
