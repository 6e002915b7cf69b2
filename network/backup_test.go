package network

import (
	"bytes"
	"database/sql"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network/archive"
)

// stopped makes a network that never ran, with a database in each organisation's queue that is still open for writing.
func stopped(t *testing.T) (folder, map[string]*sql.DB) {
	t.Helper()
	d := folder(filepath.Join(t.TempDir(), "net"))
	lock, err := d.take()
	require.NoError(t, err)
	defer lock.Close()
	require.NoError(t, d.claim())
	p, err := newPlan(DefaultOrgs, 4, 0, "test")
	require.NoError(t, err)
	require.NoError(t, d.makeIdentities(p))
	require.NoError(t, d.gatherRoots(p))
	require.NoError(t, d.makeTokens(p))
	require.NoError(t, os.WriteFile(d.genesis(), []byte("genesis"), 0o644))
	queues := map[string]*sql.DB{}
	for _, org := range p.Orgs {
		for _, name := range []string{"gateway/queue/queue.db", "gateway/index.db", "gateway/queue/queue-damaged-1.db",
			"gateway/gateway.lock", "peer/ledger/blocks"} {
			path := d.path(org.Name, filepath.FromSlash(name))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, nil, 0o644))
		}
		db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: d.path(org.Name, "gateway", "queue", "queue.db")}).EscapedPath()+
			"?_pragma=journal_mode(WAL)")
		require.NoError(t, err)
		t.Cleanup(func() { db.Close() })
		_, err = db.Exec("CREATE TABLE job (id TEXT)")
		require.NoError(t, err)
		_, err = db.Exec("INSERT INTO job VALUES ('acknowledged')")
		require.NoError(t, err)
		queues[org.Name] = db
	}
	require.NoError(t, p.write(d))
	require.NoError(t, os.Remove(d.makingFile()))
	return d, queues
}

// tell runs a command as its user does.
func tell(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	verbs := map[string]func() error{}
	var written bytes.Buffer
	for _, c := range []interface {
		Name() string
		SetArgs([]string)
		SetOut(io.Writer)
		SetErr(io.Writer)
		Execute() error
	}{Backup(), Restore()} {
		c.SetArgs(args[1:])
		c.SetOut(&written)
		c.SetErr(&written)
		verbs[c.Name()] = c.Execute
	}
	err = verbs[args[0]]()
	return written.String(), err
}

func key(t *testing.T) (private, public string) {
	t.Helper()
	private = filepath.Join(t.TempDir(), "backup.key")
	said, err := tell(t, "backup", "key", private)
	require.NoError(t, err)
	public = private + ".pub"
	require.NoError(t, os.WriteFile(public, []byte(said), 0o644))
	return private, public
}

// files reads all files below a folder.
func files(t *testing.T, dir folder) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(string(dir)), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(dir.path(path))
			all[path] = string(text)
		}
		return err
	}))
	return all
}

