package indextest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/test/thorough"
)

// Postgres is a PostgreSQL server of the tests' own: it listens on a free port
// of 127.0.0.1, keeps its data in a folder of its own, and its user, database
// and password are the constants below.
type Postgres struct {
	Port int

	folder  string
	as      *syscall.Credential // nil: as this process
	bin     string
	process *exec.Cmd
	said    bytes.Buffer
	ended   chan struct{}
}

// Who may use the server, with what password, and the database that is there.
const (
	PostgresUser     = "pedigree"
	PostgresPassword = "not-a-secret:/@é"
	PostgresDatabase = "pedigree"
)

// binaries finds the folder of PostgreSQL's programs, the newest if there are
// several: Debian keeps them out of the search path.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		version := func(path string) int {
			n, _ := strconv.Atoi(strings.Split(path, "/")[4])
			return n
		}
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New(
			"there is no PostgreSQL server on this machine: neither /usr/lib/postgresql/*/bin/initdb nor initdb in the PATH; Debian's package is postgresql",
		)
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return "", err
	}
	return filepath.Dir(initdb), nil
}

// unprivileged is who the server runs as: it refuses to run as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
	}
	return nil, errors.New(
		"the tests run as root, which PostgreSQL refuses, and there is no user postgres or nobody to run it as",
	)
}

// StartPostgres makes a server for one test alone, which may stop and start it.
// Tests that only need a database share a server: see [PostgresURL]. The test is
// skipped, with the reason, where there is no PostgreSQL.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		t.Skip(err)
	}
	p, err := newPostgres(bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.remove(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// newPostgres makes a server and starts it.
func newPostgres(bin string) (*Postgres, error) {
	p := &Postgres{bin: bin}
	var err error
	if p.as, err = unprivileged(); err != nil {
		return nil, err
	}
	if p.folder, err = os.MkdirTemp("", "pedigree-postgres-"); err != nil {
		return nil, err
	}
	if err = p.make(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.folder))
	}
	return p, nil
}

func (p *Postgres) make() error {
	secret := filepath.Join(p.folder, "password")
	if err := os.WriteFile(secret, []byte(PostgresPassword+"\n"), 0o600); err != nil {
		return err
	}
	if p.as != nil {
		for _, path := range []string{p.folder, secret} {
			if err := os.Chown(path, int(p.as.Uid), int(p.as.Gid)); err != nil {
				return err
			}
		}
	}
	initdb := p.command(
		"initdb",
		"--pgdata",
		p.data(),
		"--username",
		PostgresUser,
		"--pwfile",
		secret,
		"--auth",
		"scram-sha-256",
		"--encoding",
		"UTF8",
		"--locale",
		"C.UTF-8",
		"--no-sync",
		"--no-instructions",
	)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf(
			"couldn't make a PostgreSQL server with %s (as another user, if this is root, who must be able to reach %s): %w: %s",
			initdb.Path,
			p.folder,
			err,
			out,
		)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.Port = free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return err
	}
	if err := p.run(); err != nil {
		return err
	}
	return p.psql("postgres", "CREATE DATABASE "+PostgresDatabase)
}

func (p *Postgres) data() string { return filepath.Join(p.folder, "data") }

func (p *Postgres) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, program), args...)
	c.Dir = p.folder
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "PGPASSWORD=" + PostgresPassword}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	return c
}

// psql runs one statement.
func (p *Postgres) psql(database, statement string) error {
	c := p.command(
		"psql",
		"--no-psqlrc",
		"--quiet",
		"--host",
		"127.0.0.1",
		"--port",
		strconv.Itoa(p.Port),
		"--username",
		PostgresUser,
		"--dbname",
		database,
		"--set",
		"ON_ERROR_STOP=1",
		"--command",
		statement,
	)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", statement, err, out)
	}
	return nil
}

// Start starts a stopped server, on the same port and with the same data, and
// waits until it takes connections.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
}

func (p *Postgres) run() error {
	// Tests ask for what was committed, not whether the disk has it.
	c := p.command(
		"postgres",
		"-D",
		p.data(),
		"-c",
		"listen_addresses=127.0.0.1",
		"-c",
		"port="+strconv.Itoa(p.Port),
		"-c",
		"unix_socket_directories="+p.folder,
		"-c",
		"fsync=off",
		"-c",
		"full_page_writes=off",
		"-c",
		"synchronous_commit=off",
		"-c",
		"max_connections=1000", // a property keeps the index of each of its worlds until it ends
	)
	p.said.Reset()
	c.Stdout, c.Stderr = &p.said, &p.said
	// Should this process be killed, the server ends too. The kernel ties that to
	// the thread that started it, so one goroutine holds a thread until it ended.
	c.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			_ = c.Wait() // whoever stopped it knows how
			close(ended)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("couldn't start PostgreSQL: %w", err)
	}
	p.process, p.ended = c, ended
	return p.await()
}

