package proof_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// odd makes a member with a certificate of the consortium that is odd in some respect.
func (c *consortium) odd(name string, change func(template *x509.Certificate)) *signer {
	key := newKey(c)
	template := &x509.Certificate{SerialNumber: big.NewInt(9), Subject: pkix.Name{CommonName: "peer", OrganizationalUnit: []string{"peer"}},
		NotBefore: lifetime.from, NotAfter: lifetime.to, KeyUsage: x509.KeyUsageDigitalSignature}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, c.orgs[name].ca, &key.PublicKey, c.orgs[name].key)
	require.NoError(c, err)
	return &signer{marshal(c, &msp.SerializedIdentity{Mspid: name, IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}), key}
}

// asked changes what was asked, which the peers then answer and sign.
func asked(t testing.TB, change func(header *common.ChannelHeader, input *peer.ChaincodeInvocationSpec)) func(*testimony) {
	return func(m *testimony) {
		m.asked = func(p *peer.Proposal) {
			var header common.Header
			var channel common.ChannelHeader
			var payload peer.ChaincodeProposalPayload
			var input peer.ChaincodeInvocationSpec
			require.NoError(t, proto.Unmarshal(p.GetHeader(), &header))
			require.NoError(t, proto.Unmarshal(header.GetChannelHeader(), &channel))
			require.NoError(t, proto.Unmarshal(p.GetPayload(), &payload))
			require.NoError(t, proto.Unmarshal(payload.GetInput(), &input))
			change(&channel, &input)
			payload.Input = marshal(t, &input)
			header.ChannelHeader = marshal(t, &channel)
			p.Payload, p.Header = marshal(t, &payload), marshal(t, &header)
		}
	}
}

// ofBody is a receipt of another record.
func ofBody(body string) func(*testimony) {
	return func(m *testimony) {
		m.body, m.id = body, record.Sum([]byte(body))
		m.question.ID = m.id
	}
}

// forgedTestimonies are more that are wrong, which somebody has made so with intent.
func forgedTestimonies(t testing.TB, c *consortium) []wrongTestimony {
	function := func(args ...string) func(*testimony) {
		return asked(t, func(_ *common.ChannelHeader, input *peer.ChaincodeInvocationSpec) {
			input.ChaincodeSpec.Input.Args = nil
			for _, arg := range args {
				input.ChaincodeSpec.Input.Args = append(input.ChaincodeSpec.Input.Args, []byte(arg))
			}
		})
	}
	id := string(c.testimony().id)
	return []wrongTestimony{
		{"the answer of a list passed off as that of a read", function("Members:List", "100", ""), proof.OtherQuestion},
		{"the answer of a contract of another noun", function("Artifacts:Read", id), proof.OtherQuestion},
		{"the answer to a read with an argument more", function("Events:Read", id, ""), proof.OtherQuestion},
		{"the answer of an echo", function("Events:Exists", id), proof.OtherQuestion},
		{"the answer to an initialisation", asked(t, func(_ *common.ChannelHeader, input *peer.ChaincodeInvocationSpec) {
			input.ChaincodeSpec.Input.IsInit = true
		}), proof.OtherQuestion},
		{"the answer to a question with decorations", asked(t, func(_ *common.ChannelHeader, input *peer.ChaincodeInvocationSpec) {
			input.ChaincodeSpec.Input.Decorations = map[string][]byte{"a": []byte("b")}
		}), proof.OtherQuestion},
		{"the answer to a question of another type", asked(t, func(h *common.ChannelHeader, _ *peer.ChaincodeInvocationSpec) { h.Type++ }), proof.OtherQuestion},
		{"the answer to a question of another epoch", asked(t, func(h *common.ChannelHeader, _ *peer.ChaincodeInvocationSpec) { h.Epoch = 1 }), proof.OtherQuestion},
		{"the answer to a question with another transaction id", asked(t, func(h *common.ChannelHeader, _ *peer.ChaincodeInvocationSpec) { h.TxId = strings.Repeat("0", 64) }), proof.OtherQuestion},
		{"one organisation first and last", func(m *testimony) { m.peers[2] = c.member("HarborMSP", "HarborMSP", "peer") }, proof.OrganisationTwice},
		{"asked by nobody", func(m *testimony) { m.question.Creator = []byte("nobody") }, proof.BadIdentity},
		{"an answer with an id that is none", func(m *testimony) {
			m.answer = strings.Replace(m.written(), id, "record", 1)
		}, proof.BadAnswer},
		{"a record without a noun", ofBody(`{"kind":"dataset"}`), proof.BadAnswer},
		{"a record without a version", ofBody(`{"record":"artifact"}`), proof.BadAnswer},
		{"a record with an empty version", ofBody(`{"record":"artifact/"}`), proof.BadAnswer},
		{"asked when time began", func(m *testimony) { m.question.Time = time.Time{} }, proof.OutsideValidity},
		{"asked before time began", func(m *testimony) { m.question.Time = time.Date(0, 6, 1, 0, 0, 0, 0, time.UTC) }, proof.Malformed},
		{"a status that isn't success", func(m *testimony) { m.status = 201 }, proof.NotRecorded},
		{"no status", func(m *testimony) { m.status = 0 }, proof.NotRecorded},
		{"two answers one after the other", func(m *testimony) { m.answer = strings.Repeat(m.written(), 2) }, proof.BadAnswer},
		{"an answer that is a list", func(m *testimony) { m.answer = "[" + m.written() + "]" }, proof.BadAnswer},
		{"an orderer signs", func(m *testimony) { m.peers[1] = c.member("LabMSP", "LabMSP", "orderer") }, proof.WrongRole},
		{"a certificate of two roles", func(m *testimony) {
			m.peers[1] = c.odd("LabMSP", func(x *x509.Certificate) { x.Subject.OrganizationalUnit = []string{"peer", "client"} })
		}, proof.WrongRole},
		{"a role in another spelling", func(m *testimony) {
			m.peers[1] = c.odd("LabMSP", func(x *x509.Certificate) { x.Subject.OrganizationalUnit = []string{"Peer"} })
		}, proof.WrongRole},
		{"an authority signs", func(m *testimony) {
			m.peers[1] = c.odd("LabMSP", func(x *x509.Certificate) { x.IsCA, x.BasicConstraintsValid = true, true })
		}, proof.UntrustedCertificate},
		{"the root itself signs", func(m *testimony) {
			o := c.orgs["LabMSP"]
			m.peers[1] = &signer{marshal(t, &msp.SerializedIdentity{Mspid: "LabMSP", IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.ca.Raw})}), o.key}
		}, proof.UntrustedCertificate},
		{"an authority's client made an authority of its own", func(m *testimony) { m.peers[1] = c.nephew("LabMSP") }, proof.UntrustedCertificate},
		{"a certificate of before its authority", func(m *testimony) {
			m.peers[1] = c.odd("LabMSP", func(x *x509.Certificate) { x.NotBefore = lifetime.from.AddDate(-1, 0, 0) })
		}, proof.UntrustedCertificate},
		{"a certificate of after its authority", func(m *testimony) {
			m.question.Time = lifetime.to.AddDate(0, 6, 0)
			for i, name := range []string{"HarborMSP", "LabMSP", "MarketMSP"} {
				m.peers[i] = c.odd(name, func(x *x509.Certificate) {
					x.NotBefore, x.NotAfter = lifetime.to.AddDate(0, 1, 0), lifetime.to.AddDate(1, 0, 0)
				})
			}
		}, proof.UntrustedCertificate},
		{"a certificate that wasn't valid yet", func(m *testimony) {
			m.peers[1] = c.odd("LabMSP", func(x *x509.Certificate) { x.NotBefore = during.Add(time.Hour) })
		}, proof.OutsideValidity},
		{"a certificate that had expired", func(m *testimony) {
			m.peers[1] = c.odd("LabMSP", func(x *x509.Certificate) { x.NotAfter = during.Add(-time.Hour) })
		}, proof.OutsideValidity},
	}
}

