package proof_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// A forgery is what somebody without any key of the consortium makes of a real proof.
type forgery struct {
	name   string
	base   string // the vector that it is made of
	change func(f *forger, p *proof.Proof)
	text   func(text string) string // in place of change, or after it
	trust  string                   // the trust file, if not the base's
	wanted proof.Wanted
	reason proof.Reason
}

// forger makes forgeries of a set of proofs, by name.
type forger struct {
	testing.TB
	bases map[string][]byte
}

func (f *forger) proof(name string) *proof.Proof {
	p, err := proof.Parse(f.bases[name])
	require.NoError(f, err, name)
	return p
}

func (f *forger) make(one forgery) []byte {
	text := f.bases[one.base]
	require.NotEmpty(f, text, one.base)
	if one.change != nil {
		p := f.proof(one.base)
		one.change(f, p)
		text = p.Bytes()
	}
	if one.text != nil {
		changed := one.text(string(text))
		require.NotEqual(f, string(text), changed, "%s changes nothing", one.name)
		text = []byte(changed)
	}
	return text
}

// The vectors that forgeries are made of.
const (
	receiptVector = "receipt"
	traceVector   = "trace"
	blockVector   = "block"
	laterVector   = "block-after-changes"
)

// rs are the two integers of an ECDSA signature, however wrong.
type rs struct{ R, S *big.Int }

func openSignature(t testing.TB, der []byte) rs {
	var s rs
	_, err := asn1.Unmarshal(der, &s)
	require.NoError(t, err)
	return s
}

func (s rs) der(t testing.TB) []byte {
	der, err := asn1.Marshal(s)
	require.NoError(t, err)
	return der
}

var order = elliptic.P256().Params().N

// signatureForms are other forms of a valid signature. Most mean the same to some reader.
var signatureForms = []struct {
	name   string
	change func(t testing.TB, der []byte) []byte
	reason proof.Reason
}{
	{"with-high-s", func(t testing.TB, der []byte) []byte {
		s := openSignature(t, der)
		return rs{s.R, new(big.Int).Sub(order, s.S)}.der(t)
	}, proof.HighS},
	{"with-s-plus-order", func(t testing.TB, der []byte) []byte {
		s := openSignature(t, der)
		return rs{s.R, new(big.Int).Add(order, s.S)}.der(t)
	}, proof.HighS},
	{"with-r-plus-order", func(t testing.TB, der []byte) []byte {
		s := openSignature(t, der)
		return rs{new(big.Int).Add(order, s.R), s.S}.der(t)
	}, proof.BadSignature},
	{"with-negative-s", func(t testing.TB, der []byte) []byte {
		s := openSignature(t, der)
		return rs{s.R, new(big.Int).Sub(s.S, order)}.der(t)
	}, proof.BadSignature},
	{"with-negative-r", func(t testing.TB, der []byte) []byte {
		s := openSignature(t, der)
		return rs{new(big.Int).Sub(s.R, order), s.S}.der(t)
	}, proof.BadSignature},
	{"of-zeros", func(t testing.TB, der []byte) []byte { return rs{new(big.Int), new(big.Int)}.der(t) }, proof.BadSignature},
	{"of-nothing", func(testing.TB, []byte) []byte { return nil }, proof.BadSignature},
	{"with-bytes-after-it", func(_ testing.TB, der []byte) []byte { return append(bytes.Clone(der), 0) }, proof.BadSignature},
	{"with-a-third-integer", func(_ testing.TB, der []byte) []byte {
		longer := append(bytes.Clone(der), 2, 1, 1)
		longer[1] += 3
		return longer
	}, proof.BadSignature},
	{"with-a-long-length", func(_ testing.TB, der []byte) []byte { return slices.Concat([]byte{der[0], 0x81}, der[1:]) }, proof.BadSignature},
	{"of-indefinite-length", func(_ testing.TB, der []byte) []byte {
		return slices.Concat([]byte{der[0], 0x80}, der[2:], []byte{0, 0})
	}, proof.BadSignature},
	{"with-a-padded-integer", func(_ testing.TB, der []byte) []byte {
		padded := slices.Concat(der[:4], []byte{0}, der[4:])
		padded[1]++
		padded[3]++
		return padded
	}, proof.BadSignature},
	{"as-bare-integers", func(t testing.TB, der []byte) []byte {
		s := openSignature(t, der)
		return append(s.R.FillBytes(make([]byte, 32)), s.S.FillBytes(make([]byte, 32))...)
	}, proof.BadSignature},
}

