package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// connPool is connections for the reads that walks make by the ten thousand.
type connPool struct {
	path   string
	mutex  sync.Mutex
	free   []*conn
	closed bool
}

var errClosed = errors.New("the index is closed")

// do lends work a connection, within a transaction: everything it reads is of one state.
func (p *connPool) do(work func(*conn) error) error {
	c, err := p.take()
	if err != nil {
		return err
	}
	if err := c.exec("BEGIN"); err != nil {
		return errors.Join(err, c.close())
	}
	err = work(c)
	if ended := c.exec("COMMIT"); ended != nil { // the connection would stay in this transaction for ever
		return errors.Join(err, ended, c.close())
	}
	return errors.Join(err, p.giveBack(c))
}

func (p *connPool) take() (*conn, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		return c, nil
	}
	c, err := openConn(p.path, `PRAGMA busy_timeout = 10000; PRAGMA query_only = 1;
		PRAGMA cache_size = -8192; PRAGMA mmap_size = 1073741824`)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the index for reading: %w", err)
	}
	return c, nil
}

func (p *connPool) giveBack(c *conn) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.closed || len(p.free) >= mostReaders() {
		return c.close()
	}
	p.free = append(p.free, c)
	return nil
}

func (p *connPool) close() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.closed = true
	var err error
	for _, c := range p.free {
		err = errors.Join(err, c.close())
	}
	p.free = nil
	return err
}

// readsPerCheck is after how many reads the context is looked at.
const readsPerCheck = 256

// Nodes implements [index.Reader].
func (s *Store) Nodes(ctx context.Context, ids []int64, f func(*index.Node)) error {
	return s.conns.do(func(c *conn) error {
		find, err := c.prepare(`SELECT kind, tx, line, time, COALESCE(thing, name), digest, links, shape, hash, eventid
			FROM node WHERE id = ?`)
		if err != nil {
			return err
		}
		var slab []index.Node // memory for the next nodes
		var room []byte
		for i, id := range ids {
			if i%readsPerCheck == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			err := find.run([]projection.Cell{projection.Number(id)}, func(row *statement) {
				if len(slab) == 0 {
					slab = make([]index.Node, min(readsPerCheck, len(ids)-i))
				}
				n := &slab[0]
				slab = slab[1:]
				n.ID = id
				room = row.node(n, room)
				f(n)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// node reads a row of Nodes. All texts of a node share one piece of memory, which is put together in room.
func (s *statement) node(n *index.Node, room []byte) []byte {
	n.Kind, n.Tx = index.Kind(s.number(0)), s.number(1)
	var texts [4][]byte
	if n.Kind.IsRecord() {
		n.Line, n.Time = s.number(2), s.number(3)
		texts[0] = s.view(5)
	} else {
		texts[0] = s.view(4)
	}
	texts[1] = s.view(6)
	if n.Kind == index.KindEvent {
		n.Shape = s.number(7)
		texts[2], texts[3] = s.view(8), s.view(9)
	}
	room = room[:0]
	for _, text := range texts {
		room = append(room, text...)
	}
	rest := string(room)
	for i, text := range []*string{&n.Text, &n.Links, &n.EventHash, &n.EventID} {
		*text, rest = rest[:len(texts[i])], rest[len(texts[i]):]
	}
	return room
}

// LaterLinks implements [index.Reader].
func (s *Store) LaterLinks(
	ctx context.Context, nodes []int64, last int64, f func(node int64, data []byte) error,
) error {
	if nodes = s.linked.among(nodes); len(nodes) == 0 {
		return nil
	}
	return s.conns.do(func(c *conn) error {
		find, err := c.prepare(`SELECT data FROM link WHERE node = ? AND since <= ? ORDER BY since`)
		if err != nil {
			return err
		}
		for i, node := range nodes {
			if i%readsPerCheck == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			var problem error
			err := find.run([]projection.Cell{projection.Number(node), projection.Number(last)}, func(row *statement) {
				problem = errors.Join(problem, f(node, row.view(0)))
			})
			if err != nil || problem != nil {
				return errors.Join(err, problem)
			}
		}
		return nil
	})
}
