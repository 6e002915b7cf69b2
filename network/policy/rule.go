// Package policy says who must agree: how people write such a rule, how Fabric does, and who can meet it.
package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// maxNamed is how many organisations a rule may name.
const maxNamed = 50

// A Rule says who must agree. It is either one of the words of Words, which is about the members of the time when it is
// applied, or a number of organisations that it names.
type Rule struct {
	Word string
	N    int
	Of   []string // MSP ids, sorted
}

// words are the rules about whoever is a member.
var words = map[string]common.ImplicitMetaPolicy_Rule{
	"any": common.ImplicitMetaPolicy_ANY, "majority": common.ImplicitMetaPolicy_MAJORITY,
	"all": common.ImplicitMetaPolicy_ALL,
}

// ParseRule reads a rule: "any", "majority", "all", or "2 of HarborMSP,LabMSP,MarketMSP". Each organisation must be one
// of members.
func ParseRule(text string, members []string) (Rule, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(fields) == 1 {
		if _, ok := words[strings.ToLower(fields[0])]; ok {
			return Rule{Word: strings.ToLower(fields[0])}, nil
		}
	}
	if len(fields) < 3 || strings.ToLower(fields[1]) != "of" {
		return Rule{}, exit.Usagef("the rule %q must be any, majority, all, or of the form 2 of HarborMSP,LabMSP,MarketMSP",
			text)
	}
	r := Rule{Of: slices.Clone(fields[2:])}
	slices.Sort(r.Of)
	for i, id := range r.Of {
		if !slices.Contains(members, id) {
			return Rule{}, exit.Usagef("the rule names %s, which isn't a member; the members are %s", id,
				strings.Join(members, ", "))
		}
		if i > 0 && id == r.Of[i-1] {
			return Rule{}, exit.Usagef("the rule names %s twice", id)
		}
	}
	var err error
	if r.N, err = strconv.Atoi(fields[0]); err != nil || r.N < 1 || r.N > len(r.Of) || len(r.Of) > maxNamed {
		return Rule{}, exit.Usagef("the rule %q must ask for 1 to %d of the organisations that it names", text,
			min(len(r.Of), maxNamed))
	}
	return r, nil
}

// String is the rule as ParseRule reads it.
func (r Rule) String() string {
	if r.Word != "" {
		return r.Word
	}
	return fmt.Sprintf("%d of %s", r.N, strings.Join(r.Of, ","))
}

// Channel is the rule as a policy of the channel. A word is about the subpolicy sub of each member, and named
// organisations agree with an identity of the role.
func (r Rule) Channel(sub string, role msp.MSPRole_MSPRoleType) (*common.Policy, error) {
	kind, content := common.Policy_SIGNATURE, proto.Message(nil)
	if r.Word != "" {
		kind, content = common.Policy_IMPLICIT_META, &common.ImplicitMetaPolicy{SubPolicy: sub, Rule: words[r.Word]}
	} else {
		content = r.Named(role)
	}
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(content)
	return &common.Policy{Type: int32(kind), Value: value}, err
}

// Named is the policy of a rule that names organisations, each of which agrees with an identity of the role.
func (r Rule) Named(role msp.MSPRole_MSPRoleType) *common.SignaturePolicyEnvelope {
	var principals []*msp.MSPPrincipal
	for _, id := range r.Of {
		principals = append(principals, Principal(id, role))
	}
	return OutOf(r.N, principals...)
}

// OutOf is the policy that n of the principals meet. The same principals give the same bytes.
func OutOf(n int, principals ...*msp.MSPPrincipal) *common.SignaturePolicyEnvelope {
	var rules []*common.SignaturePolicy
	for i := range principals {
		rules = append(rules, &common.SignaturePolicy{Type: &common.SignaturePolicy_SignedBy{SignedBy: int32(i)}})
	}
	return &common.SignaturePolicyEnvelope{
		Rule: &common.SignaturePolicy{Type: &common.SignaturePolicy_NOutOf_{
			NOutOf: &common.SignaturePolicy_NOutOf{N: int32(n), Rules: rules}}},
		Identities: principals,
	}
}

// AnyOf is the policy that one identity of an organisation meets, with any of the roles.
func AnyOf(mspID string, roles ...msp.MSPRole_MSPRoleType) *common.SignaturePolicyEnvelope {
	var principals []*msp.MSPPrincipal
	for _, role := range roles {
		principals = append(principals, Principal(mspID, role))
	}
	return OutOf(1, principals...)
}

// Principal is whoever has a role in an organisation.
func Principal(mspID string, role msp.MSPRole_MSPRoleType) *msp.MSPPrincipal {
	content, _ := proto.MarshalOptions{Deterministic: true}.Marshal( // it is a plain message
		&msp.MSPRole{MspIdentifier: mspID, Role: role})
	return &msp.MSPPrincipal{PrincipalClassification: msp.MSPPrincipal_ROLE, Principal: content}
}
