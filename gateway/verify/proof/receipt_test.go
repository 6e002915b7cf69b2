package proof_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// hashOf is the hash of a proposal that peers sign, computed from Fabric's definition and not by the package under
// test.
func hashOf(t testing.TB, p *peer.Proposal) []byte {
	var header common.Header
	require.NoError(t, proto.Unmarshal(p.GetHeader(), &header))
	h := sha256.New()
	for _, part := range [][]byte{header.GetChannelHeader(), header.GetSignatureHeader(), p.GetPayload()} {
		h.Write(part)
	}
	return h.Sum(nil)
}

func verify(t testing.TB, trust []byte, p *proof.Proof) (*proof.Verdict, error) {
	pinned, err := proof.ParseTrust(trust)
	require.NoError(t, err)
	text := p.Bytes()
	read, err := proof.Parse(text)
	if err != nil {
		return nil, err
	}
	require.Equal(t, string(text), string(read.Bytes()))
	return proof.Verify(read, pinned, proof.Wanted{})
}

func TestAReceiptStaysGoodWhenItsCertificatesHaveExpired(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	v, err := verify(t, c.trust(2), proofOf(c.testimony().receipt(c)))
	require.NoError(t, err)
	assert.Equal(t, proof.LevelReceipt, v.Level)
	require.Len(t, v.Records, 1)
	r := v.Records[0]
	assert.Equal(t, recordBody, string(r.Record))
	assert.Equal(t, record.Sum([]byte(recordBody)), r.ID)
	assert.Equal(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, r.SignedBy)
	assert.Equal(t, during, r.Asked)
	assert.Equal(t, proof.Version{Block: 7, Position: 1}, r.Recordings[0].Version)
	assert.Nil(t, r.Ordered)
}

// wrongTestimony is one that is wrong in one respect.
type wrongTestimony struct {
	name   string
	change func(*testimony)
	reason proof.Reason
}

// wrongTestimonies are of a consortium that has four organisations, of which two must agree.
func wrongTestimonies(t testing.TB, c *consortium) []wrongTestimony {
	strangers := newConsortium(t, "HarborMSP", "LabMSP")
	other := record.Sum([]byte("another"))
	return []wrongTestimony{
		{"too few organisations", func(m *testimony) { m.peers = m.peers[:1] }, proof.TooFewOrganisations},
		{"nobody", func(m *testimony) { m.peers = nil }, proof.TooFewOrganisations},
		{"one peer twice", func(m *testimony) { m.peers[1] = m.peers[0] }, proof.OrganisationTwice},
		{"two peers of one organisation", func(m *testimony) { m.peers[1] = c.member("HarborMSP", "HarborMSP", "peer") }, proof.OrganisationTwice},
		{"organisations out of order", func(m *testimony) { m.peers[0], m.peers[1] = m.peers[1], m.peers[0] }, proof.NotCanonical},
		{"a client signs", func(m *testimony) { m.peers[1] = c.member("LabMSP", "LabMSP", "client") }, proof.WrongRole},
		{"an administrator signs", func(m *testimony) { m.peers[1] = c.member("LabMSP", "LabMSP", "admin") }, proof.WrongRole},
		{"a certificate of no role", func(m *testimony) { m.peers[1] = c.member("LabMSP", "LabMSP", "nothing") }, proof.WrongRole},
		{"an organisation that isn't trusted", func(m *testimony) { m.peers[2] = strangers.member("LabMSP", "ZooMSP", "peer") }, proof.UnknownOrganisation},
		{"another authority under a trusted name", func(m *testimony) { m.peers[1] = strangers.member("LabMSP", "LabMSP", "peer") }, proof.UntrustedCertificate},
		{"an organisation in another's name", func(m *testimony) { m.peers[1] = c.member("HarborMSP", "LabMSP", "peer") }, proof.UntrustedCertificate},
		{"asked before certificates began", func(m *testimony) { m.question.Time = lifetime.from.Add(-time.Second) }, proof.OutsideValidity},
		{"asked after certificates ended", func(m *testimony) { m.question.Time = lifetime.to.Add(time.Second) }, proof.OutsideValidity},
		{"signatures over something else", func(m *testimony) { m.altered = true }, proof.BadSignature},
		{"a signature with a high S", func(m *testimony) { m.high = "LabMSP" }, proof.HighS},
		{"the answer to a question about another record", func(m *testimony) { m.question.ID = other }, proof.OtherQuestion},
		{"the answer to a question on another channel", func(m *testimony) { m.question.Channel = "other" }, proof.OtherQuestion},
		{"the answer to a question to another chaincode", func(m *testimony) { m.question.Chaincode = "other" }, proof.OtherQuestion},
		{"another chaincode's answer", func(m *testimony) { m.chaincode = "other" }, proof.WrongChaincode},
		{"a failure", func(m *testimony) { m.status = 500 }, proof.NotRecorded},
		{"a call that writes", func(m *testimony) { m.writes = true }, proof.BadAnswer},
		{"a call that sets the metadata of a key", func(m *testimony) { m.metadata = true }, proof.BadAnswer},
		{"a record swapped for another", func(m *testimony) { m.body = `{"record":"artifact/1"}` }, proof.WrongRecord},
		{"another id than the record's", func(m *testimony) { m.id, m.question.ID = other, other }, proof.WrongRecord},
		{"a record that isn't canonical", func(m *testimony) {
			m.body = `{"record": "artifact/1"}`
			m.id = record.Sum([]byte(m.body))
			m.question.ID = m.id
		}, proof.BadAnswer},
		{"a transaction that the peers haven't read", func(m *testimony) { m.read = false }, proof.NotRecorded},
		{"no transaction", func(m *testimony) { m.answer = `{"id":"` + string(m.id) + `","record":` + m.body + `,"recordings":[]}` }, proof.NotRecorded},
		{"an answer with more than there should be", func(m *testimony) {
			m.answer = `{"id":"` + string(m.id) + `","record":` + m.body + `,"recordings":[],"extra":1}`
		}, proof.BadAnswer},
		{"an answer that isn't JSON", func(m *testimony) { m.answer = "yes" }, proof.BadAnswer},
	}
}

