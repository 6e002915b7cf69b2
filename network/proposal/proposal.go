// Package proposal changes the configuration of a running channel: its organisations, its orderers, its limits, and the
// certificates that count no longer.
//
// A change is a proposal in a file. One organisation makes it, and the others look at it and sign it on their own hosts.
// Whoever has the signatures that the channel's policies ask for sends it to the orderers. The file's own account of
// itself is for people who open it in an editor. No verb believes it: what a proposal does is computed from the update
// in it and from the configuration that the reader's own node has.
package proposal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

const (
	fileVersion   = 1
	maxFile       = 8 << 20
	maxSignatures = 500
)

// baseKey is where an update names the configuration block that it was made for. The content is the hash of the block's
// header. Fabric doesn't look at it. It is signed with the update, so the signatures hold for this channel of this
// network only, and only until its configuration changes.
const baseKey = "pedigree.base"

// A Proposal is an update of a channel's configuration with the signatures that it has got so far. It is what the file
// holds.
type Proposal struct {
	Version int    `json:"pedigreeProposal"`
	Channel string `json:"channel"`
	// Says is what the proposer said about the update. Base is the sequence number of the configuration it was made for.
	// They are for people. Neither is signed.
	Says []string `json:"says"`
	Base uint64   `json:"base"`
	// Update is the signed part (common.ConfigUpdate).
	Update     []byte      `json:"update"`
	Signatures []Signature `json:"signatures"`
}

// Signature is an organisation's signature of the update.
type Signature struct {
	MSPID     string `json:"mspId"` // for people
	Header    []byte `json:"header"`
	Signature []byte `json:"signature"`
}

// New makes a proposal that makes the configuration of a channel into another one.
func New(now *Configuration, then *common.ConfigGroup, says ...string) (*Proposal, error) {
	read, write, changed := difference(now.Config.Group(), then)
	if !changed {
		return nil, exit.Refusedf("there is nothing to propose: the channel's configuration is so already")
	}
	update, err := encode(&common.ConfigUpdate{
		ChannelId: now.Config.Channel, ReadSet: read, WriteSet: write,
		IsolatedData: map[string][]byte{baseKey: now.Hash},
	})
	if err != nil {
		return nil, err
	}
	p := &Proposal{
		Version: fileVersion, Channel: now.Config.Channel, Says: says, Base: now.Config.Sequence, Update: update,
		Signatures: []Signature{},
	}
	_, err = p.Assess(now) // a proposal that nobody could apply isn't made
	return p, err
}

// Read reads the file of a proposal.
func Read(path string) (*Proposal, error) {
	if path == "-" {
		return nil, exit.Usagef("a proposal is read from a file, because signatures are written into it: name that")
	}
	return input.Parsed(nil, path, maxFile, Parse)
}

// Parse reads a proposal.
func Parse(text []byte) (*Proposal, error) {
	var p Proposal
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	switch {
	case p.Version != fileVersion:
		return nil, fmt.Errorf("its version (pedigreeProposal) is %d, and this program knows version %d", p.Version,
			fileVersion)
	case len(p.Signatures) > maxSignatures:
		return nil, fmt.Errorf("it has more than %d signatures", maxSignatures)
	}
	_, err := p.open()
	return &p, err
}

// Write writes the file of the proposal.
func (p *Proposal) Write(path string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// open decodes the update. It refuses bytes in any other encoding than the one that this program writes: what an
// organisation signs has no part that a review doesn't show.
func (p *Proposal) open() (*common.ConfigUpdate, error) {
	var update common.ConfigUpdate
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(p.Update, &update); err != nil {
		return nil, fmt.Errorf("its update can't be decoded: %w", err)
	}
	again, err := encode(&update)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, p.Update) {
		return nil, errors.New("its update has parts that this program doesn't know, or is encoded in another way")
	}
	for key := range update.GetIsolatedData() {
		if key != baseKey {
			return nil, fmt.Errorf("its update carries foreign data named %q", key)
		}
	}
	return &update, nil
}

// envelope returns the update with its signatures as Fabric takes it.
func (p *Proposal) envelope() *common.ConfigUpdateEnvelope {
	e := &common.ConfigUpdateEnvelope{ConfigUpdate: p.Update}
	for _, s := range p.Signatures {
		e.Signatures = append(e.Signatures, s.fabric())
	}
	return e
}

func (s Signature) fabric() *common.ConfigSignature {
	return &common.ConfigSignature{SignatureHeader: s.Header, Signature: s.Signature}
}

// preview applies the update to the configuration in force. It refuses a proposal that was made for another one.
func (p *Proposal) preview(now *Configuration) (*proof.Preview, error) {
	update, err := p.open()
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	if update.GetChannelId() != now.Config.Channel {
		return nil, exit.Refusedf("the proposal is for the channel %q, and this is %q", update.GetChannelId(),
			now.Config.Channel)
	}
	if !bytes.Equal(update.GetIsolatedData()[baseKey], now.Hash) {
		return nil, exit.Refusedf("the proposal was made for another configuration than the one in force (number %d, "+
			"block %d): the channel's configuration has changed since, or the proposal is for another network. "+
			"Propose the change again, and have it approved again", now.Config.Sequence, now.Config.Block)
	}
	preview, err := now.Config.Preview(update)
	if err != nil {
		return nil, exit.Refusedf("the update can't be applied to the channel's configuration: %w", err)
	}
	return preview, nil
}

// encode encodes a message in the one way that this program accepts.
func encode(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// decode reads the content of a configuration value. exact is false if the content has more in it than the message
// shows.
func decode(content []byte, into proto.Message) (exact bool, err error) {
	if err := proto.Unmarshal(content, into); err != nil {
		return false, err
	}
	return !hasUnknown(into.ProtoReflect()), nil
}

func hasUnknown(m protoreflect.Message) bool {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	found := false
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
		case field.IsList():
			for i := range v.List().Len() {
				found = found || hasUnknown(v.List().Get(i).Message())
			}
		default:
			found = hasUnknown(v.Message())
		}
		return !found
	})
	return found
}
