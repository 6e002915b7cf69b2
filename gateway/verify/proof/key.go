package proof

import "crypto/x509"

// KeyOf is the public key of a certificate in one encoding, by which keys are compared. The bytes in the certificate
// (RawSubjectPublicKeyInfo) may have more behind the parts that are read, so one key can stand there in many ways.
func KeyOf(c *x509.Certificate) string {
	der, err := x509.MarshalPKIXPublicKey(c.PublicKey)
	if err != nil {
		return string(c.RawSubjectPublicKeyInfo) // of a kind that x509 can't read, with which nothing is signed
	}
	return string(der)
}
