// Package charter is what the founders of a network agree on before there is a network: who takes part, who orders, and
// by which rules. Each founder signs it. The genesis block follows from it.
package charter

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// Version is the version of the charter's form that this package writes and reads.
const Version = 1

const (
	maxBytes         = 8 << 20
	maxOrganisations = 50
)

// The usual rules and limits. A network on one machine has them, too.
var (
	UsualPolicies = Policies{Endorsement: Majority, Lifecycle: Majority, Administration: Majority}
	UsualLimits   = Limits{TransactionsPerBlock: 500, PreferredBlockBytes: 2 << 20, MaxTransactionBytes: 10 << 20}
)

// A File is a charter with the signatures of those who agree with it.
type File struct {
	Charter    Charter     `json:"charter"`
	Signatures []Signature `json:"signatures"`
}

// A Charter is what is agreed on.
type Charter struct {
	Version       int            `json:"version"`
	Channel       string         `json:"channel"`
	Chaincode     Chaincode      `json:"chaincode"`
	Policies      Policies       `json:"policies"`
	Limits        Limits         `json:"limits"`
	Trial         bool           `json:"trial,omitempty"` // an organisation may hold more orderers than may lie
	Organisations []orgcard.Card `json:"organisations"`
}

// Chaincode is the definition of the chaincode that every founder approves.
type Chaincode struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Policies say how many organisations it takes: Any, Majority or All.
type Policies struct {
	Endorsement    string `json:"endorsement"`    // to record something
	Lifecycle      string `json:"lifecycle"`      // to put a chaincode's definition into force
	Administration string `json:"administration"` // to change the channel's configuration
}

// The rules that a policy may have.
const (
	Any      = "ANY"
	Majority = "MAJORITY"
	All      = "ALL"
)

// Limits bound what orderers put into a block. One transaction may have MaxTransactionBytes.
type Limits struct {
	TransactionsPerBlock int `json:"transactionsPerBlock"`
	PreferredBlockBytes  int `json:"preferredBlockBytes"`
	MaxTransactionBytes  int `json:"maxTransactionBytes"`
}

// Propose returns a charter of these organisations with the usual policies and limits, and the newest rules of the
// chaincode.
func Propose(channel, name string, cards []orgcard.Card) *Charter {
	return &Charter{
		Version: Version, Channel: channel, Chaincode: Chaincode{Name: name, Version: chaincode.Newest().DefinitionVersion()},
		Policies: UsualPolicies, Limits: UsualLimits, Organisations: cards,
	}
}

// Parse reads a charter's file, and refuses charters of which no network can be made. It doesn't check who has signed.
func Parse(text []byte) (*File, error) {
	var f File
	if err := orgcard.Decode(text, maxBytes, &f); err != nil {
		return nil, fmt.Errorf("the charter can't be read: %w", err)
	}
	if err := f.Charter.Check(); err != nil {
		return nil, err
	}
	return &f, nil
}

// Read reads the charter in a file, or in standard input if the name is "-".
func Read(stdin io.Reader, name string) (*File, error) {
	return input.Parsed(stdin, name, maxBytes, Parse)
}

// Text returns the file as it is passed on.
func (f *File) Text() ([]byte, error) {
	if f.Signatures == nil {
		f.Signatures = []Signature{}
	}
	text, err := json.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}

// Hash is the SHA-256 of the charter's canonical JSON. The signatures aren't part of it.
func (c *Charter) Hash() [sha256.Size]byte {
	text, err := orgcard.Canonical(c)
	if err != nil {
		panic(fmt.Sprintf("a charter that was parsed can't be written: %v", err))
	}
	return sha256.Sum256(text)
}

// Digest is Hash in the form that people read to each other.
func (c *Charter) Digest() string { return orgcard.Spell(c.Hash()) }

// Founder finds an organisation by its MSP id.
func (c *Charter) Founder(mspID string) (*orgcard.Card, bool) {
	for i := range c.Organisations {
		if c.Organisations[i].MSPID == mspID {
			return &c.Organisations[i], true
		}
	}
	return nil, false
}

// Orderers is the number of orderers, and spare how many of them may fail or lie.
func (c *Charter) Orderers() (all, spare int) {
	for i := range c.Organisations {
		all += len(c.Organisations[i].Orderers)
	}
	return all, proof.Tolerated(all)
}

