package signing

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

const (
	thing = "https://id.gs1.org/01/09521321000018/10/A"
	model = "model/lab/spoilage@1"
)

func encoded(m proto.Message) []byte {
	text, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return text
}

// issued makes a certificate and its key, in PEM.
func issued(t *testing.T, name string, curve elliptic.Curve, until time.Time) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, OrganizationalUnit: []string{"client"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	text, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

func person(t *testing.T, name string) *Key {
	t.Helper()
	certificate, key := issued(t, name, elliptic.P256(), time.Now().Add(time.Hour))
	k, err := NewKey("HarborMSP", certificate, key)
	require.NoError(t, err)
	return k
}

// gateway answers as a gateway does. Tests bend what it has before it answers.
type gateway struct {
	t       *testing.T
	request prepared.Request
	bodies  [][]byte
	results kvrwset.KVRWSet
	action  peer.ChaincodeAction
	answer  peer.ProposalResponsePayload
	sets    []*rwset.NsReadWriteSet
	header  *common.Header
	call    []byte
}

// prepares begins with what an honest gateway makes of a session's request.
func prepares(t *testing.T, s *Session) *gateway {
	t.Helper()
	var sent struct {
		Record json.RawMessage
		Nonce  []byte
		Time   time.Time
	}
	text, err := json.Marshal(s.Request())
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &sent))
	var r *record.Record
	var problems []record.Problem
	switch s.intent.Noun {
	case record.NounStatement:
		r, problems = record.NewStatement(s.body, "HarborMSP", func(string) string { return strings.Repeat("ab", 32) })
	case record.NounArtifact:
		r, problems = record.NewArtifact(s.body, "HarborMSP")
	default:
		r, problems = record.NewActivity(s.body, "HarborMSP")
	}
	require.Empty(t, problems)
	witnesses, err := json.Marshal(map[string]record.Place{r.References()[0].Node: {ID: record.Sum([]byte("{}")), Tx: strings.Repeat("0", 64)}})
	require.NoError(t, err)
	return &gateway{t: t, bodies: [][]byte{r.Body}, request: prepared.Request{Channel: "pedigree", Chaincode: "pedigree",
		Function: functions[s.intent.Noun], Args: [][]byte{witnesses}, Creator: s.key.creator, Nonce: sent.Nonce, Time: sent.Time}}
}

func (g *gateway) preparation() Preparation {
	g.t.Helper()
	if g.request.Pack == nil {
		var err error
		g.request.Pack, err = record.Pack(g.bodies)
		require.NoError(g.t, err)
	}
	p, err := g.request.Propose()
	require.NoError(g.t, err)
	return prepared64(p.Bytes)
}

func prepared64(text []byte) Preparation {
	sum := sha256.Sum256(text)
	return Preparation{Proposal: text, Digest: hex.EncodeToString(sum[:])}
}

// endorses goes on with what honest peers answer to what the person has signed.
func (g *gateway) endorses(first *Signed) *gateway {
	g.t.Helper()
	p, err := prepared.ReadProposal(first.Bytes)
	require.NoError(g.t, err)
	creator, err := proof.ParseIdentity(p.Creator)
	require.NoError(g.t, err)
	require.NoError(g.t, creator.Verify(first.Bytes, first.Signature))
	header := record.Header{MSPID: creator.MSPID, Subject: creator.Certificate.Subject.String(), Time: record.HeaderTime(p.Time)}
	value, err := record.PackValue(header, p.Pack)
	require.NoError(g.t, err)
	id := record.Sum(g.bodies[0])
	g.results.Writes = []*kvrwset.KVWrite{
		{Key: record.PackKey(p.TransactionID), Value: value},
		{Key: record.PointerKey(id, p.TransactionID), Value: []byte("0")},
		{Key: record.FirstKey(id), Value: []byte(creator.MSPID)},
	}
	g.action.ChaincodeId, g.action.Response = &peer.ChaincodeID{Name: "pedigree"}, &peer.Response{Status: 200}
	g.answer.ProposalHash, g.header, g.call = p.Hash(), p.Header, p.Payload
	return g
}