// nephew has a certificate that a peer of an organisation issued, and sends the peer's along.
func (c *consortium) nephew(name string) *signer {
	uncle, key := newKey(c), newKey(c)
	between := c.certificate(&x509.Certificate{SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "uncle", OrganizationalUnit: []string{"peer"}},
		NotBefore: lifetime.from, NotAfter: lifetime.to, KeyUsage: x509.KeyUsageDigitalSignature, SubjectKeyId: []byte("uncle")}, c.orgs[name].ca, &uncle.PublicKey, c.orgs[name].key)
	leaf := c.certificate(&x509.Certificate{SerialNumber: big.NewInt(6), Subject: pkix.Name{CommonName: "nephew", OrganizationalUnit: []string{"peer"}},
		NotBefore: lifetime.from, NotAfter: lifetime.to, KeyUsage: x509.KeyUsageDigitalSignature}, between, &key.PublicKey, uncle)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: between.Raw})...)
	return &signer{marshal(c, &msp.SerializedIdentity{Mspid: name, IdBytes: text}), key}
}

// recordings is the answer of a chaincode that knows another recording, and that there are more.
func (t *testimony) recordings(another string) string {
	return strings.TrimSuffix(t.written(), "]}") + "," + another + `],"more":true}`
}

// written is the answer that the chaincode would give.
func (t *testimony) written() string {
	return fmt.Sprintf(`{"id":%q,"record":%s,"recordings":[{"tx":%q,"mspId":"HarborMSP","subject":"CN=x","time":"2002-04-30T00:00:00Z"}]}`, t.id, t.body, t.tx)
}

// synthetic adds receipts of a consortium that signs whatever it is told to, and whose certificates have expired long
// ago.
func (v *vectors) synthetic() {
	c := newConsortium(v, "HarborMSP", "LabMSP", "MarketMSP", "OtherMSP")
	const pinned = "expired-consortium.json"
	trust, err := proof.ParseTrust(c.trust(2))
	require.NoError(v, err)
	v.files[pinned] = trust.Text()
	v.accept("expired", "a receipt of 2002, whose certificates have expired", proofOf(c.testimony().receipt(c)), pinned)
	all := append(wrongTestimonies(v, c), forgedTestimonies(v, c)...)
	for _, one := range all {
		m := c.testimony()
		one.change(m)
		v.refuse("expired-"+strings.ReplaceAll(strings.ReplaceAll(one.name, "'", ""), " ", "-"), one.name, proofOf(m.receipt(c)).Bytes(), pinned, proof.Wanted{}, one.reason)
	}
}

// intermediate makes an authority below an organisation's root, and a peer's identity that it has issued.
func (c *consortium) intermediate(name string) (*x509.Certificate, *signer) {
	between, key := newKey(c), newKey(c)
	authority := c.certificate(&x509.Certificate{SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "between"},
		NotBefore: lifetime.from, NotAfter: lifetime.to, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte("between"),
	}, c.orgs[name].ca, &between.PublicKey, c.orgs[name].key)
	leaf := c.certificate(&x509.Certificate{SerialNumber: big.NewInt(6),
		Subject:   pkix.Name{CommonName: "peer", OrganizationalUnit: []string{"peer"}},
		NotBefore: lifetime.from, NotAfter: lifetime.to, KeyUsage: x509.KeyUsageDigitalSignature,
	}, authority, &key.PublicKey, between)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	return authority, &signer{marshal(c, &msp.SerializedIdentity{Mspid: name, IdBytes: text}), key}
}
