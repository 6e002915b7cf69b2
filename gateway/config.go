// Package gateway is one organisation's door to the ledger: it puts together access, the REST interface, the queue, the
// ledger's client and the index, and runs them as one process.
package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/postgres"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
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

	// Peers are the peers to use, the organisation's own first. The others stand in when it is down.
	Peers []Peer `json:"peers"`

	// Tokens is the file that says who may call (see package access).
	Tokens string `json:"tokens"`

	// Data is the folder of the queue and the index. It is made if it isn't there. One gateway at a time may use it.
	Data string `json:"data"`

	// Namespace is where the datasets and models of OpenLineage events are registered. The organisation MUST have claimed it.
	// Optional; Name, in lower case and with - for what namespaces don't have, if it is empty.
	Namespace string `json:"namespace"`

	// Index is where the index lies: the URL of a PostgreSQL database, postgres://user:password@host:port/database, which
	// gateways of one organisation may share. Optional; a SQLite file in Data if it is empty. Its search_path is the schema
	// to use, "pedigree" if it has none.
	Index string `json:"index"`

	// BatchRecords is how many records go into one transaction at most. Optional; package capture's default if 0. Fewer make
	// more transactions of the same records, each of which costs every organisation's peer as much as some hundred records.
	BatchRecords int `json:"batchRecords"`
}

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

// ReadConfig reads and checks a configuration. Its errors name the member that is wrong.
func ReadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("couldn't read the configuration: %w", err)
	}
	var c Config
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("couldn't understand the configuration in %s: %w", path, err)
	}
	if decoder.More() {
		return Config{}, fmt.Errorf("couldn't understand the configuration in %s: something stands after the object", path)
	}
	c.locate(filepath.Dir(path))
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("the configuration in %s is wrong: %w", path, err)
	}
	return c, nil
}

// locate makes relative paths those of the file's folder.
func (c *Config) locate(dir string) {
	paths := []*string{&c.TLS.Certificate, &c.TLS.Key, &c.Tokens, &c.Data}
	for i := range c.Peers {
		paths = append(paths, &c.Peers[i].TLSRoots)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}

func (c *Config) check() error {
	for _, member := range []struct{ name, value string }{
		{"listen", c.Listen}, {"name", c.Name}, {"mspId", c.MSPID}, {"channel", c.Channel}, {"chaincode", c.Chaincode}, {"tokens", c.Tokens}, {"data", c.Data},
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
		return fmt.Errorf("listen is %s, which others can reach, and there is no certificate: tokens would travel in the clear, so give tls.certificate and tls.key, or listen on 127.0.0.1", c.Listen)
	}
	if c.Index != "" {
		if err := postgres.CheckURL(c.Index); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if _, err := record.ParseArtifactRef("dataset/" + c.namespace() + "/x@1"); err != nil {
		return fmt.Errorf("namespace is %q, which is none: a namespace is 1 to 64 of a-z, 0-9, - and ., beginning with a letter or digit", c.namespace())
	}
	if c.BatchRecords < 0 || c.BatchRecords > record.MaxPackRecords {
		return fmt.Errorf("batchRecords is %d: a transaction takes 1 to %d records", c.BatchRecords, record.MaxPackRecords)
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
	return nil
}

func checkAddress(address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%q is not an address of the form host:port", address)
	}
	return nil
}

// loopback tells whether an address can be reached from this machine only. A name other than localhost could come to mean
// anything, so it can't.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ledger is the configuration of the ledger's client.
func (c *Config) ledger() ledger.Config {
	l := ledger.Config{Channel: c.Channel, Chaincode: c.Chaincode, MSPID: c.MSPID}
	for _, p := range c.Peers {
		l.Peers = append(l.Peers, ledger.Peer{MSPID: p.MSPID, Address: p.Address, ServerName: p.ServerName, TLSRoots: p.TLSRoots})
	}
	return l
}

// indexPlace is where the index lies: a file, or a URL.
func (c *Config) indexPlace() string {
	if c.Index != "" {
		return c.Index
	}
	return filepath.Join(c.Data, "index.db")
}

// queueFolder is where the queue lies.
func (c *Config) queueFolder() string { return filepath.Join(c.Data, "queue") }

// runsFolder is where runs lie that OpenLineage events tell of.
func (c *Config) runsFolder() string { return filepath.Join(c.Data, "runs") }

// namespace is where their datasets are registered: in the organisation's name, spelled as a namespace, if nothing else is
// said.
func (c *Config) namespace() string {
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

// proofsFolder is where receipts are kept.
func (c *Config) proofsFolder() string { return filepath.Join(c.Data, "proofs") }
