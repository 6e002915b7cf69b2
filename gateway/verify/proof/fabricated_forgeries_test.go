package proof_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	verifyfolder "github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// fabrication is what a consortium whose keys somebody has can forge.
type fabrication struct {
	name   string
	about  string
	change func(l *fabricatedLedger)              // before everybody signs
	after  func(p *proof.Proof)                   // after it, if not nil
	text   func(text string) string               // of the proof file, if not nil
	trust  func(t testing.TB, text []byte) []byte // of the trust file, if not nil
	reason proof.Reason
}

// fabrications are wrong in one respect each, and right in all others.
func fabrications(f *fabricated) []fabrication {
	otherBody := strings.Replace(recordBody, `"name":"x"`, `"name":"y"`, 1)
	otherTx := strings.Repeat("cd", 32)
	recorded := func(change func(r *recording)) func(*fabricatedLedger) {
		return func(l *fabricatedLedger) { change(&l.recording) }
	}
	return []fabrication{
		// Which policy was met.
		{"endorsed-by-one-of-three", "a transaction that one organisation of three has endorsed, where a majority must", recorded(func(r *recording) { r.endorsers = r.endorsers[:1] }), nil, nil, nil, proof.PolicyNotMet},
		{"endorsed-by-two-peers-of-one", "a transaction that two peers of one organisation have endorsed", recorded(func(r *recording) {
			r.endorsers = []*signer{r.endorsers[0], f.member("HarborMSP", "HarborMSP", "peer")}
		}), nil, nil, nil, proof.PolicyNotMet},
		{"endorsed-by-nobody", "a transaction that nobody has endorsed", recorded(func(r *recording) { r.endorsers = nil }), nil, nil, nil, proof.PolicyNotMet},
		{"endorsed-by-clients", "a transaction that clients have endorsed, where peers must", recorded(func(r *recording) {
			r.endorsers = []*signer{f.member("LabMSP", "LabMSP", "client"), f.member("MarketMSP", "MarketMSP", "client")}
		}), nil, nil, nil, proof.PolicyNotMet},
		{"definition-endorsed-by-one-of-three", "a definition of the chaincode that one organisation of three has endorsed", func(l *fabricatedLedger) { l.definition.endorsers = l.definition.endorsers[:1] }, nil, nil, nil, proof.PolicyNotMet},
		{"definition-with-another-plugin", "a chaincode whose transactions are judged by a plugin that nobody knows", func(l *fabricatedLedger) { l.definition.plugin = "other" }, nil, nil, nil, proof.PolicyNotMet},
		{"definition-without-a-policy", "a chaincode that is defined with no endorsement policy", func(l *fabricatedLedger) { l.definition.policy = nil }, nil, nil, nil, proof.BadConfig},
		{"definition-with-a-policy-of-no-channel", "a chaincode whose endorsement policy is none of the channel's", func(l *fabricatedLedger) { l.definition.policy = reference(f, "/Nowhere/Endorsement") }, nil, nil, nil, proof.BadConfig},

		// Who signed.
		{"submitted-with-a-revoked-certificate", "a transaction whose submitter's certificate its organisation had revoked", recorded(func(r *recording) { r.creator = f.revoked }), nil, nil, nil, proof.Revoked},
		{"submitted-by-a-stranger", "a transaction by a submitter whose organisation isn't of the channel", recorded(func(r *recording) { r.creator = f.member("LabMSP", "ZooMSP", "client") }), nil, nil, nil, proof.UnknownOrganisation},
		{"submitted-in-anothers-name", "a transaction whose submitter's certificate is another organisation's", recorded(func(r *recording) { r.creator = f.member("LabMSP", "MarketMSP", "client") }), nil, nil, nil, proof.UntrustedCertificate},
		{"submitted-with-a-signature-over-something-else", "a transaction whose submitter has signed something else", recorded(func(r *recording) { r.forged = true }), nil, nil, nil, proof.BadSignature},

		// Which transaction it is.
		{"transaction-under-another-id", "a transaction whose id isn't the hash of its nonce and creator", recorded(func(r *recording) { r.id = otherTx }), nil, nil, nil, proof.BadTransaction},
		{"transaction-of-another-channel", "a transaction of another channel", recorded(func(r *recording) { r.channel = "other" }), nil, nil, nil, proof.WrongChannel},
		{"transaction-that-read-no-definition", "a transaction that doesn't tell under which definition of the chaincode it was endorsed", recorded(func(r *recording) { r.reads = nil }), nil, nil, nil, proof.BadTransaction},
		{"transaction-that-read-a-later-definition", "a transaction endorsed under a definition that comes after it", recorded(func(r *recording) {
			r.reads = map[string]proof.Version{definedKey + "Sequence": {Block: 2}}
		}), nil, nil, nil, proof.BadTransaction},
		{"call-of-another-chaincode", "a call of another chaincode, where the receipt says that the record was recorded", recorded(func(r *recording) { r.chaincode = "other" }), nil, nil, nil, proof.WrongTransaction},
		{"definition-by-another-chaincode", "a definition of the chaincode that another chaincode has written", func(l *fabricatedLedger) { l.definition.chaincode = "other" }, nil, nil, nil, proof.WrongTransaction},
		{"receipt-of-another-transaction", "a receipt that names another transaction than the one in the block, which points to the record for it", func(l *fabricatedLedger) {
			l.receipt.tx = otherTx
			l.recording.pointer = func(string) (string, string) { return record.PointerKey(l.receipt.id, otherTx), "0" }
		}, nil, nil, nil, proof.WrongTransaction},
		{"receipt-of-a-place-past-the-block", "a receipt that places the transaction behind the last of its block", func(l *fabricatedLedger) { l.receipt.position = 1 }, nil, nil, nil, proof.WrongTransaction},

		// What the transaction holds.
		{"pack-of-another-record", "a transaction that points to the record and holds another one", recorded(func(r *recording) { r.bodies = [][]byte{[]byte(otherBody)} }), nil, nil, nil, proof.NotInTransaction},
		{"pointer-to-another-line", "a transaction that points to a line with another record", recorded(func(r *recording) {
			r.bodies = [][]byte{[]byte(recordBody), []byte(otherBody)}
			r.pointer = pointing(record.Sum([]byte(recordBody)), "1")
		}), nil, nil, nil, proof.NotInTransaction},
		{"pointer-past-the-pack", "a transaction that points behind its last record", recorded(func(r *recording) { r.pointer = pointing(record.Sum([]byte(recordBody)), "1") }), nil, nil, nil, proof.NotInTransaction},
		{"pointer-before-the-pack", "a transaction that points before its first record", recorded(func(r *recording) { r.pointer = pointing(record.Sum([]byte(recordBody)), "-1") }), nil, nil, nil, proof.NotInTransaction},
		{"pointer-that-is-no-number", "a transaction that points to a line that is no number", recorded(func(r *recording) { r.pointer = pointing(record.Sum([]byte(recordBody)), "first") }), nil, nil, nil, proof.NotInTransaction},
		{"pointer-of-another-record", "a transaction that points to another record", recorded(func(r *recording) { r.pointer = pointing(record.Sum([]byte(otherBody)), "0") }), nil, nil, nil, proof.NotInTransaction},
		{"header-of-another-time", "a transaction that records another time than it was signed for", recorded(func(r *recording) {
			r.header = f.header(r, func(h *record.Header) { h.Time = record.HeaderTime(during.Add(time.Hour)) })
		}), nil, nil, nil, proof.NotInTransaction},
		{"header-of-another-organisation", "a transaction that records another organisation than its submitter's", recorded(func(r *recording) { r.header = f.header(r, func(h *record.Header) { h.MSPID = "LabMSP" }) }), nil, nil, nil, proof.NotInTransaction},
		{"header-of-another-submitter", "a transaction that records another submitter than it was signed by", recorded(func(r *recording) { r.header = f.header(r, func(h *record.Header) { h.Subject = "CN=somebody" }) }), nil, nil, nil, proof.NotInTransaction},
		{"receipt-of-another-time", "a receipt with another time than the transaction's", telling(f, func(h *record.Header) { h.Time = record.HeaderTime(during.Add(time.Hour)) }), nil, nil, nil, proof.NotInTransaction},
		{"receipt-of-another-organisation", "a receipt with another organisation than the transaction's", telling(f, func(h *record.Header) { h.MSPID = "LabMSP" }), nil, nil, nil, proof.NotInTransaction},
		{"receipt-of-another-submitter", "a receipt with another submitter than the transaction's", telling(f, func(h *record.Header) { h.Subject = "CN=somebody" }), nil, nil, nil, proof.NotInTransaction},
		{"call-that-sets-metadata", "a receipt of a call that sets the metadata of a key", func(l *fabricatedLedger) { l.receipt.metadata = true }, nil, nil, nil, proof.BadAnswer},

		// Which blocks there are.
		{"signed-by-two-of-four-orderers", "blocks that two orderers of four have signed", func(l *fabricatedLedger) { l.quorum = []int{0, 1} }, nil, nil, nil, proof.TooFewOrderers},
		{"signed-by-one-orderer-twice", "blocks that one orderer has signed twice", func(l *fabricatedLedger) { l.quorum = []int{0, 0, 1} }, nil, nil, nil, proof.OrdererTwice},
		{"block-out-of-the-chain", "a block that follows another one than the one before it", nil, func(p *proof.Proof) {
			again := *p.Blocks[1]
			again.Number = 3
			p.Blocks = append(p.Blocks, &again)
		}, nil, nil, proof.BadBlock},
		{"without-the-block-of-the-record", "a proof without the block in which the record is", nil, func(p *proof.Proof) { p.Blocks = p.Blocks[:2] }, nil, nil, proof.MissingBlock},
		{"without-the-block-of-the-definition", "a proof without the block in which the chaincode is defined", nil, func(p *proof.Proof) { p.Blocks = slices.Delete(p.Blocks, 1, 2) }, nil, nil, proof.MissingBlock},
		{"with-a-needless-block", "a proof with a block that proves nothing", func(l *fabricatedLedger) {
			l.changed = func(blocks []*proof.Block) []*proof.Block {
				return append(blocks, &proof.Block{Number: 3, Data: blocks[0].Data})
			}
		}, nil, nil, nil, proof.NeedlessBlock},

		// What can't be used at all.
		{"against-one-authority-as-two", "a trust file in which one authority is two organisations", nil, nil, nil, func(t testing.TB, text []byte) []byte {
			trust, err := proof.ParseTrust(text)
			require.NoError(t, err)
			twice := *trust.Organisations[0]
			twice.MSPID = "OtherMSP"
			trust.Organisations = append(trust.Organisations, &twice)
			return trust.Text()
		}, proof.BadTrust},
		{"against-a-trust-file-of-another-version", "a trust file of a version that this one can't judge", nil, nil, nil, func(_ testing.TB, text []byte) []byte {
			return bytes.Replace(text, []byte("pedigree-trust/1"), []byte("pedigree-trust/2"), 1)
		}, proof.UnsupportedVersion},
	}
}

