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

// Role is the role of a certificate's holder in the organisation. An organisational unit in the certificate names it.
type Role string

// Fabric's four roles.
const (
	Client  Role = "client"
	Peer    Role = "peer"
	Admin   Role = "admin"
	Orderer Role = "orderer"
)

// Organisation is a membership definition. It says which certificates belong to an organisation, and which role each
// holder has.
type Organisation struct {
	// MSPID is the organisation's name on the channel.
	MSPID string

	roots, intermediates []*x509.Certificate
	rootPool, interPool  *x509.CertPool
	units                map[string]unit // by the name of the organisational unit; nil if the organisation has no roles
	revoked              []*x509.RevocationList
	listed               []*x509.RevocationList // of a trust file; see CheckListed
	admins               []*x509.Certificate    // those that the definition lists
	tls                  Authorities
	ouIdentifiers        []*msp.FabricOUIdentifier

	// anyChain accepts a certificate with several chains to the roots. That happens when a root was renewed with the same
	// key, and both roots are trusted. Fabric doesn't accept it in a channel's configuration.
	anyChain bool

	checked *checks // of identities at the time of their issue
}

// Authorities are those that sign the certificates of an organisation's servers.
type Authorities struct{ Roots, Intermediates []*x509.Certificate }

// TLS returns an organisation's authorities for TLS, as the channel's newest configuration has them. A trust file has
// none.
func (t *Trust) TLS(mspID string) Authorities {
	for _, o := range t.Organisations {
		if o.MSPID == mspID {
			return o.tls
		}
	}
	return Authorities{}
}

// unit is an organisational unit that stands for a role.
type unit struct {
	role   Role
	issuer *x509.Certificate // if not nil, only this authority issues certificates for the role
}

// maxChecked is how many checks an organisation remembers.
const maxChecked = 10_000

// standardUnits are the names that practically every Fabric network uses.
var standardUnits = map[string]unit{
	"client": {role: Client}, "peer": {role: Peer}, "admin": {role: Admin}, "orderer": {role: Orderer},
}

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

// trustedOrganisation makes an organisation of a trust file.
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
		return nil, At(err, "roots of %s", m.GetName())
	}
	intermediates, err := parseAll(m.GetIntermediateCerts())
	if err != nil {
		return nil, At(err, "intermediate authorities of %s", m.GetName())
	}
	o := newOrganisation(m.GetName(), roots, intermediates)
	if o.admins, err = parseAll(m.GetAdmins()); err != nil {
		return nil, At(err, "administrators of %s", m.GetName())
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
	o.tls = Authorities{readable(m.GetTlsRootCerts()), readable(m.GetTlsIntermediateCerts())}
	return o, o.readUnits(m.GetFabricNodeOus())
}

// readable parses those certificates that can be: nothing that is proved depends on TLS.
func readable(list [][]byte) (all []*x509.Certificate) {
	for _, text := range list {
		if one, err := parseAll([][]byte{text}); err == nil {
			all = append(all, one...)
		}
	}
	return all
}

func (o *Organisation) readUnits(m *msp.FabricNodeOUs) error {
	if !m.GetEnable() {
		return nil
	}
	o.units = map[string]unit{}
	for _, u := range []struct {
		role Role
		*msp.FabricOUIdentifier
	}{
		{Client, m.GetClientOuIdentifier()}, {Peer, m.GetPeerOuIdentifier()},
		{Admin, m.GetAdminOuIdentifier()}, {Orderer, m.GetOrdererOuIdentifier()},
	} {
		if u.FabricOUIdentifier == nil {
			continue
		}
		made := unit{role: u.role}
		if len(u.GetCertificate()) > 0 {
			var err error
			if made.issuer, err = parsePEM(u.GetCertificate()); err != nil {
				return At(err, "the authority of %s's role %s", o.MSPID, u.role)
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

// Check checks that an identity belongs to the organisation: its authorities issued the certificate and didn't revoke
// it, and the certificate has exactly one role, if the organisation has roles. The certificate must be valid at the
// given time. The zero time means the time of issue, which is when Fabric judges certificates. Check is safe for
// concurrent use.
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
			id.Certificate.NotBefore.UTC().Format(time.RFC3339), id.Certificate.NotAfter.UTC().Format(time.RFC3339),
			when.UTC().Format(time.RFC3339))
	}
	return nil
}

// checks remembers the outcomes of checks, by serialised identity.
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
	if issued.IsZero() { // Verify would take the zero time for the present time
		return refuse(OutsideValidity, "the certificate of %s begins before time does", id)
	}
	chains, err := c.Verify(x509.VerifyOptions{
		Roots: o.rootPool, Intermediates: o.interPool, CurrentTime: issued,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
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
		return At(err, "%s", id)
	}
	return nil
}

// checkUnits checks that a certificate has one of the units that the organisation lists, if it lists any, and exactly
// one role.
func (o *Organisation) checkUnits(c, issuer *x509.Certificate) error {
	if len(o.ouIdentifiers) > 0 {
		listed := slices.ContainsFunc(o.ouIdentifiers, func(m *msp.FabricOUIdentifier) bool {
			want, err := parsePEM(m.GetCertificate())
			return slices.Contains(c.Subject.OrganizationalUnit, m.GetOrganizationalUnitIdentifier()) &&
				err == nil && want.Equal(issuer)
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
			return refuse(WrongRole, "its certificate claims the role %s, and another authority than that role's has issued it",
				u.role)
		}
		found++
	}
	if found != 1 {
		return refuse(WrongRole, "its certificate has %d of the roles client, peer, admin and orderer, and must have one",
			found)
	}
	return nil
}

// CheckListed refuses an identity that a revocation list of the trust file has. It is for what carries no place on the
// ledger: nobody can tell whether the holder of a stolen key signed it before the certificate was revoked or after.
// [Organisation.Check] must have accepted the identity.
func (o *Organisation) CheckListed(id *Identity) error {
	c := id.Certificate
	for _, list := range o.listed {
		for _, authority := range o.Authorities() {
			if list.CheckSignatureFrom(authority) != nil || c.CheckSignatureFrom(authority) != nil {
				continue
			}
			for _, entry := range list.RevokedCertificateEntries {
				if entry.SerialNumber.Cmp(c.SerialNumber) == 0 {
					return refuse(Revoked, "the certificate of %s is revoked", id)
				}
			}
		}
	}
	return nil
}

// Is reports whether an identity has a role. [Organisation.Check] must have accepted the identity.
func (o *Organisation) Is(id *Identity, role Role) bool {
	for _, name := range id.Certificate.Subject.OrganizationalUnit {
		if o.units[name].role == role {
			return true
		}
	}
	return role == Admin && slices.ContainsFunc(o.admins, id.Certificate.Equal)
}

// Authorities returns the certificates of the organisation's authorities: first the roots, then the intermediates.
func (o *Organisation) Authorities() []*x509.Certificate {
	return slices.Concat(o.roots, o.intermediates)
}
