package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// oldestPostgres is the oldest release that this is tested with.
	oldestPostgres = 15

	// defaultSchema is where the tables lie if the URL doesn't say.
	defaultSchema = "pedigree"

	connectTimeout = 5 * time.Second

	// readTimeout bounds a query, in milliseconds, unless the URL sets
	// statement_timeout.
	readTimeout = "30000"
)

// postgres keeps an index in one schema of a PostgreSQL database.
//
// Several gateways may share it. One of them leads: the session of its writing
// connection holds an advisory lock, which the server gives back when the
// connection ends, however it ends. The others wait for the blocks that it
// writes, and for the lock (see turn).
type postgres struct {
	config *pgx.ConnConfig // of the connection that writes
	schema string
	place  string // the server, for people: never with a password
	user   string

	pool *sql.DB // of those that read

	// patience is how long a holder of the lock may do nothing while there are
	// blocks to write: then it is taken for stuck, and its session is ended.
	patience time.Duration

	// For one goroutine at a time.
	conn   *pgx.Conn
	leads  bool
	keys   *bulk
	copies map[*bulk]*rowCopy // of the batch under way
	// Bytes of rows sent: in all, and when the server last looked at them (see send).
	sent, looked int
}

// IsPostgres tells whether a place of an index is the URL of a database.
func IsPostgres(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}

// URLError says what is wrong with the URL of a database. It never holds the
// URL, which may have a password in it.
type URLError struct{ Reason string }

func (e *URLError) Error() string { return "the index's URL " + e.Reason }

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// CheckPostgres says what is wrong with the URL of a database, without asking
// it. The error is a *URLError.
func CheckPostgres(place string) error {
	_, err := newPostgres(place)
	return err
}

// WithSchema is the URL of a database with the schema to use. The URL must not
// name one. The error is a *URLError.
func WithSchema(place, schema string) (string, error) {
	if err := CheckPostgres(place); err != nil {
		return "", err
	}
	u, err := url.Parse(place)
	if err != nil {
		return "", errNoURL
	}
	query := u.Query()
	if query.Has("search_path") {
		return "", &URLError{"names a schema in search_path, where each organisation gets one of its own: leave it out"}
	}
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

var errNoURL = &URLError{"isn't one: it should read postgres://user:password@host:port/database, with marks such as / @ : and % in a name or a password written as %2F, %40, %3A and %25"}

// newPostgres reads the URL, and does nothing else.
func newPostgres(place string) (*postgres, error) {
	// What net/url and pgx say of a bad URL may hold a part of a password.
	if u, err := url.Parse(place); err != nil || !IsPostgres(place) || u.Opaque != "" {
		return nil, errNoURL
	}
	config, err := pgx.ParseConfig(place)
	if err != nil {
		return nil, &URLError{"has a part that PostgreSQL doesn't know, or names a file that can't be read: check the port and what stands after ?, such as sslmode and sslrootcert"}
	}
	p := &postgres{config: config, schema: defaultSchema, place: addresses(config), user: config.User, patience: patience, keys: newBulk("key", "hash", "id"), copies: map[*bulk]*rowCopy{}}
	if path, ok := config.RuntimeParams["search_path"]; ok {
		p.schema = path
	}
	if !schemaName.MatchString(p.schema) {
		return nil, &URLError{"has a search_path that isn't the name of one schema: lower-case letters, digits and _, at most 63"}
	}
	defaults := map[string]string{"application_name": "pedigree", "search_path": p.schema}
	for name, value := range defaults {
		if _, ok := config.RuntimeParams[name]; !ok {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	return p, nil
}

// addresses tells where the server is.
func addresses(config *pgx.ConnConfig) string {
	all := []string{address(config.Host, config.Port)}
	for _, f := range config.Fallbacks {
		if next := address(f.Host, f.Port); next != all[len(all)-1] {
			all = append(all, next)
		}
	}
	return strings.Join(all, ", ")
}

func address(host string, port uint16) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }

// readers opens the pool of those that read. It connects when it is used.
func (p *postgres) readers() *sql.DB {
	config := p.config.Copy()
	if _, ok := config.RuntimeParams["statement_timeout"]; !ok {
		config.RuntimeParams["statement_timeout"] = readTimeout
	}
	for name, value := range map[string]string{
		"default_transaction_read_only": "on",
		"jit":                           "off", // takes longer than any of these queries
	} {
		config.RuntimeParams[name] = value
	}
	pool := stdlib.OpenDB(*config)
	most := max(4, 2*runtime.GOMAXPROCS(0))
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most)
	return pool
}

// connect makes sure that there is a connection that writes. A new one doesn't
// lead.
func (p *postgres) connect(ctx context.Context) error {
	if p.conn != nil && !p.conn.IsClosed() {
		return nil
	}
	p.leads = false
	config := p.config.Copy()
	// The lock must not outlive a holder whose machine is gone, nor a transaction
	// its process.
	for name, value := range map[string]string{
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3", "idle_in_transaction_session_timeout": "60000",
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
		return errors.Join(fmt.Errorf("%s: %w", p.place, err), hangUp(conn))
	}
	p.conn = conn
	return nil
}

// checkVersion takes a number such as 150018, for 15.18.
func checkVersion(number int) error {
	if number/10000 < oldestPostgres {
		return fmt.Errorf("this is PostgreSQL %d, and the index needs %d or newer", number/10000, oldestPostgres)
	}
	return nil
}

// hangUp ends a connection within bounds.
func hangUp(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return conn.Close(ctx)
}

func (p *postgres) close() error {
	err := p.pool.Close()
	if p.conn != nil && !p.conn.IsClosed() {
		err = errors.Join(err, hangUp(p.conn))
	}
	return err
}
