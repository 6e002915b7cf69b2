package checkpoint_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

var signedAt = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// fixture is a ledger of three organisations, of which the trust file demands two.
type fixture struct {
	*formatstest.Consortium
	t      *testing.T
	admins map[string]*formatstest.Signer
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP"), t, map[string]*formatstest.Signer{}}
	for _, mspID := range []string{"HarborMSP", "LabMSP", "MarketMSP"} {
		f.admins[mspID] = f.Member(mspID, "admin")
	}
	f.Trust.Agree = 2
	return f
}

// at is the checkpoint of a ledger with so many recordings, two in each block. The history of another ledger is other.
func (f *fixture) at(size uint64, history string) checkpoint.Checkpoint {
	c := checkpoint.Checkpoint{Ledger: cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte(f.Trust.Genesis)}, Size: size}
	c.Block = size / 2
	copy(c.Hash[:], fmt.Sprintf("%s %d", history, size))
	tree := treeOf(size, history)
	c.Root = tree.Root()
	return c
}

func treeOf(size uint64, history string) (tree merkle.Frontier) {
	for n := range size {
		tree.Append(merkle.Leaf([32]byte([]byte(fmt.Sprintf("%-32s", fmt.Sprintf("%s %d", history, n))))), nil)
	}
	return tree
}

// signed is a note with the signatures of organisations.
func (f *fixture) signed(c checkpoint.Checkpoint, mspIDs ...string) *checkpoint.Note {
	f.t.Helper()
	n := &checkpoint.Note{Checkpoint: c}
	for _, mspID := range mspIDs {
		n.Cosignatures = append(n.Cosignatures, f.cosignature(c, f.admins[mspID]))
	}
	return n
}

func (f *fixture) cosignature(c checkpoint.Checkpoint, by *formatstest.Signer) *cosigned.Cosignature {
	f.t.Helper()
	answer := c.Answer()
	s, err := cosigned.Sign(c.Ledger, checkpoint.Question, cosigned.Said{Height: c.Height, Digest: answer.Digest(), Time: signedAt}, by)
	require.NoError(f.t, err)
	return s
}

// judge reads notes from their files and verifies them.
func (f *fixture) judge(proofs []*checkpoint.Consistency, notes ...*checkpoint.Note) (*checkpoint.Verdict, error) {
	f.t.Helper()
	var named []checkpoint.Named
	for i, n := range notes {
		read, err := checkpoint.Parse(n.Bytes())
		if err != nil {
			return nil, err
		}
		require.Equal(f.t, string(n.Bytes()), string(read.Bytes()))
		named = append(named, checkpoint.Named{Name: fmt.Sprintf("note %d", i), Note: read})
	}
	return checkpoint.Verify(named, proofs, f.Trust, cosigned.Wanted{})
}

func TestANoteThatEnoughOrganisationsSignedIsAccepted(t *testing.T) {
	f := newFixture(t)
	v, err := f.judge(nil, f.signed(f.at(6, "a"), "LabMSP", "HarborMSP"))
	require.NoError(t, err)
	require.Len(t, v.Notes[0].SignedBy, 2)
	assert.Equal(t, "HarborMSP", v.Notes[0].SignedBy[0].MSPID)
	assert.Equal(t, signedAt, v.Notes[0].SignedBy[0].Time)
	assert.EqualValues(t, 6, v.Notes[0].Size)
	assert.NotEmpty(t, v.NotProved)
}