func TestReceiptsThatProveNothingAreRefused(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP", "MarketMSP", "OtherMSP")
	for _, test := range slices.Concat(wrongTestimonies(t, c), forgedTestimonies(t, c)) {
		t.Run(test.name, func(t *testing.T) {
			m := c.testimony()
			test.change(m)
			_, err := verify(t, c.trust(2), proofOf(m.receipt(c)))
			assert.Equal(t, test.reason, proof.ReasonOf(err), "%v", err)
		})
	}
}

func TestReceiptsAreRefusedThatWereChangedAfterSigning(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	good := c.testimony().receipt(c)
	for _, test := range []struct {
		name   string
		change func(*proof.Proof)
		reason proof.Reason
	}{
		{"another channel", func(p *proof.Proof) { p.Channel = "other" }, proof.WrongChannel},
		{"another chaincode", func(p *proof.Proof) { p.Chaincode = "other" }, proof.WrongChaincode},
		{"another time", func(p *proof.Proof) { p.Receipts[0].Time = during.Add(time.Nanosecond) }, proof.OtherQuestion},
		{"another nonce", func(p *proof.Proof) { p.Receipts[0].Nonce = []byte("nonces") }, proof.OtherQuestion},
		{"another asker", func(p *proof.Proof) { p.Receipts[0].Creator = c.member("LabMSP", "LabMSP", "client").serialized }, proof.OtherQuestion},
		{"bytes after the answer", func(p *proof.Proof) {
			p.Receipts[0].Answer = append(append([]byte{}, good.Answer...), 0x1a, 0)
		}, proof.BadSignature},
		{"a signature with bytes after it", func(p *proof.Proof) {
			s := &p.Receipts[0].Endorsements[0].Signature
			*s = append(append([]byte{}, *s...), 0)
		}, proof.BadSignature},
		{"another's signature", func(p *proof.Proof) {
			p.Receipts[0].Endorsements[0].Signature = good.Endorsements[1].Signature
		}, proof.BadSignature},
		{"an identity in another encoding", func(p *proof.Proof) {
			e := &p.Receipts[0].Endorsements[0].Endorser
			*e = append(append([]byte{}, *e...), 0x1a, 0)
		}, proof.BadIdentity},
		{"the same receipt twice", func(p *proof.Proof) { p.Receipts = append(p.Receipts, p.Receipts[0]) }, proof.NotCanonical},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := *good
			r.Endorsements = append([]proof.Endorsement{}, good.Endorsements...)
			p := proofOf(&r)
			test.change(p)
			_, err := verify(t, c.trust(2), p)
			assert.Equal(t, test.reason, proof.ReasonOf(err), "%v", err)
		})
	}
}

func TestTrustFilesThatCannotBeTrustedAreRefused(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP")
	good := string(c.trust(2))
	_, err := proof.ParseTrust([]byte(good))
	require.NoError(t, err)
	shared := newConsortium(t, "HarborMSP")
	shared.orgs["LabMSP"] = shared.orgs["HarborMSP"]
	for _, test := range []struct{ name, text string }{
		{"nothing", ""},
		{"not JSON", "trust me"},
		{"an unknown member", strings.Replace(good, `{"agree"`, `{"also":1,"agree"`, 1)},
		{"a member twice", strings.Replace(good, `"channel":"pedigree"`, `"channel":"pedigree","channel":"pedigree"`, 1)},
		{"more must agree than there are", string(c.trust(3))},
		{"nobody must agree", string(c.trust(0))},
		{"no channel", strings.Replace(good, `"channel":"pedigree"`, `"channel":""`, 1)},
		{"a short hash", strings.Replace(good, strings.Repeat("00", 32), strings.Repeat("00", 31), 1)},
		{"an organisation twice", strings.Replace(good, "LabMSP", "HarborMSP", 1)},
		{"no authority", strings.Replace(good, `"roots":["`, `"roots":[],"intermediates":["`, 1)},
		{"one authority of two organisations", string(shared.trust(2))},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := proof.ParseTrust([]byte(test.text))
			assert.Equal(t, proof.BadTrust, proof.ReasonOf(err), "%v", err)
		})
	}
}

func TestATrustFileIsReadAsItWasWritten(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP")
	first, err := proof.ParseTrust(c.trust(2))
	require.NoError(t, err)
	second, err := proof.ParseTrust(first.Text())
	require.NoError(t, err)
	assert.Equal(t, string(first.Text()), string(second.Text()))
}

func BenchmarkVerifyReceipt(b *testing.B) {
	c := newConsortium(b, "HarborMSP", "LabMSP", "MarketMSP")
	text, pinned := proofOf(c.testimony().receipt(c)).Bytes(), c.trust(2)
	benchmarkVerify(b, text, pinned)
}

// benchmarkVerify verifies as somebody does who has two files.
func benchmarkVerify(b *testing.B, text, pinned []byte) {
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		trust, err := proof.ParseTrust(pinned)
		if err != nil {
			b.Fatal(err)
		}
		p, err := proof.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := proof.Verify(p, trust, proof.Wanted{}); err != nil {
			b.Fatal(err)
		}
	}
}
