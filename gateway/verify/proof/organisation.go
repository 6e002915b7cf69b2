package proof

import (
	"bytes"
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// Role is what a certificate's holder is in its organisation, told by an organisational unit of the certificate.
type Role string

// Fabric's four roles.
const (
	Client  Role = "client"
	Peer    Role = "peer"
	Admin   Role = "admin"
	Orderer Role = "orderer"
)

// Organisation is a membership definition: whose certificates are an organisation's, and what their holders may be.
type Organisation struct {
	// MSPID is the organisation's name on the channel.
	MSPID string

	roots, intermediates []*x509.Certificate
	rootPool, interPool  *x509.CertPool
	units                map[string]unit // by the name of the organisational unit; nil if roles can't be told
	revoked              []*x509.RevocationList
	admins               []*x509.Certificate // named one by one
	ouIdentifiers        []*msp.FabricOUIdentifier

	// anyChain takes certificates that more than one authority vouches for: a root and the one that it was renewed by, with
	// the same key. In a channel's configuration, Fabric doesn't.
	anyChain bool

	checked *checks // by serialised identity, judged at the time of issue
}

// unit is an organisational unit that stands for a role.
type unit struct {
	role   Role
	issuer *x509.Certificate // that must have issued the certificate, if not nil
}

// maxChecked bounds how many identities an organisation remembers.
const maxChecked = 10_000

// standardUnits are the names that practically every Fabric network uses.
var standardUnits = map[string]unit{"client": {role: Client}, "peer": {role: Peer}, "admin": {role: Admin}, "orderer": {role: Orderer}}

func newOrganisation(mspID string, roots, intermediates []*x509.Certificate) *Organisation {
	o := &Organisation{
		MSPID: mspID, roots: roots, intermediates: intermediates,
		rootPool: x509.NewCertPool(), interPool: x509.NewCertPool(), checked: new(checks),
	}
	for _, c := range roots {
		o.rootPool.AddCert(c)
	}
	for _, c := range intermediates {
		o.interPool.AddCert(c)
	}
	return o
}

// trustedOrganisation is one as trust files have it.
func trustedOrganisation(mspID string, roots, intermediates []*x509.Certificate) *Organisation {
	o := newOrganisation(mspID, roots, intermediates)
	o.units, o.anyChain = standardUnits, true
	return o
}

// fabricMSP is the type of membership definitions with X.509 certificates.
const fabricMSP = 0

// openOrganisation reads a membership definition from a channel's configuration.
func openOrganisation(value []byte) (*Organisation, error) {
	var outer msp.MSPConfig
	var m msp.FabricMSPConfig
	if err := proto.Unmarshal(value, &outer); err != nil {
		return nil, refuse(BadConfig, "a membership definition can't be read: %v", err)
	}
	if outer.GetType() != fabricMSP {
		return nil, refuse(BadConfig, "a membership definition is of type %d, without X.509 certificates", outer.GetType())
	}
	if err := proto.Unmarshal(outer.GetConfig(), &m); err != nil {
		return nil, refuse(BadConfig, "a membership definition can't be read: %v", err)
	}
	roots, err := parseAll(m.GetRootCerts())
	if err != nil {
		return nil, at(err, "roots of %s", m.GetName())
	}
	intermediates, err := parseAll(m.GetIntermediateCerts())
	if err != nil {
		return nil, at(err, "intermediate authorities of %s", m.GetName())
	}
	o := newOrganisation(m.GetName(), roots, intermediates)
	if o.admins, err = parseAll(m.GetAdmins()); err != nil {
		return nil, at(err, "administrators of %s", m.GetName())
	}
	for _, list := range m.GetRevocationList() {
		der := list
		if block := pemBlock(list); block != nil {
			der = block
		}
		revoked, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, refuse(BadConfig, "a revocation list of %s can't be read: %v", m.GetName(), err)
		}
		o.revoked = append(o.revoked, revoked)
	}
	o.ouIdentifiers = m.GetOrganizationalUnitIdentifiers()
	return o, o.readUnits(m.GetFabricNodeOus())
}

func (o *Organisation) readUnits(m *msp.FabricNodeOUs) error {
	if !m.GetEnable() {
		return nil
	}
	o.units = map[string]unit{}
	for _, u := range []struct {
		role Role
		*msp.FabricOUIdentifier
	}{{Client, m.GetClientOuIdentifier()}, {Peer, m.GetPeerOuIdentifier()}, {Admin, m.GetAdminOuIdentifier()}, {Orderer, m.GetOrdererOuIdentifier()}} {
		if u.FabricOUIdentifier == nil {
			continue
		}
		made := unit{role: u.role}
		if len(u.GetCertificate()) > 0 {
			var err error
			if made.issuer, err = parsePEM(u.GetCertificate()); err != nil {
				return at(err, "the authority of %s's role %s", o.MSPID, u.role)
			}
		}
		o.units[u.GetOrganizationalUnitIdentifier()] = made
	}
	return nil
}

