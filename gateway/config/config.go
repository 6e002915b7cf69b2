// Package config describes the two files that a gateway is run from: its configuration, gateway.json, and its list of
// callers, tokens.json. The gateway reads them, and package network writes them.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/postgres"
)

// Config is what `pedigree serve --config FILE` reads: one JSON object with these members and no others. Relative paths
// are relative to the folder of the file.
type Config struct {
	// Listen is the address to listen on, host:port. Without TLS it must be a loopback address.
	Listen string `json:"listen"`

	// TLS is the gateway's own certificate. Optional on a loopback address.
	TLS TLS `json:"tls"`

	// Name is what the organisation is called, and MSPID its id on the channel.
	Name  string `json:"name"`
	MSPID string `json:"mspId"`

	// Channel and Chaincode are the names on the Fabric network.
	Channel   string `json:"channel"`
	Chaincode string `json:"chaincode"`

	// Genesis is the hash of the header of the channel's first block, in hexadecimal. It pins the ledger: blocks of
	// another one are refused, whoever serves them. Optional: if it is empty, the first block that a peer of this
	// organisation serves is believed, and kept to from then on.
	Genesis string `json:"genesis,omitempty"`

	// Peers are the peers to use, the organisation's own first. The others stand in when it is down.
	Peers []Peer `json:"peers"`

	// Cosigners are gateways of other organisations, which are asked to sign answers with this one (see package cosign).
	// Optional: others are found by the addresses that their organisations have recorded on the ledger.
	Cosigners []Cosigner `json:"cosigners,omitempty"`

	// CosignerNetworks says where gateways may be that are found on the ledger, for any member can name any address there:
	// in networks in CIDR notation, and in the public Internet if "public" is one of the entries. The host of a peer in
	// Peers may be its organisation's gateway, too, wherever it is. Optional: "public" if it is left out. If it is empty,
	// nobody is asked because of the ledger.
	CosignerNetworks []string `json:"cosignerNetworks,omitzero"`

	// Tokens is the file that says who may call (see package access).
	Tokens string `json:"tokens"`

	// OIDC lets in those whom an OpenID Connect issuer knows. Optional.
	OIDC OIDC `json:"oidc,omitzero"`

	// ClientCertificates lets in machines by certificates that they show. Optional.
	ClientCertificates ClientCertificates `json:"clientCertificates,omitzero"`

	// Actor is what a gateway notes at home of who had a record recorded, and shows to its own operators and auditors:
	// ActorNone, ActorPseudonym or ActorName. Optional: ActorPseudonym if it is empty. See package actor.
	Actor string `json:"actor,omitempty"`

	// Data is the folder of the queue and the index. It is made if it isn't there. One gateway at a time may use it.
	Data string `json:"data"`

	// Namespace is where the datasets and models of OpenLineage events are registered. The organisation MUST have claimed
	// it. Optional: see DatasetNamespace.
	Namespace string `json:"namespace,omitempty"`

	// Index is the URL of a PostgreSQL database for the index, postgres://user:password@host:port/database, which gateways
	// of one organisation may share. Its search_path is the schema to use, "pedigree" if it has none. Optional: if it is
	// empty, the index is a SQLite file in Data.
	Index string `json:"index,omitempty"`

	// IndexPasswordFile has the password of that database, if it isn't in the URL. Optional.
	IndexPasswordFile string `json:"indexPasswordFile,omitempty"`

	// BatchRecords is the most records that go into one transaction. Optional: package capture's default if 0. A lower
	// number makes more transactions, and each costs every organisation's peer as much as some hundred records.
	BatchRecords int `json:"batchRecords,omitempty"`
}

// The values of Actor.
const (
	ActorNone      = "none"      // nothing is noted
	ActorPseudonym = "pseudonym" // records are shown with a pseudonym; operators can look up who is behind it
	ActorName      = "name"      // records are shown with the name, too
)

