package proof_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// These are attacks on what the verifier concludes, not on how things are written.

func parseGolden(t testing.TB, name string) *proof.Proof {
	p, err := proof.Parse(goldenFile(t, name))
	require.NoError(t, err)
	return p
}

func TestABlockIsJudgedByWhatItHoldsAndNotByWhatItHeld(t *testing.T) {
	trust := goldenTrust(t)
	for name, change := range map[string]func(b *proof.Block){
		"its data": func(b *proof.Block) {
			b.Data[0] = append(bytes.Clone(b.Data[0][:len(b.Data[0])-1]), b.Data[0][len(b.Data[0])-1]^1)
		},
		"its number":        func(b *proof.Block) { b.Number++ },
		"the previous hash": func(b *proof.Block) { b.PreviousHash = bytes.Repeat([]byte{1}, 32) },
		"its metadata":      func(b *proof.Block) { b.Metadata = append(bytes.Clone(b.Metadata), 0x12, 0) },
	} {
		p := parseGolden(t, "block.proof")
		change(p.Blocks[len(p.Blocks)-1])
		_, err := proof.Verify(p, trust, proof.Wanted{})
		assert.NotEmpty(t, proof.ReasonOf(err), "after reading, somebody set %s", name)
	}
}

func TestATraceIsTheOneThatWasAskedFor(t *testing.T) {
	trust := goldenTrust(t)
	p := parseGolden(t, "trace.proof")
	node := p.Trace.Node
	for _, test := range []struct {
		name   string
		change func(*proof.Proof)
		wanted *proof.Trace
		reason proof.Reason
	}{
		{"asked for and proved", nil, &proof.Trace{Node: node, Direction: proof.Ancestors}, ""},
		{"any direction will do", nil, &proof.Trace{Node: node}, ""},
		{"a whole one is also a part", nil, &proof.Trace{Node: node, Cut: true}, ""},
		{"another node's", nil, &proof.Trace{Node: "dataset/harbor/golden@1"}, proof.WrongTrace},
		{"the other direction", nil, &proof.Trace{Node: node, Direction: proof.Descendants}, proof.WrongTrace},
		{"ancestors dropped", func(p *proof.Proof) { p.Receipts = slices.Delete(p.Receipts, 0, 1) }, nil, proof.BrokenTrace},
		{"ancestors dropped and called cut", dropAncestor, &proof.Trace{Node: node}, proof.CutTrace},
		{"a part is enough", dropAncestor, &proof.Trace{Node: node, Cut: true}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := parseGolden(t, "trace.proof")
			p.Blocks = nil // a receipt each is enough here
			if test.change != nil {
				test.change(p)
			}
			v, err := proof.Verify(p, trust, proof.Wanted{Trace: test.wanted})
			assert.Equal(t, test.reason, proof.ReasonOf(err), "%v", err)
			if test.reason == "" {
				require.NoError(t, err)
				assert.Equal(t, p.Trace.Cut, v.Trace.Cut, "that it was cut is said")
			}
		})
	}
	_, err := proof.Verify(parseGolden(t, "receipt.proof"), trust, proof.Wanted{Trace: &proof.Trace{Node: node}})
	assert.Equal(t, proof.WrongTrace, proof.ReasonOf(err), "a record's proof is that of no trace")
}

// dropAncestor leaves the oldest ancestor out, and calls that cut.
func dropAncestor(p *proof.Proof) {
	p.Trace = &proof.Trace{Node: p.Trace.Node, Direction: p.Trace.Direction, Cut: true}
	p.Receipts = slices.DeleteFunc(p.Receipts, func(r *proof.Receipt) bool {
		return bytes.Contains(r.Answer, []byte(`"name":"golden"`)) && bytes.Contains(r.Answer, []byte(`"version":"1"`)) && bytes.Contains(r.Answer, []byte(`"kind":"dataset"`))
	})
}

// That a receipt doesn't name the genesis block is documented; a proof with blocks does.
func TestAReceiptSpeaksOfAChannelByName(t *testing.T) {
	assert.Equal(t, "accept", outcome(vectorFile(t, "receipt.proof"), vectorFile(t, "other-genesis.json"), proof.Wanted{}))
	assert.Equal(t, "refuse wrong_genesis", outcome(vectorFile(t, "block.proof"), vectorFile(t, "other-genesis.json"), proof.Wanted{}))
}

