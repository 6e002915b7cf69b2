package network

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

// planVersion is the version of network.json that this program writes and reads.
const planVersion = 1

// A plan says what a network consists of: who takes part, and which ports they have. It is written when the network is
// made and read at every start. Only the ports of gateways and figures, Registered, Formed, Rules and RulesPorts change
// later.
type plan struct {
	Version int `json:"version"`
	// ID distinguishes networks, even if their folders are moved.
	ID string `json:"id"`
	// Fabric is the release with which the network was made.
	Fabric    string    `json:"fabric"`
	Made      time.Time `json:"made"`
	Channel   string    `json:"channel"`
	Chaincode string    `json:"chaincode"`
	BasePort  int       `json:"basePort"`
	Orgs      []Org     `json:"orgs"`
	Orderers  []Orderer `json:"orderers"`
	// Formed says that every orderer and peer has joined the channel. Before that no transaction was sent, so the
	// ledgers may be deleted.
	Formed bool `json:"formed"`
	// Rules is the version of the chaincode's rules that was last in force. 0: the first.
	Rules chaincode.Rules `json:"rules,omitempty"`
	// CertificateLifetime is how long certificates are valid, other than those of authorities: a time.Duration. Plans of
	// earlier programs don't have it.
	CertificateLifetime string `json:"certificateLifetime,omitempty"`
}

// certificateLifetime is how long new certificates are valid.
func (p *plan) certificateLifetime() time.Duration {
	if lifetime, err := time.ParseDuration(p.CertificateLifetime); err == nil && lifetime > 0 {
		return lifetime
	}
	return DefaultCertificateLifetime
}

// rules returns the version of the rules that was last in force.
func (p *plan) rules() chaincode.Rules { return max(p.Rules, chaincode.First) }

// neverFormed reports whether the ledgers of a network are certain to be empty. The caller may then delete them, which
// can't be undone, so it doesn't rely on Formed alone. If a member is registered or a gateway was started, there was a
// ledger, whatever Formed says.
func (p *plan) neverFormed(d folder) bool {
	for _, o := range p.Orgs {
		if _, err := os.Lstat(d.path(o.Name, "gateway")); o.Registered || !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return !p.Formed
}

// newPlan chooses ports for a network with these organisations and this number of orderers. If basePort is 0, the
// gateways get free ports as well.
func newPlan(orgs []string, orderers, basePort int, fabricRelease string) (*plan, error) {
	if err := checkOrgs(orgs); err != nil {
		return nil, err
	}
	if orderers < 1 || orderers > 50 {
		return nil, fmt.Errorf("a network has 1 to 50 orderers, not %d", orderers)
	}
	id := make([]byte, 8)
	rand.Read(id)
	p := &plan{
		Version: planVersion, ID: hex.EncodeToString(id), Fabric: fabricRelease,
		Made:    time.Now().UTC().Truncate(time.Second),
		Channel: ChannelName, Chaincode: ChaincodeName,
	}
	ports := newPortPicker()
	if basePort == 0 {
		first, err := ports.run(len(orgs) + 1)
		if err != nil {
			return nil, err
		}
		basePort = first
	}
	for _, name := range orgs {
		p.Orgs = append(p.Orgs, newOrg(name))
	}
	if err := p.moveGateways(basePort); err != nil {
		return nil, err
	}
	ports.reserve(basePort, len(orgs)+1)
	var err error
	pick := func(port *int) {
		if err == nil {
			*port, err = ports.one()
		}
	}
	for i := range p.Orgs {
		pick(&p.Orgs[i].PeerPort)
		pick(&p.Orgs[i].ChaincodePort)
	}
	for i := range orderers {
		p.Orderers = append(p.Orderers, Orderer{Name: fmt.Sprintf("orderer%d", i+1)})
		pick(&p.Orderers[i].Port)
		pick(&p.Orderers[i].AdminPort)
	}
	p.Rules = chaincode.Newest()
	if err == nil {
		err = p.makeRoom(p.Rules)
	}
	return p, err
}

// makeRoom gives every organisation a port for its chaincode process for a version of the rules.
func (p *plan) makeRoom(rules chaincode.Rules) error {
	ports := newPortPicker()
	ports.reserve(p.BasePort, len(p.Orgs)+1)
	ports.avoid(p.Orgs, p.Orderers)
	for _, org := range p.Orgs {
		ports.reserve(org.OperationsPort, 1)
	}
	for _, o := range p.Orderers {
		ports.reserve(o.OperationsPort, 1)
	}
	for i := range p.Orgs {
		org := &p.Orgs[i]
		if org.chaincodePort(rules) != 0 {
			continue
		}
		port, err := ports.one()
		if err != nil {
			return err
		}
		if org.RulesPorts == nil {
			org.RulesPorts = map[chaincode.Rules]int{}
		}
		org.RulesPorts[rules] = port
	}
	return nil
}

// moveGateways gives the gateways the ports after base.
func (p *plan) moveGateways(base int) error {
	if base < 1 || base+len(p.Orgs) > lastPort {
		return fmt.Errorf(
			"base port %d leaves no room for %d gateways: choose one between 1024 and %d",
			base,
			len(p.Orgs),
			lastPort-len(p.Orgs),
		)
	}
	p.BasePort = base
	for i := range p.Orgs {
		p.Orgs[i].GatewayPort = base + 1 + i
	}
	return nil
}

// readPlan reads a network's plan. If the error is fs.ErrNotExist, there is no network yet.
func readPlan(d folder) (*plan, error) {
	text, err := os.ReadFile(d.planFile())
	if err != nil {
		return nil, err
	}
	var p plan
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): restore it, or start over with `pedigree reset`", d.planFile(), err)
	}
	if p.Version != planVersion {
		return nil, fmt.Errorf(
			"%s has version %d and this program reads version %d: use the program that made the network, or start over with `pedigree reset`",
			d.planFile(),
			p.Version,
			planVersion,
		)
	}
	if len(p.Orgs) == 0 || len(p.Orderers) == 0 {
		return nil, fmt.Errorf(
			"%s names no organisations or no orderers: restore it, or start over with `pedigree reset`",
			d.planFile(),
		)
	}
	return &p, nil
}

// write writes the plan durably. From then on the network exists.
func (p *plan) write(d folder) error { return writeJSON(d.planFile(), p, 0o644) }

func (p *plan) mspIDs() []string {
	ids := make([]string, len(p.Orgs))
	for i, org := range p.Orgs {
		ids[i] = org.MSPID
	}
	return ids
}

// writeJSON replaces a file with v as JSON. A reader sees either the old or the new content, even after a crash.
func writeJSON(path string, v any, mode os.FileMode) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(text, '\n'), mode)
}

// writeFile replaces a file in one step and waits until it is on disk.
func writeFile(path string, content []byte, mode os.FileMode) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		os.Remove(temporary)
	}
	return err
}
