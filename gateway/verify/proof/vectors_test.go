package proof_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/verifytest"
	"github.com/pedigree-ledger/pedigree/test/thorough"
)

var makeVectors = flag.Bool("vectors", false, "make test/vectors anew, from a network")

var vectorFolder = filepath.Join("..", "..", "..", "test", "vectors")

// vector is one entry of test/vectors/vectors.txt.
type vector struct {
	name, about, trust string
	wanted             proof.Wanted
	expect             string // "accept" or "refuse" and a reason
}

// readVectors reads the list.
func readVectors(t testing.TB) (all []vector) {
	for _, entry := range verifytest.Entries(t, filepath.Join(vectorFolder, "vectors.txt")) {
		v := vector{}
		for member, value := range entry {
			switch member {
			case "proof":
				v.name = value
			case "about":
				v.about = value
			case "trust":
				v.trust = value
			case "record":
				v.wanted.ID = record.ID(value)
			case "level":
				v.wanted.Level = proof.Level(value)
			case "trace":
				v.wanted.Trace = &proof.Trace{Node: value, Direction: proof.Ancestors}
			case "expect":
				v.expect = value
			default:
				require.Fail(t, "unknown member", member)
			}
		}
		all = append(all, v)
	}
	return all
}

func (v vector) String() string {
	var b strings.Builder
	line := func(member, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", member, value)
		}
	}
	line("proof", v.name)
	line("about", v.about)
	line("trust", v.trust)
	line("record", string(v.wanted.ID))
	line("level", string(v.wanted.Level))
	if v.wanted.Trace != nil {
		line("trace", v.wanted.Trace.Node)
	}
	line("expect", v.expect)
	return b.String()
}

func vectorFile(t testing.TB, name string) []byte {
	text, err := os.ReadFile(filepath.Join(vectorFolder, name))
	require.NoError(t, err)
	return text
}

func outcome(text, pinned []byte, wanted proof.Wanted) string {
	trust, err := proof.ParseTrust(pinned)
	if err != nil {
		return "refuse " + string(proof.ReasonOf(err))
	}
	p, err := proof.Parse(text)
	if err != nil {
		return "refuse " + string(proof.ReasonOf(err))
	}
	if _, err := proof.Verify(p, trust, wanted); err != nil {
		return "refuse " + string(proof.ReasonOf(err))
	}
	return "accept"
}

// The vectors were made by a network that is no more. They must be judged the same for ever.
func TestVectorsAreJudgedAsTheyAlwaysWere(t *testing.T) {
	if *makeVectors {
		newVectors(t).make()
	}
	accepted := 0
	files := map[string]bool{"README.md": true, "vectors.txt": true}
	for _, v := range readVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			assert.Equal(t, v.expect, outcome(vectorFile(t, v.name), vectorFile(t, v.trust), v.wanted), v.about)
		})
		files[v.name], files[v.trust] = true, true
		if v.expect == "accept" {
			accepted++
		}
	}
	assert.GreaterOrEqual(t, accepted, 6)
	entries, err := os.ReadDir(vectorFolder)
	require.NoError(t, err)
	size := int64(0)
	for _, e := range entries {
		if e.IsDir() {
			continue // package cosigned has vectors of its own
		}
		assert.True(t, files[e.Name()] || strings.HasSuffix(e.Name(), "_test.go"), "%s is no vector", e.Name())
		info, err := e.Info()
		require.NoError(t, err)
		size += info.Size()
		assert.NotContains(t, string(vectorFile(t, e.Name())), "PRIVATE KEY", e.Name())
	}
	assert.Less(t, size, int64(3<<20), "the vectors stay small")
}

// vectorForger makes forgeries of the published vectors.
func vectorForger(t testing.TB) *forger {
	f := &forger{t, map[string][]byte{}}
	for _, name := range []string{receiptVector, traceVector, blockVector, laterVector} {
		f.bases[name] = vectorFile(t, name+".proof")
	}
	return f
}