func pointing(id record.ID, line string) func(string) (string, string) {
	return func(tx string) (string, string) { return record.PointerKey(id, tx), line }
}

// header is a header that a recording's submitter would write, changed.
func (f *fabricated) header(r *recording, change func(*record.Header)) record.Header {
	id, err := proof.ParseIdentity(r.creator.serialized)
	require.NoError(f, err)
	h := record.Header{MSPID: id.MSPID, Subject: id.Certificate.Subject.String(), Time: record.HeaderTime(r.time)}
	change(&h)
	return h
}

// telling has the peers sign a receipt that tells something else than the transaction.
func telling(f *fabricated, change func(*record.Header)) func(*fabricatedLedger) {
	return func(l *fabricatedLedger) {
		said := f.header(&l.recording, change)
		l.receipt.said = &said
	}
}

// make is a fabrication's proof and trust file.
func (one fabrication) make(t testing.TB, f *fabricated) (text, trust []byte) {
	l := f.ledger()
	if one.change != nil {
		one.change(l)
	}
	p := l.proof()
	if one.after != nil {
		one.after(p)
	}
	text, trust = p.Bytes(), f.trust()
	if one.text != nil {
		text = []byte(one.text(string(text)))
	}
	if one.trust != nil {
		trust = one.trust(t, trust)
	}
	return text, trust
}

