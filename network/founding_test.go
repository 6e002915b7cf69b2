package network

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"testing"

	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// founders makes organisations in folders of their own, and a charter that all of them have signed.
func founders(t *testing.T, orderers ...int) ([]string, *charter.File) {
	t.Helper()
	ports := newPortPicker()
	var dirs []string
	var cards []orgcard.Card
	for i, n := range orderers {
		base, err := ports.run(10 + 2*max(n, 1))
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "it")
		err = InitOrganisation(t.Context(), dir, Organisation{Name: []string{"harbor", "market", "lab"}[i], Host: "127.0.0.1",
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
	file := &charter.File{Charter: *charter.Propose(ChannelName, ChaincodeName, cards)}
	file.Charter.Trial = true
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

// TestTheGenesisBlockOfACharterStaysTheSame fails if a change of the program or of Fabric makes another block of the
// same charter. Founders with different programs would then found different networks, without knowing. Such a change needs a
// new version of the charter. The certificates in this one have expired, so the block depends on no clock.
func TestTheGenesisBlockOfACharterStaysTheSame(t *testing.T) {
	f, err := buildFabric(t.Context(), newReporter(nil))
	if err != nil {
		t.Fatal(err)
	}
	file, err := charter.Read(nil, filepath.Join("testdata", "charter.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Complete(); err != nil {
		t.Fatal(err)
	}
	block, err := f.genesis(&file.Charter)
	if err != nil {
		t.Fatal(err)
	}
	const want = "26c2d78d2792fb782e88474b6ab71353f6260ad5a6f7d1eccef9d24d1d62067d"
	if got := sha256.Sum256(block); hex.EncodeToString(got[:]) != want {
		t.Errorf("the block has the SHA-256 %x, and should have %s", got, want)
	}
}