func TestForgeriesWithoutAKeyAreRefused(t *testing.T) {
	if testing.Short() && *makeVectors {
		t.Skip("the vectors are being made")
	}
	f := vectorForger(t)
	for _, one := range forgeries() {
		t.Run(one.name, func(t *testing.T) {
			trust := vectorFile(t, "consortium.json")
			if one.trust != "" {
				trust = vectorFile(t, one.trust+".json")
			}
			assert.Equal(t, "refuse "+string(one.reason), outcome((&forger{t, f.bases}).make(one), trust, one.wanted))
		})
	}
}

// Each byte is looked at, and each bit where tests are thorough.
func TestEveryBitOfAReceiptMatters(t *testing.T) {
	text, trust := vectorFile(t, receiptVector+".proof"), vectorFile(t, "consortium.json")
	pinned, err := proof.ParseTrust(trust)
	require.NoError(t, err)
	for i := range text {
		for n := range thorough.Of(1, 8) {
			bit := (i + n) % 8
			text[i] ^= 1 << bit
			p, err := proof.Parse(text)
			if err == nil {
				_, err = proof.Verify(p, pinned, proof.Wanted{})
			}
			text[i] ^= 1 << bit
			if proof.ReasonOf(err) == "" {
				require.Fail(t, "a flipped bit was accepted", "bit %d of byte %d: %v", bit, i, err)
			}
		}
	}
}

// Of larger proofs, bits chosen at random are looked at: the same ones each time.
func TestBitsOfAProofWithBlocksMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pinned, err := proof.ParseTrust(vectorFile(t, "consortium.json"))
	require.NoError(t, err)
	for _, name := range []string{traceVector, blockVector, laterVector} {
		text := vectorFile(t, name+".proof")
		for range thorough.Of(300, 1500) {
			i, bit := random.IntN(len(text)), random.IntN(8)
			text[i] ^= 1 << bit
			p, err := proof.Parse(text)
			if err == nil {
				_, err = proof.Verify(p, pinned, proof.Wanted{})
			}
			text[i] ^= 1 << bit
			if proof.ReasonOf(err) == "" {
				require.Fail(t, "a flipped bit was accepted", "%s: bit %d of byte %d: %v", name, bit, i, err)
			}
		}
	}
}

// vectors makes test/vectors.
type vectors struct {
	*harness
	files map[string][]byte
	list  []vector
}

func newVectors(t *testing.T) *vectors {
	return &vectors{newHarness(t), map[string][]byte{}, nil}
}

func (v *vectors) accept(name, about string, p *proof.Proof, trust string) {
	v.files[name+".proof"] = p.Bytes()
	v.list = append(v.list, vector{name: name + ".proof", about: about, trust: trust, expect: "accept"})
}

// refuse adds a forgery; one that was itself accepted otherwise needs no file of its own.
func (v *vectors) refuse(name, about string, text []byte, trust string, wanted proof.Wanted, reason proof.Reason) {
	file := name + ".proof"
	for other, has := range v.files {
		if bytes.Equal(has, text) {
			file = other
		}
	}
	v.files[file] = text
	v.list = append(v.list, vector{name: file, about: about, trust: trust, wanted: wanted, expect: "refuse " + string(reason)})
}

func (v *vectors) prove(id record.ID, level proof.Level, agree int) *proof.Proof {
	p, err := v.maker.Prove(v.within(time.Minute), id, level, agree)
	require.NoError(v, err)
	return p
}