func (g *gateway) endorsed() Endorsed {
	own := &rwset.NsReadWriteSet{Namespace: "pedigree", Rwset: encoded(&g.results)}
	g.action.Results = encoded(&rwset.TxReadWriteSet{NsRwset: append(g.sets, own)})
	g.answer.Extension = encoded(&g.action)
	action := &peer.ChaincodeActionPayload{ChaincodeProposalPayload: g.call, Action: &peer.ChaincodeEndorsedAction{
		ProposalResponsePayload: encoded(&g.answer), Endorsements: []*peer.Endorsement{{Endorser: []byte("p"), Signature: []byte("s")}}}}
	data := encoded(&peer.Transaction{Actions: []*peer.TransactionAction{{Header: g.header.GetSignatureHeader(), Payload: encoded(action)}}})
	return endorsed64(encoded(&common.Payload{Header: g.header, Data: data}))
}

func endorsed64(text []byte) Endorsed {
	sum := sha256.Sum256(text)
	return Endorsed{Payload: text, Digest: hex.EncodeToString(sum[:])}
}

func means(t *testing.T, key *Key, text string) *Session {
	t.Helper()
	s, err := Begin(key, Intent{"pedigree", "pedigree", record.NounStatement, []byte(text)})
	require.NoError(t, err)
	return s
}

const recalled = `{"kind":"recall","subject":["` + thing + `","` + model + `"],"predicate":{"reason":"thawed"}}`

func TestAPersonSignsWhatIsMeant(t *testing.T) {
	key := person(t, "Ada Lovelace")
	for noun, text := range map[record.Noun]string{
		record.NounStatement: recalled,
		record.NounActivity:  `{"type":"training","used":[{"ref":"dataset/harbor/catch@1"}]}`,
		record.NounArtifact:  strings.Replace(registered, "{", `{"derivedFrom":["dataset/harbor/catch@1"],`, 1),
	} {
		s, err := Begin(key, Intent{"pedigree", "pedigree", noun, []byte(text)})
		require.NoError(t, err)
		g := prepares(t, s)
		first, err := s.Proposal(g.preparation())
		require.NoError(t, err)
		e := g.endorses(first).endorsed()
		second, err := s.Transaction(e)
		require.NoError(t, err)
		made, err := proof.OpenTransaction(encoded(&common.Envelope{Payload: second.Bytes, Signature: second.Signature}))
		require.NoError(t, err)
		assert.Equal(t, s.TransactionID(), made.ID)
		assert.NoError(t, made.Creator.Verify(second.Bytes, second.Signature))
		assert.Equal(t, "Ada Lovelace", made.Creator.Certificate.Subject.CommonName)
		assert.Equal(t, record.Sum(g.bodies[0]), s.ID())
	}
}

const registered = `{"kind":"model","namespace":"harbor","name":"m","version":"1","digest":` +
	`{"algorithm":"sha-256","value":"abababababababababababababababababababababababababababababababab","coverage":"full"}}`

func TestARunIsSignedWithWhatItRegisters(t *testing.T) {
	key := person(t, "Ada Lovelace")
	const run = `{"type":"training","used":[{"ref":"dataset/harbor/catch@1"}],"generated":`
	s, err := Begin(key, Intent{"pedigree", "pedigree", record.NounActivity, []byte(run + `[{"artifact":` + registered + `}]}`)})
	require.NoError(t, err)
	output, problems := record.NewArtifact(s.body.Get("generated").Items[0].Get("artifact"), "HarborMSP")
	require.Empty(t, problems)
	short, err := Begin(key, Intent{"pedigree", "pedigree", record.NounActivity, []byte(run + `[{"ref":"model/harbor/m@1"}]}`)})
	require.NoError(t, err)
	g := prepares(t, short)
	whole := [][]byte{output.Body, g.bodies[0]}
	for name, bodies := range map[string][][]byte{
		"the run alone": whole[1:], "the output alone": whole[:1], "in another order": {whole[1], whole[0]}, "nothing": nil,
		"as it is meant": whole,
	} {
		g.request.Nonce, g.request.Time, g.request.Pack, g.bodies = s.nonce, s.time, nil, bodies
		if bodies == nil {
			g.request.Pack = []byte{}
		}
		_, err := s.Proposal(g.preparation())
		assert.Equal(t, name == "as it is meant", err == nil, "%s: %v", name, err)
	}
	_, err = Begin(key, Intent{"pedigree", "pedigree", record.NounActivity,
		[]byte(run + `[{"artifact":{"card":{"text":"x"}}}]}`)})
	assert.ErrorContains(t, err, "card")
}

