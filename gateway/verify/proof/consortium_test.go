package proof_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// consortium has authorities of its own and signs whatever it is told to, so that receipts can be made wrong in one
// respect each.
type consortium struct {
	testing.TB
	orgs map[string]*org
}

type org struct {
	name string
	key  *ecdsa.PrivateKey
	ca   *x509.Certificate
}

// signer is an identity with its key.
type signer struct {
	serialized []byte
	key        *ecdsa.PrivateKey
}

// lifetime is when the consortium's certificates are valid: long ago.
var lifetime = struct{ from, to time.Time }{time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2003, 1, 1, 0, 0, 0, 0, time.UTC)}

// during is a time at which they were.
var during = time.Date(2002, 5, 1, 8, 0, 0, 1000, time.UTC)

func newConsortium(t testing.TB, names ...string) *consortium {
	c := &consortium{t, map[string]*org{}}
	for _, name := range names {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca." + name}, NotBefore: lifetime.from, NotAfter: lifetime.to,
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name)}
		c.orgs[name] = &org{name, key, c.certificate(template, template, &key.PublicKey, key)}
	}
	return c
}

func (c *consortium) certificate(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	require.NoError(c, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(c, err)
	return parsed
}

// member makes an identity of an organisation with a role. As names the organisation that it claims to be of.
func (c *consortium) member(issuer, as, role string) *signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(c, err)
	o := c.orgs[issuer]
	certificate := c.certificate(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: role + "." + issuer, OrganizationalUnit: []string{role}},
		NotBefore: lifetime.from, NotAfter: lifetime.to, KeyUsage: x509.KeyUsageDigitalSignature}, o.ca, &key.PublicKey, o.key)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	return &signer{marshal(c, &msp.SerializedIdentity{Mspid: as, IdBytes: text}), key}
}

func marshal(t testing.TB, m proto.Message) []byte {
	data, err := proto.Marshal(m)
	require.NoError(t, err)
	return data
}

// sign makes a signature with low S, or the other one of the two.
func (s *signer) sign(t testing.TB, message []byte, high bool) []byte {
	digest := sha256.Sum256(message)
	r, v, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	require.NoError(t, err)
	n := elliptic.P256().Params().N
	if isHigh := v.Cmp(new(big.Int).Rsh(n, 1)) > 0; isHigh != high {
		v.Sub(n, v)
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, v})
	require.NoError(t, err)
	return der
}

// trust is a trust file of the consortium.
func (c *consortium) trust(agree int) []byte {
	var names []string
	for name := range c.orgs {
		names = append(names, name)
	}
	slices.Sort(names)
	var organisations []map[string]any
	for _, name := range names {
		organisations = append(organisations, map[string]any{"mspId": name, "roots": []string{base64.StdEncoding.EncodeToString(c.orgs[name].ca.Raw)}})
	}
	text, err := json.Marshal(map[string]any{"format": "pedigree-trust/1", "channel": "pedigree", "chaincode": "pedigree",
		"genesis": strings.Repeat("00", 32), "agree": agree, "organisations": organisations})
	require.NoError(c, err)
	return text
}

// testimony is what a receipt is made of. Tests change one part of it.
type testimony struct {
	question  proof.Question // that is signed
	body      string         // of the record
	id        record.ID      // that the answer gives it
	tx        string         // in which it was recorded
	read      bool           // whether the peers have read that transaction's records
	writes    bool
	metadata  bool            // whether the call sets the metadata of a key
	said      *record.Header  // of who recorded it, on a fabricated ledger; what the transaction says, if nil
	position  uint64          // of the transaction in its block, on a fabricated ledger
	version   kvrwset.Version // at which the peers have read that transaction's records
	status    int32
	chaincode string // that answers
	answer    string // in place of a proper one
	peers     []*signer
	high      string                   // a certificate's holder who signs with high S
	altered   bool                     // what is signed isn't what is in the proof
	asked     func(*peer.Proposal)     // changes what the peers are asked, if not nil
	also      map[string]proof.Version // other keys that the peers have read
}

const recordBody = `{"digest":{"algorithm":"sha-256","coverage":"full","value":"` + "0000000000000000000000000000000000000000000000000000000000000000" + `"},"kind":"dataset","name":"x","namespace":"harbor","record":"artifact/1","version":"1"}`

func (c *consortium) testimony() *testimony {
	t := &testimony{body: recordBody, id: record.Sum([]byte(recordBody)), tx: strings.Repeat("ab", 32), read: true, status: 200, chaincode: "pedigree"}
	t.version.BlockNum, t.version.TxNum = 7, 1
	t.question = proof.Question{Channel: "pedigree", Chaincode: "pedigree", ID: t.id, Nonce: []byte("nonce"), Time: during}
	t.question.Creator = c.member("HarborMSP", "HarborMSP", "client").serialized
	for _, name := range []string{"HarborMSP", "LabMSP", "MarketMSP"} {
		t.peers = append(t.peers, c.member(name, name, "peer"))
	}
	return t
}

// receipt has the peers sign.
func (t *testimony) receipt(c *consortium) *proof.Receipt {
	answer := t.answer
	if answer == "" {
		answer = t.written()
	}
	set := &kvrwset.KVRWSet{}
	if t.read {
		set.Reads = append(set.Reads, &kvrwset.KVRead{Key: record.PackKey(t.tx), Version: &kvrwset.Version{BlockNum: t.version.BlockNum, TxNum: t.version.TxNum}})
	}
	for _, key := range sortedKeys(t.also) {
		set.Reads = append(set.Reads, &kvrwset.KVRead{Key: key, Version: &kvrwset.Version{BlockNum: t.also[key].Block, TxNum: t.also[key].Position}})
	}
	if t.writes {
		set.Writes = append(set.Writes, &kvrwset.KVWrite{Key: "k", Value: []byte("v")})
	}
	if t.metadata {
		set.MetadataWrites = append(set.MetadataWrites, &kvrwset.KVMetadataWrite{Key: "k", Entries: []*kvrwset.KVMetadataEntry{{Name: "VALIDATION_PARAMETER", Value: []byte("v")}}})
	}
	results := marshal(c, &rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{{Namespace: "pedigree", Rwset: marshal(c, set)}}})
	proposal := new(peer.Proposal)
	require.NoError(c, proto.Unmarshal(t.question.Proposal(), proposal))
	if t.asked != nil {
		t.asked(proposal)
	}
	payload := marshal(c, &peer.ProposalResponsePayload{ProposalHash: hashOf(c, proposal), Extension: marshal(c, &peer.ChaincodeAction{
		Results: results, Response: &peer.Response{Status: t.status, Payload: []byte(answer)}, ChaincodeId: &peer.ChaincodeID{Name: t.chaincode, Version: "1"},
	})})
	r := &proof.Receipt{Creator: t.question.Creator, Nonce: t.question.Nonce, Time: t.question.Time, Answer: payload}
	for _, p := range t.peers {
		signed := slices.Concat(payload, p.serialized)
		if t.altered {
			signed = append(signed, 0)
		}
		r.Endorsements = append(r.Endorsements, proof.Endorsement{Endorser: p.serialized, Signature: p.sign(c, signed, t.high != "" && strings.Contains(string(p.serialized), t.high))})
	}
	return r
}

func proofOf(receipts ...*proof.Receipt) *proof.Proof {
	return &proof.Proof{Channel: "pedigree", Chaincode: "pedigree", Receipts: receipts}
}