// TLS names two PEM files.
type TLS struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// Peer is the gRPC endpoint of a peer.
type Peer struct {
	MSPID      string `json:"mspId"`
	Address    string `json:"address"`    // host:port
	ServerName string `json:"serverName"` // the name in its TLS certificate; optional, the host of Address if empty
	TLSRoots   string `json:"tlsRoots"`   // PEM file of the roots to trust for its certificate
}

// Cosigner is another organisation's gateway.
type Cosigner struct {
	MSPID string `json:"mspId"`
	// URL is the gateway's address. It begins with https://, unless the host is a loopback address.
	URL string `json:"url"`
	// Roots is a PEM file of the roots to trust for its certificate. Optional: the system's if it is empty.
	Roots string `json:"tlsRoots,omitempty"`
}

// MaxCosigners is how many gateways are asked for one answer at most.
const MaxCosigners = 32

// Read reads and checks a configuration. Its errors name the member that is wrong.
func Read(path string) (Config, error) { return read(path, nil, "") }

// read reads a file, if path isn't empty, and members that are set elsewhere.
func read(path string, set map[string]string, credentials string) (Config, error) {
	var c Config
	where := "the configuration in the environment"
	if path != "" {
		where = "the configuration in " + path
		text, err := os.ReadFile(path)
		if err != nil {
			return Config{}, fmt.Errorf("couldn't read the configuration: %w", err)
		}
		if err := Decode(text, &c); err != nil {
			return Config{}, fmt.Errorf("couldn't understand %s: %w", where, err)
		}
		if len(set) > 0 {
			where += " with that in the environment"
		}
	}
	if err := setMembers("", reflect.ValueOf(&c).Elem(), set); err != nil {
		return Config{}, err
	}
	if err := unknown(set); err != nil {
		return Config{}, err
	}
	c.locate(filepath.Dir(path))
	err := c.readPassword(credentials)
	if err == nil {
		err = c.OIDC.readSecret(credentials)
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return Config{}, fmt.Errorf("%s is wrong: %w", where, err)
	}
	return c, nil
}