// messageForms are other encodings of a message whose first two fields are byte strings. All decode to the same.
var messageForms = []struct {
	name   string
	change func(message []byte) []byte
}{
	{"with-an-unknown-field", func(m []byte) []byte { return append(bytes.Clone(m), 0x7a, 0) }},
	{"with-fields-reordered", func(m []byte) []byte { first, second := twoFields(m); return append(bytes.Clone(second), first...) }},
	{"with-a-field-twice", func(m []byte) []byte { first, _ := twoFields(m); return append(bytes.Clone(first), m...) }},
	{"with-a-long-varint", func(m []byte) []byte {
		_, _, tag := protowire.ConsumeTag(m)
		length, n := protowire.ConsumeVarint(m[tag:])
		long := protowire.AppendVarint(bytes.Clone(m[:tag]), length)
		long[len(long)-1] |= 0x80
		return slices.Concat(long, []byte{0}, m[tag+n:])
	}},
}

func twoFields(m []byte) (first, second []byte) {
	_, _, n := protowire.ConsumeField(m)
	return m[:n], m[n:]
}

// answer changes what a receipt's peers are said to have signed.
func (f *forger) answer(r *proof.Receipt, change func(payload *peer.ProposalResponsePayload, action *peer.ChaincodeAction)) {
	var payload peer.ProposalResponsePayload
	var action peer.ChaincodeAction
	require.NoError(f, proto.Unmarshal(r.Answer, &payload))
	require.NoError(f, proto.Unmarshal(payload.GetExtension(), &action))
	change(&payload, &action)
	payload.Extension = marshal(f, &action)
	r.Answer = marshal(f, &payload)
}

// swapped puts another record, and all that it takes, into an answer.
func swapped(payload *peer.ProposalResponsePayload, action *peer.ChaincodeAction, withID bool) record.ID {
	text := string(action.Response.Payload)
	body := text[strings.Index(text, `"record":{`)+len(`"record":`) : strings.LastIndex(text, `,"recordings":`)]
	other := strings.Replace(body, `"name":"`, `"name":"other-`, 1)
	id := record.Sum([]byte(other))
	text = strings.Replace(text, body, other, 1)
	if withID {
		text = strings.Replace(text, string(record.Sum([]byte(body))), string(id), 1)
	}
	action.Response.Payload = []byte(text)
	return id
}

