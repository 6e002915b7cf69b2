package attestation_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
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

// foreign is a statement of a kind that isn't read further, with these subjects.
func foreign(subjects, predicate string) string {
	return `{"_type":"https://in-toto.io/Statement/v1","subject":[` + subjects + `],"predicateType":"https://example.com/tests","predicate":` + predicate + `}`
}

var subject = `{"digest":{"sha256":"` + digest + `"}}`

// refused verifies a file that has to be refused, for a reason and in words.
func refused(t *testing.T, file []byte, trust *proof.Trust, reason proof.Reason, words string) {
	t.Helper()
	v, err := attestation.Verify(file, trust)
	require.Error(t, err)
	assert.Nil(t, v)
	assert.Equal(t, reason, proof.ReasonOf(err), err)
	assert.ErrorContains(t, err, words)
}

func TestTheStatementIsToldWhole(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	text := statement(inTime)
	text = strings.Replace(text, `"externalParameters":{}`, `"externalParameters":{},"resolvedDependencies":[{},{},{}]`, 1)
	text = strings.Replace(text, `"block":3`, `"proof":"p","block":0`, 1)
	v, err := attestation.Verify(encode(t, sign(t, text, c.Member("LabMSP", "client"))), c.Trust)
	require.NoError(t, err)
	made := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, &attestation.Statement{
		PredicateType: "https://slsa.dev/provenance/v1", BuildType: "x", Builder: "b", Invocation: "i", Dependencies: 3,
		Subjects: []attestation.Subject{{Name: "m", Digest: map[string]string{"sha256": digest}}},
		Ledger: &attestation.Ledger{
			Channel: "pedigree", MSPID: "LabMSP", Record: "r", Transaction: "t", Block: 0, AsOf: 4, ExportedOn: made, Proof: "p",
		},
	}, v.Statement)
	assert.Equal(t, []attestation.SignedBy{{
		MSPID: "LabMSP", Subject: "CN=submitter,OU=client", Role: proof.Client,
		ValidFrom: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ValidUntil: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}}, v.Signers)
}

func TestWhatAStatementMayLeaveOut(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	lab := c.Member("LabMSP", "client")
	v, err := attestation.Verify(encode(t, sign(t, strings.Replace(statement(inTime), `"channel":"pedigree",`, "", 1), lab)), c.Trust)
	require.NoError(t, err)
	assert.Empty(t, v.Statement.Ledger.Channel)
	v, err = attestation.Verify(encode(t, sign(t, strings.Replace(statement(inTime), `"pedigree_ledger"`, `"other"`, 1), lab)), c.Trust)
	require.NoError(t, err)
	assert.Nil(t, v.Statement.Ledger)
	assert.Equal(t, "b", v.Statement.Builder)
}

func TestDigestsHaveTheLengthsOfTheirAlgorithms(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	lab := c.Member("LabMSP", "client")
	for algorithm, n := range map[string]int{
		"sha1": 40, "gitCommit": 40, "sha224": 56, "sha256": 64, "dirHash": 64, "sha384": 96, "sha512": 128, "blake2b": 128,
		"blake3": 64,
	} {
		with := func(n int) []byte {
			return encode(t, sign(t, foreign(fmt.Sprintf(`{"digest":{%q:%q}}`, algorithm, strings.Repeat("a", n)), "{}"), lab))
		}
		_, err := attestation.Verify(with(n), c.Trust)
		assert.NoError(t, err, algorithm)
		refused(t, with(n-1), c.Trust, proof.Malformed, fmt.Sprintf("has %d lower-case", n))
		refused(t, with(n+1), c.Trust, proof.Malformed, fmt.Sprintf("has %d lower-case", n))
	}
}

