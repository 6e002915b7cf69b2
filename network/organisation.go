package network

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/pin"
)

// organisationVersion is the version of organisation.json that this program writes and reads.
const organisationVersion = 1

// An organisation is what the folder of one organisation has in it, on the organisation's own host. Its folders are
// those of a network on one machine, with one organisation and the orderers that it runs. It has the keys of nobody
// else.
type organisation struct {
	Version  int       `json:"version"`
	Made     time.Time `json:"made"`
	Org      Org       `json:"org"`
	Orderers []Orderer `json:"orderers"`
	// Joined lists the orderers that have joined the channel. One of them that has no ledger has lost it.
	Joined []string `json:"joined,omitempty"`
	// Rules is the version of the chaincode's rules that was last in force. 0: that of the charter.
	Rules chaincode.Rules `json:"rules,omitempty"`
}

// Organisation describes an organisation to make.
type Organisation struct {
	Name  string // such as harbor
	MSPID string // empty: Name with a capital, and MSP
	// Domain is the domain of the names in its certificates. Empty: one of Name.
	Domain string
	// Host is the name or address at which the nodes of others reach its nodes.
	Host string
	// Orderers is the number of its orderers.
	Orderers int
	// BasePort is the first of its ports: the peer has the port after it, chaincode and gateway the next two, and the
	// orderers those from BasePort+10 on, two each.
	BasePort int
	// AuthorityDays and Days are how long its authorities and its other certificates are valid. A Fabric CA decides on that
	// itself.
	AuthorityDays, Days int
	// Enrolment says from which Fabric CAs it has its certificates. Nil: from authorities of its own, made with it.
	Enrolment *Enrolment
}

func (d folder) organisationFile() string { return d.path("organisation.json") }

// organisation plans names and ports, and returns an error if they can't be.
func (o Organisation) plan() (*organisation, error) {
	if o.Name == "" {
		return nil, errors.New("an organisation needs a name, as in --name harbor")
	}
	if o.Host == "" {
		return nil, errors.New("others must reach the nodes: name the host or its IP address, as in --host ledger.harbor.com")
	}
	org := newOrg(o.Name)
	org.MSPID = cmp.Or(o.MSPID, org.MSPID)
	org.Domain = cmp.Or(o.Domain, org.domain())
	org.At = o.Host
	if err := orgcard.CheckNames(org.Name, org.MSPID); err != nil {
		return nil, err
	}
	if err := orgcard.CheckHost(org.At); err != nil {
		return nil, wrap(err, "--host")
	}
	if err := orgcard.CheckHost(org.PeerName()); err != nil {
		return nil, wrap(err, "--domain")
	}
	last := o.BasePort + 9 + 2*o.Orderers
	switch {
	case o.Orderers < 0 || o.Orderers > 16:
		return nil, fmt.Errorf("an organisation has 0 to 16 orderers, not %d", o.Orderers)
	case o.BasePort < 1 || max(last, o.BasePort+3) > 65535:
		return nil, fmt.Errorf("base port %d leaves no room for the ports after it", o.BasePort)
	case o.Days < 1 || o.AuthorityDays < o.Days || o.AuthorityDays > 3653:
		return nil, errors.New(
			"certificates are valid for at least a day, and their authority for as long and at most ten years")
	}
	org.PeerPort, org.ChaincodePort, org.GatewayPort = o.BasePort+1, o.BasePort+2, o.BasePort+3
	made := &organisation{Version: organisationVersion, Made: time.Now().UTC().Truncate(time.Second), Org: org,
		Orderers: []Orderer{}}
	for i := range o.Orderers {
		made.Orderers = append(made.Orderers, Orderer{Name: fmt.Sprintf("orderer%d", i+1), Port: o.BasePort + 10 + 2*i,
			AdminPort: o.BasePort + 11 + 2*i, At: org.At, Domain: org.Domain, MSPID: org.MSPID})
	}
	return made, nil
}

// InitOrganisation makes an organisation's keys and certificates in a folder, which must be new or empty. After an
// interruption it starts over, which is safe because nobody has got a card of the unfinished organisation.
func InitOrganisation(ctx context.Context, dir string, o Organisation) error {
	d, err := openFolder(dir)
	if err != nil {
		return err
	}
	made, err := o.plan()
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	lock, err := d.take()
	if err != nil {
		return err
	}
	defer lock.Close()
	if d.made() {
		return exit.Usagef("there is a network in %s: choose another folder", d)
	}
	if err := d.claim(); err != nil {
		return err
	}
	err = d.makeOrganisation(ctx, made, o)
	return wrap(plainly(err), "couldn't make the organisation in %s", d)
}

