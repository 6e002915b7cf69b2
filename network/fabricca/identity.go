package fabricca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// maxName is the longest name of an identity in bytes: it becomes the common name of certificates (RFC 5280, A.1).
const maxName = 64

// CheckName returns an error if an identity of a CA can't have this name.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || name != strings.TrimSpace(name) || strings.ContainsRune(name, ':') {
		return exit.Usagef("the name of an identity has 1 to %d bytes, no colon and no spaces around it", maxName)
	}
	return nil
}

// A Request says which certificate is wanted.
type Request struct {
	Name string // of the identity
	// Key is the key that the certificate is for. It makes the certificate request and doesn't leave.
	Key crypto.Signer
	// CSR is a certificate request in PEM that somebody else has made. It takes the place of Key.
	CSR []byte
	// TLS asks for a certificate for TLS clients and servers with these host names and addresses, instead of one that
	// signs for the ledger.
	TLS   bool
	Hosts []string
	// Attributes names those of the identity that the certificate must have. Nil: those that the CA gives by itself.
	Attributes []string
}

// body is what travels, and the public key that the certificate must be for.
func (r Request) body(ca string) (map[string]any, crypto.PublicKey, error) {
	if err := CheckName(r.Name); err != nil {
		return nil, nil, err
	}
	text := r.CSR
	if text == nil {
		template := x509.CertificateRequest{Subject: pkix.Name{CommonName: r.Name}}
		for _, host := range r.Hosts {
			if ip := net.ParseIP(host); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, host)
			}
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, &template, r.Key)
		if err != nil {
			return nil, nil, fmt.Errorf("couldn't make a certificate request for %s: %w", r.Name, err)
		}
		text = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	}
	csr, err := ParseRequest(text)
	if err != nil {
		return nil, nil, err
	}
	if csr.Subject.CommonName != r.Name {
		return nil, nil, exit.Usagef("the certificate request is for %q, and a Fabric CA takes one for %q only: make it "+
			"again with that as its common name", brief(csr.Subject.CommonName), r.Name)
	}
	body := map[string]any{"certificate_request": string(text)}
	if ca != "" {
		body["caname"] = ca
	}
	if r.TLS {
		body["profile"] = "tls"
	}
	var wanted []map[string]any
	for _, name := range r.Attributes {
		wanted = append(wanted, map[string]any{"name": name})
	}
	if wanted != nil {
		body["attr_reqs"] = wanted
	}
	return body, csr.PublicKey, nil
}

// ParseRequest reads a certificate request in PEM, and checks that who made it has the key, one that Fabric can use.
func ParseRequest(text []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, exit.Usagef("the certificate request is no PEM")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = request.CheckSignature()
	}
	if err != nil {
		return nil, exit.Usagef("the certificate request can't be used: %w", err)
	}
	if public, ok := request.PublicKey.(*ecdsa.PublicKey); !ok || public.Curve != elliptic.P256() {
		return nil, exit.Usagef("the key of a certificate request must be ECDSA on the curve P-256")
	}
	return request, nil
}

// Authority asks for the CA's own certificate.
func (c *Client) Authority(ctx context.Context) (*x509.Certificate, error) {
	var info struct{ CAChain string }
	nobody := func(*http.Request, []byte) error { return nil } // the route is open to everybody
	if err := c.call(ctx, "cainfo", c.named(map[string]any{}), nobody, &info); err != nil {
		return nil, err
	}
	text, err := base64.StdEncoding.DecodeString(info.CAChain)
	block, rest := pem.Decode(text)
	if err != nil || block == nil || block.Type != "CERTIFICATE" {
		return nil, exit.Unreachablef("the CA at %s answered without its certificate", c.base)
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, exit.Refusedf("the CA at %s is an intermediate one, below another. Organisations of a network have "+
			"authorities that sign themselves: use a root CA, or name another with --ca-name", c.base)
	}
	authority, err := x509.ParseCertificate(block.Bytes)
	if err == nil && !authority.IsCA {
		err = errors.New("it isn't that of an authority")
	}
	if err != nil {
		return nil, exit.Unreachablef("the CA at %s has a certificate that can't be used: %w", c.base, err)
	}
	if known := c.server.Authority; known != nil && !known.Equal(authority) {
		return nil, exit.Refusedf("the CA at %s has another certificate than before, for %q: ask who runs it. If it is right, "+
			"the channel must take the new authority first", c.base, brief(authority.Subject.String()))
	}
	c.server.Authority = authority
	return authority, nil
}

