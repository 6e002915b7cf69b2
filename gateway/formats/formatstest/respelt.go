package formatstest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
)

// Respelt has the certificate of a member issued again, for the same key in other bytes: behind the parameters of its
// algorithm stands something that readers of certificates skip.
func (c *Consortium) Respelt(s *Signer) *Signer {
	c.t.Helper()
	must := func(err error) {
		if err != nil {
			c.t.Helper()
			c.t.Fatal(err)
		}
	}
	marshal := func(v any) []byte {
		c.t.Helper()
		der, err := asn1.Marshal(v)
		must(err)
		return der
	}
	sequence := func(parts ...[]byte) []byte {
		return marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Join(parts, nil)})
	}
	var key struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	var body asn1.RawValue
	_, err := asn1.Unmarshal(s.Cert.RawSubjectPublicKeyInfo, &key)
	must(err)
	_, err = asn1.Unmarshal(s.Cert.RawTBSCertificate, &body)
	must(err)
	respelt := sequence(sequence(key.Algorithm.Bytes, asn1.NullBytes), marshal(key.Key))
	tbs := sequence(bytes.Replace(body.Bytes, s.Cert.RawSubjectPublicKeyInfo, respelt, 1))
	sum := sha256.Sum256(tbs)
	signature, err := c.cas[s.MSPID].Key.Sign(rand.Reader, sum[:], nil)
	must(err)
	sha256WithECDSA := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}}
	certificate, err := x509.ParseCertificate(sequence(tbs, marshal(sha256WithECDSA),
		marshal(asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)})))
	must(err)
	return &Signer{MSPID: s.MSPID, Cert: certificate, Key: s.Key}
}
