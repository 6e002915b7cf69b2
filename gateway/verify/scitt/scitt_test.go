package scitt_test

import (
	"crypto/elliptic"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

var signedAt = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// fixture is a ledger of three organisations, of which the trust file demands two, and a tree of 21 records.
type fixture struct {
	*formatstest.Consortium
	t      *testing.T
	admins map[string]*formatstest.Signer
	ledger cosigned.Ledger
	bodies [][]byte
	stored map[int64]tlog.Hash
	root   [sha256.Size]byte
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{Consortium: formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP"), t: t,
		admins: map[string]*formatstest.Signer{}, stored: map[int64]tlog.Hash{}}
	for _, mspID := range []string{"HarborMSP", "LabMSP", "MarketMSP"} {
		f.admins[mspID] = f.Member(mspID, "admin")
	}
	f.Trust.Agree = 2
	f.ledger = cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte(f.Trust.Genesis)}
	var tree merkle.Frontier
	for n := range 21 {
		body := fmt.Appendf(nil, `{"record":"statement/2","n":%d}`, n)
		f.bodies = append(f.bodies, body)
		leaf := merkle.Leaf(sha256.Sum256(body))
		f.stored[tlog.StoredHashIndex(0, int64(n))] = leaf
		tree.Append(leaf, func(level int, number uint64, hash tlog.Hash) {
			f.stored[tlog.StoredHashIndex(level, int64(number))] = hash
		})
	}
	f.root = tree.Root()
	return f
}

// place is where a record is in the tree.
func (f *fixture) place(n int) scitt.Place {
	path, err := tlog.ProveRecord(int64(len(f.bodies)), int64(n), tlog.HashReaderFunc(func(indexes []int64) (all []tlog.Hash, err error) {
		for _, i := range indexes {
			all = append(all, f.stored[i])
		}
		return all, nil
	}))
	require.NoError(f.t, err)
	return scitt.Place{Size: uint64(len(f.bodies)), Leaf: uint64(n), Path: path}
}

func (f *fixture) receipt(n int, by *formatstest.Signer) scitt.Receipt {
	s, err := scitt.SignRoot(f.ledger, uint64(len(f.bodies)), f.root, signedAt, by)
	require.NoError(f.t, err)
	require.NoError(f.t, s.CheckRoot(f.ledger, 21, f.root))
	require.Error(f.t, s.CheckRoot(f.ledger, 21, [32]byte{}))
	require.Error(f.t, s.CheckRoot(f.ledger, 20, f.root))
	return scitt.Receipt{Signature: *s, Place: f.place(n)}
}

// statement states record n, with receipts.
func (f *fixture) statement(n int, mspIDs ...string) *scitt.Statement {
	s, err := scitt.State(f.ledger, f.bodies[n], signedAt, f.admins["HarborMSP"])
	require.NoError(f.t, err)
	for _, mspID := range mspIDs {
		s.Receipts = append(s.Receipts, f.receipt(n, f.admins[mspID]))
	}
	return s
}

// A path leads from other leaves of trees of other sizes to the same root. So who passes a statement on could put these
// into it if the size weren't signed.
func TestNoOtherPlaceIsAccepted(t *testing.T) {
	f := newFixture(t)
	altered := 0
	for n := range f.bodies {
		s := f.statement(n, "LabMSP", "MarketMSP")
		p := &s.Receipts[0].Place
		size, leaf := p.Size, p.Leaf
		for p.Size = range uint64(40) {
			for p.Leaf = range p.Size {
				if root, ok := p.Root(s.Record); !ok || root != f.root || p.Size == size && p.Leaf == leaf {
					continue
				}
				altered++
				_, err := scitt.Verify(s.Bytes(), f.Trust, scitt.Wanted{})
				require.Equal(t, proof.BadSignature, proof.ReasonOf(err), "leaf %d of %d", p.Leaf, p.Size)
			}
		}
	}
	assert.Positive(t, altered)
}

// It is no vector, because its certificate is made anew each time.
func TestTwoOrganisationsWithOneKeyInOtherBytesAreOne(t *testing.T) {
	f := newFixture(t)
	s := f.statement(7, "LabMSP")
	s.Receipts = append(s.Receipts, f.receipt(7, f.Respelt(f.MemberFor("MarketMSP", "admin", f.admins["LabMSP"].Key))))
	_, err := scitt.Verify(s.Bytes(), f.Trust, scitt.Wanted{Agree: 2})
	assert.Equal(t, proof.KeyTwice, proof.ReasonOf(err), "%v", err)
}

