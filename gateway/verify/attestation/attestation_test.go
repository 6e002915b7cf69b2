package attestation_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/attestation"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

var digest = strings.Repeat("ab", 32)

// statement is a whole one, made at a time.
func statement(made string) string {
	return `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":"` + digest + `"}}],"predicateType":"https://slsa.dev/provenance/v1",
		"predicate":{"buildDefinition":{"buildType":"x","externalParameters":{}},"runDetails":{"builder":{"id":"b"},"metadata":{"invocationId":"i",
		"pedigree_ledger":{"channel":"pedigree","mspId":"LabMSP","record":"r","transaction":"t","block":3,"asOfBlock":4,"exportedOn":"` + made + `"}}}}}`
}

const inTime = "2026-06-01T00:00:00Z"

func sign(t testing.TB, text string, s *formatstest.Signer) map[string]any {
	t.Helper()
	file, err := attestation.Sign([]byte(text), s)
	require.NoError(t, err)
	var e map[string]any
	require.NoError(t, json.Unmarshal(file, &e))
	return e
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}

func certificate(s *formatstest.Signer) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Cert.Raw}))
}

func first(e map[string]any) map[string]any { return e["signatures"].([]any)[0].(map[string]any) }

func TestWhoSignedIsTold(t *testing.T) {
	c := formatstest.NewConsortium(t, "HarborMSP", "LabMSP")
	lab := c.Member("LabMSP", "admin")
	file, err := attestation.Sign([]byte(statement(inTime)), lab)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(file), "\n"), "one line, as the kind of file has it")
	assert.True(t, attestation.Recognise(file))
	v, err := attestation.Verify(file, c.Trust)
	require.NoError(t, err)
	require.Len(t, v.Signers, 1)
	assert.Equal(t, "LabMSP", v.Signers[0].MSPID)
	assert.Equal(t, proof.Admin, v.Signers[0].Role)
	assert.Equal(t, statement(inTime), string(v.Payload), "byte for byte")
	assert.Equal(t, digest, v.Statement.Subjects[0].Digest["sha256"])
	assert.Equal(t, uint64(4), v.Statement.Ledger.AsOf)
}

