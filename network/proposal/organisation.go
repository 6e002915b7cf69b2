package proposal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// OrderersFile is the file in the folder of an organisation without a gateway that says how to reach its orderers.
const OrderersFile = "orderers.json"

// Orderers is the content of OrderersFile. A relative path is relative to the folder.
type Orderers struct {
	MSPID     string   `json:"mspId"`
	Channel   string   `json:"channel"`
	Addresses []string `json:"addresses"` // host:port; the host is the name in the TLS certificate
	TLSRoots  string   `json:"tlsRoots"`  // a PEM file
}

// An Organisation is the caller's own: the node that it asks for the channel's configuration, and the administrator's
// identity with which it signs.
type Organisation struct {
	MSPID   string
	Channel string

	nodes   []node // the first one that answers is asked
	creator []byte
	sign    identity.Sign
}

// Open reads the folder of an organisation. An organisation with a gateway has gateway.json there, and its own peer is
// asked. Another one has orderers.json, and its orderers are asked. The administrator's identity is in users/operator.
func Open(dir string) (*Organisation, error) {
	o, err := openFolder(dir)
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	user := filepath.Join(dir, "users", "operator")
	if err := o.loadIdentity(filepath.Join(user, "cert.pem"), filepath.Join(user, "key.pem")); err != nil {
		return nil, exit.Usagef("couldn't load the identity of %s's administrator: %w", o.MSPID, err)
	}
	return o, nil
}

func openFolder(dir string) (*Organisation, error) {
	c, err := config.Read(filepath.Join(dir, "gateway.json"))
	if err == nil {
		return ofGateway(c)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, OrderersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has neither gateway.json nor %s in it: name the folder of your organisation with "+
			"--dir, such as .pedigree/harbor", dir, OrderersFile)
	}
	if err != nil {
		return nil, err
	}
	var file Orderers
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("couldn't understand %s: %w", filepath.Join(dir, OrderersFile), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("couldn't understand %s: something follows the JSON object", filepath.Join(dir, OrderersFile))
	}
	if !filepath.IsAbs(file.TLSRoots) {
		file.TLSRoots = filepath.Join(dir, file.TLSRoots)
	}
	roots, err := os.ReadFile(file.TLSRoots)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the orderers' TLS authority: %w", err)
	}
	o := &Organisation{MSPID: file.MSPID, Channel: file.Channel}
	for _, address := range file.Addresses {
		o.nodes = append(o.nodes, node{address: address, roots: roots})
	}
	if len(o.nodes) == 0 || o.MSPID == "" || o.Channel == "" {
		return nil, fmt.Errorf("%s must name mspId, channel and at least one address", filepath.Join(dir, OrderersFile))
	}
	return o, nil
}

// ofGateway is the organisation of a gateway. Its own peer is asked.
func ofGateway(c config.Config) (*Organisation, error) {
	peer := c.Peers[0]
	roots, err := os.ReadFile(peer.TLSRoots)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the peer's TLS authority: %w", err)
	}
	return &Organisation{MSPID: c.MSPID, Channel: c.Channel,
		nodes: []node{{address: peer.Address, serverName: peer.ServerName, roots: roots, peer: true}}}, nil
}

// OpenGateway returns the organisation of a gateway that acts with the identity in two PEM files. It needn't be an
// administrator to look at the channel.
func OpenGateway(c config.Config, certificateFile, keyFile string) (*Organisation, error) {
	o, err := ofGateway(c)
	if err == nil {
		err = o.loadIdentity(certificateFile, keyFile)
	}
	return o, err
}

func (o *Organisation) loadIdentity(certificateFile, keyFile string) error {
	certificate, err := os.ReadFile(certificateFile)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	key, err := identity.PrivateKeyFromPEM(text)
	if err != nil {
		return err
	}
	if o.sign, err = identity.NewPrivateKeySign(key); err != nil {
		return err
	}
	o.creator, err = proto.Marshal(&msp.SerializedIdentity{Mspid: o.MSPID, IdBytes: certificate})
	return err
}

// header makes a signature header with a new nonce.
func (o *Organisation) header() *common.SignatureHeader {
	nonce := make([]byte, 24)
	rand.Read(nonce)
	return &common.SignatureHeader{Creator: o.creator, Nonce: nonce}
}

// signMessage signs the SHA-256 of a message.
func (o *Organisation) signMessage(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	signature, err := o.sign(digest[:])
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	return signature, nil
}
