package network

import (
	"bytes"
	_ "embed" // for the template below
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network/charter"
)

//go:embed configtx.yaml.tmpl
var channelText string

var channelTemplate = template.Must(template.New("configtx.yaml").
	Funcs(template.FuncMap{"inc": func(i int) int { return i + 1 }}).Parse(channelText))

// makeGenesis writes the channel's genesis block, which says who the members and the orderers are and which policies
// apply.
func (d folder) makeGenesis(p *plan, f fabric) error {
	c := channel{Policies: charter.UsualPolicies, Limits: charter.UsualLimits}
	orderers := ordererOrg{Name: "OrdererOrg", MSPID: OrdererMSP, MSPDir: "../orderer/msp"}
	for _, o := range p.Orderers {
		orderers.Endpoints = append(orderers.Endpoints, o.Address())
		keys := "../orderer/" + o.Name
		c.Consenters = append(c.Consenters, consenter{Host: "127.0.0.1", Port: o.Port, MSPID: OrdererMSP,
			Identity: keys + "/msp/signcerts/cert.pem", TLS: keys + "/tls/cert.pem"})
	}
	c.OrdererOrgs = []ordererOrg{orderers}
	for _, org := range p.Orgs {
		c.Orgs = append(c.Orgs, memberOrg{MSPID: org.MSPID, MSPDir: "../" + org.Name + "/msp",
			Anchors: []anchor{{Host: "127.0.0.1", Port: org.PeerPort}}})
	}
	return c.write(f, d.path("channel"), p.Channel, d.genesis())
}

// A channel is what a genesis block is made of. Paths are relative to the folder of configtx.yaml.
type channel struct {
	Policies    charter.Policies
	Limits      charter.Limits
	OrdererOrgs []ordererOrg
	Consenters  []consenter
	Orgs        []memberOrg
}

type ordererOrg struct {
	Name, MSPID, MSPDir string
	Endpoints           []string
}

type consenter struct {
	Host                 string
	Port                 int
	MSPID, Identity, TLS string
}

type memberOrg struct {
	MSPID, MSPDir string
	Anchors       []anchor
}

type anchor struct {
	Host string
	Port int
}

// write writes configtx.yaml into a folder and makes the genesis block of it.
func (c channel) write(f fabric, dir, name, block string) error {
	var text bytes.Buffer
	if err := channelTemplate.Execute(&text, c); err != nil {
		return fmt.Errorf("couldn't describe the channel: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "configtx.yaml"), text.Bytes(), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(f.program("configtxgen"), "-profile", "Pedigree", "-channelID", name,
		"-configPath", dir, "-outputBlock", block)
	cmd.Env = baseEnv("FABRIC_CFG_PATH=" + dir)
	said, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		return fmt.Errorf("configtxgen: %w: %s", err, lines[len(lines)-1])
	}
	return nil
}

// genesisHash is the hash of the genesis block's header in hexadecimal, by which gateways know their ledger. It is empty
// while there is no genesis block.
func (d folder) genesisHash() (string, error) {
	text, err := os.ReadFile(d.genesis())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var m common.Block
	if err == nil {
		err = proto.Unmarshal(text, &m)
	}
	if err != nil {
		return "", fmt.Errorf("couldn't read the genesis block: %w", plainly(err))
	}
	b, err := proof.OpenBlock(&m)
	if err != nil {
		return "", fmt.Errorf("the genesis block in %s can't be used: %w", d.genesis(), err)
	}
	return hex.EncodeToString(b.Hash()), nil
}