func TestFilesOfOthersAreUnderstood(t *testing.T) {
	c := formatstest.NewConsortium(t, "HarborMSP", "LabMSP")
	lab, harbor := c.Member("LabMSP", "client"), c.Member("HarborMSP", "client")
	payload := func(e map[string]any, encoding *base64.Encoding) []byte {
		text, err := base64.StdEncoding.DecodeString(e["payload"].(string))
		require.NoError(t, err)
		e["payload"] = encoding.EncodeToString(text)
		return encode(t, e)
	}
	bundle := func(material map[string]any) []byte {
		e := sign(t, statement(inTime), lab)
		delete(first(e), "cert")
		return encode(t, map[string]any{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material, "dsseEnvelope": e})
	}
	raw := map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(lab.Cert.Raw)}
	both := sign(t, statement(inTime), lab)
	both["signatures"] = append(both["signatures"].([]any), first(sign(t, statement(inTime), harbor)))
	foreign := `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + digest + `","gost":"x"}}],"predicateType":"https://example.com/tests","predicate":{"passed":true}}`
	p384 := c.MemberWith("LabMSP", "client", elliptic.P384(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	sum := sha512.Sum384(dsse.PAE(attestation.PayloadType, []byte(foreign)))
	long, err := ecdsa.SignASN1(rand.Reader, p384.Key, sum[:])
	require.NoError(t, err)
	for name, c384 := range map[string]struct {
		file    []byte
		signers []string
	}{
		"the other alphabet of base64":            {payload(sign(t, statement("2026-06-01T00:00:00.000000001Z")+strings.Repeat(" ", 3)+"\u00a0"[:0], lab), base64.URLEncoding), []string{"LabMSP"}},
		"a bundle with a chain of certificates":   {bundle(map[string]any{"x509CertificateChain": map[string]any{"certificates": []any{raw}}}), []string{"LabMSP"}},
		"a bundle with a certificate":             {bundle(map[string]any{"certificate": raw, "tlogEntries": []any{map[string]any{"logIndex": "1"}}}), []string{"LabMSP"}},
		"two organisations":                       {encode(t, both), []string{"LabMSP", "HarborMSP"}},
		"a statement that doesn't say when":       {encode(t, sign(t, foreign, lab)), []string{"LabMSP"}},
		"a key on a longer curve, its own digest": {encode(t, map[string]any{"payloadType": attestation.PayloadType, "payload": base64.StdEncoding.EncodeToString([]byte(foreign)), "signatures": []any{map[string]any{"sig": base64.StdEncoding.EncodeToString(long), "cert": certificate(p384)}}}), []string{"LabMSP"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.True(t, attestation.Recognise(c384.file))
			v, err := attestation.Verify(c384.file, c.Trust)
			require.NoError(t, err)
			var who []string
			for _, s := range v.Signers {
				who = append(who, s.MSPID)
			}
			assert.Equal(t, c384.signers, who)
		})
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	c := formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "OtherMSP")
	lab, harbor, other, peer := c.Member("LabMSP", "client"), c.Member("HarborMSP", "client"), c.Member("OtherMSP", "client"), c.Member("LabMSP", "peer")
	short := c.MemberWith("LabMSP", "client", elliptic.P256(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	good := func() map[string]any { return sign(t, statement(inTime), lab) }
	with := func(change func(e map[string]any)) []byte {
		e := good()
		change(e)
		return encode(t, e)
	}
	text := func(text string) []byte { return encode(t, sign(t, text, lab)) }
	replaced := func(old, with string) []byte { return text(strings.Replace(statement(inTime), old, with, 1)) }
	twice := func(name string) []byte { // the second one would win in most readers
		return []byte(strings.Replace(string(encode(t, good())), `{"`, `{"`+name+`":"`+base64.StdEncoding.EncodeToString([]byte(statement(inTime)))+`","`, 1))
	}
	for name, f := range map[string]struct {
		file   []byte
		reason proof.Reason
	}{
		"no JSON":                        {[]byte("payloadType"), proof.Malformed},
		"a list":                         {[]byte("[]"), proof.Malformed},
		"nothing inside":                 {[]byte(`{"payloadType":"application/vnd.in-toto+json"}`), proof.Malformed},
		"two payloads":                   {twice("payload"), proof.Malformed},
		"two payload types":              {twice("payloadType"), proof.Malformed},
		"an envelope around an envelope": {encode(t, map[string]any{"dsseEnvelope": good(), "payload": "e30=", "verificationMaterial": map[string]any{}}), proof.Malformed},
		"a bundle that signs more":       {encode(t, map[string]any{"dsseEnvelope": good(), "messageSignature": map[string]any{}}), proof.Malformed},
		"a bundle with a public key":     {encode(t, map[string]any{"dsseEnvelope": good(), "verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": "x"}}}), proof.BadIdentity},
		"a bundle with two certificates": {encode(t, map[string]any{"dsseEnvelope": good(), "verificationMaterial": map[string]any{"certificate": map[string]any{"rawBytes": "AA=="}, "x509CertificateChain": map[string]any{"certificates": []any{}}}}), proof.BadIdentity},
		"a member that nobody signed":    {with(func(e map[string]any) { e["note"] = "checked" }), proof.Malformed},
		"a member beside a signature":    {with(func(e map[string]any) { first(e)["signer"] = "HarborMSP" }), proof.Malformed},
		"a member beside the envelope of a bundle": {
			encode(t, map[string]any{"dsseEnvelope": good(), "verificationMaterial": map[string]any{}, "note": "x"}), proof.Malformed,
		},
		"a member beside the certificate of a bundle": {
			encode(t, map[string]any{"dsseEnvelope": good(), "verificationMaterial": map[string]any{"note": "x"}}), proof.Malformed,
		},
		"another payload": {with(func(e map[string]any) {
			e["payload"] = base64.StdEncoding.EncodeToString([]byte(statement("2026-06-02T00:00:00Z")))
		}), proof.BadSignature},
		"another type of payload":           {with(func(e map[string]any) { e["payloadType"] = "application/json" }), proof.UnsupportedVersion},
		"no padding":                        {with(func(e map[string]any) { e["payload"] = strings.TrimRight(e["payload"].(string)+"A", "=") }), proof.Malformed},
		"line breaks in base64":             {with(func(e map[string]any) { e["payload"] = e["payload"].(string)[:4] + "\n" + e["payload"].(string)[4:] }), proof.Malformed},
		"no signatures":                     {with(func(e map[string]any) { e["signatures"] = []any{} }), proof.Malformed},
		"a signature without a certificate": {with(func(e map[string]any) { delete(first(e), "cert") }), proof.BadIdentity},
		"a certificate that is a key": {with(func(e map[string]any) {
			first(e)["cert"] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
		}), proof.BadIdentity},
		"another's certificate": {with(func(e map[string]any) { first(e)["cert"] = certificate(harbor) }), proof.BadSignature},
		"a good signature and a bad one": {with(func(e map[string]any) {
			e["signatures"] = append(e["signatures"].([]any), map[string]any{"sig": "AAAA", "cert": certificate(harbor)})
		}), proof.BadSignature},
		"one organisation twice": {with(func(e map[string]any) { e["signatures"] = append(e["signatures"].([]any), first(good())) }), proof.OrganisationTwice},
		"hundreds of signatures": {with(func(e map[string]any) {
			for range 99 {
				e["signatures"] = append(e["signatures"].([]any), first(e))
			}
		}), proof.Malformed},
		"an organisation that nobody trusts":  {encode(t, sign(t, statement(inTime), other)), proof.UntrustedCertificate},
		"a peer, which signs other things":    {encode(t, sign(t, statement(inTime), peer)), proof.WrongRole},
		"a certificate that had expired":      {encode(t, sign(t, statement(inTime), short)), proof.OutsideValidity},
		"a certificate that wasn't valid yet": {encode(t, sign(t, statement("2025-01-01T00:00:00Z"), short)), proof.OutsideValidity},
		"another channel":                     {replaced(`"channel":"pedigree"`, `"channel":"salmon"`), proof.WrongChannel},
		"an old statement":                    {replaced("Statement/v1", "Statement/v0.1"), proof.UnsupportedVersion},
		"a payload that is no JSON":           {text("hello"), proof.Malformed},
		"a payload with a member twice":       {replaced(`"predicateType"`, `"predicateType":"x","predicateType"`), proof.Malformed},
		"no predicate":                        {replaced(`"predicate":`, `"other":`), proof.Malformed},
		"no subject":                          {replaced(`"subject":`, `"subjects":`), proof.Malformed},
		"a subject without a digest":          {replaced(`{"sha256":"`+digest+`"}`, `{}`), proof.Malformed},
		"an address for a digest":             {replaced(digest, "https://example.com/80"), proof.Malformed},
		"a digest that is too short":          {replaced(digest, digest[:32]), proof.Malformed},
		"a digest in capitals":                {replaced(digest, strings.ToUpper(digest)), proof.Malformed},
		"no builder":                          {replaced(`"id":"b"`, `"id":""`), proof.Malformed},
		"a block that is none":                {replaced(`"block":3`, `"block":-3`), proof.Malformed},
		"a time that is none":                 {replaced(inTime, "yesterday"), proof.Malformed},
		"too much":                            {append([]byte(`{"payloadType":"`), make([]byte, attestation.MaxFile)...), proof.TooLarge},
		"depth without end":                   {[]byte(`{"payloadType":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`), proof.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := attestation.Verify(f.file, c.Trust)
			require.Error(t, err)
			assert.Nil(t, v)
			assert.Equal(t, f.reason, proof.ReasonOf(err), err)
		})
	}
}