// await waits until the server takes connections.
func (p *Postgres) await() error {
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for p.command("pg_isready", "--quiet", "--host", "127.0.0.1", "--port", strconv.Itoa(p.Port)).Run() != nil {
		select {
		case <-p.ended:
			return fmt.Errorf("PostgreSQL ended while it was starting: %s", p.said.String())
		case <-deadline.C:
			return errors.Join(errors.New("PostgreSQL took more than a minute to start"), p.end(syscall.SIGQUIT))
		case <-tick.C:
		}
	}
	return nil
}

// Stop ends the server and all its connections at once, as a crash would.
func (p *Postgres) Stop(t testing.TB) {
	t.Helper()
	if err := p.end(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
}

func (p *Postgres) end(signal syscall.Signal) error {
	if p.process == nil {
		return nil
	}
	err := p.process.Process.Signal(signal)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-p.ended
	p.process = nil
	return err
}

func (p *Postgres) remove() error {
	return errors.Join(p.end(syscall.SIGQUIT), os.RemoveAll(p.folder))
}

// Address is where the server listens.
func (p *Postgres) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)) }

// URL is that of a schema in the server's database. Nothing is made of it yet.
func (p *Postgres) URL(schema string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(PostgresUser, PostgresPassword), Host: p.Address(),
		Path:     "/" + PostgresDatabase,
		RawQuery: url.Values{"search_path": {schema}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

// together is the server that the tests of a program share.
var together struct {
	once    sync.Once
	server  *Postgres
	skip    error
	failed  error
	schemas atomic.Int64
}

// PostgresURL is the URL of a new schema on the server that the tests of this
// program share; TestMain has to call [Shutdown] at the end. The test is skipped,
// with the reason, where there is no PostgreSQL.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return SharedPostgres(t).URL(fmt.Sprintf("test%d", together.schemas.Add(1)))
}

// SharedPostgres is the server that the tests of this program share. Nobody may
// stop it.
func SharedPostgres(t testing.TB) *Postgres {
	t.Helper()
	together.once.Do(func() {
		var bin string
		if bin, together.skip = binaries(); together.skip == nil {
			together.server, together.failed = newPostgres(bin)
		}
	})
	if together.skip != nil {
		t.Skip(together.skip)
	}
	if together.failed != nil {
		t.Fatal(together.failed)
	}
	return together.server
}

// elsewhere names the variable with the URL of a server, in whose database Open
// then keeps its indexes.
const elsewhere = "PEDIGREE_TEST_INDEX"

// OnPostgres runs all other tests of the calling program once more, in a process
// whose indexes are kept in a PostgreSQL server of its own. Tests whose names begin
// with TestPostgres are left out, as they always use one: so the caller's name has
// to begin like that, too. More arguments for that process are optional: they say
// how little is enough there, and are left out where PEDIGREE_THOROUGH is set.
func OnPostgres(t *testing.T, more ...string) {
	t.Helper()
	server := StartPostgres(t)
	if thorough.Asked() {
		more = nil
	}
	again := exec.CommandContext(t.Context(), os.Args[0], append(more, "-test.v", "-test.skip=^TestPostgres")...)
	again.Env = append(os.Environ(), elsewhere+"="+server.URL(""))
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("with PostgreSQL: %v\n%s", err, out)
	}
	passed := bytes.Count(out, []byte("\n--- PASS: "))
	if passed == 0 {
		t.Fatalf("no test ran with PostgreSQL:\n%s", out)
	}
	t.Logf("%d tests passed with PostgreSQL", passed)
}

// place is where Open keeps the next index.
func place(t testing.TB) string {
	server := os.Getenv(elsewhere)
	if server == "" {
		return filepath.Join(t.TempDir(), "index.db")
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", fmt.Sprintf("test%d_%d", os.Getpid(), together.schemas.Add(1)))
	u.RawQuery = query.Encode()
	return u.String()
}

// Main is the TestMain of a package whose tests share a server. It doesn't return.
func Main(m *testing.M) {
	code := m.Run()
	if err := Shutdown(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Shutdown ends the server that tests shared, if there was one.
func Shutdown() error {
	if together.server == nil {
		return nil
	}
	return together.server.remove()
}
