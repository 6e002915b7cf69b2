package certificate

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// MaxAbove is how many certificates of authorities a client may show with its own.
const MaxAbove = 8

// Issued returns those of the certificates that somebody shows which trusted authorities have issued, or authorities that
// these have issued, and so on. Whoever verifies a chain must leave out the others: anybody can make certificates that
// issue one another in circles, with keys that are slow to check, and [x509.Certificate.Verify] checks a hundred
// signatures before it gives up. Here, signatures are checked by keys of trusted authorities only.
func Issued(shown, trusted []*x509.Certificate) []*x509.Certificate {
	left, known := slices.Clone(shown), slices.Clone(trusted)
	for i := 0; i < len(known); i++ {
		left = slices.DeleteFunc(left, func(c *x509.Certificate) bool {
			issued := bytes.Equal(c.RawIssuer, known[i].RawSubject) && c.CheckSignatureFrom(known[i]) == nil
			if issued {
				known = append(known, c)
			}
			return issued
		})
	}
	return known[len(trusted):]
}
