package clientcert

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// Bounds of what a certificate says about who has it.
const (
	maxValue = 1000 // bytes of a subject or another field
	maxName  = 100  // characters of a name that is shown
)

// caller is who has a certificate. The chain leads from it to an authority.
func (c *Certificates) caller(chain []*x509.Certificate) (*access.Caller, error) {
	own, root := chain[0], chain[len(chain)-1]
	subject, err := subjectOf(own)
	if err != nil {
		return nil, refused("%v", err)
	}
	i := slices.IndexFunc(c.cfg.Callers, func(r config.CertificateCaller) bool {
		return slices.Contains(values(own, subject, r.Field), r.Value)
	})
	if i < 0 {
		return nil, fmt.Errorf("%w: your certificate is valid, but no entry of clientCertificates.callers fits it; %s",
			access.ErrNoRole, describe(own, subject))
	}
	entry := c.cfg.Callers[i]
	// What tells certificates apart that the same entry lets in.
	id := subject
	if entry.Field == config.URIField || entry.Field == config.DNSField {
		id = entry.Value
	}
	if id == "" {
		return nil, refused("it has no subject, so name a caller by its URI or DNS name")
	}
	authority, err := subjectOf(root)
	if err != nil {
		return nil, refused("of its authority, %v", err)
	}
	role := access.Role(entry.Role)
	signer, identity, ok := c.signer(role)
	if !ok {
		return nil, fmt.Errorf("%w: the gateway's file of tokens has none with the role %s, whose certificate and key would "+
			"do it", access.ErrNoSigner, role)
	}
	return &access.Caller{
		ID: "certificate:" + authority + "#" + id, Name: name(entry, own), Kind: access.Machine, Role: role,
		Method: access.ByCertificate, Signer: signer, Identity: identity,
	}, nil
}

// subjectOf is the subject of a certificate as in RFC 2253, with all its attributes in their order.
func subjectOf(c *x509.Certificate) (string, error) {
	var all pkix.RDNSequence
	if _, err := asn1.Unmarshal(c.RawSubject, &all); err != nil {
		return "", fmt.Errorf("the subject can't be read: %w", err)
	}
	text := all.String()
	if len(text) > maxValue || !plain(text) {
		return "", fmt.Errorf("the subject isn't a text of at most %d bytes", maxValue)
	}
	return text, nil
}

// values are those of a field of a certificate.
func values(c *x509.Certificate, subject, field string) []string {
	switch field {
	case config.SubjectField:
		return []string{subject}
	case config.URIField:
		var all []string
		for _, u := range c.URIs {
			all = append(all, u.String())
		}
		return all
	case config.DNSField:
		return c.DNSNames
	case config.UnitField:
		return c.Subject.OrganizationalUnit
	}
	attributes, err := attrmgr.New().GetAttributesFromCert(c)
	if err != nil {
		return nil
	}
	value, there, err := attributes.Value(strings.TrimPrefix(field, config.AttributeField))
	if err != nil || !there {
		return nil
	}
	return []string{value}
}

// describe says what an entry could know a certificate by.
func describe(c *x509.Certificate, subject string) string {
	said := []string{fmt.Sprintf("its subject is %q", subject)}
	for _, field := range []string{config.URIField, config.DNSField} {
		if all := values(c, subject, field); len(all) > 0 {
			said = append(said, fmt.Sprintf("its %s %q", field, brief(all[0])))
		}
	}
	return strings.Join(said, ", ")
}

// name is what people read.
func name(entry config.CertificateCaller, c *x509.Certificate) string {
	for _, text := range []string{entry.Name, c.Subject.CommonName} {
		if text = strings.TrimSpace(text); text != "" && plain(text) {
			characters := []rune(text)
			return string(characters[:min(len(characters), maxName)])
		}
	}
	return entry.Value
}

// plain tells whether a text can be shown and logged.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