// An answer is as long as whoever makes the file likes, and the signatures are checked after it was read.
func TestALongAnswerTakesNoLongerThanItsLength(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	m := c.testimony()
	m.peers = m.peers[:1]
	var recordings []string
	set := &kvrwset.KVRWSet{}
	for i := range 200_000 {
		tx := fmt.Sprintf("%064x", i)
		recordings = append(recordings, `{"tx":"`+tx+`"}`)
		set.Reads = append(set.Reads, &kvrwset.KVRead{Key: record.PackKey(tx), Version: &kvrwset.Version{BlockNum: uint64(i)}})
	}
	answer := fmt.Sprintf(`{"id":%q,"record":%s,"recordings":[%s]}`, m.id, m.body, strings.Join(recordings, ","))
	results := marshal(t, &rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{{Namespace: "pedigree", Rwset: marshal(t, set)}}})
	r := m.receipt(c)
	r.Answer = marshal(t, &peer.ProposalResponsePayload{Extension: marshal(t, &peer.ChaincodeAction{
		Results: results, Response: &peer.Response{Status: 200, Payload: []byte(answer)}, ChaincodeId: &peer.ChaincodeID{Name: "pedigree"},
	})})
	_, err := verify(t, c.trust(2), proofOf(r))
	assert.Equal(t, proof.OtherQuestion, proof.ReasonOf(err), "%v", err)
}

func TestAProofOfTooManySmallThingsIsRefused(t *testing.T) {
	text := `{"chaincode":"a","channel":"b","format":"pedigree-proof/1","identities":[` + strings.Repeat(`"",`, 1_000_000) + `""],"receipts":[]}`
	_, err := proof.Parse([]byte(text))
	assert.Equal(t, proof.Malformed, proof.ReasonOf(err))
	assert.ErrorContains(t, err, "1000000")
}

func TestAKeptReceiptThatIsNoGoodIsMadeAnew(t *testing.T) {
	h := newHarness(t)
	id := h.record("kept", 1)[0]
	kept := memory{}
	m := &proof.Maker{Network: h.maker.Network, Channel: "pedigree", Chaincode: "pedigree", Kept: kept, Patience: 30 * time.Second}
	first, err := m.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
	require.NoError(t, err)
	for name, change := range map[string]func(*proof.Receipt){
		"it was damaged": func(r *proof.Receipt) { r.Endorsements[1].Signature[12] ^= 1 },
		"one who signed isn't a member any more": func(r *proof.Receipt) {
			left := newConsortium(t, "AbsentMSP").member("AbsentMSP", "AbsentMSP", "peer")
			r.Endorsements = append([]proof.Endorsement{{Endorser: left.serialized, Signature: left.sign(t, slices.Concat(r.Answer, left.serialized), false)}}, r.Endorsements...)
		},
	} {
		p, err := proof.Parse(first.Bytes())
		require.NoError(t, err)
		change(p.Receipts[0])
		require.NoError(t, kept.Put(id, p.Bytes()))
		again, err := m.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
		if assert.NoError(t, err, name) {
			_, err = proof.Verify(again, h.trust, proof.Wanted{ID: id})
			assert.NoError(t, err, name)
			assert.Equal(t, string(again.Bytes()), string(kept[id]), "the good one is kept")
		}
	}
}

// trustOf makes a trust file of organisations with these authorities.
func trustOf(t testing.TB, agree int, roots map[string][]*x509.Certificate) []byte {
	var organisations []map[string]any
	for mspID, certificates := range roots {
		var list []string
		for _, c := range certificates {
			list = append(list, base64.StdEncoding.EncodeToString(c.Raw))
		}
		organisations = append(organisations, map[string]any{"mspId": mspID, "roots": list})
	}
	text, err := json.Marshal(map[string]any{"format": "pedigree-trust/1", "channel": "pedigree", "chaincode": "pedigree",
		"genesis": strings.Repeat("00", 32), "agree": agree, "organisations": organisations})
	require.NoError(t, err)
	return text
}