func TestAFabricatedLedgerIsRightUntilSomethingIsChanged(t *testing.T) {
	f := newFabricated(t)
	text, trust := fabrication{}.make(t, f)
	require.Equal(t, "accept", outcome(text, trust, proof.Wanted{Level: proof.LevelBlock, ID: record.Sum([]byte(recordBody))}))
	pinned, err := proof.ParseTrust(trust)
	require.NoError(t, err)
	p, err := proof.Parse(text)
	require.NoError(t, err)
	v, err := proof.Verify(p, pinned, proof.Wanted{})
	require.NoError(t, err)
	assert.Equal(t, members, v.Records[0].Ordered.EndorsedBy)
	assert.Equal(t, proof.Version{Block: 2}, v.Records[0].Ordered.Version)
	assert.Equal(t, "/Channel/Application/Endorsement", v.Records[0].Ordered.Policy)

	l := f.ledger() // two organisations of three are a majority
	l.recording.endorsers = l.recording.endorsers[1:]
	assert.Equal(t, "accept", outcome(l.proof().Bytes(), trust, proof.Wanted{Level: proof.LevelBlock}))
}

func TestForgeriesWithEveryKeyAreRefused(t *testing.T) {
	f := newFabricated(t)
	for _, one := range fabrications(f) {
		t.Run(one.name, func(t *testing.T) {
			text, trust := one.make(t, f)
			assert.Equal(t, "refuse "+string(one.reason), outcome(text, trust, proof.Wanted{}), one.about)
		})
	}
}

var fabricate = flag.Bool("fabricate", false, "make the vectors of test/vectors that begin with fabricated anew; the others stay")

