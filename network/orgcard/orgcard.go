// Package orgcard has the card of an organisation: what an organisation gives away so that others can form a network
// with it. A card has the organisation's names, the certificates of its authorities, and the addresses and
// certificates of its nodes. A card has nothing secret in it.
package orgcard

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
)

// Version is the version of the card's form that this package writes and reads.
const Version = 1

// The limits of a card.
const (
	maxBytes    = 256 << 10
	maxOrderers = 16
	maxPeers    = 16
)

// A Card describes an organisation. The certificates are PEM, one in each member.
type Card struct {
	Version int `json:"version"`
	// Name is the organisation's short name, such as "harbor". It is also the namespace that the organisation claims.
	Name string `json:"name"`
	// MSPID is its name on the ledger, such as "HarborMSP".
	MSPID string `json:"mspId"`
	// Authority signs the organisation's ledger identities, and TLSAuthority its TLS certificates.
	Authority    string    `json:"authority"`
	TLSAuthority string    `json:"tlsAuthority"`
	Orderers     []Orderer `json:"orderers,omitempty"`
	Peers        []Peer    `json:"peers"`
}

// An Orderer is an ordering node. Others reach it at Host and Port.
type Orderer struct {
	Name string `json:"name"`
	Host string `json:"host"`
	Port int    `json:"port"`
	// Identity signs blocks. TLS is its certificate as a server and as a client of other orderers.
	Identity string `json:"identity"`
	TLS      string `json:"tls"`
}

// A Peer is a peer. Others reach it at Host and Port. ServerName is a name in its TLS certificate.
type Peer struct {
	Name       string `json:"name"`
	Host       string `json:"host"`
	Port       int    `json:"port"`
	ServerName string `json:"serverName"`
	Identity   string `json:"identity"`
	TLS        string `json:"tls"`
}

// Parse reads a card and checks all that can be checked without knowing the organisation.
func Parse(text []byte) (*Card, error) {
	if bytes.Contains(text, []byte("PRIVATE KEY")) {
		return nil, errors.New("the card has a private key in it: don't pass it on, and make the organisation's keys anew, " +
			"because whoever saw the card can use that key")
	}
	var c Card
	if err := Decode(text, maxBytes, &c); err != nil {
		return nil, fmt.Errorf("the card can't be read: %w", err)
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &c, nil
}

// Read reads the card in a file, or in standard input if the name is "-".
func Read(stdin io.Reader, name string) (*Card, error) {
	return input.Parsed(stdin, name, maxBytes, Parse)
}

// Decode reads a JSON text strictly into a value: no member may be unknown, repeated, missing, or spelt in another
// case. So two people who read the same text see the same content.
func Decode(text []byte, limit int, into any) error {
	said, err := canonical.Parse(text, canonical.Limits{Bytes: limit})
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after its end")
	}
	back, err := Canonical(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(said.Append(nil), back) {
		return errors.New("a member is missing, empty where it must not be, or not spelt as this program writes it")
	}
	return nil
}

// Canonical returns a value as canonical JSON (RFC 8785), of which digests are made.
func Canonical(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	value, err := canonical.Parse(text, canonical.Limits{Bytes: 64 << 20})
	if err != nil {
		return nil, err
	}
	return value.Append(nil), nil
}

// Digest is the SHA-256 of the card's canonical JSON, in groups of four hexadecimal digits that people can read to each
// other. How the file is indented and in which order its members are has no effect on it.
func (c *Card) Digest() string {
	text, err := Canonical(c)
	if err != nil {
		return "" // a card that was parsed can be written
	}
	return Spell(sha256.Sum256(text))
}

// Spell writes a hash in groups of four hexadecimal digits.
func Spell(hash [sha256.Size]byte) string {
	text := hex.EncodeToString(hash[:])
	var groups []string
	for i := 0; i < len(text); i += 4 {
		groups = append(groups, text[i:i+4])
	}
	return strings.Join(groups, " ")
}

// Text returns the card as the JSON that is given away.
func (c *Card) Text() ([]byte, error) {
	text, err := json.MarshalIndent(c, "", "  ")
	return append(text, '\n'), err
}
