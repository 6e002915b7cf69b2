package formatstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
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

// Sign signs the SHA-256 of a message, with a low S as Fabric asks for.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	r, low, err := ecdsa.Sign(rand.Reader, s.Key, digest[:])
	if err != nil {
		return nil, err
	}
	n := s.Key.Params().N
	if low.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		low.Sub(n, low)
	}
	return asn1.Marshal(struct{ R, S *big.Int }{r, low})
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
			IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(mspID),
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

// MemberFor issues a certificate for a key that somebody else may have a certificate for, too.
func (c *Consortium) MemberFor(mspID, role string, key *ecdsa.PrivateKey) *Signer {
	c.t.Helper()
	ca := c.cas[mspID]
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "shared", OrganizationalUnit: []string{role}},
		NotBefore: from, NotAfter: from.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}, ca.Cert, &key.PublicKey, ca.Key)
	if err != nil {
		c.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return &Signer{MSPID: mspID, Cert: certificate, Key: key}
}

// Revoke has the trust file revoke certificates of an organisation.
func (c *Consortium) Revoke(mspID string, certificates ...*x509.Certificate) {
	c.t.Helper()
	ca := c.cas[mspID]
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: from, NextUpdate: until}
	for _, one := range certificates {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: one.SerialNumber, RevocationTime: from.AddDate(0, 6, 0)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.Cert, ca.Key)
	if err != nil {
		c.t.Fatal(err)
	}
	var file map[string]any
	if err = json.Unmarshal(c.Trust.Text(), &file); err != nil {
		c.t.Fatal(err)
	}
	for _, o := range file["organisations"].([]any) {
		if o := o.(map[string]any); o["mspId"] == mspID {
			o["revocationLists"] = []string{base64.StdEncoding.EncodeToString(der)}
		}
	}
	text, err := json.Marshal(file)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.Trust, err = proof.ParseTrust(text); err != nil {
		c.t.Fatal(err)
	}
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