func TestWhatIsSignedWithAnotherKindOfKeyIsRefused(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	_, err := attestation.Sign([]byte("{}"), c.MemberWith("LabMSP", "client", elliptic.P384(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
	var wrong *attestation.KeyError
	require.ErrorAs(t, err, &wrong)
	assert.Contains(t, err.Error(), "P-256")
}

func TestOtherFilesAreNotTakenForStatements(t *testing.T) {
	for _, file := range []string{"", "{}", `{"format":"pedigree-proof/1"}`, "payload", `{"format":"pedigree-proof/1","receipts":[`} {
		assert.False(t, attestation.Recognise([]byte(file)), file)
	}
}

func FuzzNothingBreaksTheReader(f *testing.F) {
	c := formatstest.NewConsortium(f, "LabMSP")
	lab := c.Member("LabMSP", "client")
	file, err := attestation.Sign([]byte(statement(inTime)), lab)
	require.NoError(f, err)
	f.Add(file)
	e := sign(f, statement(inTime), lab)
	f.Add(encode(f, map[string]any{"dsseEnvelope": e, "verificationMaterial": map[string]any{"certificate": map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(lab.Cert.Raw)}}}))
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AA==","cert":"x"}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		attestation.Recognise(file)
		v, err := attestation.Verify(file, c.Trust)
		if err != nil {
			require.NotEmpty(t, proof.ReasonOf(err), "a refusal has a reason: %v", err)
			return
		}
		require.Equal(t, statement(inTime), string(v.Payload), "nobody else has the key")
	})
}