// A gateway that lies gets no signature, wherever it lies.
func TestAGatewayGetsNothingElseSigned(t *testing.T) {
	key := person(t, "Ada Lovelace")
	body := func(t *testing.T, text, by string) []byte {
		r, problems := record.NewStatement(means(t, key, text).body, by, func(string) string { return strings.Repeat("ab", 32) })
		require.Empty(t, problems)
		return r.Body
	}
	args := func(text string) func(*testing.T, *gateway) {
		return func(_ *testing.T, g *gateway) { g.request.Args = [][]byte{[]byte(text)} }
	}
	place := `{"id":"` + string(record.Sum([]byte("{}"))) + `","tx":"` + strings.Repeat("0", 64) + `"}`
	for name, lie := range map[string]func(*testing.T, *gateway){
		"another function":  func(_ *testing.T, g *gateway) { g.request.Function = "Members:Submit" },
		"another channel":   func(_ *testing.T, g *gateway) { g.request.Channel = "other" },
		"another chaincode": func(_ *testing.T, g *gateway) { g.request.Chaincode = "_lifecycle" },
		"another creator":   func(t *testing.T, g *gateway) { g.request.Creator = person(t, "Eve").creator },
		"another time":      func(_ *testing.T, g *gateway) { g.request.Time = g.request.Time.Add(time.Hour) },
		"a nonce that was used": func(_ *testing.T, g *gateway) {
			g.request.Nonce = slices.Repeat([]byte{1}, prepared.NonceBytes)
		},
		"another organisation that says it": func(t *testing.T, g *gateway) { g.bodies[0] = body(t, recalled, "MarketMSP") },
		"another kind of statement": func(t *testing.T, g *gateway) {
			g.bodies[0] = body(t, strings.Replace(recalled, `"recall"`, `"warning"`, 1), "HarborMSP")
		},
		"another subject": func(t *testing.T, g *gateway) {
			g.bodies[0] = body(t, strings.Replace(recalled, "/A", "/B", 1), "HarborMSP")
		},
		"a subject less": func(t *testing.T, g *gateway) {
			g.bodies[0] = body(t, strings.Replace(recalled, `,"`+model+`"`, "", 1), "HarborMSP")
		},
		"another reason": func(t *testing.T, g *gateway) {
			g.bodies[0] = body(t, strings.Replace(recalled, "thawed", "lost", 1), "HarborMSP")
		},
		"a record more": func(t *testing.T, g *gateway) {
			g.bodies = append(g.bodies, body(t, strings.Replace(recalled, "/A", "/B", 1), "HarborMSP"))
		},
		"no pack":                     func(_ *testing.T, g *gateway) { g.request.Pack = []byte{} },
		"garbage in the pack":         func(_ *testing.T, g *gateway) { g.request.Pack = []byte("garbage") },
		"no arguments":                func(_ *testing.T, g *gateway) { g.request.Args = nil },
		"more arguments":              func(_ *testing.T, g *gateway) { g.request.Args = append(g.request.Args, []byte("more")) },
		"an argument that is no JSON": args("delete everything"),
		"a place with more in it":     args(`{"` + thing + `":` + strings.Replace(place, "{", `{"a":1,`, 1) + `}`),
		"a place of something else":   args(`{"dataset/lab/x@1":` + place + `}`),
		"a place that is none":        args(`{"` + thing + `":{"id":"x","tx":"y"}}`),
		"a huge argument":             args(`{"` + strings.Repeat(" ", maxWitnesses) + `":` + place + `}`),
	} {
		t.Run(name, func(t *testing.T) {
			s := means(t, key, recalled)
			g := prepares(t, s)
			lie(t, g)
			signed, err := s.Proposal(g.preparation())
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			assert.Nil(t, signed)
			_, err = s.Transaction(endorsed64([]byte("x")))
			require.Error(t, err, "nor what comes after")
		})
	}
	for name, lie := range map[string]func(*gateway, Preparation) Preparation{
		"the digest of something else": func(_ *gateway, p Preparation) Preparation {
			p.Digest = strings.Repeat("0", 64)
			return p
		},
		"what was prepared before": func(g *gateway, _ Preparation) Preparation {
			return prepares(g.t, means(g.t, key, recalled)).preparation()
		},
		"a field that is not known": func(_ *gateway, p Preparation) Preparation {
			return prepared64(append(p.Proposal, 0xfa, 0x3e, 1, 'x'))
		},
		"transient data": func(g *gateway, p Preparation) Preparation {
			var proposal peer.Proposal
			var payload peer.ChaincodeProposalPayload
			require.NoError(g.t, proto.Unmarshal(p.Proposal, &proposal))
			require.NoError(g.t, proto.Unmarshal(proposal.GetPayload(), &payload))
			payload.TransientMap["more"] = []byte("more")
			proposal.Payload = encoded(&payload)
			return prepared64(encoded(&proposal))
		},
		"the payload of a transaction": func(g *gateway, p Preparation) Preparation {
			other := means(g.t, key, recalled)
			honest := prepares(g.t, other)
			first, err := other.Proposal(honest.preparation())
			require.NoError(g.t, err)
			return prepared64(honest.endorses(first).endorsed().Payload)
		},
		"nothing":        func(*gateway, Preparation) Preparation { return Preparation{} },
		"a huge message": func(*gateway, Preparation) Preparation { return prepared64(make([]byte, maxProposal+1)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := means(t, key, recalled)
			g := prepares(t, s)
			signed, err := s.Proposal(lie(g, g.preparation()))
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			assert.Nil(t, signed)
		})
	}
}

