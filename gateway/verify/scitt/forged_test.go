package scitt_test

import (
	"bytes"
	"crypto/elliptic"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// cose is a COSE_Sign1 as a forger takes it apart.
type cose struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[any]any
	Payload     []byte
	Signature   []byte
}

// apart takes a COSE_Sign1 apart, has it changed, and puts it together again.
func apart(t *testing.T, text []byte, change func(c *cose, header map[any]any)) []byte {
	t.Helper()
	var tag cbor.RawTag
	require.NoError(t, cbor.Unmarshal(text, &tag))
	var c cose
	require.NoError(t, cbor.Unmarshal(tag.Content, &c))
	var header map[any]any
	require.NoError(t, cbor.Unmarshal(c.Protected, &header))
	change(&c, header)
	encoding, err := cbor.CoreDetEncOptions().EncMode()
	require.NoError(t, err)
	if c.Protected != nil {
		c.Protected, err = encoding.Marshal(header)
		require.NoError(t, err)
	}
	made, err := encoding.Marshal(cbor.Tag{Number: 18, Content: c})
	require.NoError(t, err)
	return made
}

// inReceipt changes the first receipt of a statement.
func inReceipt(t *testing.T, text []byte, change func(c *cose, header map[any]any)) []byte {
	return apart(t, text, func(c *cose, _ map[any]any) {
		list := c.Unprotected[uint64(394)].([]any)
		list[0] = apart(t, list[0].([]byte), change)
	})
}

// signAgain signs what was changed with the key of an administrator, so that only the change itself is wrong.
func signAgain(t *testing.T, by *formatstest.Signer, payload []byte) func(c *cose, header map[any]any) {
	return func(c *cose, header map[any]any) {
		encoding, err := cbor.CoreDetEncOptions().EncMode()
		require.NoError(t, err)
		text, err := encoding.Marshal(header)
		require.NoError(t, err)
		if payload == nil {
			payload = c.Payload
		}
		toBeSigned, err := encoding.Marshal([]any{"Signature1", text, []byte{}, payload})
		require.NoError(t, err)
		der, err := by.Sign(toBeSigned)
		require.NoError(t, err)
		c.Signature = rawOf(t, der)
	}
}

type forgery struct {
	forge  func(f *fixture) []byte
	reason proof.Reason
}

func both(f *fixture) *scitt.Statement { return f.statement(7, "LabMSP", "MarketMSP") }