func TestAStatementWithEnoughReceiptsIsAccepted(t *testing.T) {
	f := newFixture(t)
	for n := range f.bodies {
		text := f.statement(n, "MarketMSP", "LabMSP").Bytes()
		require.True(t, scitt.Recognise(text))
		v, err := scitt.Verify(text, f.Trust, scitt.Wanted{ID: record.Sum(f.bodies[n]), Agree: 2})
		require.NoError(t, err)
		assert.Equal(t, "HarborMSP", v.Statement.MSPID)
		assert.JSONEq(t, string(f.bodies[n]), string(v.Record))
		require.Len(t, v.Receipts, 2)
		assert.Equal(t, "LabMSP", v.Receipts[0].MSPID)
		assert.Equal(t, signedAt, v.Receipts[0].Time)
		assert.EqualValues(t, n, v.Receipts[0].Leaf)
		assert.EqualValues(t, 21, v.Receipts[0].Size)
		assert.Equal(t, fmt.Sprintf("%x", f.root), v.Receipts[0].Root)
		assert.NotEmpty(t, v.NotProved)
	}
	_, err := scitt.Verify(f.statement(3, "LabMSP", "MarketMSP").Bytes(), f.Trust, scitt.Wanted{ID: record.Sum(f.bodies[4])})
	assert.Equal(t, proof.WrongRecord, proof.ReasonOf(err))
	_, err = scitt.Verify(f.statement(3, "LabMSP", "MarketMSP").Bytes(), f.Trust, scitt.Wanted{Agree: 3})
	assert.Equal(t, proof.TooFewOrganisations, proof.ReasonOf(err))
}

// The place of every leaf in trees of every small size, and of no other, gives the root.
func TestOnlyTheRightPlaceGivesTheRoot(t *testing.T) {
	f := newFixture(t)
	for n := range f.bodies {
		p := f.place(n)
		root, ok := p.Root(f.bodies[n])
		require.True(t, ok)
		require.Equal(t, tlog.Hash(f.root), root)
		require.NoError(t, tlog.CheckRecord(p.Path, int64(p.Size), root, int64(n), merkle.Leaf(sha256.Sum256(f.bodies[n]))))
		for size := range uint64(40) {
			for leaf := range uint64(40) {
				p.Size, p.Leaf = size, leaf
				root, ok := p.Root(f.bodies[n])
				err := tlog.CheckRecord(p.Path, int64(size), f.root, int64(leaf), merkle.Leaf(sha256.Sum256(f.bodies[n])))
				require.Equal(t, err == nil, ok && root == f.root, "leaf %d of %d", leaf, size)
			}
		}
	}
}

func TestAHeaderIsAsLongAsItMayBe(t *testing.T) {
	f := newFixture(t)
	claim := func(key uint64, value any) func(header map[any]any) {
		return func(header map[any]any) { header[uint64(15)].(map[any]any)[key] = value }
	}
	for about, c := range map[string]struct {
		change  func(header map[any]any)
		tooLong bool
	}{
		"the longest issuer":      {claim(1, strings.Repeat("i", 2<<10)), false},
		"an issuer too long":      {claim(1, strings.Repeat("i", 2<<10+1)), true},
		"the longest subject":     {claim(2, strings.Repeat("s", 2<<10)), false},
		"a subject too long":      {claim(2, strings.Repeat("s", 2<<10+1)), true},
		"the last time":           {claim(6, uint64(1<<40-1)), false},
		"a time too late":         {claim(6, uint64(1<<40)), true},
		"the longest certificate": {func(h map[any]any) { h[uint64(33)] = make([]byte, 64<<10) }, false},
		"a certificate too long":  {func(h map[any]any) { h[uint64(33)] = make([]byte, 64<<10+1) }, true},
	} {
		t.Run(about, func(t *testing.T) {
			text := apart(t, both(f).Bytes(), func(_ *cose, header map[any]any) { c.change(header) })
			_, err := scitt.Verify(text, f.Trust, scitt.Wanted{})
			require.Error(t, err)
			assert.Equal(t, c.tooLong, proof.ReasonOf(err) == proof.TooLarge, "%v", err)
		})
	}
}

