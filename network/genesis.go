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
	"strings"
	"text/template"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

//go:embed configtx.yaml.tmpl
var channelText string

var channelTemplate = template.Must(template.New("configtx.yaml").
	Funcs(template.FuncMap{"inc": func(i int) int { return i + 1 }}).Parse(channelText))

// makeGenesis writes the channel's genesis block, which says who the members and the orderers are and which policies
// apply.
func (d folder) makeGenesis(p *plan, f fabric) error {
	var text bytes.Buffer
	err := channelTemplate.Execute(&text, map[string]any{
		"OrdererMSP": OrdererMSP, "Orderers": p.Orderers, "Orgs": p.Orgs,
	})
	if err != nil {
		return fmt.Errorf("couldn't describe the channel: %w", err)
	}
	if err := os.WriteFile(d.path("channel", "configtx.yaml"), text.Bytes(), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(f.program("configtxgen"), "-profile", "Pedigree", "-channelID", p.Channel,
		"-configPath", d.path("channel"), "-outputBlock", d.genesis())
	cmd.Env = baseEnv("FABRIC_CFG_PATH=" + d.path("channel"))
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