var forgeries = map[string]forgery{
	"a path that is cut": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Path = s.Receipts[0].Path[:2]
		return s.Bytes()
	}, proof.BadInclusion},
	"a path with a hash more": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Path = append(s.Receipts[0].Path, tlog.Hash{})
		return s.Bytes()
	}, proof.BadInclusion},
	"a path with another hash": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Path[1][0] ^= 1
		return s.Bytes()
	}, proof.BadSignature},
	"another leaf": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Leaf = 6
		return s.Bytes()
	}, proof.BadSignature},
	"a leaf that the tree doesn't have": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Leaf = 21
		return s.Bytes()
	}, proof.BadInclusion},
	"another size of the tree": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Size = 40
		return s.Bytes()
	}, proof.BadInclusion},
	"a size of the tree for which the path is as good": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Size = 20
		root, ok := s.Receipts[0].Root(s.Record)
		require.True(f.t, ok && root == f.root, "a path alone doesn't tell the size")
		return s.Bytes()
	}, proof.BadSignature},
	"a size of the tree that isn't the one that is signed": {func(f *fixture) []byte {
		return inReceipt(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) {
			inclusion := c.Unprotected[uint64(396)].(map[any]any)[int64(-1)].([]any)
			text := slices.Clone(inclusion[0].([]byte))
			require.EqualValues(f.t, 21, text[1])
			text[1] = 20
			inclusion[0] = text
		})
	}, proof.BadInclusion},
	"the receipts of another record": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts = f.statement(8, "LabMSP", "MarketMSP").Receipts
		return s.Bytes()
	}, proof.BadSignature},
	"another record with its own statement": {func(f *fixture) []byte {
		s, err := scitt.State(f.ledger, []byte(`{"never":"recorded"}`), signedAt, f.admins["HarborMSP"])
		require.NoError(f.t, err)
		s.Receipts = both(f).Receipts
		return s.Bytes()
	}, proof.BadSignature},
	"another record": {func(f *fixture) []byte {
		return apart(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) { c.Payload = f.bodies[8] })
	}, proof.WrongRecord},
	"no record": {func(f *fixture) []byte {
		return apart(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) { c.Payload = nil })
	}, proof.Malformed},
	"another verifiable data structure": {func(f *fixture) []byte {
		return inReceipt(f.t, both(f).Bytes(), func(c *cose, header map[any]any) {
			header[uint64(395)] = 2
			signAgain(f.t, f.admins["LabMSP"], f.root[:])(c, header)
		})
	}, proof.UnsupportedVersion},
	"no verifiable data structure": {func(f *fixture) []byte {
		return inReceipt(f.t, both(f).Bytes(), func(c *cose, header map[any]any) {
			delete(header, uint64(395))
			signAgain(f.t, f.admins["LabMSP"], f.root[:])(c, header)
		})
	}, proof.UnsupportedVersion},
	"another algorithm": {func(f *fixture) []byte {
		return inReceipt(f.t, both(f).Bytes(), func(c *cose, header map[any]any) {
			header[uint64(1)] = -35
			signAgain(f.t, f.admins["LabMSP"], f.root[:])(c, header)
		})
	}, proof.BadSignature},
	"the root in the receipt": {func(f *fixture) []byte {
		return inReceipt(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) { c.Payload = f.root[:] })
	}, proof.Malformed},
	"a header more that isn't signed": {func(f *fixture) []byte {
		return apart(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) { c.Unprotected[uint64(4)] = []byte("key") })
	}, proof.Malformed},
	"a header more in a receipt that isn't signed": {func(f *fixture) []byte {
		return inReceipt(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) { c.Unprotected["note"] = "trust me" })
	}, proof.Malformed},
	"a header more that is signed": {func(f *fixture) []byte {
		return apart(f.t, both(f).Bytes(), func(c *cose, header map[any]any) {
			header[uint64(2)] = []any{uint64(99)} // crit
			signAgain(f.t, f.admins["HarborMSP"], nil)(c, header)
		})
	}, proof.Malformed},
	"a second proof of inclusion": {func(f *fixture) []byte {
		return inReceipt(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) {
			proofs := c.Unprotected[uint64(396)].(map[any]any)
			list := proofs[int64(-1)].([]any)
			proofs[int64(-1)] = append(list, list[0])
		})
	}, proof.Malformed},
	"a receipt that is a statement": {func(f *fixture) []byte {
		return apart(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) {
			c.Unprotected[uint64(394)].([]any)[0] = both(f).Bytes()
		})
	}, proof.UnsupportedVersion},
	"a statement that is a receipt": {func(f *fixture) []byte {
		var receipt []byte
		apart(f.t, both(f).Bytes(), func(c *cose, _ map[any]any) { receipt = c.Unprotected[uint64(394)].([]any)[0].([]byte) })
		return receipt
	}, proof.Malformed},
	"no tag": {func(f *fixture) []byte { return both(f).Bytes()[1:] }, proof.Malformed},
	"another tag": {func(f *fixture) []byte {
		text := both(f).Bytes()
		text[0] = 0xd1
		return text
	}, proof.Malformed},
	"bytes after the end":    {func(f *fixture) []byte { return append(both(f).Bytes(), 0) }, proof.Malformed},
	"a file that is cut off": {func(f *fixture) []byte { return both(f).Bytes()[:500] }, proof.Malformed},
	"a length in more bytes than it needs": {func(f *fixture) []byte {
		text := both(f).Bytes()
		at := bytes.Index(text, []byte(`{"record"`)) - 2 // 0x58 and one byte for the length
		return slices.Concat(text[:at], []byte{0x59, 0}, text[at+1:])
	}, proof.NotCanonical},
	"a record that isn't signed with an algorithm's signature": {func(f *fixture) []byte {
		s := both(f)
		s.Signature.Signature = s.Signature.Signature[:63]
		return s.Bytes()
	}, proof.Malformed},
	"a high S": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Signature.Signature = highS(s.Receipts[0].Signature.Signature)
		return s.Bytes()
	}, proof.HighS},
	"a receipt in another name": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].MSPID = "HarborMSP"
		return s.Bytes()
	}, proof.UntrustedCertificate},
	"a receipt of another time": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].Time = signedAt.Add(time.Hour)
		return s.Bytes()
	}, proof.BadSignature},
	"a receipt of another ledger": {func(f *fixture) []byte {
		other := *f
		other.ledger.Genesis[0] ^= 1
		s := both(f)
		var foreign []byte
		made := other.statement(7, "LabMSP")
		apart(f.t, made.Bytes(), func(c *cose, _ map[any]any) { foreign = c.Unprotected[uint64(394)].([]any)[0].([]byte) })
		return apart(f.t, s.Bytes(), func(c *cose, _ map[any]any) { c.Unprotected[uint64(394)].([]any)[0] = foreign })
	}, proof.WrongGenesis},
	"a statement about another channel": {func(f *fixture) []byte {
		f.ledger.Channel = "other"
		return both(f).Bytes()
	}, proof.WrongChannel},
	"a statement about another first block": {func(f *fixture) []byte {
		f.ledger.Genesis[0] ^= 1
		return both(f).Bytes()
	}, proof.WrongGenesis},
	"one receipt too few": {func(f *fixture) []byte { return f.statement(7, "LabMSP").Bytes() }, proof.TooFewOrganisations},
	"no receipt":          {func(f *fixture) []byte { return f.statement(7).Bytes() }, proof.TooFewOrganisations},
	"one organisation twice": {func(f *fixture) []byte {
		s := f.statement(7, "LabMSP")
		s.Receipts = append(s.Receipts, f.receipt(7, f.Member("LabMSP", "admin")))
		return s.Bytes()
	}, proof.OrganisationTwice},
	"two organisations with one key": {func(f *fixture) []byte {
		s := f.statement(7, "LabMSP")
		s.Receipts = append(s.Receipts, f.receipt(7, f.MemberFor("MarketMSP", "admin", f.admins["LabMSP"].Key)))
		return s.Bytes()
	}, proof.KeyTwice},
	"a receipt of an expired certificate": {func(f *fixture) []byte {
		s := f.statement(7, "LabMSP")
		s.Receipts = append(s.Receipts, f.receipt(7, f.MemberWith("MarketMSP", "admin", elliptic.P256(), signedAt.Add(-time.Hour))))
		return s.Bytes()
	}, proof.OutsideValidity},
	"a receipt of a client": {func(f *fixture) []byte {
		s := f.statement(7, "LabMSP")
		s.Receipts = append(s.Receipts, f.receipt(7, f.Member("MarketMSP", "client")))
		return s.Bytes()
	}, proof.WrongRole},
	"a receipt of a revoked certificate": {func(f *fixture) []byte {
		f.Revoke("LabMSP", f.admins["LabMSP"].Cert)
		f.Trust.Agree = 2
		return both(f).Bytes()
	}, proof.Revoked},
	"an organisation that isn't in the trust file": {func(f *fixture) []byte {
		s := both(f)
		s.Receipts[0].MSPID = "Other MSP/é"
		return s.Bytes()
	}, proof.UnknownOrganisation},
}

func TestForgedStatementsAreRefused(t *testing.T) {
	for about, c := range forgeries {
		t.Run(about, func(t *testing.T) {
			f := newFixture(t)
			_, err := scitt.Verify(c.forge(f), f.Trust, scitt.Wanted{})
			assert.Equal(t, c.reason, proof.ReasonOf(err), "%v", err)
		})
	}
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	f := newFixture(t)
	good := both(f).Bytes()
	for i := range good {
		for _, bit := range []byte{1, 1 << (i % 8)} {
			text := slices.Clone(good)
			text[i] ^= bit
			_, err := scitt.Verify(text, f.Trust, scitt.Wanted{})
			require.NotEmpty(t, proof.ReasonOf(err), "byte %d: %v", i, err)
		}
	}
}