func TestAnOrganisationIsRestoredBesideTheOthers(t *testing.T) {
	d, queues := stopped(t)
	private, public := key(t)
	file := filepath.Join(t.TempDir(), "lab.backup")
	said, err := tell(t, "backup", "--dir", string(d), "--organisation", "lab", "--recipients", public, file)
	require.NoError(t, err, said)
	_, err = queues["lab"].Exec("INSERT INTO job VALUES ('later')")
	require.NoError(t, err)
	require.NoError(t, queues["lab"].Close())
	before := files(t, d)

	sealed, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(sealed), "network.json")
	said, err = tell(t, "backup", "verify", "--identity", private, file)
	require.NoError(t, err)
	assert.Contains(t, said, "backup of lab, made ")

	_, err = tell(t, "restore", "--dir", string(d), "--identity", private, file)
	require.ErrorContains(t, err, "lab exists, and restore overwrites nothing")
	assert.Equal(t, before, files(t, d))

	require.NoError(t, os.RemoveAll(d.path("lab")))
	said, err = tell(t, "restore", "--dir", string(d), "--identity", private, file)
	require.NoError(t, err, said)
	assert.NotContains(t, said, "put their folders there")
	after := files(t, d)
	for name, text := range before {
		switch {
		case strings.HasPrefix(name, "lab/gateway/queue/queue.db"), name == "lock":
		case strings.HasPrefix(name, "lab/") && rebuilt(name), strings.HasPrefix(name, "lab/peer/ledger"):
			assert.NotContains(t, after, name)
		default:
			assert.Equal(t, text, after[name], name)
		}
	}
	require.NoError(t, filepath.WalkDir(d.path("lab"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			info, err := entry.Info()
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o600), info.Mode(), path)
		}
		return err
	}))
	db, err := sql.Open("sqlite", d.path("lab", "gateway", "queue", "queue.db"))
	require.NoError(t, err)
	defer db.Close()
	var jobs string
	require.NoError(t, db.QueryRow("SELECT group_concat(id) FROM job").Scan(&jobs))
	assert.Equal(t, "acknowledged", jobs)
	assert.NoDirExists(t, d.path("run", "restore"))
	left, err := filepath.Glob(d.path("run", "backup-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestANetworkIsRestoredIntoAnEmptyFolder(t *testing.T) {
	d, _ := stopped(t)
	secret := filepath.Join(t.TempDir(), "passphrase")
	require.NoError(t, os.WriteFile(secret, []byte("seven salmon swim\n"), 0o600))
	file := filepath.Join(t.TempDir(), "all.backup")
	said, err := tell(t, "backup", "--dir", string(d), "--passphrase-file", secret, file)
	require.NoError(t, err, said)
	into := folder(filepath.Join(t.TempDir(), "new"))
	said, err = tell(t, "restore", "--dir", string(into), "--passphrase-file", secret, file)
	require.NoError(t, err, said)
	p, err := readPlan(into)
	require.NoError(t, err)
	assert.Len(t, p.Orgs, 3)
	assert.FileExists(t, into.path("orderer", "orderer3", "tls", "key.pem"))
	assert.NoFileExists(t, into.makingFile())
	assert.True(t, into.made())

	other := folder(t.TempDir())
	require.NoError(t, os.WriteFile(other.path("thesis.tex"), nil, 0o644))
	_, err = tell(t, "restore", "--dir", string(other), "--passphrase-file", secret, file)
	require.ErrorContains(t, err, "holds thesis.tex and no network.json")
	another, _ := stopped(t)
	_, err = tell(t, "restore", "--dir", string(another), "--passphrase-file", secret, file)
	require.ErrorContains(t, err, "has another network than the backup")

	_, err = tell(t, "backup", "--dir", string(d), "--passphrase-file", secret, file)
	require.ErrorContains(t, err, "exists, and nothing is overwritten")
	require.NoError(t, os.WriteFile(secret, []byte("another passphrase\n"), 0o600))
	_, err = tell(t, "backup", "verify", "--passphrase-file", secret, file)
	require.ErrorContains(t, err, "isn't the one that the backup was made for")
	_, err = tell(t, "backup", "--dir", string(d), "--organisation", "bakery", "--passphrase-file", secret, file+"2")
	require.ErrorContains(t, err, `no organisation "bakery"`)
	require.NoError(t, os.WriteFile(secret, []byte("short\n"), 0o600))
	_, err = tell(t, "backup", "--dir", string(d), "--passphrase-file", secret, file+"2")
	require.ErrorContains(t, err, "needs 12 characters")
	assert.NoFileExists(t, file+"2")
}

func TestAnOrganisationOnItsOwnHostIsRestored(t *testing.T) {
	d := folder(filepath.Join(t.TempDir(), "harbor"))
	require.NoError(t, InitOrganisation(t.Context(), string(d), harborAlone))
	for name, text := range map[string]string{
		"charter.json": "{}", "harbor/gateway.json": "{}", "harbor/gateway/queue/queue-damaged-1.db": "acknowledged",
		"market/tlsca/cert.pem": "of somebody else", "harbor/peer/ledger/blocks": "ledger", "orderer/orderer1/wal/1": "ledger",
		"harbor/gateway/index.db": "index", "log/harbor-peer.log": "log", "bin/pedigree": "program",
		"orderer/orderer1/ledger/blocks": "ledger",
	} {
		require.NoError(t, layFile(d.path(filepath.FromSlash(name)), []byte(text)))
	}
	private, public := key(t)
	file := filepath.Join(t.TempDir(), "harbor.backup")
	linked, mounted := d.path("harbor", "peer", "tls", "key.pem"), filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.Rename(linked, mounted))
	require.NoError(t, os.Symlink(mounted, linked))
	said, err := tell(t, "backup", "--dir", string(d), "--recipients", public, file)
	require.NoError(t, err, said)
	require.NoError(t, os.Remove(linked))
	require.NoError(t, os.Rename(mounted, linked))
	before := files(t, d)
	_, err = tell(t, "backup", "--dir", string(d), "--organisation", "market", "--recipients", public, file+"2")
	require.ErrorContains(t, err, "has only the organisation harbor")
	_, err = tell(t, "backup", "--dir", d.path("harbor"), "--recipients", public, file+"2")
	require.ErrorContains(t, err, "back up all of it with `pedigree backup --dir "+string(d)+"`")
	_, err = tell(t, "restore", "--dir", string(d), "--identity", private, file)
	require.ErrorContains(t, err, "is the folder of an organisation")
	assert.Equal(t, before, files(t, d))

	into := folder(filepath.Join(t.TempDir(), "again"))
	said, err = tell(t, "restore", "--dir", string(into), "--identity", private, file)
	require.NoError(t, err, said)
	assert.Contains(t, said, "start it with `pedigree node start "+string(into)+" --rejoin orderer1`")
	after := files(t, into)
	for name, text := range before {
		switch part, _, _ := strings.Cut(name, "/"); {
		case rebuilt(name), text == "ledger", part == "log", part == "bin", part == "market":
			assert.NotContains(t, after, name)
		case name == "organisation.json": // says that its orderers have lost their ledger
			assert.Contains(t, after[name], `"joined"`)
		default:
			assert.Equal(t, text, after[name], name)
		}
	}
	was, err := CardOf(string(d))
	require.NoError(t, err)
	is, err := CardOf(string(into))
	require.NoError(t, err)
	assert.Equal(t, was.Digest(), is.Digest())
}

