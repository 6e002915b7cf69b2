package network

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

func TestAnOrganisationKeepsItsKeysToItself(t *testing.T) {
	dirs, file := founders(t, 4, 0)
	keys := 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if strings.Contains(string(text), "PRIVATE KEY") || strings.HasSuffix(path, ".token") {
				if keys++; info.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %v", path, info.Mode())
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if keys < 20 {
		t.Errorf("found only %d keys", keys)
	}
	text, err := file.Text()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("PRIVATE KEY")) {
		t.Error("the charter has a key in it")
	}
}

func TestOrganisationsThatCanNotBeMade(t *testing.T) {
	good := Organisation{Name: "harbor", Host: "h.example", Orderers: 1, BasePort: 7050, AuthorityDays: 30, Days: 10}
	for want, spoil := range map[string]func(o *Organisation){
		"needs a name":      func(o *Organisation) { o.Name = "" },
		"isn't of the form": func(o *Organisation) { o.Name = "Harbor Ltd" },
		"can't be called":   func(o *Organisation) { o.Name = "orderer" },
		"MSP id":            func(o *Organisation) { o.MSPID = "a'b" },
		"neither a host":    func(o *Organisation) { o.Host = "https://h" },
		"0 to 16 orderers":  func(o *Organisation) { o.Orderers = 17 },
		"leaves no room":    func(o *Organisation) { o.BasePort = 65530 },
		"at most ten years": func(o *Organisation) { o.AuthorityDays = 5000 },
		"at least a day":    func(o *Organisation) { o.Days = 31 },
	} {
		o := good
		spoil(&o)
		if err := InitOrganisation(t.Context(), filepath.Join(t.TempDir(), "x"), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("said %v, want %q", err, want)
		}
	}
}

// harborAlone is an organisation that can be made.
var harborAlone = Organisation{Name: "harbor", Host: "127.0.0.1", Orderers: 1, BasePort: 7050, AuthorityDays: 3,
	Days: 2}

func TestAnOrganisationIsNeverMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "harbor")
	require.NoError(t, InitOrganisation(t.Context(), dir, harborAlone))
	before, err := CardOf(dir)
	require.NoError(t, err)

	err = InitOrganisation(t.Context(), dir, harborAlone)
	require.ErrorContains(t, err, "pedigree node start")
	assert.Equal(t, exit.Usage, exit.Code(err))
	_, err = Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "is the folder of an organisation")
	d := folder(dir)
	require.NoError(t, os.WriteFile(d.makingFile(), nil, 0o600)) // as after a crash at the very end
	require.Error(t, InitOrganisation(t.Context(), dir, harborAlone))
	require.Error(t, d.remove(), "it can be reset")

	after, err := CardOf(dir)
	require.NoError(t, err)
	assert.Equal(t, before.Digest(), after.Digest(), "its keys were made anew")
}

func TestAnInterruptedInitIsRepeated(t *testing.T) {
	d := folder(filepath.Join(t.TempDir(), "harbor"))
	require.NoError(t, os.Mkdir(string(d), 0o700))
	require.NoError(t, d.claim())
	half := d.path("harbor", "ca", "key.pem")
	require.NoError(t, layFile(half, []byte("half")))
	_, err := CardOf(string(d))
	require.ErrorContains(t, err, "isn't the folder of an organisation")

	require.NoError(t, InitOrganisation(t.Context(), string(d), harborAlone))
	text, err := os.ReadFile(half)
	require.NoError(t, err)
	assert.NotEqual(t, "half", string(text))
	assert.NoFileExists(t, d.makingFile())
}

func TestInitTakesNoFolderOfSomethingElse(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "photo.jpg")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.ErrorContains(t, InitOrganisation(t.Context(), dir, harborAlone), "photo.jpg")
	assert.FileExists(t, file)

	network := folder(t.TempDir())
	require.NoError(t, os.WriteFile(network.planFile(), []byte("{}"), 0o600))
	require.ErrorContains(t, InitOrganisation(t.Context(), string(network), harborAlone), "there is a network in")

	busy := folder(t.TempDir())
	lock, err := filelock.Take(busy.lockFile())
	require.NoError(t, err)
	defer lock.Close()
	require.ErrorContains(t, InitOrganisation(t.Context(), string(busy), harborAlone), "already")
}

func TestTheStateOfAnOrganisation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "harbor")
	require.NoError(t, InitOrganisation(t.Context(), dir, harborAlone))
	status, err := ReadStatus(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, StateStopped, status.State)
	require.Len(t, status.Orgs, 1)
	assert.Equal(t, "HarborMSP", status.Orgs[0].MSPID)
	assert.FileExists(t, status.Orgs[0].Tokens[Auditor])
}

func TestADamagedFolderOfAnOrganisation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "harbor")
	require.NoError(t, InitOrganisation(t.Context(), dir, harborAlone))
	d := folder(dir)
	whole, err := os.ReadFile(d.organisationFile())
	require.NoError(t, err)
	for text, want := range map[string]string{
		"{":                              "is damaged",
		`{"version": 2}`:                 "has version 2",
		strings.Repeat(" ", 1<<20) + "1": "bytes allowed",
	} {
		require.NoError(t, os.WriteFile(d.organisationFile(), []byte(text), 0o600))
		_, err := CardOf(dir)
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, os.WriteFile(d.organisationFile(), whole, 0o600))
	require.NoError(t, os.Remove(d.path("harbor", "tlsca", "cert.pem")))
	_, err = CardOf(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "isn't whole")
}
