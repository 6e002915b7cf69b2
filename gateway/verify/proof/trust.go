package proof

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// trustFormat names the form of trust files that this program reads and writes.
const trustFormat = "pedigree-trust/1"

// maxTrust bounds a trust file, in bytes.
const maxTrust = 1 << 20

// Trust is all that a verifier takes for true: which ledger it is about, who its organisations are, and how many of them
// must say the same. It doesn't come from who hands the proof over.
type Trust struct {
	// Channel and Chaincode are the names on the Fabric network.
	Channel, Chaincode string
	// Genesis is the hash of the header of the channel's first block. Receipts alone don't need it.
	Genesis []byte
	// Agree is how many organisations must sign a receipt.
	Agree int
	// Organisations are those whose word counts, in the order of their MSP ids. Their roles are told by the organisational
	// units that Fabric's networks use: client, peer, admin, orderer.
	Organisations []*Organisation

	config uint64 // the configuration block that it was made of, if of one
}

// ParseTrust reads a trust file: one JSON object with the members format, channel, chaincode, genesis (hexadecimal), agree
// and organisations, each with mspId, roots and perhaps intermediates: lists of certificates in DER, in base64. People may
// edit such files, so white space and order don't matter; names that aren't known, or stand twice, do.
func ParseTrust(text []byte) (*Trust, error) {
	v, err := canonical.Parse(text, canonical.Limits{Bytes: maxTrust, Depth: 8, Values: 20_000})
	if err != nil {
		return nil, refuse(BadTrust, "the trust file can't be read: %v", err)
	}
	t, err := readTrust(v)
	if ReasonOf(err) == UnsupportedVersion {
		return nil, err
	}
	if err != nil {
		return nil, refuse(BadTrust, "%v", err)
	}
	return t, nil
}

func readTrust(v canonical.Value) (*Trust, error) {
	f := object(v, "the trust file")
	t := &Trust{}
	format := f.text("format")
	if f.err == nil && format != trustFormat { // another version may have other members
		return nil, refuse(UnsupportedVersion, "the trust file is of the format %q, and this program reads %s", record.Brief(format), trustFormat)
	}
	t.Channel, t.Chaincode = f.text("channel"), f.text("chaincode")
	genesis := f.text("genesis")
	agree := f.integer("agree")
	list := f.list("organisations")
	if err := f.done(); err != nil {
		return nil, err
	}
	var err error
	if t.Genesis, err = hex.DecodeString(genesis); err != nil || len(t.Genesis) != 32 || genesis != strings.ToLower(genesis) {
		return nil, refuse(BadTrust, "genesis is no SHA-256 in lower-case hexadecimal")
	}
	for i, item := range list {
		o, err := readOrganisation(item)
		if err != nil {
			return nil, at(err, "organisations[%d]", i)
		}
		t.Organisations = append(t.Organisations, o)
	}
	t.Agree = int(agree)
	return t, t.check()
}

func readOrganisation(v canonical.Value) (*Organisation, error) {
	f := object(v, "an organisation")
	mspID := f.text("mspId")
	roots := f.list("roots")
	intermediates := f.optionalList("intermediates")
	if err := f.done(); err != nil {
		return nil, err
	}
	read := func(items []canonical.Value) (list []*x509.Certificate, err error) {
		for _, item := range items {
			der, err := decodeBase64(item)
			if err != nil {
				return nil, err
			}
			c, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, refuse(BadTrust, "a certificate of %s can't be read: %v", mspID, err)
			}
			list = append(list, c)
		}
		return list, nil
	}
	r, err := read(roots)
	if err != nil {
		return nil, err
	}
	i, err := read(intermediates)
	if err != nil {
		return nil, err
	}
	return trustedOrganisation(mspID, r, i), nil
}

// check refuses what no verifier should work with.
func (t *Trust) check() error {
	if !name(t.Channel) || !name(t.Chaincode) {
		return refuse(BadTrust, "channel or chaincode is empty, or no name")
	}
	if len(t.Genesis) != 32 {
		return refuse(BadTrust, "there is no hash of the genesis block")
	}
	if t.Agree < 1 || t.Agree > len(t.Organisations) {
		return refuse(BadTrust, "agree is %d: of %d organisations, 1 to %d can agree", t.Agree, len(t.Organisations), len(t.Organisations))
	}
	slices.SortFunc(t.Organisations, func(a, b *Organisation) int { return strings.Compare(a.MSPID, b.MSPID) })
	owner := map[string]string{}
	for i, o := range t.Organisations {
		if !name(o.MSPID) || i > 0 && t.Organisations[i-1].MSPID == o.MSPID {
			return refuse(BadTrust, "the organisation %q stands twice, or has no name", o.MSPID)
		}
		if len(o.roots) == 0 {
			return refuse(BadTrust, "%s has no roots", o.MSPID)
		}
		for _, c := range slices.Concat(o.roots, o.intermediates) {
			if !c.IsCA {
				return refuse(BadTrust, "a root of %s is no certificate of an authority", o.MSPID)
			}
			// Who can issue for two can be two, and agree with itself.
			if other := owner[string(c.RawSubjectPublicKeyInfo)]; other != "" && other != o.MSPID {
				return refuse(BadTrust, "%s and %s have one authority, so they aren't two organisations", other, o.MSPID)
			}
			owner[string(c.RawSubjectPublicKeyInfo)] = o.MSPID
		}
	}
	return nil
}