// The format is C2SP's: the library of Go's checksum database reads the note, and ignores keys that it doesn't know.
func TestANoteIsASignedNoteOfC2SP(t *testing.T) {
	f := newFixture(t)
	n := f.signed(f.at(6, "a"), "LabMSP", "HarborMSP")
	_, err := note.Open(n.Bytes(), note.VerifierList())
	var unverified *note.UnverifiedNoteError
	require.ErrorAs(t, err, &unverified, "and not that it is malformed")
	assert.Equal(t, n.Text(), unverified.Note.Text)
	require.Len(t, unverified.Note.UnverifiedSigs, 2)
	assert.Equal(t, "LabMSP", unverified.Note.UnverifiedSigs[0].Name)

	// A witness adds its Ed25519 signature.
	secret, public, err := note.GenerateKey(rand.Reader, "witness.example/w")
	require.NoError(t, err)
	signer, err := note.NewSigner(secret)
	require.NoError(t, err)
	both, err := note.Sign(unverified.Note, signer)
	require.NoError(t, err)
	verifier, err := note.NewVerifier(public)
	require.NoError(t, err)
	_, err = note.Open(both, note.VerifierList(verifier))
	require.NoError(t, err)
	read, err := checkpoint.Parse(both)
	require.NoError(t, err)
	assert.Len(t, read.Cosignatures, 2)
	assert.Len(t, read.Others, 1, "it is kept, and counts for nothing")
	_, err = f.judge(nil, read)
	require.NoError(t, err)
	read.Cosignatures = nil
	_, err = f.judge(nil, read)
	assert.Equal(t, proof.TooFewOrganisations, proof.ReasonOf(err))
}

func TestAnMSPIDThatIsNoKeyNameIsEncoded(t *testing.T) {
	f := newFixture(t)
	n := f.signed(f.at(2, "a"), "LabMSP")
	n.Cosignatures[0].MSPID = "The Lab+Co/é"
	assert.Contains(t, string(n.Bytes()), "— The%20Lab%2BCo%2F%C3%A9 ")
	read, err := checkpoint.Parse(n.Bytes())
	require.NoError(t, err)
	assert.Equal(t, "The Lab+Co/é", read.Cosignatures[0].MSPID)
}

// forgery changes a note that Harbor and Lab have signed.
type forgery struct {
	forge  func(f *fixture, n *checkpoint.Note)
	reason proof.Reason
}

var forgeries = map[string]forgery{
	"another root":                {func(_ *fixture, n *checkpoint.Note) { n.Root[0] ^= 1 }, proof.BadSignature},
	"another size":                {func(_ *fixture, n *checkpoint.Note) { n.Size++ }, proof.BadSignature},
	"another block":               {func(_ *fixture, n *checkpoint.Note) { n.Block++ }, proof.BadSignature},
	"another hash of the block":   {func(_ *fixture, n *checkpoint.Note) { n.Hash[0] ^= 1 }, proof.BadSignature},
	"another channel":             {func(_ *fixture, n *checkpoint.Note) { n.Channel = "other" }, proof.WrongChannel},
	"another first block":         {func(_ *fixture, n *checkpoint.Note) { n.Genesis[0] ^= 1 }, proof.WrongGenesis},
	"another time of signing":     {func(_ *fixture, n *checkpoint.Note) { n.Cosignatures[0].Time = signedAt.Add(time.Second) }, proof.BadSignature},
	"a signature in another name": {func(_ *fixture, n *checkpoint.Note) { n.Cosignatures[0].MSPID = "MarketMSP" }, proof.UntrustedCertificate},
	"a signature of nobody":       {func(_ *fixture, n *checkpoint.Note) { n.Cosignatures = nil; n.Others = []string{"— x AAAAAAAA"} }, proof.TooFewOrganisations},
	"a signature less":            {func(_ *fixture, n *checkpoint.Note) { n.Cosignatures = n.Cosignatures[:1] }, proof.TooFewOrganisations},
	"one organisation twice": {func(f *fixture, n *checkpoint.Note) {
		n.Cosignatures = append(n.Cosignatures, f.cosignature(n.Checkpoint, f.Member("LabMSP", "admin")))
	}, proof.OrganisationTwice},
	"two organisations with one key": {func(f *fixture, n *checkpoint.Note) {
		n.Cosignatures = append(n.Cosignatures[:1],
			f.cosignature(n.Checkpoint, f.MemberFor("MarketMSP", "admin", f.admins["HarborMSP"].Key)))
	}, proof.KeyTwice},
	"the signature of a client": {func(f *fixture, n *checkpoint.Note) {
		n.Cosignatures[0] = f.cosignature(n.Checkpoint, f.Member("HarborMSP", "client"))
	}, proof.WrongRole},
	"an expired certificate": {func(f *fixture, n *checkpoint.Note) {
		n.Cosignatures[0] = f.cosignature(n.Checkpoint, f.MemberWith("HarborMSP", "admin", elliptic.P256(), signedAt.Add(-time.Hour)))
	}, proof.OutsideValidity},
	"a revoked certificate": {func(f *fixture, n *checkpoint.Note) {
		f.Revoke("HarborMSP", f.admins["HarborMSP"].Cert)
		f.Trust.Agree = 2
	}, proof.TooFewOrganisations},
	"an organisation that isn't in the trust file": {func(f *fixture, n *checkpoint.Note) {
		n.Cosignatures[0].MSPID = "OtherMSP"
	}, proof.UnknownOrganisation},
}

