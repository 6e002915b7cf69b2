package postgres

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// defaultSchema is the schema of a URL that names none.
	defaultSchema = "pedigree"

	connectTimeout = 5 * time.Second
)

// IsURL says whether the place of an index is the URL of a database.
func IsURL(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}

// URLError says what is wrong with the URL of a database. It never has the URL in it, because that may hold a
// password.
type URLError struct{ Reason string }

func (e *URLError) Error() string { return "the index's URL " + e.Reason }

// CheckURL says what is wrong with the URL of a database, without connecting. The error is a *URLError.
func CheckURL(place string) error {
	_, err := New(place)
	return err
}

// WithSchema is the URL of a database with the schema to use. The URL must not name one. The error is a *URLError.
func WithSchema(place, schema string) (string, error) {
	if err := CheckURL(place); err != nil {
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

var errNoURL = &URLError{"isn't one: it should read postgres://user:password@host:port/database, " +
	"with marks such as / @ : and % in a name or a password written as %2F, %40, %3A and %25"}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// New makes a store from the URL of a database, without connecting. The error is a *URLError.
func New(place string) (*Store, error) {
	// What net/url and pgx say about a bad URL may hold a part of the password.
	if u, err := url.Parse(place); err != nil || !IsURL(place) || u.Opaque != "" {
		return nil, errNoURL
	}
	config, err := pgx.ParseConfig(place)
	if err != nil {
		return nil, &URLError{"has a part that PostgreSQL doesn't know, or names a file that can't be read: " +
			"check the port and what stands after ?, such as sslmode and sslrootcert"}
	}
	schema, ok := config.RuntimeParams["search_path"]
	if !ok {
		schema = defaultSchema
	}
	if !schemaName.MatchString(schema) {
		return nil, &URLError{"has a search_path that isn't the name of one schema: " +
			"lower-case letters, digits and _, at most 63"}
	}
	for name, value := range map[string]string{"application_name": "pedigree", "search_path": schema} {
		if _, ok := config.RuntimeParams[name]; !ok {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	return newStore(config, schema), nil
}

// addresses are where the server is.
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