// name tells whether a name is one that can stand in a proposal and in a message.
func name(s string) bool { return s != "" && len(s) <= 250 && utf8.ValidString(s) }

// organisation finds one by its MSP id, nil if it isn't trusted.
func (t *Trust) organisation(mspID string) *Organisation {
	for _, o := range t.Organisations {
		if o.MSPID == mspID {
			return o
		}
	}
	return nil
}

// clone makes a copy that can be used at the same time: organisations remember whom they have checked.
func (t *Trust) clone() *Trust {
	c := *t
	c.Organisations = nil
	for _, o := range t.Organisations {
		one := *o
		one.checked = new(checks)
		c.Organisations = append(c.Organisations, &one)
	}
	return &c
}

// Text writes a trust file, with line breaks for people.
func (t *Trust) Text() []byte {
	list := func(certificates []*x509.Certificate) canonical.Value {
		v := canonical.Arr()
		for _, c := range certificates {
			v.Items = append(v.Items, canonical.Str(base64.StdEncoding.EncodeToString(c.Raw)))
		}
		return v
	}
	organisations := canonical.Arr()
	for _, o := range t.Organisations {
		one := canonical.Obj(canonical.Member{Name: "mspId", Value: canonical.Str(o.MSPID)}, canonical.Member{Name: "roots", Value: list(o.roots)})
		if len(o.intermediates) > 0 {
			one = one.With("intermediates", list(o.intermediates))
		}
		organisations.Items = append(organisations.Items, one)
	}
	v := canonical.Obj(
		canonical.Member{Name: "format", Value: canonical.Str(trustFormat)},
		canonical.Member{Name: "channel", Value: canonical.Str(t.Channel)},
		canonical.Member{Name: "chaincode", Value: canonical.Str(t.Chaincode)},
		canonical.Member{Name: "genesis", Value: canonical.Str(hex.EncodeToString(t.Genesis))},
		canonical.Member{Name: "agree", Value: canonical.Int(int64(t.Agree))},
		canonical.Member{Name: "organisations", Value: organisations},
	)
	var out bytes.Buffer
	if err := json.Indent(&out, v.Bytes(), "", "  "); err != nil {
		panic(err) // canonical JSON is JSON
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// NewTrust makes what to trust of a channel's blocks: its genesis block and, if the configuration has changed since, every
// configuration block after it. The organisations are the members of the last configuration, each with all
// authorities it has had, so that old receipts stay good; whoever changed an authority because it was stolen takes it
// out of the file. agree is how many must agree; 0 means a majority.
func NewTrust(genesis *Block, later []*Block, chaincode string, agree int) (*Trust, error) {
	chain, err := NewChain(genesis, genesis.Hash())
	if err != nil {
		return nil, err
	}
	t := &Trust{Channel: chain.config.Channel, Chaincode: chaincode, Genesis: genesis.Hash(), Agree: agree}
	configs := []*Config{chain.config}
	for _, b := range later {
		if _, err := chain.Take(b); err != nil {
			return nil, err
		}
		if chain.config != configs[len(configs)-1] {
			configs = append(configs, chain.config)
		}
	}
	t.config = chain.config.Block
	for _, mspID := range chain.config.Members {
		var roots, intermediates []*x509.Certificate
		for _, c := range configs {
			if o := c.Organisations[mspID]; o != nil {
				roots, intermediates = union(roots, o.roots), union(intermediates, o.intermediates)
			}
		}
		t.Organisations = append(t.Organisations, trustedOrganisation(mspID, roots, intermediates))
	}
	if agree == 0 {
		t.Agree = len(t.Organisations)/2 + 1
	}
	return t, t.check()
}

func union(list, more []*x509.Certificate) []*x509.Certificate {
	for _, c := range more {
		if !slices.ContainsFunc(list, c.Equal) {
			list = append(list, c)
		}
	}
	return list
}