func (v *vectors) make() {
	const pinned = "consortium.json"
	v.files[pinned] = v.trust.Text()
	v.files["all-must-agree.json"] = bytes.Replace(v.trust.Text(), []byte(`"agree": 2`), []byte(`"agree": 3`), 1)
	v.files["other-channel.json"] = bytes.Replace(v.trust.Text(), []byte(`"channel": "pedigree"`), []byte(`"channel": "other"`), 1)
	genesis := fmt.Sprintf("%x", v.trust.Genesis)
	v.files["other-genesis.json"] = bytes.Replace(v.trust.Text(), []byte(genesis), []byte(strings.Repeat("5a", 32)), 1)
	v.files["rogue-root.json"], v.files["without-lab.json"] = v.otherTrust()

	lineage := v.lineage("vectors")
	first := v.prove(lineage[0], proof.LevelReceipt, 0)
	v.accept(receiptVector, "the receipt of a dataset, signed by three organisations", first, pinned)
	two := *v.prove(lineage[0], proof.LevelReceipt, 2)
	two.Receipts = []*proof.Receipt{{Creator: two.Receipts[0].Creator, Nonce: two.Receipts[0].Nonce, Time: two.Receipts[0].Time, Answer: two.Receipts[0].Answer, Endorsements: two.Receipts[0].Endorsements[:2]}}
	v.accept("receipt-of-two", "two organisations have signed, as many as must", &two, pinned)
	trace, err := v.maker.ProveTrace(v.within(time.Minute), proof.Trace{Node: "model/harbor/vectors@1", Direction: proof.Ancestors}, lineage, proof.LevelReceipt, 0)
	require.NoError(v, err)
	v.accept(traceVector, "what a model was made of: four receipts", trace, pinned)
	cut, err := v.maker.ProveTrace(v.within(time.Minute), proof.Trace{Node: "model/harbor/vectors@1", Direction: proof.Ancestors, Cut: true}, lineage[2:], proof.LevelReceipt, 0)
	require.NoError(v, err)
	v.accept("trace-cut", "a part of it, which says that it is one", cut, pinned)
	v.accept(blockVector, "the dataset derived from it, with its block", v.prove(lineage[1], proof.LevelBlock, 0), pinned)

	// What an old receipt proves of a record that was withdrawn later: that it was recorded.
	gone := v.record("withdrawn", 1)[0]
	before := v.prove(gone, proof.LevelReceipt, 0)
	claim, err := canonical.From(map[string]any{"kind": record.Withdrawal, "subject": []any{"dataset/harbor/withdrawn@0"}, "predicate": map[string]any{"reason": "consent ended"}})
	require.NoError(v, err)
	withdrawal, problems := record.NewStatement(claim, "HarborMSP", func(string) string {
		digest := sha256.Sum256([]byte("dataset" + "withdrawn" + "0"))
		return hex.EncodeToString(digest[:])
	})
	require.Empty(v, problems)
	said := v.submit("Statements:Submit", withdrawal)[0]
	v.accept("receipt-before-withdrawal", "a dataset, asked for before it was withdrawn: it was recorded, and no proof says that nothing came after", before, pinned)
	v.accept("receipt-after-withdrawal", "the same dataset, asked for after: records stay", v.prove(gone, proof.LevelReceipt, 0), pinned)
	v.accept("receipt-of-withdrawal", "the withdrawal", v.prove(said, proof.LevelReceipt, 0), pinned)

	v.change()
	later := v.prove(v.record("later", 1)[0], proof.LevelBlock, 0)
	v.accept(laterVector, "a dataset after an organisation joined and an orderer left, trusting the genesis block alone", later, pinned)
	newest, err := proof.NewTrust(v.genesis(), later.Blocks[1:], "pedigree", 0)
	require.NoError(v, err)
	v.files["consortium-later.json"] = newest.Text()
	v.accept(laterVector, "the same, trusting the configuration of then", later, "consortium-later.json")

	f := &forger{v, map[string][]byte{}}
	for _, name := range []string{receiptVector, traceVector, blockVector, laterVector} {
		f.bases[name] = v.files[name+".proof"]
	}
	published := []string{"block-with-an-envelope-split", "block-with-envelopes-merged", "block-signed-by-two-of-four", "block-with-the-signatures-of-another-header",
		"block-against-trust-in-another-genesis", "config-missing", "quorum-of-an-earlier-epoch"}
	for _, one := range forgeries() {
		if one.base == receiptVector && one.name != "receipt-that-is-nested-deeply" || one.base == traceVector || slices.Contains(published, one.name) {
			trust := pinned
			if one.trust != "" {
				trust = one.trust + ".json"
			}
			v.refuse(one.name, sentence(one.name), f.make(one), trust, one.wanted, one.reason)
		}
	}
	v.colluding(f)
	v.synthetic()
	v.fabricated()
	v.write()
}

