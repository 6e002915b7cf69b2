package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ClientCertificates lets in machines that show a certificate as TLS clients, beside callers with tokens. Without roots
// there are none. Package clientcert does it.
type ClientCertificates struct {
	// Roots is a PEM file of the authorities whose certificates are looked at. It is read again when it changes.
	Roots string `json:"roots,omitempty"`

	// CRL is a file of revocation lists (RFC 5280) of these authorities and of those below them: any number in PEM, or one
	// in DER. Optional. It is read again when it changes.
	CRL string `json:"crl,omitempty"`

	// Proxies are the addresses, in CIDR notation, of proxies that end TLS and pass on the client's certificate in the
	// header Client-Cert (RFC 9440). Optional: the header is taken from no other address.
	Proxies []string `json:"proxies,omitempty"`

	// Callers say which certificates are let in. The first entry that fits decides. Whom none fits isn't let in.
	Callers []CertificateCaller `json:"callers,omitempty"`
}

// CertificateCaller gives a role to the certificates that have a value in a field.
type CertificateCaller struct {
	// Field is one of SubjectField, URIField, DNSField and UnitField, or AttributeField and the name of an attribute.
	Field string `json:"field"`
	// Value is compared to the character.
	Value string `json:"value"`
	// Name is what people read. Optional: the common name of the certificate, or the value.
	Name string `json:"name,omitempty"`
	Role string `json:"role"`
}

// The fields of a certificate that a caller can be known by.
const (
	SubjectField = "subject"            // the whole subject, as in RFC 2253
	URIField     = "uri"                // a URI among the alternative names of the subject
	DNSField     = "dns"                // a DNS name among them
	UnitField    = "organizationalUnit" // an organizational unit in the subject
	// AttributeField begins the name of an attribute that Fabric CA, or an organisation's own authority, has put into the
	// certificate: "attribute.pedigree.role".
	AttributeField = "attribute."
)

// Bounds of what is configured.
const (
	maxCertificateCallers = 1000
	maxProxies            = 100
)

// On tells whether certificates are asked for at all.
func (c *ClientCertificates) On() bool { return c.Roots != "" }

// Networks are the addresses of Proxies. They have been checked.
func (c *ClientCertificates) Networks() Networks { return networksOf(c.Proxies) }

// checkClientCertificates checks all members. Its errors name the one that is wrong.
func (c *Config) checkClientCertificates() error {
	certs := &c.ClientCertificates
	if !certs.On() {
		switch {
		case certs.CRL != "" || len(certs.Proxies) > 0 || len(certs.Callers) > 0:
			return errors.New("clientCertificates has members, and clientCertificates.roots is not set")
		case c.OIDC.RequireBound:
			return errors.New("oidc.requireBound is set, and clientCertificates.roots is not: the gateway asks for no " +
				"certificates, so it could accept no token of the issuer")
		}
		return nil
	}
	if err := certs.checkProxies(); err != nil {
		return err
	}
	if c.TLS.Certificate == "" && !slices.ContainsFunc(certs.Networks().Prefixes, func(p netip.Prefix) bool {
		return p.Addr().IsLoopback() || p.Contains(netip.MustParseAddr("127.0.0.1"))
	}) {
		return errors.New("clientCertificates is set, and the gateway has no TLS, so no client can show it a certificate: give " +
			"tls.certificate and tls.key or, if a proxy on this machine ends TLS and sends the header Client-Cert, list its " +
			`address in clientCertificates.proxies, such as "127.0.0.1/32"`)
	}
	if len(certs.Callers) == 0 && c.OIDC.Audience == "" {
		return errors.New("clientCertificates.callers is empty, so nobody could get in: name a field, a value and a role")
	}
	if len(certs.Callers) > maxCertificateCallers {
		return fmt.Errorf("clientCertificates.callers has more than %d entries", maxCertificateCallers)
	}
	for i, caller := range certs.Callers {
		if err := caller.check(); err != nil {
			return fmt.Errorf("clientCertificates.callers[%d]%w", i, err)
		}
	}
	return nil
}

func (c *ClientCertificates) checkProxies() error {
	if len(c.Proxies) > maxProxies {
		return fmt.Errorf("clientCertificates.proxies has more than %d entries", maxProxies)
	}
	for i, text := range c.Proxies {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil || p.Addr().Is4In6():
			return fmt.Errorf("clientCertificates.proxies[%d] is %q, which are no addresses in CIDR notation, such as "+
				"10.1.2.3/32", i, text)
		case p != p.Masked():
			return fmt.Errorf("clientCertificates.proxies[%d] is %s, which has bits of an address behind the prefix: write %s, "+
				"or a longer prefix", i, text, p.Masked())
		case p.Bits() == 0:
			return fmt.Errorf("clientCertificates.proxies[%d] is %s: anybody could say who they are", i, text)
		}
	}
	return nil
}

// check returns an error that begins with the member that is wrong.
func (c *CertificateCaller) check() error {
	attribute, isAttribute := strings.CutPrefix(c.Field, AttributeField)
	known := isAttribute && attribute != "" ||
		slices.Contains([]string{SubjectField, URIField, DNSField, UnitField}, c.Field)
	switch {
	case !known:
		return fmt.Errorf(".field is %q, which is none of %s, %s, %s, %s and %sNAME", c.Field, SubjectField, URIField, DNSField,
			UnitField, AttributeField)
	case c.Value == "" || max(len(c.Field), len(c.Value), len(c.Name)) > maxText:
		return fmt.Errorf(": value is required, and no text has more than %d bytes", maxText)
	case !slices.Contains(Roles, c.Role):
		return fmt.Errorf(".role is %q, which is none of %s", c.Role, strings.Join(Roles, ", "))
	}
	return nil
}