// locate resolves relative paths from the file's folder.
func (c *Config) locate(dir string) {
	paths := []*string{
		&c.TLS.Certificate, &c.TLS.Key, &c.Tokens, &c.Data, &c.IndexPasswordFile, &c.OIDC.TLSRoots, &c.OIDC.ClientSecretFile,
		&c.ClientCertificates.Roots, &c.ClientCertificates.CRL,
	}
	for i := range c.Peers {
		paths = append(paths, &c.Peers[i].TLSRoots)
	}
	for i := range c.Cosigners {
		paths = append(paths, &c.Cosigners[i].Roots)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}

func (c *Config) check() error {
	for _, member := range []struct{ name, value string }{
		{"listen", c.Listen}, {"name", c.Name}, {"mspId", c.MSPID}, {"channel", c.Channel}, {"chaincode", c.Chaincode},
		{"tokens", c.Tokens}, {"data", c.Data},
	} {
		if member.value == "" {
			return fmt.Errorf("%s is missing", member.name)
		}
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		return errors.New("tls.certificate and tls.key go together")
	}
	if err := checkAddress(c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if c.TLS.Certificate == "" && !loopback(c.Listen) {
		return fmt.Errorf(
			"listen is %s, which others can reach, and there is no certificate: tokens would travel in the clear, "+
				"so give tls.certificate and tls.key, or listen on 127.0.0.1",
			c.Listen,
		)
	}
	if err := c.OIDC.check(); err != nil {
		return err
	}
	if err := c.checkClientCertificates(); err != nil {
		return err
	}
	if !slices.Contains([]string{"", ActorNone, ActorPseudonym, ActorName}, c.Actor) {
		return fmt.Errorf("actor is %q, which is none of %s, %s and %s", c.Actor, ActorNone, ActorPseudonym, ActorName)
	}
	if c.Index != "" {
		if err := postgres.CheckURL(c.Index); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if _, err := record.ParseArtifactRef("dataset/" + c.DatasetNamespace() + "/x@1"); err != nil {
		return fmt.Errorf("namespace is %q, which isn't a namespace: one has 1 to 64 of a-z, 0-9, - and ., and begins with "+
			"a letter or digit", c.DatasetNamespace())
	}
	if c.BatchRecords < 0 || c.BatchRecords > record.MaxPackRecords {
		return fmt.Errorf("batchRecords is %d: a transaction takes 1 to %d records", c.BatchRecords,
			record.MaxPackRecords)
	}
	if hash, err := hex.DecodeString(c.Genesis); err != nil || len(hash) != 0 && len(hash) != sha256.Size {
		return fmt.Errorf("genesis is %q, which isn't a SHA-256 of 64 hexadecimal digits", record.Brief(c.Genesis))
	}
	if len(c.Peers) == 0 {
		return errors.New("peers is empty: name at least the organisation's own peer")
	}
	for i, p := range c.Peers {
		if p.MSPID == "" || p.TLSRoots == "" {
			return fmt.Errorf("peers[%d]: mspId and tlsRoots are required", i)
		}
		if err := checkAddress(p.Address); err != nil {
			return fmt.Errorf("peers[%d].address: %w", i, err)
		}
	}
	if err := c.checkNetworks(); err != nil {
		return err
	}
	return c.checkCosigners()
}

func (c *Config) checkCosigners() error {
	if len(c.Cosigners) > MaxCosigners {
		return fmt.Errorf("cosigners has %d gateways: %d can be asked", len(c.Cosigners), MaxCosigners)
	}
	seen := map[string]bool{c.MSPID: true}
	for i, o := range c.Cosigners {
		if o.MSPID == "" || seen[o.MSPID] {
			return fmt.Errorf("cosigners[%d]: mspId is missing, this gateway's own, or there twice", i)
		}
		seen[o.MSPID] = true
		u, err := url.Parse(o.URL)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
			u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("cosigners[%d].url is %q, which is no address of a gateway, such as https://gateway.example:8081",
				i, o.URL)
		}
		if u.Scheme == "http" && !loopback(net.JoinHostPort(u.Hostname(), "80")) {
			return fmt.Errorf("cosigners[%d].url is %s: questions would travel in the clear, so give an address with https", i,
				o.URL)
		}
	}
	return nil
}

func checkAddress(address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%q is not an address of the form host:port", address)
	}
	return nil
}

// loopback tells whether an address can be reached from this machine only. A name other than localhost doesn't count:
// it could resolve to any address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// GenesisHash is Genesis as bytes; nil if it is empty.
func (c *Config) GenesisHash() []byte {
	hash, err := hex.DecodeString(c.Genesis)
	if err != nil || len(hash) == 0 {
		return nil
	}
	return hash
}

// IndexPlace is where the index is: a file, or the URL of a database.
func (c *Config) IndexPlace() string {
	if c.Index != "" {
		return c.Index
	}
	return filepath.Join(c.Data, "index.db")
}

// KeptPlace is where the gateway keeps what can't be made of blocks (see package kept): a file in Data or, if the index
// is in a database that gateways share, the same database.
func (c *Config) KeptPlace() string {
	if c.Index != "" {
		return c.Index
	}
	return filepath.Join(c.Data, "kept.db")
}

// QueueFolder is the folder of the queue.
func (c *Config) QueueFolder() string { return filepath.Join(c.Data, "queue") }

// RunsFolder is the folder of the runs that OpenLineage events describe.
func (c *Config) RunsFolder() string { return filepath.Join(c.Data, "runs") }

// DatasetNamespace is where the datasets and models of OpenLineage events are registered: Namespace, or else Name in
// lower case, with - for each character that a namespace can't have.
func (c *Config) DatasetNamespace() string {
	if c.Namespace != "" {
		return c.Namespace
	}
	spelled := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(c.Name))
	return strings.Trim(spelled[:min(len(spelled), 64)], "-.")
}

// ProofsFolder is the folder of the receipts.
func (c *Config) ProofsFolder() string { return filepath.Join(c.Data, "proofs") }