// sentence makes words of a name.
func sentence(name string) string { return "a " + strings.ReplaceAll(name, "-", " ") }

// otherTrust is the trust file with one root replaced, and without an organisation.
func (v *vectors) otherTrust() (rogueOne, without []byte) {
	parsed, err := canonical.Parse(v.trust.Text(), canonical.Limits{})
	require.NoError(v, err)
	organisations := parsed.Get("organisations").Items
	lab := slices.IndexFunc(organisations, func(o canonical.Value) bool { return o.Get("mspId").Text == "LabMSP" })
	replaced := slices.Clone(organisations)
	der, err := base64.StdEncoding.DecodeString(organisations[lab].Get("roots").Items[0].Text)
	require.NoError(v, err)
	ca, err := x509.ParseCertificate(der)
	require.NoError(v, err)
	block, _ := pem.Decode(rogueRoot(v, ca))
	replaced[lab] = replaced[lab].With("roots", canonical.Arr(canonical.Str(base64.StdEncoding.EncodeToString(block.Bytes))))
	text := func(list []canonical.Value) []byte {
		t, err := proof.ParseTrust(parsed.With("organisations", canonical.Arr(list...)).Bytes())
		require.NoError(v, err)
		return t.Text()
	}
	return text(replaced), text(slices.Delete(slices.Clone(organisations), lab, lab+1))
}

// change has an organisation join and an orderer leave.
func (v *vectors) change() {
	var everybody []*signer
	for _, mspID := range []string{"HarborMSP", "MarketMSP", "LabMSP"} {
		everybody = append(everybody, v.administrator(mspID, folderOf(mspID)))
	}
	v.reconfigure(func(root *common.ConfigGroup) {
		group := root.Groups["Application"]
		group.Version++
		group.Groups["FishMSP"] = v.newcomer("FishMSP")
	}, everybody...)
	v.reconfigure(func(root *common.ConfigGroup) { dropOrderer(v, root.Groups["Orderer"]) }, v.administrator("OrdererMSP", "orderer"))
}

// dropOrderer makes the last orderer leave.
func dropOrderer(t testing.TB, group *common.ConfigGroup) {
	var orderers common.Orderers
	require.NoError(t, proto.Unmarshal(group.Values["Orderers"].Value, &orderers))
	orderers.ConsenterMapping = orderers.ConsenterMapping[:3]
	group.Values["Orderers"].Version++
	group.Values["Orderers"].Value = marshal(t, &orderers)
	// Peers that follow the orderer that leaves must learn to follow another.
	endpoints := group.Groups["OrdererOrg"].Values["Endpoints"]
	var addresses common.OrdererAddresses
	require.NoError(t, proto.Unmarshal(endpoints.Value, &addresses))
	addresses.Addresses = addresses.Addresses[:3]
	endpoints.Version++
	endpoints.Value = marshal(t, &addresses)
	quorum := &common.SignaturePolicyEnvelope{}
	var rules []*common.SignaturePolicy
	for i, one := range orderers.ConsenterMapping {
		quorum.Identities = append(quorum.Identities, &msp.MSPPrincipal{PrincipalClassification: msp.MSPPrincipal_IDENTITY,
			Principal: marshal(t, &msp.SerializedIdentity{Mspid: one.MspId, IdBytes: one.Identity})})
		rules = append(rules, &common.SignaturePolicy{Type: &common.SignaturePolicy_SignedBy{SignedBy: int32(i)}})
	}
	quorum.Rule = &common.SignaturePolicy{Type: &common.SignaturePolicy_NOutOf_{NOutOf: &common.SignaturePolicy_NOutOf{N: 2, Rules: rules}}}
	group.Policies["BlockValidation"].Version++
	group.Policies["BlockValidation"].Policy.Value = marshal(t, quorum)
}