// owner makes the organisation's authorities, or enrols its registrar at those that it has.
func (o Organisation) owner(ctx context.Context, dir, domain string) (*owner, error) {
	if o.Enrolment != nil {
		return newEnrolledOwner(ctx, dir, domain, *o.Enrolment)
	}
	return newOwner(dir, domain, lifetimes{authority: time.Duration(o.AuthorityDays) * day,
		leaf: time.Duration(o.Days) * day})
}

func (d folder) makeOrganisation(ctx context.Context, made *organisation, of Organisation) error {
	o, err := of.owner(ctx, d.path(made.Org.Name), made.Org.Domain)
	if err != nil {
		return err
	}
	if err := d.makeMember(o, made.Org); err != nil {
		return err
	}
	if err := d.makeOrderers(o, made.Orderers); err != nil {
		return err
	}
	if err := layFile(d.path("orderer", tlsFolder, "cert.pem"), o.tls.pem()); err != nil {
		return err
	}
	if err := d.makeTokens(&plan{Orgs: []Org{made.Org}}); err != nil {
		return err
	}
	if err := made.write(d); err != nil { // from now on it is an organisation
		return err
	}
	return os.Remove(d.makingFile())
}

func (o *organisation) write(d folder) error { return writeJSON(d.organisationFile(), o, 0o644) }

// layFile writes a public file and the folders above it.
func layFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return writeFile(path, content, 0o644)
}

// isOrganisation reports whether the folder is that of one organisation.
func (d folder) isOrganisation() bool {
	_, err := os.Lstat(d.organisationFile())
	return err == nil
}

func (d folder) readOrganisation() (*organisation, error) {
	if !d.isOrganisation() {
		return nil, exit.Usagef("%s isn't the folder of an organisation: make one with `pedigree org init`", d)
	}
	text, err := input.File(nil, d.organisationFile(), input.MaxSmall)
	if err != nil {
		return nil, err
	}
	var o organisation
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, exit.Usagef("%s is damaged (%w): restore it from a backup", d.organisationFile(), err)
	}
	if o.Version != organisationVersion {
		return nil, exit.Usagef("%s has version %d, and this program reads version %d", d.organisationFile(), o.Version,
			organisationVersion)
	}
	return &o, nil
}

// ownPlan describes what the organisation runs.
func (d folder) ownPlan() (*plan, error) {
	o, err := d.readOrganisation()
	if err != nil {
		return nil, err
	}
	return &plan{Version: planVersion, Fabric: pin.Fabric, Made: o.Made, Channel: ChannelName, Chaincode: ChaincodeName,
		Orgs: []Org{o.Org}, Orderers: o.Orderers}, nil
}

// CardOf returns the card of the organisation in a folder.
func CardOf(dir string) (*orgcard.Card, error) {
	d, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	o, err := d.readOrganisation()
	if err != nil {
		return nil, err
	}
	read := func(parts ...string) (text string) {
		if err == nil {
			var content []byte
			content, err = input.File(nil, d.path(parts...), input.MaxSmall)
			text = string(content)
		}
		return text
	}
	name := o.Org.Name
	c := &orgcard.Card{Version: orgcard.Version, Name: name, MSPID: o.Org.MSPID,
		Authority: read(name, "ca", "cert.pem"), TLSAuthority: read(name, "tlsca", "cert.pem"),
		Peers: []orgcard.Peer{{Name: "peer0", Host: o.Org.At, Port: o.Org.PeerPort, ServerName: o.Org.PeerName(),
			Identity: read(name, "peer", "msp", "signcerts", "cert.pem"), TLS: read(name, "peer", "tls", "cert.pem")}},
	}
	for _, orderer := range o.Orderers {
		// The identity that the channel is to take is the one that others must know.
		identity := []string{"orderer", orderer.Name, "renewal", "identity.pem"}
		if !fileExists(d.path(identity...)) {
			identity = []string{"orderer", orderer.Name, "msp", "signcerts", "cert.pem"}
		}
		c.Orderers = append(c.Orderers, orgcard.Orderer{Name: orderer.Name, Host: orderer.At, Port: orderer.Port,
			Identity: read(identity...),
			TLS:      read("orderer", orderer.Name, "tls", "cert.pem")})
	}
	if err != nil {
		return nil, fmt.Errorf("the organisation's folder isn't whole: %w", err)
	}
	return c, c.Check()
}
