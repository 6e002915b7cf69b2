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

// Signers are those who have signed something together. The zero value is nobody.
type Signers struct{ keys map[string]string } // whose key it is, by MSP id

// Add takes one more. Each is another organisation with a key of its own: otherwise the refusal is OrganisationTwice or
// KeyTwice.
func (s *Signers) Add(mspID string, c *x509.Certificate) error {
	key := KeyOf(c)
	if _, twice := s.keys[mspID]; twice {
		return refuse(OrganisationTwice, "there are two of them")
	}
	for other, has := range s.keys {
		if has == key {
			return refuse(KeyTwice, "%s signed with the same key, so they aren't two organisations", other)
		}
	}
	if s.keys == nil {
		s.keys = map[string]string{}
	}
	s.keys[mspID] = key
	return nil
}
