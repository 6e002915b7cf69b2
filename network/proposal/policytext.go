package proposal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// A policyText is a policy for people, with what is needed to say whether another one asks for less.
type policyText struct {
	text string
	// need is how many must sign, of the names in of: how much a policy asks for, as far as two policies of one kind can
	// be compared.
	need int
	of   []string
	kind string
}

// weaker reports whether a policy is sure to ask for less than another. It asks for less if fewer must sign, or if the
// same number is to be had from more.
func (p policyText) weaker(than policyText) bool {
	if p.kind != than.kind {
		return false
	}
	return p.need < than.need || p.need == than.need && len(p.of) > len(than.of)
}

// stronger reports whether a policy is sure to ask for more than another of its kind.
func (p policyText) stronger(than policyText) bool {
	return p.kind == than.kind && p.need > than.need && slices.Equal(p.of, than.of)
}

// The order of implicit rules by what they ask for.
var implicitRules = []common.ImplicitMetaPolicy_Rule{
	common.ImplicitMetaPolicy_ANY, common.ImplicitMetaPolicy_MAJORITY, common.ImplicitMetaPolicy_ALL,
}

func readPolicy(p *common.Policy) policyText {
	unread := policyText{text: fmt.Sprintf("a policy that can't be read (type %d, %x)", p.GetType(), p.GetValue())}
	switch common.Policy_PolicyType(p.GetType()) {
	case common.Policy_IMPLICIT_META:
		var m common.ImplicitMetaPolicy
		if exact, err := decode(p.GetValue(), &m); err != nil || !exact {
			return unread
		}
		return policyText{
			text: fmt.Sprintf("%s %s", m.GetRule(), m.GetSubPolicy()), kind: "implicit " + m.GetSubPolicy(),
			need: slices.Index(implicitRules, m.GetRule()),
		}
	case common.Policy_SIGNATURE:
		var m common.SignaturePolicyEnvelope
		if exact, err := decode(p.GetValue(), &m); err != nil || !exact {
			return unread
		}
		of := principals(&m)
		read := policyText{text: rule(m.GetRule(), of, 0), of: of, kind: "signature"}
		if n := m.GetRule().GetNOutOf(); n != nil {
			read.need = int(n.GetN())
		}
		return read
	}
	return unread
}

// SignatureText says in words whose signatures a policy asks for.
func SignatureText(m *common.SignaturePolicyEnvelope) string {
	return rule(m.GetRule(), principals(m), 0)
}

func principals(m *common.SignaturePolicyEnvelope) []string {
	var of []string
	for _, one := range m.GetIdentities() {
		of = append(of, principal(one))
	}
	return of
}

func rule(r *common.SignaturePolicy, of []string, depth int) string {
	if depth > 16 {
		return "..."
	}
	switch t := r.GetType().(type) {
	case *common.SignaturePolicy_SignedBy:
		if t.SignedBy < 0 || int(t.SignedBy) >= len(of) {
			return "nobody"
		}
		return of[t.SignedBy]
	case *common.SignaturePolicy_NOutOf_:
		var parts []string
		for _, below := range t.NOutOf.GetRules() {
			parts = append(parts, rule(below, of, depth+1))
		}
		if len(parts) == 1 && t.NOutOf.GetN() == 1 {
			return parts[0]
		}
		return fmt.Sprintf("%d of (%s)", t.NOutOf.GetN(), strings.Join(parts, ", "))
	}
	return "a rule that can't be read"
}

func principal(p *msp.MSPPrincipal) string {
	switch p.GetPrincipalClassification() {
	case msp.MSPPrincipal_ROLE:
		var m msp.MSPRole
		if proto.Unmarshal(p.GetPrincipal(), &m) == nil {
			return fmt.Sprintf("%s.%s", m.GetMspIdentifier(), strings.ToLower(m.GetRole().String()))
		}
	case msp.MSPPrincipal_IDENTITY:
		var m msp.SerializedIdentity
		if proto.Unmarshal(p.GetPrincipal(), &m) == nil {
			return m.GetMspid() + " " + certificateText(m.GetIdBytes())
		}
	}
	return fmt.Sprintf("%s %x", p.GetPrincipalClassification(), p.GetPrincipal())
}
