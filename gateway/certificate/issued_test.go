package certificate_test

import (
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert/clientcerttest"
)

func TestOnlyWhatTrustedAuthoritiesIssuedCountsInAChain(t *testing.T) {
	root, foreign := clientcerttest.New(t, "Root"), clientcerttest.New(t, "Root")
	above := root.Below("Above")
	middle := above.Below("Middle")
	for _, c := range []struct {
		name        string
		shown, want []*clientcerttest.Authority
	}{
		{"nothing is shown", nil, nil},
		{"in the order of TLS", []*clientcerttest.Authority{middle, above}, []*clientcerttest.Authority{above, middle}},
		{"in another order", []*clientcerttest.Authority{above, middle}, []*clientcerttest.Authority{above, middle}},
		{"one is missing between", []*clientcerttest.Authority{middle}, nil},
		{"by another key of the same name", []*clientcerttest.Authority{foreign.Below("Above"), foreign}, nil},
		{"among others", []*clientcerttest.Authority{foreign, above, foreign.Below("Middle")}, []*clientcerttest.Authority{above}},
		{"twice", []*clientcerttest.Authority{above, above}, []*clientcerttest.Authority{above, above}},
		{"below one that may issue none", []*clientcerttest.Authority{root.Machine("M").Below("N")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := certificate.Issued(certificates(c.shown), []*x509.Certificate{root.Certificate})
			assert.Equal(t, certificates(c.want), append([]*x509.Certificate(nil), got...))
		})
	}
}

func certificates(of []*clientcerttest.Authority) (all []*x509.Certificate) {
	for _, a := range of {
		all = append(all, a.Certificate)
	}
	return all
}
