package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Store is the store in one schema of a database. It implements [index.Store].
type Store struct {
	config *pgx.ConnConfig // of the connection that writes
	schema string
	place  string // the server's addresses, for messages
	user   string

	readers *sql.DB

	// patience is how long the holder of the lock may do nothing while there are blocks to write. Then its session is
	// ended.
	patience time.Duration

	// The rest is used by one goroutine at a time.
	conn   *pgx.Conn
	leads  bool
	keys   *projection.Rows
	copies map[*projection.Rows]*rowCopy // of the present batch

	sent     int // bytes of rows sent
	analyzed int // bytes of rows sent when the server's statistics were made last
}

const (
	// oldestServer is the oldest release of PostgreSQL that the store is tested with.
	oldestServer = 15

	// readTimeout bounds a query, in milliseconds, unless the URL sets statement_timeout.
	readTimeout = "30000"
)

func newStore(config *pgx.ConnConfig, schema string) *Store {
	return &Store{
		config: config, schema: schema, place: addresses(config), user: config.User, readers: openReaders(config),
		patience: patience, keys: projection.NewRows("key", "hash", "id"), copies: map[*projection.Rows]*rowCopy{},
	}
}

// openReaders makes the pool of connections that read. It connects when it is used.
func openReaders(config *pgx.ConnConfig) *sql.DB {
	config = config.Copy()
	if _, ok := config.RuntimeParams["statement_timeout"]; !ok {
		config.RuntimeParams["statement_timeout"] = readTimeout
	}
	for name, value := range map[string]string{
		"default_transaction_read_only": "on",
		"jit":                           "off", // compiling takes longer than any of these queries
	} {
		config.RuntimeParams[name] = value
	}
	pool := stdlib.OpenDB(*config)
	most := max(4, 2*runtime.GOMAXPROCS(0))
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most)
	return pool
}

// connect makes sure that there is a connection that writes. A new one doesn't lead.
func (s *Store) connect(ctx context.Context) error {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	s.leads = false
	config := s.config.Copy()
	for name, value := range map[string]string{
		// The lock must not outlive the machine of its holder, nor a transaction its process.
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
		"idle_in_transaction_session_timeout": "60000",
		// A server that crashes may lose the last blocks, never consistency; the ledger gives them again.
		"synchronous_commit": "off",
	} {
		config.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return errors.Join(err, hangUp(conn))
	}
	if err := checkVersion(version); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", s.place, err), hangUp(conn))
	}
	s.conn = conn
	return nil
}

// checkVersion takes a number such as 150018, for release 15.18.
func checkVersion(number int) error {
	if number/10000 < oldestServer {
		return fmt.Errorf("this is PostgreSQL %d, and the index needs %d or newer", number/10000, oldestServer)
	}
	return nil
}

// hangUp ends a connection, and waits a second at most.
func hangUp(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return conn.Close(ctx)
}

// Close implements [index.Store].
func (s *Store) Close() error {
	err := s.readers.Close()
	if s.conn != nil && !s.conn.IsClosed() {
		err = errors.Join(err, hangUp(s.conn))
	}
	return err
}