// ordererKeys are those of the network's orderers, by the numbers that they sign with.
func (v *vectors) ordererKeys() map[uint32]*signer {
	var m common.Orderers
	require.NoError(v, proto.Unmarshal(v.config().GetChannelGroup().GetGroups()["Orderer"].GetValues()["Orderers"].GetValue(), &m))
	keys := map[uint32]*signer{}
	for _, one := range m.GetConsenterMapping() {
		certificate := parseCertificate(v, one.GetIdentity())
		for _, o := range v.net.Orderers() {
			text, err := os.ReadFile(filepath.Join(v.net.Dir(), "orderer", o.Name, "msp", "keystore", "key.pem"))
			require.NoError(v, err)
			block, _ := pem.Decode(text)
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			require.NoError(v, err)
			if k := key.(*ecdsa.PrivateKey); k.PublicKey.Equal(certificate.PublicKey) {
				keys[one.GetId()] = &signer{key: k}
			}
		}
	}
	require.Len(v, keys, 3)
	return keys
}

// sign has orderers sign a block, whatever it holds.
func (v *vectors) sign(b *proof.Block, keys map[uint32]*signer, ids ...uint32) {
	data := sha256.Sum256(bytes.Join(b.Data, nil))
	header, err := asn1.Marshal(struct {
		Number                 *big.Int
		PreviousHash, DataHash []byte
	}{new(big.Int).SetUint64(b.Number), b.PreviousHash, data[:]})
	require.NoError(v, err)
	b.Signatures = nil
	for _, id := range ids {
		named := marshal(v, &common.IdentifierHeader{Identifier: id, Nonce: bytes.Repeat([]byte{byte(id)}, 24)})
		b.Signatures = append(b.Signatures, proof.BlockSignature{Header: named, Signature: keys[id].sign(v, slices.Concat(b.Metadata, named, header), false)})
	}
}

// colluding adds what orderers can forge who lie together.
func (v *vectors) colluding(f *forger) {
	keys := v.ordererKeys()
	ids := slices.Sorted(maps.Keys(keys))
	lied := f.proof(laterVector)
	at := changed(f, lied)[1]
	b := lied.Blocks[at]
	b.Data[0] = replaceRoot(f, b.Data[0])
	v.sign(b, keys, ids...)
	v.refuse("orderers-all-lie-about-the-configuration", "a root replaced without consent, in a block that all orderers have signed", lied.Bytes(), "consortium.json", proof.Wanted{}, proof.UnauthorisedConfig)

	lied = f.proof(laterVector)
	b = newest(lied)
	var e common.Envelope
	require.NoError(v, proto.Unmarshal(b.Data[0], &e))
	e.Signature = keys[ids[0]].sign(v, e.GetPayload(), false)
	b.Data[0] = marshal(v, &e)
	v.sign(b, keys, ids...)
	v.refuse("orderers-all-lie-about-the-submitter", "a transaction that its submitter hasn't signed, in a block that all orderers have signed", lied.Bytes(), "consortium.json", proof.Wanted{}, proof.BadSignature)
}

// write puts all in place of what was there.
func (v *vectors) write() {
	require.NoError(v, os.MkdirAll(vectorFolder, 0o755))
	for _, pattern := range []string{"*.proof", "*.json"} {
		old, err := filepath.Glob(filepath.Join(vectorFolder, pattern))
		require.NoError(v, err)
		for _, name := range old {
			require.NoError(v, os.Remove(name))
		}
	}
	v.save()
}

// save writes the list and the files.
func (v *vectors) save() {
	var entries []string
	for _, one := range v.list {
		entries = append(entries, one.String())
	}
	v.files["vectors.txt"] = []byte(strings.Join(entries, "\n"))
	for name, text := range v.files {
		require.NoError(v, os.WriteFile(filepath.Join(vectorFolder, name), text, 0o644))
	}
}
