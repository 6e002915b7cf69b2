package orgcard

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// The patterns of names. Those of organisations are short enough for any path, and plain enough for a host name, an MSP
// id and a folder.
var (
	orgName  = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`)
	mspID    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.-]{0,63}$`)
	nodeName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)
	hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// OwnFolders are the folders that the folder of a network has beside those of its organisations. ownFiles are files
// there whose names an organisation could have.
var (
	OwnFolders = []string{"bin", "channel", "demo", "log", "run", "orderer"}
	ownFiles   = []string{"lock", "making"}
)

// CheckName returns an error if an organisation can't have this name.
func CheckName(name string) error {
	switch {
	case !orgName.MatchString(name):
		return fmt.Errorf("organisation name %q isn't of the form [a-z][a-z0-9]*, 31 characters at most", name)
	case slices.Contains(OwnFolders, name) || slices.Contains(ownFiles, name):
		return fmt.Errorf("an organisation can't be called %q: folders have files of their own under that name", name)
	}
	return nil
}

// CheckNames returns an error if an organisation can't have this name and this MSP id.
func CheckNames(name, id string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if !mspID.MatchString(id) {
		return fmt.Errorf("MSP id %q isn't of the form [A-Za-z][A-Za-z0-9.-]*, 64 characters at most", id)
	}
	return nil
}