func TestForgedNotesAreRefused(t *testing.T) {
	for about, c := range forgeries {
		t.Run(about, func(t *testing.T) {
			f := newFixture(t)
			n := f.signed(f.at(6, "a"), "HarborMSP", "LabMSP")
			c.forge(f, n)
			_, err := f.judge(nil, n)
			assert.Equal(t, c.reason, proof.ReasonOf(err), "%v", err)
		})
	}
}

func TestASplitViewIsVisibleInTwoNotes(t *testing.T) {
	f := newFixture(t)
	fewer := f.at(6, "a")
	fewer.Block = 9
	more := f.at(8, "a")
	more.Block = 3
	for about, notes := range map[string][2]checkpoint.Checkpoint{
		"of one block with two hashes": {f.at(6, "a"), f.at(6, "b")},
		"of one size with two roots": {f.at(6, "a"), func() checkpoint.Checkpoint {
			c := f.at(6, "b")
			c.Block++
			return c
		}()},
		"of one block with two sizes": {f.at(6, "a"), func() checkpoint.Checkpoint {
			c := f.at(6, "a")
			c.Size, c.Root = 5, f.at(5, "a").Root
			return c
		}()},
		"of a ledger that has shrunk": {f.at(8, "a"), fewer},
	} {
		t.Run(about, func(t *testing.T) {
			// Each is signed by one organisation only, and is evidence all the same.
			for _, order := range [][2]int{{0, 1}, {1, 0}} {
				v, err := f.judge(nil, f.signed(notes[order[0]], "HarborMSP"), f.signed(notes[order[1]], "LabMSP"))
				require.Equal(t, proof.SplitView, proof.ReasonOf(err), "%v", err)
				require.Len(t, v.Splits, 1)
				assert.Equal(t, []string{"HarborMSP"}, v.Splits[0].FirstSigners)
				assert.Equal(t, []string{"LabMSP"}, v.Splits[0].SecondSigners)
				assert.ErrorContains(t, err, "note 0, signed by HarborMSP, and note 1, signed by LabMSP, contradict each other")
			}
			// A note that one of the two never signed is no evidence against it.
			forged := f.signed(notes[1], "LabMSP")
			forged.Cosignatures[0].Signature = f.signed(notes[0], "LabMSP").Cosignatures[0].Signature
			_, err := f.judge(nil, f.signed(notes[0], "HarborMSP"), forged)
			assert.Equal(t, proof.BadSignature, proof.ReasonOf(err), "%v", err)
		})
	}
}

// grown is the proof that the tree of a history grew.
func grown(t *testing.T, origin string, from, to uint64, history string) *checkpoint.Consistency {
	stored := map[int64]tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, err error) {
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	var tree merkle.Frontier
	for n := range to {
		leaf := merkle.Leaf([32]byte([]byte(fmt.Sprintf("%-32s", fmt.Sprintf("%s %d", history, n)))))
		stored[tlog.StoredHashIndex(0, int64(n))] = leaf
		tree.Append(leaf, func(level int, number uint64, hash tlog.Hash) {
			stored[tlog.StoredHashIndex(level, int64(number))] = hash
		})
	}
	path, err := tlog.ProveTree(int64(to), int64(from), reader)
	require.NoError(t, err)
	c := &checkpoint.Consistency{Origin: origin, From: from, To: to, Path: path}
	text, err := json.Marshal(c)
	require.NoError(t, err)
	require.True(t, checkpoint.RecogniseConsistency(text))
	read, err := checkpoint.ParseConsistency(text)
	require.NoError(t, err)
	require.Equal(t, c, read)
	return read
}