// oneEncoding are ways of writing a proof that would mean the same, or something else to a careless reader.
var oneEncoding = []struct {
	name   string
	change func(text string) string
	reason proof.Reason
}{
	{"with-white-space", func(s string) string { return strings.Replace(s, ",", ", ", 1) }, proof.NotCanonical},
	{"with-a-line-break-at-the-end", func(s string) string { return s + "\n" }, proof.NotCanonical},
	{"with-members-reordered", func(s string) string {
		return strings.Replace(s, `"chaincode":"pedigree","channel":"pedigree"`, `"channel":"pedigree","chaincode":"pedigree"`, 1)
	}, proof.NotCanonical},
	{"with-an-escape", func(s string) string { return strings.Replace(s, "pedigree", `\u0070edigree`, 1) }, proof.NotCanonical},
	{"with-a-number-as-a-fraction", func(s string) string { return strings.Replace(s, `"creator":0`, `"creator":0.0`, 1) }, proof.NotCanonical},
	{"with-a-number-of-ten-powers", func(s string) string { return strings.Replace(s, `"creator":0`, `"creator":0e1`, 1) }, proof.NotCanonical},
	{"with-a-negative-zero", func(s string) string { return strings.Replace(s, `"creator":0`, `"creator":-0`, 1) }, proof.NotCanonical},
	{"with-a-member-twice", func(s string) string {
		return strings.Replace(s, `"channel":"pedigree"`, `"channel":"other","channel":"pedigree"`, 1)
	}, proof.Malformed},
	{"with-an-unknown-member", func(s string) string { return strings.Replace(s, `{"chaincode"`, `{"by":"us","chaincode"`, 1) }, proof.Malformed},
	{"with-an-unknown-member-inside", func(s string) string { return strings.Replace(s, `{"endorser":`, `{"by":"us","endorser":`, 1) }, proof.Malformed},
	{"with-a-null", func(s string) string { return strings.TrimSuffix(s, "}") + `,"trace":null}` }, proof.Malformed},
	{"with-an-empty-list-of-blocks", func(s string) string { return strings.Replace(s, `{"chaincode"`, `{"blocks":[],"chaincode"`, 1) }, proof.Malformed},
	{"with-a-byte-order-mark", func(s string) string { return "\ufeff" + s }, proof.Malformed},
	{"twice-in-one-file", func(s string) string { return s + s }, proof.Malformed},
	{"cut-off", func(s string) string { return s[:len(s)-1] }, proof.Malformed},
	{"that-is-empty", func(string) string { return "" }, proof.Malformed},
	{"that-is-nested-deeply", func(string) string { return strings.Repeat("[", 100_000) }, proof.Malformed},
	{"of-another-version", func(s string) string { return strings.Replace(s, "pedigree-proof/1", "pedigree-proof/2", 1) }, proof.UnsupportedVersion},
	{"with-a-time-of-a-zone", func(s string) string {
		return changeMember(s, `"time":"`, func(v string) string { return strings.TrimSuffix(v, "Z") + "+00:00" })
	}, proof.Malformed},
	{"with-a-time-in-small-letters", func(s string) string { return changeMember(s, `"time":"`, strings.ToLower) }, proof.Malformed},
	{"with-base64-in-lines", func(s string) string {
		return changeMember(s, `"nonce":"`, func(v string) string { return v[:4] + `\n` + v[4:] })
	}, proof.Malformed},
	{"with-base64-with-much-padding", func(s string) string {
		return changeMember(s, `"answer":"`, func(v string) string { return v + "=" })
	}, proof.Malformed},
	{"with-base64-for-urls", func(s string) string {
		return changeMember(s, `"answer":"`, func(v string) string { return strings.NewReplacer("+", "-", "/", "_").Replace(v) })
	}, proof.Malformed},
	{"with-base64-with-bits-left-over", func(s string) string {
		return changeMember(s, `"nonce":"`, func(v string) string { return v[:len(v)-4] + "AR==" })
	}, proof.Malformed},
}

// changeMember changes the first value of a name.
func changeMember(text, start string, change func(string) string) string {
	at := strings.Index(text, start) + len(start)
	end := at + strings.IndexByte(text[at:], '"')
	return text[:at] + change(text[at:end]) + text[end:]
}

// forgeries lists all.
func forgeries() (all []forgery) {
	for _, form := range oneEncoding {
		all = append(all, forgery{name: "receipt-" + form.name, base: receiptVector, text: form.change, reason: form.reason})
	}
	for _, form := range signatureForms {
		all = append(all, forgery{name: "receipt-signature-" + form.name, base: receiptVector, reason: form.reason, change: func(f *forger, p *proof.Proof) {
			s := &p.Receipts[0].Endorsements[1].Signature
			*s = form.change(f, *s)
		}}, forgery{name: "block-signature-" + form.name, base: blockVector, reason: form.reason, change: func(f *forger, p *proof.Proof) {
			s := &p.Blocks[len(p.Blocks)-1].Signatures[1].Signature
			*s = form.change(f, *s)
		}})
	}
	for _, form := range messageForms {
		all = append(all, forgery{name: "receipt-identity-" + form.name, base: receiptVector, reason: proof.BadIdentity, change: func(_ *forger, p *proof.Proof) {
			e := &p.Receipts[0].Endorsements[1].Endorser
			*e = form.change(*e)
		}}, forgery{name: "receipt-answer-" + form.name, base: receiptVector, reason: proof.BadSignature, change: func(_ *forger, p *proof.Proof) {
			p.Receipts[0].Answer = form.change(p.Receipts[0].Answer)
		}}, forgery{name: "block-envelope-" + form.name, base: blockVector, change: func(_ *forger, p *proof.Proof) {
			data := p.Blocks[len(p.Blocks)-1].Data
			data[0] = form.change(data[0])
		}, reason: map[bool]proof.Reason{true: proof.BadSignature, false: proof.SplitEnvelopes}[form.name == "with-an-unknown-field"]})
	}
	return slices.Concat(all, receiptForgeries, traceForgeries, blockForgeries, laterForgeries)
}

