package index

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// sqliteReaders are connections for the reads that walks make by the ten
// thousand. Like the one that writes, they call SQLite themselves.
type sqliteReaders struct {
	path   string
	mutex  sync.Mutex
	free   []*sqliteWriter
	closed bool
}

var errClosed = errors.New("the index is closed")

// do lends work a connection, within a transaction: all it reads is of one state.
func (r *sqliteReaders) do(work func(*sqliteWriter) error) error {
	conn, err := r.take()
	if err != nil {
		return err
	}
	if err := conn.exec("BEGIN"); err != nil {
		return errors.Join(err, conn.close())
	}
	err = work(conn)
	if ended := conn.exec("COMMIT"); ended != nil { // it would be stuck in this transaction for ever
		return errors.Join(err, ended, conn.close())
	}
	return errors.Join(err, r.giveBack(conn))
}

func (r *sqliteReaders) take() (*sqliteWriter, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.closed {
		return nil, errClosed
	}
	if n := len(r.free); n > 0 {
		conn := r.free[n-1]
		r.free = r.free[:n-1]
		return conn, nil
	}
	conn, err := openSQLiteWriter(r.path, `PRAGMA busy_timeout = 10000; PRAGMA query_only = 1; PRAGMA cache_size = -8192; PRAGMA mmap_size = 1073741824`)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the index for reading: %w", err)
	}
	return conn, nil
}

func (r *sqliteReaders) giveBack(conn *sqliteWriter) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.closed || len(r.free) >= max(4, 2*runtime.GOMAXPROCS(0)) {
		return conn.close()
	}
	r.free = append(r.free, conn)
	return nil
}

func (r *sqliteReaders) close() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.closed = true
	var err error
	for _, conn := range r.free {
		err = errors.Join(err, conn.close())
	}
	r.free = nil
	return err
}

// someReads is after how many reads it is looked whether anybody still waits for them.
const someReads = 256

func (s *sqliteStore) stored(ctx context.Context, ids []int64, each func(*stored)) error {
	return s.readers.do(func(conn *sqliteWriter) error {
		find, err := conn.statement(`SELECT ` + storedColumns + ` FROM node WHERE id = ?`)
		if err != nil {
			return err
		}
		var slab []stored
		var room []byte
		for i, id := range ids {
			if i%someReads == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			err := find.run([]cell{number(id)}, func(row *sqliteStatement) {
				if len(slab) == 0 {
					slab = make([]stored, min(someReads, len(ids)-i))
				}
				n := &slab[0]
				slab = slab[1:]
				n.id, n.kind, n.tx = id, Kind(row.number(0)), row.number(1)
				var texts [4][]byte
				if n.kind.IsRecord() {
					n.line, n.at = row.number(2), row.number(3)
					texts[0] = row.view(5)
				} else {
					texts[0] = row.view(4)
				}
				texts[1] = row.view(6)
				if n.kind == KindEvent {
					n.shape = row.number(7)
					texts[2], texts[3] = row.view(8), row.view(9)
				}
				// One piece of memory for all of them.
				room = room[:0]
				for _, text := range texts {
					room = append(room, text...)
				}
				rest := string(room)
				for i, text := range []*string{&n.text, &n.links, &n.hash, &n.eventID} {
					*text, rest = rest[:len(texts[i])], rest[len(texts[i]):]
				}
				each(n)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqliteStore) later(ctx context.Context, nodes []int64, last int64, each func(node int64, data []byte) error) error {
	if nodes = s.linked.among(nodes); len(nodes) == 0 {
		return nil
	}
	return s.readers.do(func(conn *sqliteWriter) error {
		find, err := conn.statement(`SELECT data FROM link WHERE node = ? AND since <= ? ORDER BY since`)
		if err != nil {
			return err
		}
		for i, node := range nodes {
			if i%someReads == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			var problem error
			if err := find.run([]cell{number(node), number(last)}, func(row *sqliteStatement) { problem = errors.Join(problem, each(node, row.view(0))) }); err != nil || problem != nil {
				return errors.Join(err, problem)
			}
		}
		return nil
	})
}
