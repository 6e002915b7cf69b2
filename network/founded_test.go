package network

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/network/card"
	"github.com/pedigree-ledger/pedigree/network/charter"
)

// founders makes organisations in folders of their own, and a charter that all of them have signed.
func founders(t *testing.T, orderers ...int) ([]string, *charter.File) {
	t.Helper()
	ports := newPortPicker()
	var dirs []string
	var cards []card.Card
	for i, n := range orderers {
		base, err := ports.run(10 + 2*max(n, 1))
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "it")
		err = InitOrganisation(dir, Organisation{Name: []string{"harbor", "market", "lab"}[i], Host: "127.0.0.1",
			Orderers: n, BasePort: base, AuthorityDays: 3, Days: 2})
		if err != nil {
			t.Fatal(err)
		}
		c, err := CardOf(dir)
		if err != nil {
			t.Fatal(err)
		}
		dirs, cards = append(dirs, dir), append(cards, *c)
	}
	file := &charter.File{Charter: *charter.Propose("pedigree", "pedigree", cards)}
	for _, dir := range dirs {
		if err := signCharter(file, dir); err != nil {
			t.Fatal(err)
		}
	}
	return dirs, file
}

// The genesis block has the clock and chance of nobody in it, so every founder can make it.
func TestEverybodyMakesTheSameGenesisBlock(t *testing.T) {
	f, err := buildFabric(context.Background(), newReporter(nil))
	if err != nil {
		t.Fatal(err)
	}
	_, file := founders(t, 2, 1, 1)
	file.Charter.Trial = true
	first, err := f.genesis(&file.Charter)
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		again, err := f.genesis(&file.Charter)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Fatal("the same charter has given another block")
		}
	}
	file.Charter.Limits.TransactionsPerBlock++
	other, err := f.genesis(&file.Charter)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first, other) {
		t.Error("another charter has given the same block")
	}
}

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
		if err := InitOrganisation(filepath.Join(t.TempDir(), "x"), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("said %v, want %q", err, want)
		}
	}
	dir := filepath.Join(t.TempDir(), "x")
	for _, want := range []string{"", "isn't empty"} {
		if err := InitOrganisation(dir, good); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("said %v, want %q", err, want)
		}
	}
}
