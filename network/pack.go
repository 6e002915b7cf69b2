package network

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

// A connection says how an organisation's peer reaches the organisation's chaincode process. It is the content of
// connection.json in the package, in the form of Fabric's external chaincode.
type connection struct {
	Address            string `json:"address"`
	DialTimeout        string `json:"dial_timeout"`
	TLSRequired        bool   `json:"tls_required"`
	ClientAuthRequired bool   `json:"client_auth_required"`
	ClientKey          string `json:"client_key"`
	ClientCert         string `json:"client_cert"`
	RootCert           string `json:"root_cert"`
}

// A chaincodePackage is what a peer installs. It contains no code; it only says where the chaincode process is. So each
// organisation has a package of its own, which stays the same as long as the address and the keys do.
type chaincodePackage struct {
	id    string // label:hash, by which the peer and the chaincode process identify each other
	bytes []byte
}

// packChaincode makes the package of an organisation's chaincode process for a version of the rules. Its label tells the
// process which rules those are.
func (d folder) packChaincode(org Org, rules chaincode.Rules) (chaincodePackage, error) {
	read := func(parts ...string) (string, error) {
		text, err := os.ReadFile(d.path(append([]string{org.Name}, parts...)...))
		return string(text), err
	}
	c := connection{Address: loopback(org.chaincodePort(rules)), DialTimeout: "3s", TLSRequired: true,
		ClientAuthRequired: true}
	var err error
	for into, file := range map[*string][]string{
		&c.ClientKey: {"chaincode", "client", "key.pem"}, &c.ClientCert: {"chaincode", "client", "cert.pem"},
		&c.RootCert: {"tlsca", "cert.pem"},
	} {
		if *into, err = read(file...); err != nil {
			return chaincodePackage{}, fmt.Errorf("couldn't read the keys of %s's chaincode: %w", org.Title, err)
		}
	}
	connectionJSON, err := json.Marshal(c)
	if err != nil {
		return chaincodePackage{}, err
	}
	label := rules.Label(ChaincodeName + "-" + org.Name)
	metadata, err := json.Marshal(map[string]string{"type": builderType, "label": label, "path": ""})
	if err != nil {
		return chaincodePackage{}, err
	}
	code, err := tarball("connection.json", connectionJSON)
	if err != nil {
		return chaincodePackage{}, err
	}
	whole, err := tarball("metadata.json", metadata, "code.tar.gz", code)
	if err != nil {
		return chaincodePackage{}, err
	}
	hash := sha256.Sum256(whole)
	return chaincodePackage{id: label + ":" + hex.EncodeToString(hash[:]), bytes: whole}, nil
}

// renewConnections gives the peer the new certificate with which it calls its chaincode. The peer has the connection
// from the package that it installed, and reads it when it connects. The packages stay as they are until the next start
// of the network, because a process of the chaincode is known by the package.
func (d folder) renewConnections(org Org) error {
	certificate, err := os.ReadFile(d.path(org.Name, "chaincode", "client", "cert.pem"))
	if err != nil {
		return fmt.Errorf("couldn't read the certificate with which %s's peer calls its chaincode: %w", org.Title, err)
	}
	builds := d.path(org.Name, "peer", "ledger", "externalbuilder", "builds")
	entries, err := os.ReadDir(builds)
	if err != nil {
		return fmt.Errorf("couldn't find how %s's peer reaches its chaincode: %w", org.Title, err)
	}
	for _, entry := range entries {
		file := filepath.Join(builds, entry.Name(), "release", "chaincode", "server", "connection.json")
		var c connection
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err == nil {
			c.ClientCert = string(certificate)
			err = writeJSON(file, c, 0o600)
		}
		if err != nil {
			return fmt.Errorf("couldn't renew how %s's peer reaches its chaincode: %w", org.Title, plainly(err))
		}
	}
	return nil
}

// tarball packs files, given as alternating names and contents. It writes no times or owners, so equal files give equal
// bytes.
func tarball(files ...any) ([]byte, error) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zip)
	for i := 0; i < len(files); i += 2 {
		content := files[i+1].([]byte)
		header := &tar.Header{
			Name:     files[i].(string),
			Mode:     0o600,
			Size:     int64(len(content)),
			Typeflag: tar.TypeReg,
			Format:   tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	err := zip.Close()
	return packed.Bytes(), err
}

// chaincodeProcess describes how to run an organisation's chaincode. It is this program, as a server that only the
// organisation's own peer can call.
func (d folder) chaincodeProcess(org Org, rules chaincode.Rules, packageID string, extra []string) process {
	keys := d.path(org.Name, "chaincode", "server")
	return process{
		name: org.chaincodeProcess(rules), role: "chaincode", org: org.Name, endpoint: loopback(org.chaincodePort(rules)),
		program: d.program(), args: []string{"chaincode"}, log: d.log(org.chaincodeProcess(rules)),
		works: listens(loopback(org.chaincodePort(rules))),
		env: ownEnv(append([]string{
			"CHAINCODE_SERVER_ADDRESS=" + loopback(org.chaincodePort(rules)),
			"CORE_CHAINCODE_ID_NAME=" + packageID,
			"CORE_PEER_TLS_ENABLED=true",
			"CORE_TLS_CLIENT_KEY_FILE=" + filepath.Join(keys, "key.pem"),
			"CORE_TLS_CLIENT_CERT_FILE=" + filepath.Join(keys, "cert.pem"),
			"CORE_PEER_TLS_ROOTCERT_FILE=" + d.path(org.Name, "tlsca", "cert.pem"), // authority of its callers
		}, extra...)...),
	}
}
