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

// trustFormat is the format of trust files that this program reads and writes.
const (
	trustFormat = trustPrefix + "1"
	trustPrefix = "pedigree-trust/"
)

// maxTrust is the largest trust file that is read, in bytes.
const maxTrust = 1 << 20

// Trust is everything that a verifier believes without proof: which ledger it is, which organisations it has, and how
// many of them must agree. It must not come from the same source as the proof.
type Trust struct {
	// Channel and Chaincode are the names on the Fabric network.
	Channel, Chaincode string
	// Genesis is the hash of the header of the channel's first block. Proofs of level receipt don't need it.
	Genesis []byte
	// Agree is how many organisations must sign a receipt.
	Agree int
	// Organisations are the trusted organisations, in the order of their MSP ids. Their certificates name roles with the
	// organisational units that are usual on Fabric networks: client, peer, admin and orderer.
	Organisations []*Organisation

	config uint64 // the number of the newest configuration block that it was made from; 0 for a trust file
}

// ParseTrust reads a trust file. It is one JSON object with the members format, channel, chaincode, genesis (in
// hexadecimal), agree and organisations. Each organisation has the members mspId, roots and, optionally, intermediates
// and revocationLists. The last three are lists of certificates and of revocation lists, in DER and base64. Revocation
// lists count for cosigned answers only, because the ledger knows when a certificate of a proof was revoked. People may
// edit such files, so white space and the order of members don't matter. Unknown and repeated members are refused.
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
	if f.err == nil && format != trustFormat {
		if !strings.HasPrefix(format, trustPrefix) {
			return nil, refuse(BadTrust, "this is no trust file, but is of the format %q", record.Brief(format))
		}
		// Another version may have other members.
		return nil, refuse(UnsupportedVersion, "the trust file is of the format %q, and this program reads %s",
			record.Brief(format), trustFormat)
	}
	t.Channel, t.Chaincode = f.text("channel"), f.text("chaincode")
	genesis := f.text("genesis")
	agree := f.integer("agree")
	list := f.list("organisations")
	if err := f.done(); err != nil {
		return nil, err
	}
	var err error
	if t.Genesis, err = hex.DecodeString(genesis); err != nil || len(t.Genesis) != 32 ||
		genesis != strings.ToLower(genesis) {
		return nil, refuse(BadTrust, "genesis is no SHA-256 in lower-case hexadecimal")
	}
	for i, item := range list {
		o, err := readOrganisation(item)
		if err != nil {
			return nil, At(err, "organisations[%d]", i)
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
	lists := f.optionalList("revocationLists")
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
	o := trustedOrganisation(mspID, r, i)
	for _, item := range lists {
		der, err := decodeBase64(item)
		if err != nil {
			return nil, err
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, refuse(BadTrust, "a revocation list of %s can't be read: %v", mspID, err)
		}
		if !signedByOne(list, o.Authorities()) {
			return nil, refuse(BadTrust, "a revocation list of %s is signed by none of its authorities", mspID)
		}
		o.listed = append(o.listed, list)
	}
	return o, nil
}

// check refuses a trust file that isn't safe to use.
func (t *Trust) check() error {
	if !name(t.Channel) || !name(t.Chaincode) {
		return refuse(BadTrust, "the name of the channel or the chaincode is empty, too long or not UTF-8")
	}
	if t.Agree < 1 || t.Agree > len(t.Organisations) {
		return refuse(BadTrust, "agree is %d: of %d organisations, 1 to %d can agree",
			t.Agree, len(t.Organisations), len(t.Organisations))
	}
	slices.SortFunc(t.Organisations, func(a, b *Organisation) int { return strings.Compare(a.MSPID, b.MSPID) })
	owner := map[string]string{}
	for i, o := range t.Organisations {
		if !name(o.MSPID) || i > 0 && t.Organisations[i-1].MSPID == o.MSPID {
			return refuse(BadTrust, "the organisation %q is there twice, or its name is empty, too long or not UTF-8", o.MSPID)
		}
		if len(o.roots) == 0 {
			return refuse(BadTrust, "%s has no roots", o.MSPID)
		}
		for _, c := range slices.Concat(o.roots, o.intermediates) {
			if !c.IsCA {
				return refuse(BadTrust, "a root of %s is no certificate of an authority", o.MSPID)
			}
			// An authority of two organisations could sign for both, and so agree with itself.
			if other := owner[KeyOf(c)]; other != "" && other != o.MSPID {
				return refuse(BadTrust, "%s and %s have one authority, so they aren't two organisations", other, o.MSPID)
			}
			owner[KeyOf(c)] = o.MSPID
		}
	}
	return nil
}

// name reports whether a string can be a name in a proposal and in a message for people.
func name(s string) bool { return s != "" && len(s) <= 250 && utf8.ValidString(s) }

// organisation finds an organisation by its MSP id. It returns nil if the organisation isn't trusted.
func (t *Trust) organisation(mspID string) *Organisation {
	for _, o := range t.Organisations {
		if o.MSPID == mspID {
			return o
		}
	}
	return nil
}

// clone makes a copy whose organisations remember their checks separately.
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

// Text writes a trust file, indented for people.
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
		one := canonical.Obj(canonical.Member{Name: "mspId", Value: canonical.Str(o.MSPID)},
			canonical.Member{Name: "roots", Value: list(o.roots)})
		if len(o.intermediates) > 0 {
			one = one.With("intermediates", list(o.intermediates))
		}
		if len(o.listed) > 0 {
			lists := canonical.Arr()
			for _, l := range o.listed {
				lists.Items = append(lists.Items, canonical.Str(base64.StdEncoding.EncodeToString(l.Raw)))
			}
			one = one.With("revocationLists", lists)
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

// NewTrust makes a Trust from blocks of a channel: the genesis block and, if the configuration has changed since, every
// later configuration block. The organisations are the members of the last configuration. Each has all the authorities
// that it ever had, so that old receipts stay good, and the revocation lists of the last configuration. If an
// authority's key was stolen, remove the authority from the file. agree is how many organisations must agree; 0 means a majority.
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
		o := trustedOrganisation(mspID, roots, intermediates)
		if last := chain.config.Organisations[mspID]; last != nil {
			o.tls = last.tls
			for _, list := range last.revoked { // Fabric ignores those that nobody of the organisation has signed
				if signedByOne(list, o.Authorities()) {
					o.listed = append(o.listed, list)
				}
			}
		}
		t.Organisations = append(t.Organisations, o)
	}
	if agree == 0 {
		t.Agree = len(t.Organisations)/2 + 1
	}
	return t, t.check()
}

func signedByOne(list *x509.RevocationList, authorities []*x509.Certificate) bool {
	return slices.ContainsFunc(authorities, func(a *x509.Certificate) bool { return list.CheckSignatureFrom(a) == nil })
}

func union(list, more []*x509.Certificate) []*x509.Certificate {
	for _, c := range more {
		if !slices.ContainsFunc(list, c.Equal) {
			list = append(list, c)
		}
	}
	return list
}