// other is a record that no vector is of.
var other = record.Sum([]byte("another record"))

var receiptForgeries = []forgery{
	{name: "receipt-of-a-swapped-record", base: receiptVector, reason: proof.WrongRecord, change: func(f *forger, p *proof.Proof) {
		f.answer(p.Receipts[0], func(payload *peer.ProposalResponsePayload, a *peer.ChaincodeAction) { swapped(payload, a, false) })
	}},
	{name: "receipt-of-a-swapped-record-and-id", base: receiptVector, reason: proof.OtherQuestion, change: func(f *forger, p *proof.Proof) {
		f.answer(p.Receipts[0], func(payload *peer.ProposalResponsePayload, a *peer.ChaincodeAction) { swapped(payload, a, true) })
	}},
	{name: "receipt-of-a-swapped-record-id-and-question", base: receiptVector, reason: proof.BadSignature, change: func(f *forger, p *proof.Proof) {
		f.answer(p.Receipts[0], func(payload *peer.ProposalResponsePayload, a *peer.ChaincodeAction) {
			r := p.Receipts[0]
			q := proof.Question{Channel: p.Channel, Chaincode: p.Chaincode, ID: swapped(payload, a, true), Creator: r.Creator, Nonce: r.Nonce, Time: r.Time}
			var proposal peer.Proposal
			require.NoError(f, proto.Unmarshal(q.Proposal(), &proposal))
			payload.ProposalHash = hashOf(f, &proposal)
		})
	}},
	{name: "receipt-with-another-recorder", base: receiptVector, reason: proof.BadSignature, change: func(f *forger, p *proof.Proof) {
		f.answer(p.Receipts[0], func(_ *peer.ProposalResponsePayload, a *peer.ChaincodeAction) {
			a.Response.Payload = bytes.Replace(a.Response.Payload, []byte(`"mspId":"HarborMSP"`), []byte(`"mspId":"MarketMSP"`), 1)
		})
	}},
	{name: "receipt-with-the-recordings-of-another", base: receiptVector, reason: proof.BadSignature, change: func(f *forger, p *proof.Proof) {
		f.answer(p.Receipts[0], func(_ *peer.ProposalResponsePayload, a *peer.ChaincodeAction) {
			from, err := proof.OpenAction(f.proof(blockVector).Receipts[0].Answer)
			require.NoError(f, err)
			cut := []byte(`,"recordings":`)
			mine, theirs := bytes.Index(a.Response.Payload, cut), bytes.Index(from.Answer, cut)
			a.Response.Payload = append(bytes.Clone(a.Response.Payload[:mine]), from.Answer[theirs:]...)
			var results peer.ChaincodeAction
			var payload peer.ProposalResponsePayload
			require.NoError(f, proto.Unmarshal(f.proof(blockVector).Receipts[0].Answer, &payload))
			require.NoError(f, proto.Unmarshal(payload.GetExtension(), &results))
			a.Results = results.GetResults()
		})
	}},
	{name: "receipt-of-a-failure", base: receiptVector, reason: proof.NotRecorded, change: func(f *forger, p *proof.Proof) {
		f.answer(p.Receipts[0], func(_ *peer.ProposalResponsePayload, a *peer.ChaincodeAction) { a.Response.Status = 500 })
	}},
	{name: "receipt-of-a-failure-called-success", base: receiptVector, reason: proof.BadSignature, change: func(f *forger, p *proof.Proof) {
		f.answer(p.Receipts[0], func(_ *peer.ProposalResponsePayload, a *peer.ChaincodeAction) {
			a.Response.Message = "it was a failure"
		})
	}},
	{name: "receipt-asked-for-as-another-record", base: receiptVector, wanted: proof.Wanted{ID: other}, reason: proof.WrongRecord},
	{name: "receipt-asked-for-as-a-block-proof", base: receiptVector, wanted: proof.Wanted{Level: proof.LevelBlock}, reason: proof.LevelTooLow},
	{name: "receipt-asked-for-as-a-trace", base: receiptVector, wanted: proof.Wanted{Trace: &proof.Trace{Node: "dataset/harbor/vectors@1"}}, reason: proof.WrongTrace},
	{name: "receipt-of-another-channel", base: receiptVector, reason: proof.WrongChannel, change: func(_ *forger, p *proof.Proof) { p.Channel = "other" }},
	{name: "receipt-of-another-channel-that-is-trusted", base: receiptVector, trust: "other-channel", reason: proof.OtherQuestion, change: func(_ *forger, p *proof.Proof) { p.Channel = "other" }},
	{name: "receipt-of-another-chaincode", base: receiptVector, reason: proof.WrongChaincode, change: func(_ *forger, p *proof.Proof) { p.Chaincode = "other" }},
	{name: "receipt-of-one-organisation", base: receiptVector, reason: proof.TooFewOrganisations, change: func(_ *forger, p *proof.Proof) { p.Receipts[0].Endorsements = p.Receipts[0].Endorsements[:1] }},
	{name: "receipt-of-two-where-three-must-agree", base: receiptVector, trust: "all-must-agree", reason: proof.TooFewOrganisations, change: func(_ *forger, p *proof.Proof) {
		p.Receipts[0].Endorsements = p.Receipts[0].Endorsements[:2]
	}},
	{name: "receipt-of-nobody", base: receiptVector, reason: proof.TooFewOrganisations, change: func(_ *forger, p *proof.Proof) { p.Receipts[0].Endorsements = nil }},
	{name: "receipt-with-a-signature-twice", base: receiptVector, reason: proof.OrganisationTwice, change: func(_ *forger, p *proof.Proof) {
		e := p.Receipts[0].Endorsements
		p.Receipts[0].Endorsements = []proof.Endorsement{e[0], e[0], e[1]}
	}},
	{name: "receipt-with-one-certificate-as-two-organisations", base: receiptVector, reason: proof.UntrustedCertificate, change: func(f *forger, p *proof.Proof) {
		e := p.Receipts[0].Endorsements
		var id msp.SerializedIdentity
		require.NoError(f, proto.Unmarshal(e[0].Endorser, &id))
		id.Mspid = "LabMSP"
		e[1] = proof.Endorsement{Endorser: marshal(f, &id), Signature: e[0].Signature}
	}},
	{name: "receipt-with-anothers-signature", base: receiptVector, reason: proof.BadSignature, change: func(_ *forger, p *proof.Proof) {
		e := p.Receipts[0].Endorsements
		e[0].Signature, e[1].Signature = e[1].Signature, e[0].Signature
	}},
	{name: "receipt-with-a-rogue-authority-of-the-same-name", base: receiptVector, reason: proof.UntrustedCertificate, change: rogue},
	{name: "receipt-with-organisations-reordered", base: receiptVector, reason: proof.NotCanonical, change: func(_ *forger, p *proof.Proof) { slices.Reverse(p.Receipts[0].Endorsements) }},
	{name: "receipt-against-trust-with-a-root-replaced", base: receiptVector, trust: "rogue-root", reason: proof.UntrustedCertificate},
	{name: "receipt-against-trust-without-an-organisation", base: receiptVector, trust: "without-lab", reason: proof.UnknownOrganisation},
	{name: "receipt-with-another-time", base: receiptVector, reason: proof.OtherQuestion, change: func(_ *forger, p *proof.Proof) { p.Receipts[0].Time = p.Receipts[0].Time.AddDate(0, 0, -1) }},
	{name: "receipt-with-another-asker", base: receiptVector, reason: proof.OtherQuestion, change: func(_ *forger, p *proof.Proof) {
		p.Receipts[0].Creator = p.Receipts[0].Endorsements[0].Endorser
	}},
	{name: "receipt-with-nonce-and-asker-divided-elsewhere", base: receiptVector, reason: proof.OtherQuestion, change: func(_ *forger, p *proof.Proof) {
		r := p.Receipts[0] // the transaction's id is the same
		r.Nonce, r.Creator = append(bytes.Clone(r.Nonce), r.Creator[0]), r.Creator[1:]
	}},
	{name: "receipt-with-answer-and-identity-divided-elsewhere", base: receiptVector, reason: proof.BadTransaction, change: func(_ *forger, p *proof.Proof) {
		r := p.Receipts[0]
		r.Answer = append(bytes.Clone(r.Answer), r.Endorsements[0].Endorser[0])
	}},
	{name: "receipt-twice", base: receiptVector, reason: proof.NotCanonical, change: func(_ *forger, p *proof.Proof) { p.Receipts = append(p.Receipts, p.Receipts[0]) }},
}