func TestEndorsersGetNothingElseSigned(t *testing.T) {
	key := person(t, "Ada Lovelace")
	for name, lie := range map[string]func(*testing.T, *gateway){
		"one record more": func(_ *testing.T, g *gateway) {
			g.results.Writes = append(g.results.Writes, &kvrwset.KVWrite{Key: record.NamespaceKey("lab"), Value: []byte("HarborMSP")})
		},
		"another pack": func(_ *testing.T, g *gateway) { g.results.Writes[0].Value = []byte("{}\n") },
		"no pack":      func(_ *testing.T, g *gateway) { g.results.Writes = g.results.Writes[1:] },
		"a deleted key": func(_ *testing.T, g *gateway) {
			g.results.Writes[2] = &kvrwset.KVWrite{Key: "n/harbor", IsDelete: true}
		},
		"its own keys, deleted": func(_ *testing.T, g *gateway) { g.results.Writes[2].IsDelete = true },
		"its own writes, of another chaincode": func(_ *testing.T, g *gateway) {
			g.sets = []*rwset.NsReadWriteSet{{Namespace: "other", Rwset: encoded(&kvrwset.KVRWSet{Writes: g.results.Writes})}}
			g.results.Writes = nil
		},
		"a change of who endorses": func(_ *testing.T, g *gateway) {
			g.results.MetadataWrites = []*kvrwset.KVMetadataWrite{{Key: g.results.Writes[0].Key}}
		},
		"private data": func(_ *testing.T, g *gateway) {
			g.sets = []*rwset.NsReadWriteSet{{Namespace: "pedigree",
				CollectionHashedRwset: []*rwset.CollectionHashedReadWriteSet{{CollectionName: "secrets"}}}}
		},
		"an event":                func(_ *testing.T, g *gateway) { g.action.Events = []byte("x") },
		"a status that isn't one": func(_ *testing.T, g *gateway) { g.action.Response.Status = 199 },
		"a redirection":           func(_ *testing.T, g *gateway) { g.action.Response.Status = 400 },
		"another chaincode":       func(_ *testing.T, g *gateway) { g.action.ChaincodeId.Name = "other" },
		"a failure":               func(_ *testing.T, g *gateway) { g.action.Response.Status = 500 },
		"another proposal's hash": func(_ *testing.T, g *gateway) { g.answer.ProposalHash = make([]byte, 32) },
		"another header": func(_ *testing.T, g *gateway) {
			g.header = &common.Header{ChannelHeader: g.header.ChannelHeader, SignatureHeader: []byte("x")}
		},
		"another call": func(_ *testing.T, g *gateway) { g.call = []byte("x") },
		"writes elsewhere": func(_ *testing.T, g *gateway) {
			g.sets = []*rwset.NsReadWriteSet{{Namespace: "_lifecycle", Rwset: encoded(&kvrwset.KVRWSet{Writes: g.results.Writes[:1]})}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := means(t, key, recalled)
			g := prepares(t, s)
			first, err := s.Proposal(g.preparation())
			require.NoError(t, err)
			lie(t, g.endorses(first))
			_, err = s.Transaction(g.endorsed())
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
		})
	}
	s := means(t, key, recalled)
	g := prepares(t, s)
	first, err := s.Proposal(g.preparation())
	require.NoError(t, err)
	honest := g.endorses(first).endorsed()
	before := means(t, key, recalled)
	earlier := prepares(t, before)
	other, err := before.Proposal(earlier.preparation())
	require.NoError(t, err)
	for name, e := range map[string]Endorsed{
		"what was endorsed before": earlier.endorses(other).endorsed(),
		"another digest":           {honest.Payload, strings.Repeat("0", 64)}, "garbage": endorsed64([]byte("garbage")),
		"the proposal again": endorsed64(first.Bytes), "a huge message": endorsed64(make([]byte, maxPayload+1)),
		"a field that is not known": endorsed64(append(slices.Clone(honest.Payload), 0xfa, 0x3e, 1, 'x')),
	} {
		_, err := s.Transaction(e)
		assert.Error(t, err, name)
	}
	_, err = s.Transaction(honest)
	require.NoError(t, err)
}

