package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

const (
	// lockClass tells Pedigree's advisory locks from those of other programs.
	lockClass = index.ApplicationID

	// pollInterval is how often a gateway that waits tries the lock. New blocks are announced to it at once.
	pollInterval = 250 * time.Millisecond

	patience = 10 * time.Second
)

// lockID is the number of the leader's lock of this schema.
func (s *Store) lockID() int32 {
	sum := sha256.Sum256([]byte(s.schema))
	return int32(binary.BigEndian.Uint32(sum[:4]))
}

// channel is where the leader announces new blocks.
func (s *Store) channel() string { return "pedigree_index_" + s.schema }

// AwaitTurn implements [index.Writer]. No harm is done if two gateways should believe that they lead: see Write.
func (s *Store) AwaitTurn(ctx context.Context, height uint64) (bool, error) {
	if err := s.connect(ctx); err != nil {
		return false, err
	}
	if s.leads {
		return true, nil
	}
	if _, err := s.conn.Exec(ctx, "LISTEN "+pgx.Identifier{s.channel()}.Sanitize()); err != nil {
		return false, err
	}
	var seen uint64
	moved := time.Now()
	for {
		ours, reached, err := s.try(ctx)
		if err != nil {
			return false, err
		}
		if ours {
			s.leads = true
			_, err := s.conn.Exec(ctx, "UNLISTEN *")
			return true, err
		}
		if reached >= height {
			return false, nil
		}
		if reached != seen {
			seen, moved = reached, time.Now()
		}
		if time.Since(moved) > s.patience {
			if err := s.depose(ctx); err != nil {
				return false, err
			}
			moved = time.Now()
		}
		if err := s.listen(ctx); err != nil {
			return false, err
		}
	}
}

// try takes the lock if nobody holds it, and returns the number of blocks in the index.
func (s *Store) try(ctx context.Context) (ours bool, height uint64, err error) {
	err = s.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2), COALESCE((SELECT MAX(number) + 1 FROM block), 0)`,
		int32(lockClass), s.lockID()).Scan(&ours, &height)
	return ours, height, err
}

// Claim implements [index.Writer].
func (s *Store) Claim(ctx context.Context) error {
	if err := s.connect(ctx); err != nil || s.leads {
		return err
	}
	ours, _, err := s.try(ctx)
	if err != nil {
		return err
	}
	if s.leads = ours; !ours {
		return fmt.Errorf("the schema %s of PostgreSQL at %s: %w", s.schema, s.place, index.ErrInUse)
	}
	return nil
}

// listen waits for an announcement, for a while.
func (s *Store) listen(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, pollInterval)
	defer cancel()
	_, err := s.conn.WaitForNotification(soon)
	if err != nil && ctx.Err() == nil && soon.Err() != nil {
		return nil
	}
	return err
}

// depose ends the session that holds the lock if it has done nothing for long: its gateway hangs, or is cut off from
// the ledger. What that gateway writes later fails, because its connection is gone, and then it waits like any other.
func (s *Store) depose(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND a.state LIKE 'idle%' AND a.state_change < clock_timestamp() - $3::bigint * INTERVAL '1 millisecond'`,
		uint32(lockClass), uint32(s.lockID()), s.patience.Milliseconds())
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == pgNotAllowed {
		return nil // the session is another user's: then the server's keepalives have to end it
	}
	return err
}
