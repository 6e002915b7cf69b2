// Package definition is about the definition of the chaincode, by which the organisations put a version of the rules
// into force. One organisation proposes the next definition in a file, and each approves it for itself on the ledger.
package definition

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/network/policy"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// channelPolicy is the channel's policy for endorsements, to which a definition without a policy of its own refers.
const channelPolicy = "/Channel/Application/Endorsement"

// A Definition is what the organisations approve and commit.
type Definition struct {
	// Sequence is its number. Fabric counts the definitions of a chaincode.
	Sequence int64
	// Version names the rules that it puts into force; see [chaincode.RulesOf].
	Version string
	// Policy says who must endorse (peer.ApplicationPolicy).
	Policy []byte
}

// ByChannel returns the definition of a number that puts rules into force and leaves it to the channel's policy who
// must endorse. That policy is in the channel's configuration, so it stays right when organisations join.
func ByChannel(sequence int64, rules chaincode.Rules) Definition {
	return Definition{sequence, rules.DefinitionVersion(), referring(channelPolicy)}
}

// referring is the endorsement policy that refers to a policy of the channel.
func referring(path string) []byte {
	return encode(&peer.ApplicationPolicy{
		Type: &peer.ApplicationPolicy_ChannelConfigPolicyReference{ChannelConfigPolicyReference: path}})
}

// naming is the endorsement policy of a rule that names organisations.
func naming(r policy.Rule) []byte {
	return encode(&peer.ApplicationPolicy{
		Type: &peer.ApplicationPolicy_SignaturePolicy{SignaturePolicy: r.Named(msp.MSPRole_PEER)}})
}

func encode(m *peer.ApplicationPolicy) []byte {
	text, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m) // it is a plain message
	return text
}

// Rules are those that the definition puts into force.
func (d Definition) Rules() chaincode.Rules { return chaincode.RulesOf(d.Version) }

// Is reports whether two definitions are the same, but for their numbers.
func (d Definition) Is(other Definition) bool {
	return d.Version == other.Version && bytes.Equal(d.Policy, other.Policy)
}

// endorsers returns the policy that the definition refers to, or the one that it has itself.
func (d Definition) endorsers() (path string, own *common.SignaturePolicyEnvelope) {
	var m peer.ApplicationPolicy
	if proto.Unmarshal(d.Policy, &m) != nil {
		return "", nil
	}
	return m.GetChannelConfigPolicyReference(), m.GetSignaturePolicy()
}

// Suffice reports whether organisations can endorse without the others, in a channel with this configuration.
func (d Definition) Suffice(root *common.ConfigGroup, orgs ...string) bool {
	if path, own := d.endorsers(); own == nil {
		return policy.Suffices(root, path, orgs...)
	} else {
		return policy.SufficesFor(own, orgs...)
	}
}

// Endorsement says in words who must endorse.
func (d Definition) Endorsement() string {
	path, own := d.endorsers()
	switch {
	case own != nil:
		return proposal.SignatureText(own)
	case path == channelPolicy:
		return "as the channel's policy says (" + strings.TrimPrefix(path, "/") + ")"
	case path != "":
		return "as the policy " + path + " says"
	}
	return fmt.Sprintf("a policy that can't be read (%x)", d.Policy)
}