// rogue signs with a certificate of an authority that has the same name and key identifier as a trusted one.
func rogue(f *forger, p *proof.Proof) {
	e := &p.Receipts[0].Endorsements[1]
	id, err := proof.ParseIdentity(e.Endorser)
	require.NoError(f, err)
	s := impostor(f, id)
	*e = proof.Endorsement{Endorser: s.serialized, Signature: s.sign(f, slices.Concat(p.Receipts[0].Answer, s.serialized), false)}
}

var traceForgeries = []forgery{
	{name: "trace-with-a-record-dropped", base: traceVector, reason: proof.BrokenTrace, change: func(_ *forger, p *proof.Proof) { p.Receipts = p.Receipts[1:] }},
	{name: "trace-with-a-record-too-many", base: traceVector, reason: proof.BrokenTrace, change: func(f *forger, p *proof.Proof) {
		p.Receipts = append(p.Receipts, f.proof(laterVector).Receipts...)
		idOf := func(r *proof.Receipt) string {
			a, err := proof.OpenAction(r.Answer)
			require.NoError(f, err)
			return string(a.Answer[:100]) // begins with the id
		}
		slices.SortFunc(p.Receipts, func(a, b *proof.Receipt) int { return strings.Compare(idOf(a), idOf(b)) })
	}},
	{name: "trace-of-another-node", base: traceVector, reason: proof.BrokenTrace, change: func(_ *forger, p *proof.Proof) {
		p.Trace = &proof.Trace{Node: "model/harbor/else@1", Direction: proof.Ancestors}
	}},
	{name: "trace-in-the-other-direction", base: traceVector, reason: proof.BrokenTrace, change: func(_ *forger, p *proof.Proof) {
		p.Trace = &proof.Trace{Node: p.Trace.Node, Direction: proof.Descendants}
	}},
	{name: "trace-asked-for-as-another", base: traceVector, wanted: proof.Wanted{Trace: &proof.Trace{Node: "model/harbor/else@1"}}, reason: proof.WrongTrace},
	{name: "trace-called-cut-where-all-was-asked-for", base: traceVector, wanted: proof.Wanted{Trace: &proof.Trace{Node: "model/harbor/vectors@1"}}, reason: proof.CutTrace,
		text: func(s string) string { return strings.Replace(s, `"cut":false`, `"cut":true`, 1) }},
	{name: "trace-called-no-trace", base: traceVector, reason: proof.Malformed, change: func(_ *forger, p *proof.Proof) { p.Trace = nil }},
	{name: "trace-with-receipts-reordered", base: traceVector, reason: proof.NotCanonical, change: func(_ *forger, p *proof.Proof) { slices.Reverse(p.Receipts) }},
}