// Address returns host:port. It is the same for all spellings of an IP address.
func Address(host string, port int) string {
	if ip := net.ParseIP(host); ip != nil {
		host = ip.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// CheckHost returns an error if a host is neither a host name in lower case nor an IP address at which others can reach
// a node.
func CheckHost(host string) error {
	if ip := net.ParseIP(host); ip != nil {
		if ip.IsUnspecified() || ip.IsMulticast() {
			return fmt.Errorf("nobody can be reached at the address %s", host)
		}
		return nil
	}
	if len(host) > 253 || !hostName.MatchString(host) {
		return fmt.Errorf("%q is neither a host name in lower case nor an IP address", host)
	}
	return nil
}

// Check returns an error that says what is wrong with the card. Times of certificates are not looked at: a card stays
// what it is when they expire.
func (c *Card) Check() error {
	if c.Version != Version {
		return fmt.Errorf("the card has version %d, and this program reads version %d", c.Version, Version)
	}
	if err := CheckNames(c.Name, c.MSPID); err != nil {
		return fmt.Errorf("the names on the card: %w", err)
	}
	if err := c.checkNodes(); err != nil {
		return fmt.Errorf("the card of %s: %w", c.MSPID, err)
	}
	return nil
}

func (c *Card) checkNodes() error {
	ca, err := authority(c.Authority)
	if err != nil {
		return fmt.Errorf("its authority: %w", err)
	}
	tls, err := authority(c.TLSAuthority)
	if err != nil {
		return fmt.Errorf("its TLS authority: %w", err)
	}
	if proof.KeyOf(ca) == proof.KeyOf(tls) {
		return errors.New("its authority and its TLS authority have the same key: a TLS key could then sign transactions")
	}
	if len(c.Peers) == 0 || len(c.Peers) > maxPeers || len(c.Orderers) > maxOrderers {
		return fmt.Errorf("an organisation has 1 to %d peers and 0 to %d orderers", maxPeers, maxOrderers)
	}
	seen := map[string]bool{}
	one := func(name, host, server string, port int, identity, link, unit string) error {
		at := Address(host, port)
		switch {
		case !nodeName.MatchString(name):
			return fmt.Errorf("node name %q isn't of the form [a-z][a-z0-9-]*", name)
		case seen[name]:
			return fmt.Errorf("it has two nodes called %s", name)
		case seen[at]:
			return fmt.Errorf("it has two nodes at %s", at)
		case port < 1 || port > 65535:
			return fmt.Errorf("%s has port %d, which isn't one from 1 to 65535", name, port)
		}
		if err := CheckHost(host); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		seen[name], seen[at] = true, true
		if err := issued(identity, ca, unit); err != nil {
			return fmt.Errorf("the identity of %s: %w", name, err)
		}
		if err := issued(link, tls, ""); err != nil {
			return fmt.Errorf("the TLS certificate of %s: %w", name, err)
		}
		return wrapName(name, link, server)
	}
	for _, o := range c.Orderers {
		if err := one(o.Name, o.Host, o.Host, o.Port, o.Identity, o.TLS, "orderer"); err != nil {
			return err
		}
	}
	for _, p := range c.Peers {
		if err := one(p.Name, p.Host, p.ServerName, p.Port, p.Identity, p.TLS, "peer"); err != nil {
			return err
		}
	}
	return nil
}

func wrapName(name, link, server string) error {
	certificate, err := Certificate(link)
	if err == nil {
		err = certificate.VerifyHostname(server)
	}
	if err != nil {
		return fmt.Errorf("the TLS certificate of %s isn't for %q (%w)", name, server, err)
	}
	return nil
}

// Certificate reads a member that holds exactly one PEM certificate and nothing else.
func Certificate(text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(block.Headers) != 0 || len(bytes.TrimSpace(rest)) != 0 ||
		!strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----") {
		return nil, errors.New("it isn't exactly one PEM certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("it isn't a certificate (%w)", err)
	}
	if string(pem.EncodeToMemory(block)) != text {
		return nil, errors.New("it isn't written in the usual form of PEM")
	}
	if _, ok := certificate.PublicKey.(*ecdsa.PublicKey); !ok {
		return nil, errors.New("its key isn't an ECDSA key, which Fabric needs")
	}
	return certificate, nil
}

// authority reads a self-signed certificate of an authority.
func authority(text string) (*x509.Certificate, error) {
	certificate, err := Certificate(text)
	switch {
	case err != nil:
		return nil, err
	case !certificate.IsCA || certificate.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, errors.New("the certificate may not sign others")
	case len(certificate.SubjectKeyId) == 0:
		return nil, errors.New("the certificate has no subject key id, without which Fabric refuses it")
	}
	if err := certificate.CheckSignatureFrom(certificate); err != nil {
		return nil, fmt.Errorf("the certificate isn't signed by itself (%w)", err)
	}
	return certificate, nil
}

// issued checks that an authority has signed a certificate for a role. The role is an organisational unit; "" is any.
func issued(text string, by *x509.Certificate, unit string) error {
	certificate, err := Certificate(text)
	switch {
	case err != nil:
		return err
	case certificate.IsCA:
		return errors.New("the certificate is one of an authority")
	case !bytes.Equal(certificate.RawIssuer, by.RawSubject) || certificate.CheckSignatureFrom(by) != nil:
		return errors.New("the certificate isn't signed by the organisation's authority")
	case certificate.NotAfter.After(by.NotAfter):
		return errors.New("the certificate lives longer than the authority that signed it")
	case unit != "" && !IsUnit(certificate, unit):
		return fmt.Errorf("the certificate isn't one of %s %s: its organisational unit is %q",
			map[string]string{"orderer": "an", "peer": "a"}[unit], unit, certificate.Subject.OrganizationalUnit)
	}
	return nil
}

// units are the organisational units from which Fabric tells what somebody is.
var units = []string{"client", "peer", "admin", "orderer"}

// IsUnit reports whether Fabric takes the holder of a certificate for what a unit says: it must be the only one of
// client, peer, admin and orderer among the certificate's organisational units. Fabric CA adds units of its own for an
// affiliation.
func IsUnit(c *x509.Certificate, unit string) bool {
	has := slices.DeleteFunc(slices.Clone(c.Subject.OrganizationalUnit), func(name string) bool {
		return !slices.Contains(units, name)
	})
	return slices.Equal(has, []string{unit})
}
