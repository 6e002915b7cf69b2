package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/policy"
)

const (
	fileVersion = 1
	maxFile     = 1 << 20 // bytes; no file comes near it
	// byChannel is how a file says that the channel's policy decides who must endorse.
	byChannel = "channel"
)

// A File is a proposed definition as it goes from one organisation to the next. It is all that the organisations
// approve, in words. There are no signatures in it, because approvals are on the ledger.
type File struct {
	Version   int    `json:"pedigreeDefinition"`
	Channel   string `json:"channel"`
	Network   string `json:"network"` // the hash of the genesis block
	Chaincode string `json:"chaincode"`
	Sequence  int64  `json:"sequence"`
	Rules     string `json:"version"` // the version of the definition, which names the rules
	// Endorsement is "channel", or a rule such as "2 of HarborMSP,LabMSP".
	Endorsement string `json:"endorsement"`
}

// version is what Fabric takes as the version of a definition.
var version = regexp.MustCompile(`^[A-Za-z0-9_.+-]{1,32}$`)

// IsFile reports whether a text is the file of a definition and not that of another proposal.
func IsFile(text []byte) bool {
	var f struct {
		Version *int `json:"pedigreeDefinition"`
	}
	return json.Unmarshal(text, &f) == nil && f.Version != nil
}

// Parse reads the file of a definition.
func Parse(text []byte) (*File, error) {
	var f File
	if err := orgcard.Decode(text, maxFile, &f); err != nil {
		return nil, err
	}
	switch {
	case f.Version != fileVersion:
		return nil, fmt.Errorf("its version (pedigreeDefinition) is %d, and this program knows version %d", f.Version,
			fileVersion)
	case f.Sequence < 1:
		return nil, errors.New("its sequence isn't the number of a definition")
	case !version.MatchString(f.Rules):
		return nil, fmt.Errorf("%q isn't the version of a definition", f.Rules)
	}
	return &f, nil
}

// Text is the content of the file.
func (f *File) Text() ([]byte, error) { return json.MarshalIndent(f, "", "  ") }

// Write writes the file, which mustn't exist yet.
func (f *File) Write(path string) error {
	text, err := f.Text()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Close())
}

// Definition returns the definition that the file proposes. Each organisation that its rule names must be one of
// members.
func (f *File) Definition(members []string) (Definition, error) {
	content, err := endorsement(f.Endorsement, members)
	return Definition{f.Sequence, f.Rules, content}, err
}

// endorsement reads who must endorse.
func endorsement(text string, members []string) ([]byte, error) {
	if text == byChannel {
		return referring(channelPolicy), nil
	}
	rule, err := policy.ParseRule(text, members)
	if err != nil {
		return nil, err
	}
	if rule.Word != "" {
		return nil, exit.Usagef("a definition can't ask for %s of the members: let the channel decide (%q), and change the "+
			"channel's policy with `pedigree propose policy endorsement %s`", rule.Word, byChannel, rule.Word)
	}
	return naming(rule), nil
}

// Spell returns how a file says who must endorse, for a definition that a file can propose.
func (d Definition) Spell(members []string) (string, error) {
	path, own := d.endorsers()
	text := byChannel
	if own != nil {
		text = fmt.Sprintf("%d of %s", own.GetRule().GetNOutOf().GetN(), strings.Join(policy.Named(own), ","))
	}
	content, err := endorsement(text, members)
	if err != nil || !bytes.Equal(content, d.Policy) {
		return "", exit.Refusedf("the definition's policy is one that this program can't propose: %s%s; name another one "+
			"with --endorsement", d.Endorsement(), path)
	}
	return text, nil
}
