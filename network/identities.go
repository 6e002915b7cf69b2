package network

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// nodeUnits is the part of a membership definition that tells Fabric to read a certificate's role from its
// organisational unit.
const nodeUnits = `NodeOUs:
  Enable: true
  ClientOUIdentifier:
    Certificate: cacerts/ca.pem
    OrganizationalUnitIdentifier: client
  PeerOUIdentifier:
    Certificate: cacerts/ca.pem
    OrganizationalUnitIdentifier: peer
  AdminOUIdentifier:
    Certificate: cacerts/ca.pem
    OrganizationalUnitIdentifier: admin
  OrdererOUIdentifier:
    Certificate: cacerts/ca.pem
    OrganizationalUnitIdentifier: orderer
`

// The folders of an organisation's two authorities.
const caFolder, tlsFolder = "ca", "tlsca"

// An owner is an organisation for which certificates are being made. It has one authority for ledger identities and
// another for TLS, so that a TLS key can never sign a transaction.
type owner struct {
	dir     string
	domain  string
	ca, tls issuer
}

// An issuer makes certificates of an organisation: an authority whose key is here, or a Fabric CA.
type issuer interface {
	// pem is the certificate with which all others can be checked.
	pem() []byte
	identity(commonName, unit, role string) (credential, error)
	tls(host, reached string) (credential, error)
}

// makeIdentities makes all keys and certificates of the network.
func (d folder) makeIdentities(p *plan) error {
	if err := d.makeOrdererIdentities(p); err != nil {
		return err
	}
	for _, org := range p.Orgs {
		if err := d.makeOrgIdentities(org, p.certificateLifetime()); err != nil {
			return err
		}
	}
	return nil
}

func (d folder) makeOrdererIdentities(p *plan) error {
	o, err := newOwner(d.path("orderer"), domain, lifetimes{authorityLifetime, p.certificateLifetime()})
	if err != nil {
		return err
	}
	if err := d.makeOrderers(o, p.Orderers); err != nil {
		return err
	}
	// Changes of the orderers' part of the channel's configuration need this signature.
	operator, err := o.ca.identity(Operator+"@"+domain, "admin", "")
	if err != nil {
		return err
	}
	return operator.write(d.user("orderer", Operator))
}

// makeOrderers makes the keys of orderers, and of the one who administers them.
func (d folder) makeOrderers(o *owner, orderers []Orderer) error {
	for _, orderer := range orderers {
		if err := o.node(d.orderer(orderer.Name), orderer.Host(), orderer.At, "orderer"); err != nil {
			return err
		}
	}
	admin, err := o.tls.tls("admin."+o.domain, "")
	if err != nil {
		return err
	}
	return admin.write(d.path("orderer", "admin"))
}

func (d folder) makeOrgIdentities(org Org, lifetime time.Duration) error {
	o, err := newOwner(d.path(org.Name), org.domain(), lifetimes{authorityLifetime, lifetime})
	if err != nil {
		return err
	}
	return d.makeMember(o, org)
}

// makeMember makes the keys of an organisation's peer, people and chaincode.
func (d folder) makeMember(o *owner, org Org) error {
	if err := o.node(d.path(org.Name, "peer"), org.PeerName(), org.At, "peer"); err != nil {
		return err
	}
	for _, role := range roles {
		unit := "client"
		if role == Operator {
			unit = "admin"
		}
		user, err := o.ca.identity(role+"@"+org.domain(), unit, role)
		if err != nil {
			return err
		}
		if err := user.write(d.user(org.Name, role)); err != nil {
			return err
		}
	}
	for dir, host := range map[string]string{"server": "chaincode." + org.domain(), "client": org.PeerName()} {
		link, err := o.tls.tls(host, "")
		if err != nil {
			return err
		}
		if err := link.write(d.path(org.Name, "chaincode", dir)); err != nil {
			return err
		}
	}
	return nil
}

// newOwner makes an organisation's authorities and its public membership definition.
func newOwner(dir, domain string, lives lifetimes) (*owner, error) {
	o := &owner{dir: dir, domain: domain}
	var err error
	if o.ca, err = newAuthority("ca."+domain, domain, filepath.Join(dir, caFolder), lives); err != nil {
		return nil, err
	}
	if o.tls, err = newAuthority("tlsca."+domain, domain, filepath.Join(dir, tlsFolder), lives); err != nil {
		return nil, err
	}
	return o, o.membership(filepath.Join(dir, "msp"), nil)
}

// node makes the keys of a peer or an orderer: its membership folder and its TLS certificate.
func (o *owner) node(dir, host, reached, unit string) error {
	identity, err := o.ca.identity(host, unit, "")
	if err != nil {
		return err
	}
	if err := o.membership(filepath.Join(dir, "msp"), &identity); err != nil {
		return err
	}
	tls, err := o.tls.tls(host, reached)
	if err != nil {
		return err
	}
	return tls.write(filepath.Join(dir, "tls"))
}

// membership writes a membership folder in the form that Fabric reads. If identity is nil, the folder is the public
// one; otherwise it is that of a node.
func (o *owner) membership(dir string, identity *credential) error {
	return layMembership(dir, o.ca.pem(), o.tls.pem(), identity)
}

func layMembership(dir string, ca, tlsca []byte, identity *credential) error {
	files := map[string][]byte{
		"config.yaml":          []byte(nodeUnits),
		"cacerts/ca.pem":       ca,
		"tlscacerts/tlsca.pem": tlsca,
	}
	if identity != nil {
		files["signcerts/cert.pem"] = identity.certificate
		files["keystore/key.pem"] = identity.key
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if filepath.Base(filepath.Dir(path)) == "keystore" {
			mode = 0o600
		}
		if err := os.WriteFile(path, content, mode); err != nil {
			return fmt.Errorf("couldn't write a membership definition: %w", err)
		}
	}
	return nil
}