// fabricated adds what a consortium can prove and forge all of whose keys somebody has.
func (v *vectors) fabricated() {
	f := newFabricated(v)
	const pinned = "fabricated-consortium.json"
	v.files[pinned] = f.trust()
	v.accept("fabricated", "a record of 2002, proved with blocks of a consortium that signs whatever it is told to", f.ledger().proof(), pinned)
	for _, one := range fabrications(f) {
		text, trust := one.make(v, f)
		file := pinned
		if one.trust != nil {
			text, file = v.files["fabricated.proof"], "fabricated-"+one.name+".json"
			v.files[file] = trust
		}
		v.refuse("fabricated-"+one.name, one.about, text, file, proof.Wanted{}, one.reason)
	}
}

func TestFabricatedVectors(t *testing.T) {
	if !*fabricate {
		t.Skip("-fabricate makes them")
	}
	v := &vectors{&harness{TB: t}, map[string][]byte{}, nil}
	for _, one := range readVectors(t) {
		if !strings.HasPrefix(one.name, "fabricated") {
			v.list = append(v.list, one)
		}
	}
	v.fabricated()
	old, err := filepath.Glob(filepath.Join(vectorFolder, "fabricated*"))
	require.NoError(t, err)
	for _, name := range old {
		require.NoError(t, os.Remove(name))
	}
	v.save()
}

// reasons are all codes that refusal.go defines.
func reasons(t testing.TB) (all []proof.Reason) {
	file, err := parser.ParseFile(token.NewFileSet(), "refusal.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
			return false
		}
		for _, value := range spec.Values {
			code, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			require.NoError(t, err)
			all = append(all, proof.Reason(code))
		}
		return false
	})
	require.Greater(t, len(all), 35)
	return all
}

func TestEveryReasonForARefusalHasAForgery(t *testing.T) {
	published := map[string]bool{}
	for _, v := range readVectors(t) {
		published[v.expect] = true
	}
	// Those of packages cosigned, checkpoint and scitt are looked at there.
	for _, list := range []string{
		filepath.Join("answers", "answers.txt"), filepath.Join("checkpoints", "checkpoints.txt"),
		filepath.Join("statements", "statements.txt"),
	} {
		for line := range strings.Lines(string(vectorFile(t, list))) {
			if expect, ok := strings.CutPrefix(strings.TrimSpace(line), "expect: "); ok {
				published[expect] = true
			}
		}
	}
	for _, code := range reasons(t) {
		if code == proof.TooLarge {
			_, err := proof.Parse(make([]byte, 512<<20+1))
			assert.Equal(t, code, proof.ReasonOf(err), "a file that no vector can be")
			continue
		}
		assert.True(t, published["refuse "+string(code)], "no vector is refused as %s", code)
		delete(published, "refuse "+string(code))
	}
	delete(published, "accept")
	assert.Empty(t, slices.Collect(maps.Keys(published)), "vectors are refused for reasons that aren't codes")
}

var makeExample = flag.Bool("example", false, "make the proof of the folder in ../testdata anew")

// The examples of package verify have a folder that a fabricated channel has registered.
func TestFabricatedExample(t *testing.T) {
	if !*makeExample {
		t.Skip("-example makes it")
	}
	folder := filepath.Join("..", "testdata")
	f, err := verifyfolder.Open(filepath.Join(folder, "catch"), verifyfolder.Options{})
	require.NoError(t, err)
	defer f.Close()
	m, err := f.Manifest(t.Context(), verifyfolder.Hashing{})
	require.NoError(t, err)
	v, err := canonical.From(map[string]any{"kind": "dataset", "namespace": "harbor", "name": "catch", "version": "1", "size": m.Size(),
		"digest": map[string]any{"algorithm": "sha-256", "coverage": "full", "value": m.Digest()}})
	require.NoError(t, err)
	r, problems := record.NewArtifact(v.With("manifest", m.Value()), "HarborMSP")
	require.Empty(t, problems)
	c := newFabricated(t)
	l := c.ledger()
	l.receipt.body, l.receipt.id, l.receipt.question.ID = string(r.Body), r.ID, r.ID
	l.recording.bodies = [][]byte{r.Body}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "catch.proof"), l.proof().Bytes(), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "catch-consortium.json"), c.trust(), 0o644))
	genesis := &common.Block{Header: &common.BlockHeader{DataHash: dataHash(c.genesis)}, Data: &common.BlockData{Data: c.genesis.Data}}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "genesis.block"), marshal(t, genesis), 0o644))
}

func dataHash(b *proof.Block) []byte {
	sum := sha256.Sum256(bytes.Join(b.Data, nil))
	return sum[:]
}