func TestWhatIsWrongWithAStatementIsSaid(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	lab := c.Member("LabMSP", "client")
	replaced := func(old, with string) string { return strings.Replace(statement(inTime), old, with, 1) }
	long := strings.Repeat("é", 60)
	for name, f := range map[string]struct {
		text   string
		reason proof.Reason
		words  string
	}{
		"no type of the predicate":         {strings.Replace(foreign(subject, "{}"), "https://example.com/tests", "", 1), proof.Malformed, "has a predicateType"},
		"a predicate that is a list":       {foreign(subject, "[]"), proof.Malformed, "and a predicate"},
		"an object of subjects":            {strings.NewReplacer("[", "{", "]", "}").Replace(foreign("", "{}")), proof.Malformed, "1 to 100000 subjects"},
		"no subjects":                      {foreign("", "{}"), proof.Malformed, "1 to 100000 subjects"},
		"a digest that is a text":          {foreign(`{"digest":"abc"}`, "{}"), proof.Malformed, "a subject has a digest"},
		"a digest of no digits":            {foreign(`{"digest":{"gost":""}}`, "{}"), proof.Malformed, "isn't a digest of this kind"},
		"a digest that is a number":        {foreign(`{"digest":{"gost":12}}`, "{}"), proof.Malformed, "isn't a digest of this kind"},
		"no type of the build":             {replaced(`"buildType":"x"`, `"buildType":""`), proof.Malformed, "SLSA provenance has"},
		"no builder":                       {replaced(`"id":"b"`, `"id":""`), proof.Malformed, "SLSA provenance has"},
		"no parameters of the build":       {replaced(`"externalParameters":{}`, `"externalParameters":[]`), proof.Malformed, "SLSA provenance has"},
		"a block just below the first":     {replaced(`"block":3`, `"block":-1`), proof.Malformed, "block isn't the number of a block"},
		"half a block":                     {replaced(`"block":3`, `"block":3.5`), proof.Malformed, "block isn't the number of a block"},
		"a block that is a text":           {replaced(`"block":3`, `"block":"3"`), proof.Malformed, "block isn't the number of a block"},
		"a ledger as of a text":            {replaced(`"asOfBlock":4`, `"asOfBlock":"4"`), proof.Malformed, "asOfBlock isn't"},
		"another type, which is long":      {replaced("https://in-toto.io/Statement/v1", strings.Repeat("x", 101)), proof.UnsupportedVersion, `"` + strings.Repeat("x", 100) + `…"`},
		"another type, just short enough":  {replaced("https://in-toto.io/Statement/v1", strings.Repeat("x", 100)), proof.UnsupportedVersion, `"` + strings.Repeat("x", 100) + `"`},
		"another type, cut in a character": {replaced("https://in-toto.io/Statement/v1", "x"+long), proof.UnsupportedVersion, `"x` + strings.Repeat("é", 49) + `…"`},
	} {
		t.Run(name, func(t *testing.T) { refused(t, encode(t, sign(t, f.text, lab)), c.Trust, f.reason, f.words) })
	}
}

