package index

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// lockClass marks our advisory locks among those of other programs: "Pdgr".
	lockClass = applicationID

	// pollInterval is how often one that waits tries the lock. Of blocks it is told at once.
	pollInterval = 250 * time.Millisecond

	patience = 10 * time.Second
)

// lockID is the schema's number among our locks.
func (p *postgres) lockID() int32 {
	sum := sha256.Sum256([]byte(p.schema))
	return int32(binary.BigEndian.Uint32(sum[:4]))
}

// channel is where the writer tells of new blocks.
func (p *postgres) channel() string { return "pedigree_index_" + p.schema }

// turn waits until this index may write, or another gateway has brought it to
// height, so that there is nothing left to write: then it doesn't lead.
//
// Nothing is lost if two should believe that they lead: see write.
func (p *postgres) turn(ctx context.Context, height uint64) (bool, error) {
	if err := p.connect(ctx); err != nil {
		return false, err
	}
	if p.leads {
		return true, nil
	}
	if _, err := p.conn.Exec(ctx, "LISTEN "+pgx.Identifier{p.channel()}.Sanitize()); err != nil {
		return false, err
	}
	var seen uint64
	moved := time.Now()
	for {
		ours, stands, err := p.try(ctx)
		if err != nil {
			return false, err
		}
		if ours {
			p.leads = true
			_, err := p.conn.Exec(ctx, "UNLISTEN *")
			return true, err
		}
		if stands >= height {
			return false, nil
		}
		if stands != seen {
			seen, moved = stands, time.Now()
		}
		if time.Since(moved) > p.patience {
			if err := p.depose(ctx); err != nil {
				return false, err
			}
			moved = time.Now()
		}
		if err := p.listen(ctx); err != nil {
			return false, err
		}
	}
}

// try takes the lock if nobody holds it, and tells how many blocks there are.
func (p *postgres) try(ctx context.Context) (ours bool, height uint64, err error) {
	err = p.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2), COALESCE((SELECT MAX(number) + 1 FROM block), 0)`, int32(lockClass), p.lockID()).Scan(&ours, &height)
	return ours, height, err
}

// claim takes the lock, or says who has it.
func (p *postgres) claim(ctx context.Context) error {
	if err := p.connect(ctx); err != nil || p.leads {
		return err
	}
	ours, _, err := p.try(ctx)
	if err != nil {
		return err
	}
	if p.leads = ours; !ours {
		return fmt.Errorf("the schema %s of PostgreSQL at %s: %w", p.schema, p.place, ErrInUse)
	}
	return nil
}

// listen waits a while for somebody to write.
func (p *postgres) listen(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, pollInterval)
	defer cancel()
	_, err := p.conn.WaitForNotification(soon)
	if err != nil && ctx.Err() == nil && soon.Err() != nil {
		return nil
	}
	return err
}

// depose ends the session that holds the lock if it has done nothing for long:
// its gateway hangs, or is cut off from the ledger. Whatever it writes later
// fails, for its connection is gone, and it waits like any other.
func (p *postgres) depose(ctx context.Context) error {
	_, err := p.conn.Exec(ctx, `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND a.state LIKE 'idle%' AND a.state_change < clock_timestamp() - $3::bigint * INTERVAL '1 millisecond'`,
		uint32(lockClass), uint32(p.lockID()), p.patience.Milliseconds())
	var told *pgconn.PgError
	if errors.As(err, &told) && told.Code == pgNotAllowed {
		return nil // it belongs to another user: then the server's keepalives have to do
	}
	return err
}
