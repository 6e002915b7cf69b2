package client

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/signing"
)

// Signer says with whose key something is signed on this machine, if not by the gateway.
type Signer struct {
	key, certificate        string
	mspID, channel, program string
}

// SignerHelp describes the flags of a Signer.
const SignerHelp = `
With --key and --certificate the record is signed here, by the holder of that key,
and not by the gateway. The command makes the bytes itself, and signs nothing else,
whatever the gateway answers. The gateway is still needed, and so is its token.
With --as ORG the network's folder says of which organisation, channel and chaincode
it is. Otherwise name the organisation with --msp.`

// AddFlags adds the flags that name a key.
func (s *Signer) AddFlags(c *cobra.Command) {
	c.Flags().StringVar(&s.key, "key", "", "sign with the private key in this PEM file (ECDSA P-256), not with the gateway's")
	c.Flags().StringVar(&s.certificate, "certificate", "", "PEM file with the certificate of --key")
	c.Flags().StringVar(&s.mspID, "msp", "", "MSP id of the organisation that issued the certificate, such as HarborMSP")
	c.Flags().StringVar(&s.channel, "channel", "", `channel to sign for (default "pedigree")`)
	c.Flags().StringVar(&s.program, "chaincode", "", `chaincode to sign for (default "pedigree")`)
}

// Given tells whether a key is named.
func (s *Signer) Given() bool { return s.key != "" || s.certificate != "" }

// Means returns the key, and what is to be signed with it. The gateway has no say in any of it.
func (s *Signer) Means(t *Target, noun record.Noun, body []byte) (*signing.Key, signing.Intent, error) {
	intent := signing.Intent{Noun: noun, Body: body}
	if s.key == "" || s.certificate == "" {
		return nil, intent, exit.Usagef("--key and --certificate belong together")
	}
	home, err := t.home()
	if err != nil {
		return nil, intent, err
	}
	mspID := cmp.Or(s.mspID, home.MSPID)
	if mspID == "" {
		return nil, intent, exit.Usagef("name the organisation that issued the certificate with --msp, such as HarborMSP")
	}
	intent.Channel = cmp.Or(s.channel, home.Channel, "pedigree")
	intent.Chaincode = cmp.Or(s.program, home.Chaincode, "pedigree")
	certificate, err := os.ReadFile(s.certificate)
	if err != nil {
		return nil, intent, exit.Usagef("couldn't read the certificate: %w", err)
	}
	text, err := os.ReadFile(s.key)
	if err != nil {
		return nil, intent, exit.Usagef("couldn't read the key: %w", err)
	}
	key, err := signing.NewKey(mspID, certificate, text)
	if err != nil && strings.Contains(string(certificate), " PRIVATE KEY-----") {
		return nil, intent, exit.Usagef("%s holds a private key: are --key and --certificate switched?", s.certificate)
	}
	if err != nil {
		return nil, intent, exit.Usagef("couldn't use %s and %s: %w", s.certificate, s.key, err)
	}
	return key, intent, nil
}

// home is what the folder of a network says of an organisation.
type home struct {
	MSPID     string `json:"mspId"`
	Channel   string `json:"channel"`
	Chaincode string `json:"chaincode"`
}

// home reads it, if the target is in a folder.
func (t *Target) home() (h home, err error) {
	if t.as == "" {
		return h, nil
	}
	text, err := os.ReadFile(filepath.Join(t.dir, t.as, "gateway.json"))
	if err != nil {
		return h, exit.Usagef("couldn't read the gateway's settings: %w", err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, exit.Usagef("couldn't understand the settings of %s's gateway: %w", t.as, err)
	}
	return h, nil
}