func TestWhatIsWrongWithAnEnvelopeIsSaid(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	lab := c.Member("LabMSP", "client")
	with := func(change func(e map[string]any)) []byte {
		e := sign(t, statement(inTime), lab)
		change(e)
		return encode(t, e)
	}
	bundle := func(material any, change func(b, e map[string]any)) []byte {
		e := sign(t, statement(inTime), lab)
		delete(first(e), "cert")
		b := map[string]any{"dsseEnvelope": e, "verificationMaterial": material}
		if change != nil {
			change(b, e)
		}
		return encode(t, b)
	}
	raw := func(der []byte) map[string]any {
		return map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(der)}
	}
	good := map[string]any{"certificate": raw(lab.Cert.Raw)}
	beside := func(name string) []byte {
		return bundle(good, func(b, _ map[string]any) { b[name] = "x" })
	}
	pemOf := func(kind string, der []byte) func(map[string]any) {
		return func(e map[string]any) {
			first(e)["cert"] = string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		}
	}
	const largest = 64 << 10
	for name, f := range map[string]struct {
		file   []byte
		reason proof.Reason
		words  string
	}{
		"no JSON":                            {[]byte("x"), proof.Malformed, "no JSON object with each member once"},
		"a list":                             {[]byte("[]"), proof.Malformed, "the file is no JSON object"},
		"a bundle with a payload":            {beside("payload"), proof.Malformed, "two contents"},
		"a bundle with a type":               {beside("payloadType"), proof.Malformed, "two contents"},
		"a bundle with another signature":    {beside("messageSignature"), proof.Malformed, "two contents"},
		"a bundle around a list":             {bundle(good, func(b, _ map[string]any) { b["dsseEnvelope"] = []any{} }), proof.Malformed, "an envelope has"},
		"a bundle with two signatures":       {bundle(good, func(_, e map[string]any) { e["signatures"] = append(e["signatures"].([]any), first(e)) }), proof.Malformed, "there are 2 signatures"},
		"a certificate beside the bundle's":  {bundle(good, func(_, e map[string]any) { first(e)["cert"] = certificate(lab) }), proof.Malformed, "a member that isn't known"},
		"a bundle with two certificates":     {bundle(map[string]any{"certificate": raw(lab.Cert.Raw), "x509CertificateChain": map[string]any{"certificates": []any{raw(lab.Cert.Raw)}}}, nil), proof.BadIdentity, "two that may be the signer's"},
		"a bundle with an empty chain":       {bundle(map[string]any{"x509CertificateChain": map[string]any{"certificates": []any{}}}, nil), proof.BadIdentity, "it has no certificate"},
		"a bundle's certificate, no base64":  {bundle(map[string]any{"certificate": map[string]any{"rawBytes": "!"}}, nil), proof.Malformed, "it isn't base64"},
		"a bundle's certificate, none":       {bundle(map[string]any{"certificate": raw([]byte("x"))}, nil), proof.BadIdentity, "the certificate can't be read"},
		"a certificate at the limit":         {bundle(map[string]any{"certificate": raw(make([]byte, largest))}, nil), proof.BadIdentity, "the certificate can't be read"},
		"a certificate above the limit":      {bundle(map[string]any{"certificate": raw(make([]byte, largest+1))}, nil), proof.BadIdentity, "the certificate has 65537 bytes"},
		"a type that is a number":            {with(func(e map[string]any) { e["payloadType"] = 1 }), proof.Malformed, "an envelope has"},
		"signatures in an object":            {with(func(e map[string]any) { e["signatures"] = map[string]any{} }), proof.Malformed, "an envelope has"},
		"16 signatures of one organisation":  {with(func(e map[string]any) { e["signatures"] = many(first(e), 16) }), proof.OrganisationTwice, "signed twice"},
		"17 signatures":                      {with(func(e map[string]any) { e["signatures"] = many(first(e), 17) }), proof.Malformed, "there are 17 signatures"},
		"a payload of digits":                {with(func(e map[string]any) { e["payload"] = 1234 }), proof.Malformed, "a string in base64 is expected"},
		"an empty payload":                   {with(func(e map[string]any) { e["payload"] = "" }), proof.Malformed, "a string in base64 is expected"},
		"an empty signature":                 {with(func(e map[string]any) { first(e)["sig"] = "" }), proof.Malformed, "signatures[0]"},
		"a certificate that is a number":     {with(func(e map[string]any) { first(e)["cert"] = 7 }), proof.BadIdentity, "nobody can tell"},
		"an empty certificate":               {with(func(e map[string]any) { first(e)["cert"] = "" }), proof.BadIdentity, "nobody can tell"},
		"a certificate that is no PEM":       {with(func(e map[string]any) { first(e)["cert"] = "x" }), proof.BadIdentity, "cert is no certificate in PEM"},
		"a certificate called something":     {with(pemOf("PUBLIC KEY", lab.Cert.Raw)), proof.BadIdentity, "cert is no certificate in PEM"},
		"a certificate in PEM that is none":  {with(pemOf("CERTIFICATE", []byte("x"))), proof.BadIdentity, "the certificate can't be read"},
		"an authority that nobody has named": {encode(t, sign(t, statement(inTime), formatstest.NewConsortium(t, "LabMSP").Member("LabMSP", "client"))), proof.UntrustedCertificate, "issued by no authority of the trust file's organisations"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, f.file, c.Trust, f.reason, f.words) })
	}
}

func many(signature map[string]any, n int) (all []any) {
	for range n {
		all = append(all, signature)
	}
	return all
}

// TestLimits has files at each limit, which are read, and beyond it.
func TestLimits(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	lab := c.Member("LabMSP", "client")
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	around := func(entries string) []byte { // 3 levels outside of the entries
		e := sign(t, statement(inTime), lab)
		delete(first(e), "cert")
		return []byte(fmt.Sprintf(`{"dsseEnvelope":%s,"verificationMaterial":{"certificate":{"rawBytes":%q},"tlogEntries":%s}}`,
			encode(t, e), base64.StdEncoding.EncodeToString(lab.Cert.Raw), entries))
	}
	padded := encode(t, sign(t, statement(inTime), lab))
	padded = append(padded, strings.Repeat(" ", attestation.MaxFile-len(padded))...)
	values := func(n int) string { return "[" + strings.Repeat("0,", n-1) + "0]" }
	for name, file := range map[string][]byte{
		"the size of the file":    padded,
		"the depth of the file":   around(nested(14)),
		"the values of the file":  around(values(200_001)),
		"the depth of a payload":  encode(t, sign(t, foreign(subject, `{"x":`+nested(62)+`}`), lab)),
		"the values of a payload": encode(t, sign(t, foreign(subject, `{"x":`+values(200_001)+`}`), lab)),
		"the number of subjects":  encode(t, sign(t, foreign(strings.Repeat(subject+",", 99_999)+subject, "{}"), lab)),
	} {
		_, err := attestation.Verify(file, c.Trust)
		assert.NoError(t, err, name)
	}
	assert.True(t, attestation.Recognise(padded))
	refused(t, append(padded, ' '), c.Trust, proof.TooLarge, "more than the 67108864")
	refused(t, around(nested(15)), c.Trust, proof.Malformed, "deep")
	refused(t, around(values(2_000_000)), c.Trust, proof.Malformed, "values")
	refused(t, encode(t, sign(t, foreign(subject, `{"x":`+nested(63)+`}`), lab)), c.Trust, proof.Malformed, "deep")
	refused(t, encode(t, sign(t, foreign(strings.Repeat(subject+",", 100_000)+subject, "{}"), lab)), c.Trust, proof.Malformed, "1 to 100000 subjects")
}