func (c *Client) authority(ctx context.Context) (*x509.Certificate, error) {
	if c.server.Authority != nil {
		return c.server.Authority, nil
	}
	return c.Authority(ctx)
}

func (c *Client) named(body map[string]any) map[string]any {
	if c.server.Name != "" {
		body["caname"] = c.server.Name
	}
	return body
}

// Enroll has an identity's certificate made, with the secret of its registration. It returns PEM.
func (c *Client) Enroll(ctx context.Context, secret string, r Request) ([]byte, error) {
	return c.certified(ctx, "enroll", r, func(request *http.Request, _ []byte) error {
		request.SetBasicAuth(r.Name, secret)
		return nil
	})
}

// Reenroll has an identity's certificate made anew. The identity proves itself with the certificate that it has. An
// expired one does if the server is set to it (ca.reenrollignorecertexpiry).
func (c *Client) Reenroll(ctx context.Context, as Identity, r Request) ([]byte, error) {
	return c.certified(ctx, "reenroll", r, as.authorize)
}

func (c *Client) certified(
	ctx context.Context, route string, r Request, sign func(*http.Request, []byte) error,
) ([]byte, error) {
	body, public, err := r.body(c.server.Name)
	if err != nil {
		return nil, err
	}
	authority, err := c.authority(ctx)
	if err != nil {
		return nil, err
	}
	var made struct{ Cert string }
	if err := c.call(ctx, route, body, sign, &made); err != nil {
		return nil, err
	}
	text, err := base64.StdEncoding.DecodeString(made.Cert)
	if err == nil {
		text, err = r.accept(text, public, authority)
	}
	if err != nil {
		return nil, exit.Refusedf("the CA at %s made a certificate that %s can't use: %w", c.base, r.Name, err)
	}
	return text, nil
}

// accept checks that a certificate is what was asked for. It returns it in the usual form of PEM.
func (r Request) accept(text []byte, public crypto.PublicKey, authority *x509.Certificate) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it isn't exactly one certificate in PEM")
	}
	made, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	switch key, ok := made.PublicKey.(*ecdsa.PublicKey); {
	case !ok || !key.Equal(public):
		return nil, errors.New("it is for another key")
	case made.Subject.CommonName != r.Name:
		return nil, fmt.Errorf("it is for %q", brief(made.Subject.CommonName))
	case made.IsCA:
		return nil, errors.New("it is that of an authority")
	}
	if err := made.CheckSignatureFrom(authority); err != nil {
		return nil, fmt.Errorf("it isn't signed by %s: %w", authority.Subject, err)
	}
	for _, host := range r.Hosts {
		if err := made.VerifyHostname(host); err != nil {
			return nil, err
		}
	}
	has, err := Attributes(made)
	if err != nil {
		return nil, err
	}
	for _, name := range r.Attributes {
		if _, ok := has[name]; !ok {
			return nil, fmt.Errorf("it lacks the attribute %s", name)
		}
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes}), nil
}

// Attributes reads the attributes that Fabric CA has put into a certificate.
func Attributes(c *x509.Certificate) (map[string]string, error) {
	attributes, err := attrmgr.New().GetAttributesFromCert(c)
	if err != nil {
		return nil, err
	}
	return attributes.Attrs, nil
}

// Again is the request for a certificate like one that there is, for the same key.
func Again(was *x509.Certificate, key crypto.Signer) (Request, error) {
	again := Request{Name: was.Subject.CommonName, Key: key, Hosts: slices.Clone(was.DNSNames)}
	for _, ip := range was.IPAddresses {
		again.Hosts = append(again.Hosts, ip.String())
	}
	again.TLS = len(was.ExtKeyUsage) > 0
	has, err := Attributes(was)
	if err != nil {
		return Request{}, err
	}
	for name := range has {
		again.Attributes = append(again.Attributes, name)
	}
	slices.Sort(again.Attributes)
	return again, nil
}