// again is an authority's certificate, renewed with the same key.
func (c *consortium) again(o *org) *x509.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "ca." + o.name}, NotBefore: lifetime.from.Add(-time.Hour), NotAfter: lifetime.to.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: []byte(o.name)}
	return c.certificate(template, template, &o.key.PublicKey, o.key)
}

func TestAnAuthorityRenewedWithItsKeyIsOneOrganisationStill(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	roots := map[string][]*x509.Certificate{}
	for name, o := range c.orgs {
		roots[name] = []*x509.Certificate{o.ca, c.again(o)}
	}
	v, err := verify(t, trustOf(t, 3, roots), proofOf(c.testimony().receipt(c)))
	require.NoError(t, err)
	assert.Len(t, v.Records[0].SignedBy, 3)

	harbor := c.orgs["HarborMSP"]
	_, err = proof.ParseTrust(trustOf(t, 2, map[string][]*x509.Certificate{"HarborMSP": {harbor.ca}, "OtherMSP": {c.again(harbor)}}))
	assert.Equal(t, proof.BadTrust, proof.ReasonOf(err), "and one under two names isn't two: %v", err)
}

// backdated is a peer whose certificate says that it was issued when the time of Fabric's judgement is Go's zero time.
func (c *consortium) backdated(name string) *signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(c, err)
	o := c.orgs[name]
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(4), Subject: pkix.Name{CommonName: "peer", OrganizationalUnit: []string{"peer"}},
		NotBefore: time.Time{}.Add(-time.Second), NotAfter: lifetime.to, KeyUsage: x509.KeyUsageDigitalSignature}, o.ca, &key.PublicKey, o.key)
	require.NoError(c, err)
	return &signer{marshal(c, &msp.SerializedIdentity{Mspid: name, IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}), key}
}

// Were the zero time taken for none, certificates would be judged by the verifier's clock, and differently each year.
func TestNoCertificateIsJudgedByTheClock(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	m := c.testimony()
	m.peers[0] = c.backdated("HarborMSP")
	_, err := verify(t, c.trust(2), proofOf(m.receipt(c)))
	assert.Equal(t, proof.OutsideValidity, proof.ReasonOf(err), "%v", err)
}

// Peers refuse questions of another time, so a receipt's time can be believed.
func TestPeersAnswerOnlyQuestionsOfTheirTime(t *testing.T) {
	h := newHarness(t)
	id := h.record("times", 1)[0]
	for name, off := range map[string]time.Duration{"an hour ago": -time.Hour, "in an hour": time.Hour, "years ago": -5 * 365 * 24 * time.Hour} {
		m := &proof.Maker{Network: h.maker.Network, Channel: "pedigree", Chaincode: "pedigree", Patience: time.Second, Now: func() time.Time { return time.Now().Add(off) }}
		_, err := m.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
		assert.Error(t, err, name)
	}
}

// What is asked with transient data has the same hash as what is asked without. The chaincode's answer doesn't depend
// on it.
func TestTransientDataChangesNoAnswer(t *testing.T) {
	h := newHarness(t)
	id := h.record("transient", 1)[0]
	plain, err := h.maker.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
	require.NoError(t, err)
	m := &proof.Maker{Network: &whispering{h.maker.Network, t}, Channel: "pedigree", Chaincode: "pedigree", Patience: 30 * time.Second}
	made, err := m.Prove(h.within(time.Minute), id, proof.LevelReceipt, 0)
	require.NoError(t, err)
	first, err := proof.OpenAction(plain.Receipts[0].Answer)
	require.NoError(t, err)
	second, err := proof.OpenAction(made.Receipts[0].Answer)
	require.NoError(t, err)
	assert.Equal(t, string(first.Answer), string(second.Answer))
}

// whispering adds transient data to questions.
type whispering struct {
	proof.Network
	testing.TB
}

func (n *whispering) Ask(ctx context.Context, proposal []byte) ([]proof.Answer, error) {
	var m peer.Proposal
	var payload peer.ChaincodeProposalPayload
	require.NoError(n, proto.Unmarshal(proposal, &m))
	require.NoError(n, proto.Unmarshal(m.GetPayload(), &payload))
	payload.TransientMap = map[string][]byte{record.TransientPack: []byte("another record"), "id": []byte("another")}
	m.Payload = marshal(n, &payload)
	return n.Network.Ask(ctx, marshal(n, &m))
}