// self is a certificate that nobody else has issued.
func self(t *testing.T, key crypto.Signer, extensions ...pkix.Extension) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), ExtraExtensions: extensions,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate
}

func TestKindsOfKeys(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	message := dsse.PAE(attestation.PayloadType, []byte(foreign(subject, "{}")))
	file := func(certificate *x509.Certificate, signature []byte) []byte {
		return encode(t, map[string]any{
			"payloadType": attestation.PayloadType, "payload": base64.StdEncoding.EncodeToString([]byte(foreign(subject, "{}"))),
			"signatures": []any{map[string]any{
				"sig": base64.StdEncoding.EncodeToString(signature), "cert": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})),
			}},
		})
	}
	long := c.MemberWith("LabMSP", "client", elliptic.P521(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	sum := sha512.Sum512(message)
	signature, err := ecdsa.SignASN1(rand.Reader, long.Key, sum[:])
	require.NoError(t, err)
	_, err = attestation.Verify(file(long.Cert, signature), c.Trust)
	assert.NoError(t, err, "P-521")

	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	refused(t, file(self(t, edwards), ed25519.Sign(edwards, message)), c.Trust, proof.UntrustedCertificate, "no authority")
	refused(t, file(self(t, edwards), ed25519.Sign(edwards, []byte("other"))), c.Trust, proof.BadSignature, "over this payload")

	large := self(t, edwards, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: make([]byte, 50<<10)})
	refused(t, file(large, ed25519.Sign(edwards, message)), c.Trust, proof.BadIdentity, "bytes")

	big, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	digest := sha256.Sum256(message)
	signature, err = rsa.SignPKCS1v15(rand.Reader, big, crypto.SHA256, digest[:])
	require.NoError(t, err)
	refused(t, file(self(t, big), signature), c.Trust, proof.BadSignature, "over this payload")
}

// holder is a signer as others may write one.
type holder struct {
	certificate []byte
	err         error
}

func (h holder) Organisation() string        { return "LabMSP" }
func (h holder) Certificate() []byte         { return h.certificate }
func (h holder) Sign([]byte) ([]byte, error) { return nil, h.err }

func TestWhoCantSignIsTold(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	_, err := attestation.Sign(nil, holder{certificate: []byte("x")})
	assert.ErrorContains(t, err, "couldn't read the signer's certificate")
	gone := errors.New("the key is gone")
	_, err = attestation.Sign(nil, holder{c.Member("LabMSP", "client").Cert.Raw, gone})
	assert.ErrorIs(t, err, gone)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, err = attestation.Sign(nil, holder{self(t, edwards).Raw, nil})
	var wrong *attestation.KeyError
	assert.ErrorAs(t, err, &wrong)
	p384 := c.MemberWith("LabMSP", "client", elliptic.P384(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	_, err = attestation.Sign(nil, holder{p384.Cert.Raw, nil})
	assert.ErrorContains(t, err, "CN=submitter,OU=client")
}

func TestDamagedFilesAreRecognisedByTheirBeginning(t *testing.T) {
	at := func(n int) string { return `{"x":"` + strings.Repeat("x", n-len(`{"x":"`)) + `"payloadType"` }
	for file, want := range map[string]bool{
		`{"payloadType":`: true, `{"dsseEnvelope":`: true, `{"payload":`: false,
		at(4096 - len(`"payloadType"`)): true, at(4097 - len(`"payloadType"`)): false,
		`{"payloadType":1}`: true, `{"dsseEnvelope":1}`: true, `{"x":"payloadType\""}`: false,
	} {
		assert.Equal(t, want, attestation.Recognise([]byte(file)), file[:min(len(file), 30)])
	}
}

func TestTheAlphabetForURLsIsRead(t *testing.T) {
	c := formatstest.NewConsortium(t, "LabMSP")
	text := strings.Replace(statement(inTime), `"name":"m"`, `"name":"???>>>???>>>"`, 1)
	e := sign(t, text, c.Member("LabMSP", "client"))
	e["payload"] = base64.URLEncoding.EncodeToString([]byte(text))
	require.True(t, strings.ContainsAny(e["payload"].(string), "-_"))
	_, err := attestation.Verify(encode(t, e), c.Trust)
	assert.NoError(t, err)
}