func parseAll(texts [][]byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, text := range texts {
		c, err := parsePEM(text)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Check tells whether an identity is the organisation's: issued by its authorities, not revoked, and of exactly one
// role if the organisation tells roles apart. Validity is judged at the given time; the zero time means at the time of
// issue, as Fabric does. It is safe for concurrent use.
func (o *Organisation) Check(id *Identity, when time.Time) error {
	if id.MSPID != o.MSPID {
		return refuse(UnknownOrganisation, "%s isn't of %s", id, o.MSPID)
	}
	err := o.checked.get(string(id.serialized), func() error { return o.check(id) })
	if err != nil || when.IsZero() {
		return err
	}
	if when.Before(id.Certificate.NotBefore) || when.After(id.Certificate.NotAfter) {
		return refuse(OutsideValidity, "the certificate of %s is valid from %s to %s, and this is of %s", id,
			id.Certificate.NotBefore.UTC().Format(time.RFC3339), id.Certificate.NotAfter.UTC().Format(time.RFC3339), when.UTC().Format(time.RFC3339))
	}
	return nil
}

// checks are the outcomes of checks that were made.
type checks struct {
	mu   sync.Mutex
	made map[string]error
}

func (c *checks) get(key string, check func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err, known := c.made[key]
	if !known {
		err = check()
		if c.made == nil || len(c.made) >= maxChecked {
			c.made = map[string]error{}
		}
		c.made[key] = err
	}
	return err
}

func (o *Organisation) check(id *Identity) error {
	c := id.Certificate
	if c.IsCA {
		return refuse(UntrustedCertificate, "%s is an authority, which signs certificates and nothing else", id)
	}
	issued := whenIssued(c)
	if issued.IsZero() { // would be taken for the time now
		return refuse(OutsideValidity, "the certificate of %s begins before time does", id)
	}
	chains, err := c.Verify(x509.VerifyOptions{
		Roots: o.rootPool, Intermediates: o.interPool, CurrentTime: issued, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil || len(chains) == 0 || len(chains) > 1 && !o.anyChain || len(chains[0]) < 2 {
		return refuse(UntrustedCertificate, "%s has no certificate of %s's authorities: %v", id, o.MSPID, err)
	}
	issuer := chains[0][1]
	for _, list := range o.revoked {
		if !bytes.Equal(list.AuthorityKeyId, issuer.SubjectKeyId) || list.CheckSignatureFrom(issuer) != nil {
			continue
		}
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(c.SerialNumber) == 0 {
				return refuse(Revoked, "the certificate of %s is revoked", id)
			}
		}
	}
	if err := o.checkUnits(c, issuer); err != nil {
		return at(err, "%s", id)
	}
	return nil
}

// checkUnits asks for one of the units that the organisation lists, if it lists any, and for exactly one role.
func (o *Organisation) checkUnits(c, issuer *x509.Certificate) error {
	if len(o.ouIdentifiers) > 0 {
		listed := slices.ContainsFunc(o.ouIdentifiers, func(m *msp.FabricOUIdentifier) bool {
			want, err := parsePEM(m.GetCertificate())
			return slices.Contains(c.Subject.OrganizationalUnit, m.GetOrganizationalUnitIdentifier()) && err == nil && want.Equal(issuer)
		})
		if !listed {
			return refuse(WrongRole, "its certificate has none of the organisational units of %s", o.MSPID)
		}
	}
	if o.units == nil {
		return nil
	}
	found := 0
	for _, name := range c.Subject.OrganizationalUnit {
		u, ok := o.units[name]
		if !ok {
			continue
		}
		if u.issuer != nil && !u.issuer.Equal(issuer) {
			return refuse(WrongRole, "its certificate claims the role %s, and another authority than that role's has issued it", u.role)
		}
		found++
	}
	if found != 1 {
		return refuse(WrongRole, "its certificate has %d of the roles client, peer, admin and orderer, and must have one", found)
	}
	return nil
}

// Is tells whether an identity that [Organisation.Check] accepts has a role.
func (o *Organisation) Is(id *Identity, role Role) bool {
	for _, name := range id.Certificate.Subject.OrganizationalUnit {
		if u, ok := o.units[name]; ok && u.role == role {
			return true
		}
	}
	return role == Admin && slices.ContainsFunc(o.admins, id.Certificate.Equal)
}

// Authorities are the certificates of those who issue the organisation's: its roots, then what is between them and its
// members.
func (o *Organisation) Authorities() []*x509.Certificate {
	return slices.Concat(o.roots, o.intermediates)
}