func TestAProofOfConsistencyShowsThatOneNoteExtendsTheOther(t *testing.T) {
	f := newFixture(t)
	early, late := f.at(6, "a"), f.at(14, "a")
	notes := []*checkpoint.Note{f.signed(late, "HarborMSP", "LabMSP"), f.signed(early, "MarketMSP", "LabMSP")}
	v, err := f.judge(nil, notes...)
	require.NoError(t, err)
	assert.Contains(t, strings.Join(v.NotProved, "\n"), "that the later one of note 0 and note 1 extends the earlier one")
	good := grown(t, early.Origin(), 6, 14, "a")
	v, err = f.judge([]*checkpoint.Consistency{good}, notes...)
	require.NoError(t, err)
	assert.NotContains(t, strings.Join(v.NotProved, "\n"), "extends")

	for about, p := range map[string]*checkpoint.Consistency{
		"of another history": grown(t, early.Origin(), 6, 14, "b"),
		"of other sizes":     grown(t, early.Origin(), 6, 12, "a"),
		"of another ledger":  grown(t, "other/00", 6, 14, "a"),
		"cut short":          {Origin: good.Origin, From: 6, To: 14, Path: good.Path[1:]},
		"of nothing":         {Origin: good.Origin, From: 6, To: 14},
	} {
		_, err = f.judge([]*checkpoint.Consistency{p}, notes...)
		assert.Equal(t, proof.NotExtended, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func TestAProofOfConsistencyIsOfTheTwoCheckpointsThatItNames(t *testing.T) {
	f := newFixture(t)
	early, late := f.at(6, "a"), f.at(14, "a")
	good := *grown(t, early.Origin(), 6, 14, "a")
	require.NoError(t, good.Check(&early, &late))
	require.NoError(t, good.Check(&late, &early))
	for about, change := range map[string]func(c *checkpoint.Consistency){
		"another origin":         func(c *checkpoint.Consistency) { c.Origin = "other/00" },
		"an earlier tree before": func(c *checkpoint.Consistency) { c.From = 5 },
		"none before":            func(c *checkpoint.Consistency) { c.From = 0 },
		"a later tree":           func(c *checkpoint.Consistency) { c.To = 15 },
		"the same tree twice":    func(c *checkpoint.Consistency) { c.From = 14 },
		"a hash more":            func(c *checkpoint.Consistency) { c.Path = append(slices.Clone(c.Path), c.Path[0]) },
	} {
		c := good
		change(&c)
		assert.Equal(t, proof.NotExtended, proof.ReasonOf(c.Check(&early, &late)), about)
	}
	for about, other := range map[string]func(c *checkpoint.Checkpoint){
		"another channel":     func(c *checkpoint.Checkpoint) { c.Channel = "other" },
		"another first block": func(c *checkpoint.Checkpoint) { c.Genesis[0] ^= 1 },
		"another size":        func(c *checkpoint.Checkpoint) { c.Size++ },
		"another root":        func(c *checkpoint.Checkpoint) { c.Root[0] ^= 1 },
	} {
		for _, which := range []*checkpoint.Checkpoint{&early, &late} {
			before := *which
			other(which)
			assert.Equal(t, proof.NotExtended, proof.ReasonOf(good.Check(&early, &late)), about)
			*which = before
		}
	}
}

func TestProofsOfConsistencyThatCannotBeReadAreRefused(t *testing.T) {
	text, err := json.Marshal(grown(t, "pedigree/00", 6, 14, "a"))
	require.NoError(t, err)
	good := string(text)
	hash := regexp.MustCompile(`"[0-9a-f]{64}"`).FindString(good)
	for about, c := range map[string]struct {
		text   string
		reason proof.Reason
	}{
		"nothing":                     {"", proof.Malformed},
		"of a later version":          {strings.Replace(good, "/1", "/2", 1), proof.UnsupportedVersion},
		"without a format":            {strings.Replace(good, `"format"`, `"form"`, 1), proof.UnsupportedVersion},
		"a size that is a text":       {strings.Replace(good, `"from":6`, `"from":"6"`, 1), proof.Malformed},
		"another that is a text":      {strings.Replace(good, `"to":14`, `"to":"14"`, 1), proof.Malformed},
		"a size below zero":           {strings.Replace(good, `"from":6`, `"from":-1`, 1), proof.Malformed},
		"a tree that shrank":          {strings.Replace(good, `"to":14`, `"to":5`, 1), proof.Malformed},
		"a member more":               {strings.Replace(good, `{`, `{"more":1,`, 1), proof.Malformed},
		"no path":                     {regexp.MustCompile(`"path":\[.*\]`).ReplaceAllString(good, `"path":"x"`), proof.Malformed},
		"an origin that is a number":  {strings.Replace(good, `"pedigree/00"`, `1`, 1), proof.Malformed},
		"a hash that is too short":    {strings.Replace(good, hash, hash[:63]+`"`, 1), proof.Malformed},
		"a hash that is too long":     {strings.Replace(good, hash, hash[:65]+`00"`, 1), proof.Malformed},
		"a hash that isn't of digits": {strings.Replace(good, hash, `"`+strings.Repeat("g", 64)+`"`, 1), proof.Malformed},
	} {
		_, err := checkpoint.ParseConsistency([]byte(c.text))
		assert.Equal(t, c.reason, proof.ReasonOf(err), "%s: %v", about, err)
	}
	_, err = checkpoint.ParseConsistency([]byte(strings.Replace(good, `"from":6`, `"from":14`, 1)))
	require.NoError(t, err, "of a tree that didn't grow")
}

// A line is a signature of ours only if all that it carries fits.
func TestASignatureOfAnotherKindIsNobodys(t *testing.T) {
	f := newFixture(t)
	good := string(f.signed(f.at(6, "a"), "HarborMSP").Bytes())
	body, line, found := strings.Cut(good, "— HarborMSP ")
	require.True(t, found)
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
	require.NoError(t, err)
	for about, change := range map[string]func(s []byte) (name string, signature []byte){
		"another key id":                   func(s []byte) (string, []byte) { s[0] ^= 1; return "HarborMSP", s },
		"another name":                     func(s []byte) (string, []byte) { return "LabMSP", s },
		"a time that can't be":             func(s []byte) (string, []byte) { s[4+2] = 1; return "HarborMSP", s },
		"a certificate that can't be read": func(s []byte) (string, []byte) { s[4+8+6] ^= 1; return "HarborMSP", s },
		"a time that is cut off":           func(s []byte) (string, []byte) { return "HarborMSP", s[:4+7] },
		"no certificate":                   func(s []byte) (string, []byte) { return "HarborMSP", s[:4+8] },
	} {
		name, s := change(slices.Clone(signature))
		n, err := checkpoint.Parse([]byte(body + "— " + name + " " + base64.StdEncoding.EncodeToString(s) + "\n"))
		require.NoError(t, err, about)
		assert.Empty(t, n.Cosignatures, about)
		assert.Len(t, n.Others, 1, about)
	}
	n, err := checkpoint.Parse([]byte(good))
	require.NoError(t, err)
	assert.Len(t, n.Cosignatures, 1)
	assert.Empty(t, n.Others)
}

func TestNotesThatCannotBeReadAreRefused(t *testing.T) {
	f := newFixture(t)
	good := string(f.signed(f.at(6, "a"), "HarborMSP", "LabMSP").Bytes())
	for about, text := range map[string]string{
		"nothing":                        "",
		"no signature":                   good[:strings.Index(good, "\n\n")+2],
		"no empty line":                  strings.Replace(good, "\n\n", "\n", 1),
		"a line more":                    strings.Replace(good, "\n\n", "\nmore\n\n", 1),
		"a line less":                    strings.Replace(good, "block 3\n", "", 1),
		"a size with a zero before it":   strings.Replace(good, "\n6\n", "\n06\n", 1),
		"a size with a sign":             strings.Replace(good, "\n6\n", "\n+6\n", 1),
		"a size that is too big":         strings.Replace(good, "\n6\n", "\n36028797018963968\n", 1),
		"no genesis":                     "pedigree" + good[strings.Index(good, "\n"):],
		"a genesis in capital letters":   strings.ToUpper(good[:70]) + good[70:],
		"a control character":            strings.Replace(good, "block", "\x01block", 1),
		"carriage returns":               strings.ReplaceAll(good, "\n", "\r\n"),
		"no line feed at the end":        strings.TrimSuffix(good, "\n"),
		"a signature that isn't base64":  good + "— HarborMSP !!!!\n",
		"a signature without a name":     good + "—  AAAAAAAA\n",
		"a signature of a key id alone":  good + "— x AAAAAA==\n",
		"another dash":                   strings.Replace(good, "— Lab", "- Lab", 1),
		"text that isn't UTF-8":          good + "— \xff AAAAAAAA\n",
		"an empty line at the end":       good + "\n",
		"more signatures than there may": good + strings.Repeat("— x AAAAAAAA\n", 64),
		"more bytes than there may":      good + strings.Repeat("— x AAAAAAAA\n", 1<<16),
	} {
		_, err := checkpoint.Parse([]byte(text))
		assert.Contains(t, []proof.Reason{proof.Malformed, proof.TooLarge}, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func TestTheNoteOfACosignedAnswerHasThoseWhoAgree(t *testing.T) {
	f := newFixture(t)
	c := f.at(6, "a")
	file := f.signed(c, "HarborMSP", "LabMSP").File()
	other := f.at(6, "b")
	file.Cosignatures = append(file.Cosignatures, f.cosignature(other, f.admins["MarketMSP"]))
	read, err := cosigned.Parse(file.Text())
	require.NoError(t, err)
	n, err := checkpoint.OfFile(read)
	require.NoError(t, err)
	assert.Equal(t, c, n.Checkpoint)
	assert.Len(t, n.Cosignatures, 2)
	read.Question = "/v1/members"
	_, err = checkpoint.OfFile(read)
	assert.Equal(t, proof.WrongQuestion, proof.ReasonOf(err))
	read.Question, read.Answer.Status = checkpoint.Question, 404
	_, err = checkpoint.OfFile(read)
	assert.Equal(t, proof.Malformed, proof.ReasonOf(err))
}

func FuzzParse(fuzz *testing.F) {
	fuzz.Add([]byte("pedigree/00\n6\nAA==\nblock 3\nhash AA==\n\n— HarborMSP AAAAAAAA\n"))
	fuzz.Fuzz(func(t *testing.T, text []byte) {
		n, err := checkpoint.Parse(text)
		if err != nil {
			require.NotEmpty(t, proof.ReasonOf(err))
			return
		}
		again, err := checkpoint.Parse(n.Bytes())
		require.NoError(t, err)
		require.True(t, bytes.Equal(n.Bytes(), again.Bytes()))
	})
}

func FuzzParseConsistency(fuzz *testing.F) {
	fuzz.Add([]byte(`{"format":"pedigree-consistency/1","from":1,"origin":"x","path":["` + strings.Repeat("0", 64) + `"],"to":2}`))
	fuzz.Fuzz(func(t *testing.T, text []byte) {
		c, err := checkpoint.ParseConsistency(text)
		if err != nil {
			require.NotEmpty(t, proof.ReasonOf(err))
			return
		}
		_ = c.Check(&checkpoint.Checkpoint{Size: c.From}, &checkpoint.Checkpoint{Size: c.To})
	})
}
