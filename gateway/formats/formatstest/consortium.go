package formatstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Consortium issues certificates for the organisations of a ledger.
type Consortium struct {
	t     testing.TB
	Trust *proof.Trust
	cas   map[string]*Signer
}

// Signer is a certificate with its key. It implements attestation.Signer.
type Signer struct {
	MSPID string
	Cert  *x509.Certificate
	Key   *ecdsa.PrivateKey
}

// Organisation returns the MSP id.
func (s *Signer) Organisation() string { return s.MSPID }

// Certificate returns the certificate in DER.
func (s *Signer) Certificate() []byte { return s.Cert.Raw }

// Sign signs the SHA-256 of a message.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return ecdsa.SignASN1(rand.Reader, s.Key, digest[:])
}

// from and until are the validity of the authorities. Certificates of members are valid in the first year.
var from, until = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)

// NewConsortium creates an authority for each organisation. The trust file lists all of them except those whose names
// begin with "Other".
func NewConsortium(t testing.TB, mspIDs ...string) *Consortium {
	c := &Consortium{t: t, cas: map[string]*Signer{}}
	var organisations []map[string]any
	for _, mspID := range mspIDs {
		ca := &Signer{MSPID: mspID}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca." + mspID}, NotBefore: from,
			NotAfter: until,
			IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: []byte(mspID),
		}
		ca.Key, ca.Cert = c.issue(elliptic.P256(), template, nil)
		c.cas[mspID] = ca
		if !strings.HasPrefix(mspID, "Other") {
			organisations = append(
				organisations,
				map[string]any{"mspId": mspID, "roots": []string{base64.StdEncoding.EncodeToString(ca.Cert.Raw)}},
			)
		}
	}
	text, err := json.Marshal(map[string]any{
		"format": "pedigree-trust/1", "channel": "pedigree", "chaincode": "pedigree",
		"genesis": strings.Repeat("ab", 32), "agree": 1, "organisations": organisations,
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Trust, err = proof.ParseTrust(text); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *Consortium) issue(
	curve elliptic.Curve,
	template *x509.Certificate,
	issuer *Signer,
) (*ecdsa.PrivateKey, *x509.Certificate) {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	parent, signing := template, key
	if issuer != nil {
		parent, signing = issuer.Cert, issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signing)
	if err != nil {
		c.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return key, certificate
}

// Member issues a certificate for a member of an organisation with the role client, admin, peer or orderer.
func (c *Consortium) Member(mspID, role string) *Signer {
	return c.MemberWith(mspID, role, elliptic.P256(), from.AddDate(1, 0, 0))
}

// MemberWith is like Member, but takes the key's curve and the time at which the certificate expires.
func (c *Consortium) MemberWith(mspID, role string, curve elliptic.Curve, end time.Time) *Signer {
	c.t.Helper()
	s := &Signer{MSPID: mspID}
	s.Key, s.Cert = c.issue(curve, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "submitter", OrganizationalUnit: []string{role}},
		NotBefore: from, NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature,
	}, c.cas[mspID])
	return s
}