// Fabric's own rules for names of channels and chaincodes.
var (
	channelName   = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,62}$`)
	chaincodeName = regexp.MustCompile(`^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$`)
	version       = regexp.MustCompile(`^[A-Za-z0-9_.+-]{1,32}$`)
)

// Check returns an error that says why no network can be made of the charter.
func (c *Charter) Check() error {
	l := c.Limits
	switch {
	case c.Version != Version:
		return fmt.Errorf("the charter has version %d, and this program reads version %d", c.Version, Version)
	case !channelName.MatchString(c.Channel):
		return fmt.Errorf("channel %q isn't of the form [a-z][a-z0-9.-]*, 63 characters at most", c.Channel)
	case !chaincodeName.MatchString(c.Chaincode.Name) || len(c.Chaincode.Name) > 50:
		return fmt.Errorf("chaincode %q isn't a name that Fabric takes", c.Chaincode.Name)
	case !version.MatchString(c.Chaincode.Version):
		return fmt.Errorf("chaincode version %q isn't a version that Fabric takes", c.Chaincode.Version)
	case l.TransactionsPerBlock < 1 || l.TransactionsPerBlock > 10_000:
		return errors.New("limits.transactionsPerBlock must be from 1 to 10000")
	case l.MaxTransactionBytes < 1<<20 || l.MaxTransactionBytes > 90<<20:
		return errors.New("limits.maxTransactionBytes must be from 1 MiB to 90 MiB")
	case l.PreferredBlockBytes < 1<<10 || l.PreferredBlockBytes > l.MaxTransactionBytes:
		return errors.New("limits.preferredBlockBytes must be from 1 KiB to limits.maxTransactionBytes")
	case len(c.Organisations) == 0 || len(c.Organisations) > maxOrganisations:
		return fmt.Errorf("a charter has 1 to %d organisations, not %d", maxOrganisations, len(c.Organisations))
	}
	for name, rule := range map[string]string{"endorsement": c.Policies.Endorsement, "lifecycle": c.Policies.Lifecycle,
		"administration": c.Policies.Administration} {
		if rule != Any && rule != Majority && rule != All {
			return fmt.Errorf("policies.%s is %q, and must be %s, %s or %s", name, rule, Any, Majority, All)
		}
	}
	if err := c.checkDistinct(); err != nil {
		return err
	}
	return c.checkOrderers()
}

// checkDistinct checks that no two organisations claim the same name, key or address. Keys are compared, not
// certificates: anybody can write another's certificate a little differently.
func (c *Charter) checkDistinct() error {
	seen := map[string]string{}
	claim := func(who, what, value string) error {
		key := what + " " + value
		if other, ok := seen[key]; ok {
			return fmt.Errorf("%s and %s have the same %s", other, who, what)
		}
		seen[key] = who
		return nil
	}
	for i := range c.Organisations {
		o := &c.Organisations[i]
		if err := o.Check(); err != nil {
			return err
		}
		claims := [][2]string{{"MSP id", strings.ToLower(o.MSPID)}, {"name", o.Name}}
		for _, text := range []string{o.Authority, o.TLSAuthority} {
			authority, err := orgcard.Certificate(text)
			if err != nil {
				return err // can't be, because the card was checked
			}
			claims = append(claims, [2]string{"key of an authority", proof.KeyOf(authority)})
		}
		for _, n := range o.Orderers {
			claims = append(claims, [2]string{"address " + orgcard.Address(n.Host, n.Port)})
		}
		for _, n := range o.Peers {
			claims = append(claims, [2]string{"address " + orgcard.Address(n.Host, n.Port)})
		}
		for _, one := range claims {
			if err := claim(o.MSPID, one[0], one[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOrderers checks that no organisation could stop or forge the order of transactions by itself.
func (c *Charter) checkOrderers() error {
	all, spare := c.Orderers()
	if all == 0 {
		return errors.New("no organisation has an orderer")
	}
	if c.Trial {
		return nil
	}
	if spare == 0 {
		return fmt.Errorf("the organisations have %d orderers, and it takes 4 for one of them to fail: "+
			"have them add orderers, or make the charter with --trial", all)
	}
	for i := range c.Organisations {
		if o := &c.Organisations[i]; len(o.Orderers) > spare {
			return fmt.Errorf("%s has %d of the %d orderers, and no more than %d may fail or lie together: "+
				"have others run some of them, or make the charter with --trial", o.MSPID, len(o.Orderers), all, spare)
		}
	}
	return nil
}

// Words describes the charter for a person who is to sign it.
func (c *Charter) Words() string {
	var b bytes.Buffer
	all, spare := c.Orderers()
	fmt.Fprintf(&b, "Charter of channel %s, with %d organisations and %d orderers.\n", c.Channel, len(c.Organisations),
		all)
	fmt.Fprintf(&b, "Digest: %s\n\n", c.Digest())
	if c.Trial {
		fmt.Fprintf(&b, "FOR A TRIAL: one organisation may hold enough orderers to stop or forge the ledger.\n\n")
	}
	for i := range c.Organisations {
		o := &c.Organisations[i]
		fmt.Fprintf(&b, "%s (%s), card %s\n", o.MSPID, o.Name, o.Digest())
		for _, p := range o.Peers {
			fmt.Fprintf(&b, "  peer     %s at %s\n", p.Name, orgcard.Address(p.Host, p.Port))
		}
		for _, r := range o.Orderers {
			fmt.Fprintf(&b, "  orderer  %s at %s\n", r.Name, orgcard.Address(r.Host, r.Port))
		}
	}
	fmt.Fprintf(&b, "\nOf %d orderers, %d may fail or lie. %d sign each block.\n", all, spare, proof.Quorum(all))
	for _, one := range []struct{ does, rule string }{
		{"Recording takes the endorsement", c.Policies.Endorsement},
		{"A chaincode's definition takes the approval", c.Policies.Lifecycle},
		{"A change of the configuration takes the signature", c.Policies.Administration},
	} {
		fmt.Fprintf(&b, "%s of %s.\n", one.does, map[string]string{Any: "any organisation",
			Majority: "more than half of the organisations", All: "all organisations"}[one.rule])
	}
	fmt.Fprintf(&b, "Chaincode %s has version %s.\n", c.Chaincode.Name, c.Chaincode.Version)
	fmt.Fprintf(&b, "A block has at most %d transactions and is cut at %d bytes. A transaction has at most %d bytes.\n",
		c.Limits.TransactionsPerBlock, c.Limits.PreferredBlockBytes, c.Limits.MaxTransactionBytes)
	return b.String()
}