func TestKeysThatCantSign(t *testing.T) {
	certificate, key := issued(t, "Ada", elliptic.P256(), time.Now().Add(time.Hour))
	_, another := issued(t, "Eve", elliptic.P256(), time.Now().Add(time.Hour))
	large, largeKey := issued(t, "Ada", elliptic.P384(), time.Now().Add(time.Hour))
	old, oldKey := issued(t, "Ada", elliptic.P256(), time.Now().Add(-time.Minute))
	for want, one := range map[string][3]string{
		"isn't named":       {"", string(certificate), string(key)},
		"isn't that of":     {"M", string(certificate), string(another)},
		"curve P-256":       {"M", string(large), string(largeKey)},
		"valid from":        {"M", string(old), string(oldKey)},
		"no PEM":            {"M", string(certificate), "x"},
		"is encrypted":      {"M", string(certificate), strings.ReplaceAll(string(key), "PRIVATE", "ENCRYPTED PRIVATE")},
		"certificate can't": {"M", "x", string(key)},
	} {
		_, err := NewKey(one[0], []byte(one[1]), []byte(one[2]))
		assert.ErrorContains(t, err, want)
	}
	_, err := Begin(person(t, "Ada"), Intent{"c", "c", record.NounMember, []byte(`{}`)})
	assert.Error(t, err)
	_, err = Begin(person(t, "Ada"), Intent{"c", "c", record.NounArtifact, []byte(`{"card":{"text":"x"}}`)})
	assert.ErrorContains(t, err, "card")
}