func TestADamagedBackupIsRefusedAndNothingIsWritten(t *testing.T) {
	d, _ := stopped(t)
	private, public := key(t)
	file := filepath.Join(t.TempDir(), "all.backup")
	_, err := tell(t, "backup", "--dir", string(d), "--recipients", public, file)
	require.NoError(t, err)
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for name, damage := range map[string]func([]byte) []byte{
		"cut short":      func(b []byte) []byte { return b[:len(b)-100] },
		"a byte changed": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"empty":          func([]byte) []byte { return nil },
		"other":          func([]byte) []byte { return []byte("a letter\n") },
	} {
		t.Run(name, func(t *testing.T) {
			broken := filepath.Join(t.TempDir(), "broken.backup")
			require.NoError(t, os.WriteFile(broken, damage(bytes.Clone(whole)), 0o600))
			_, err := tell(t, "backup", "verify", "--identity", private, broken)
			require.ErrorContains(t, err, "damaged")
			into := filepath.Join(t.TempDir(), "new")
			_, err = tell(t, "restore", "--dir", into, "--identity", private, broken)
			require.ErrorContains(t, err, "damaged")
			assert.NoDirExists(t, into)
		})
	}
}

func TestNamesInABackupStayInItsFolders(t *testing.T) {
	for name, m := range map[string]archive.Manifest{
		"impossible name": {Owners: []string{"../lab"}},
		"in its log":      {Owners: []string{"log"}},
		"no organisation": {Owners: []string{"lab"}, Files: []archive.File{{Name: "bin/pedigree"}}},
	} {
		assert.Error(t, checkNames(m), name)
	}
	assert.NoError(t, checkNames(archive.Manifest{
		Owners: []string{"lab", "orderer"}, Files: []archive.File{{Name: "lab/ca/key.pem"}, {Name: "network.json"}}}))
	for name, m := range map[string]archive.Manifest{
		"impossible name": {Owners: []string{"../lab"}},
		"impossible":      {Owners: []string{"lab", "market"}},
		"no organisation": {Owners: []string{"lab"}, Files: []archive.File{{Name: "bin/pedigree"}}},
	} {
		assert.ErrorContains(t, checkOrganisationNames(m), name)
	}
}