// A Registration makes an identity known to the CA, so that it can enrol.
type Registration struct {
	Name string
	Type string // client, peer, admin or orderer; it becomes the organisational unit of certificates
	// Secret is what the identity enrols with.
	Secret string
	// Affiliation is a place that the CA knows, such as org1.department1. Its parts become organisational units, too.
	// Empty: that of the registrar.
	Affiliation string
	Attributes  map[string]string
}

// Register registers an identity. The one as whom it does so must be a registrar.
func (c *Client) Register(ctx context.Context, as Identity, r Registration) error {
	if err := CheckName(r.Name); err != nil {
		return err
	}
	attributes := []map[string]any{}
	for name, value := range r.Attributes {
		attributes = append(attributes, map[string]any{"name": name, "value": value, "ecert": true})
	}
	body := map[string]any{"id": r.Name, "type": r.Type, "secret": r.Secret, "affiliation": r.Affiliation,
		"attrs": attributes}
	var made struct{ Secret string }
	return c.call(ctx, "register", c.named(body), as.authorize, &made)
}

// Reasons are those for which a certificate may be revoked (RFC 5280, 5.3.1), as Fabric CA spells them.
var Reasons = []string{"unspecified", "keycompromise", "affiliationchanged", "superseded", "cessationofoperation",
	"privilegewithdrawn"}

// A Revocation says what is revoked, and why.
type Revocation struct {
	// Name is that of the identity. With all its certificates it is revoked for good, and can't enrol again.
	Name string
	// Certificate is the only one of the identity that is revoked, if it isn't nil. The identity may enrol again.
	Certificate *x509.Certificate
	Reason      string // one of Reasons
}

// Revoke revokes an identity or a certificate. It returns the serial numbers of the certificates.
func (c *Client) Revoke(ctx context.Context, as Identity, r Revocation) ([]*big.Int, error) {
	var answer struct{ RevokedCerts []struct{ Serial string } }
	body := map[string]any{"id": r.Name, "reason": r.Reason}
	if r.Certificate != nil {
		body["serial"] = r.Certificate.SerialNumber.Text(16)
		body["aki"] = hex.EncodeToString(r.Certificate.AuthorityKeyId)
	}
	if err := c.call(ctx, "revoke", c.named(body), as.authorize, &answer); err != nil {
		return nil, err
	}
	var serials []*big.Int
	for _, one := range answer.RevokedCerts {
		text := one.Serial
		if len(text)%2 == 1 {
			text = "0" + text
		}
		serial, err := hex.DecodeString(text)
		if err != nil {
			return nil, exit.Unreachablef("the CA at %s named a serial number that isn't one: %q", c.base, brief(one.Serial))
		}
		serials = append(serials, new(big.Int).SetBytes(serial))
	}
	return serials, nil
}

// Revoked asks for the list of all certificates that the CA has revoked (a CRL, RFC 5280, section 5), in PEM.
func (c *Client) Revoked(ctx context.Context, as Identity) ([]byte, *x509.RevocationList, error) {
	authority, err := c.authority(ctx)
	if err != nil {
		return nil, nil, err
	}
	var answer struct{ CRL string }
	if err := c.call(ctx, "gencrl", c.named(map[string]any{}), as.authorize, &answer); err != nil {
		return nil, nil, err
	}
	unusable := func(err error) error {
		return exit.Refusedf("the CA at %s made a revocation list that can't be used: %w", c.base, err)
	}
	text, err := base64.StdEncoding.DecodeString(answer.CRL)
	if err != nil {
		return nil, nil, unusable(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, nil, unusable(errors.New("it isn't exactly one block of PEM"))
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return nil, nil, unusable(err)
	}
	if err := list.CheckSignatureFrom(authority); err != nil {
		return nil, nil, unusable(fmt.Errorf("it isn't signed by %s: %w", authority.Subject, err))
	}
	if !bytes.Equal(list.AuthorityKeyId, authority.SubjectKeyId) {
		return nil, nil, unusable(errors.New("it doesn't name the key of its authority, and Fabric then refuses every " +
			"certificate of the organisation"))
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: block.Bytes}), list, nil
}