func TestAnIssuerIsAnOrganisationOfALedger(t *testing.T) {
	f := newFixture(t)
	genesis := fmt.Sprintf("%x", f.ledger.Genesis)
	for about, change := range map[string][2]string{
		"a short genesis":            {genesis, genesis[2:]},
		"a long genesis":             {genesis, genesis + "00"},
		"a genesis with half a byte": {genesis, genesis + "0"},
		"an escape that is none":     {"HarborMSP", "Harbor%zzMSP"},
	} {
		text := apart(t, both(f).Bytes(), func(_ *cose, header map[any]any) {
			claims := header[uint64(15)].(map[any]any)
			issuer := strings.Replace(claims[uint64(1)].(string), change[0], change[1], 1)
			require.NotEqual(t, claims[uint64(1)], issuer)
			claims[uint64(1)] = issuer
		})
		_, err := scitt.Verify(text, f.Trust, scitt.Wanted{})
		assert.Equal(t, proof.Malformed, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func TestAPathIsOfHashes(t *testing.T) {
	f := newFixture(t)
	for _, length := range []int{0, 31, 33} {
		text := inReceipt(t, both(f).Bytes(), func(c *cose, _ map[any]any) {
			place, err := cbor.Marshal([]any{21, 7, [][]byte{make([]byte, length)}})
			require.NoError(t, err)
			c.Unprotected[uint64(396)].(map[any]any)[int64(-1)].([]any)[0] = place
		})
		_, err := scitt.Verify(text, f.Trust, scitt.Wanted{})
		assert.Equal(t, proof.Malformed, proof.ReasonOf(err), "%d bytes: %v", length, err)
	}
}

// A number that takes more bytes than it needs says the same, and so would be a second encoding of the same statement.
func TestAStatementHasOneEncoding(t *testing.T) {
	f := newFixture(t)
	good := both(f).Bytes()
	require.EqualValues(t, 0xd2, good[0])
	for about, text := range map[string][]byte{
		"a longer tag": append([]byte{0xd8, 18}, good[1:]...),
		"a longer count in the header": func() []byte {
			var tag cbor.RawTag
			require.NoError(t, cbor.Unmarshal(good, &tag))
			var c cose
			require.NoError(t, cbor.Unmarshal(tag.Content, &c))
			c.Protected = append([]byte{0xb8, c.Protected[0] & 31}, c.Protected[1:]...)
			toBeSigned, err := cbor.Marshal([]any{"Signature1", c.Protected, []byte{}, c.Payload})
			require.NoError(t, err)
			der, err := f.admins["HarborMSP"].Sign(toBeSigned)
			require.NoError(t, err)
			c.Signature = rawOf(t, der)
			encoding, err := cbor.CoreDetEncOptions().EncMode()
			require.NoError(t, err)
			made, err := encoding.Marshal(cbor.Tag{Number: 18, Content: c})
			require.NoError(t, err)
			return made
		}(),
	} {
		_, err := scitt.Verify(text, f.Trust, scitt.Wanted{})
		assert.Equal(t, proof.NotCanonical, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func TestARevokedReceiptIsSetAsideWhereOthersAreEnough(t *testing.T) {
	f := newFixture(t)
	s := f.statement(7, "LabMSP", "MarketMSP", "HarborMSP")
	f.Revoke("LabMSP", f.admins["LabMSP"].Cert)
	f.Trust.Agree = 2
	v, err := scitt.Verify(s.Bytes(), f.Trust, scitt.Wanted{})
	require.NoError(t, err)
	require.Len(t, v.SetAside, 1)
	assert.Equal(t, "LabMSP", v.SetAside[0].MSPID)
	assert.Len(t, v.Receipts, 2)
}

func TestAKeyThatIsNotOnP256SignsNoReceipt(t *testing.T) {
	f := newFixture(t)
	_, err := scitt.SignRoot(f.ledger, uint64(len(f.bodies)), f.root, signedAt, f.MemberWith("LabMSP", "admin", elliptic.P384(), signedAt.AddDate(0, 1, 0)))
	assert.ErrorContains(t, err, "ECDSA on P-256")
}

func FuzzParse(fuzz *testing.F) {
	for _, name := range vectorFiles() {
		text, err := os.ReadFile(filepath.Join(vectorFolder, name))
		if err != nil {
			fuzz.Fatal(err)
		}
		fuzz.Add(text)
	}
	fuzz.Add([]byte(strings.Repeat("\x81", 100)))
	fuzz.Add([]byte("\xd2\x84\x9b\xff\xff\xff\xff\xff\xff\xff\xff"))
	fuzz.Fuzz(func(t *testing.T, text []byte) {
		s, err := scitt.Parse(text)
		if err != nil {
			require.NotEmpty(t, proof.ReasonOf(err))
			return
		}
		require.Equal(t, text, s.Bytes(), "a file has one encoding")
	})
}

func sortedForgeries() []string { return slices.Sorted(maps.Keys(forgeries)) }
