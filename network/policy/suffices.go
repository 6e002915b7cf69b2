package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// maxDepth is how deep policies may be nested.
const maxDepth = 32

// Suffices reports whether organisations can meet a policy of a channel's configuration without the others, if
// everybody in them agrees whom the policy asks. root is the configuration, and path such as
// "/Channel/Application/Admins".
func Suffices(root *common.ConfigGroup, path string, orgs ...string) bool {
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "/"), "Channel/"), "/")
	group := root
	for _, name := range parts[:len(parts)-1] {
		if group = group.GetGroups()[name]; group == nil {
			return false
		}
	}
	return named(group, parts[len(parts)-1], orgs, 0)
}

func named(group *common.ConfigGroup, name string, orgs []string, depth int) bool {
	policy := group.GetPolicies()[name].GetPolicy()
	switch common.Policy_PolicyType(policy.GetType()) {
	case common.Policy_SIGNATURE:
		var m common.SignaturePolicyEnvelope
		return proto.Unmarshal(policy.GetValue(), &m) == nil && SufficesFor(&m, orgs...)
	case common.Policy_IMPLICIT_META:
		var m common.ImplicitMetaPolicy
		if depth > maxDepth || proto.Unmarshal(policy.GetValue(), &m) != nil {
			return false
		}
		groups := group.GetGroups()
		met := 0
		for _, below := range groups {
			if named(below, m.GetSubPolicy(), orgs, depth+1) {
				met++
			}
		}
		return len(groups) == 0 || met >= Needed(m.GetRule(), len(groups))
	}
	return false
}

// Needed is how many of n groups an implicit policy asks for.
func Needed(rule common.ImplicitMetaPolicy_Rule, n int) int {
	switch rule {
	case common.ImplicitMetaPolicy_ANY:
		return 1
	case common.ImplicitMetaPolicy_MAJORITY:
		return n/2 + 1
	}
	return n
}

// SufficesFor is Suffices for a policy that names organisations itself.
func SufficesFor(m *common.SignaturePolicyEnvelope, orgs ...string) bool {
	return rule(m.GetRule(), m.GetIdentities(), orgs, 0)
}

func rule(r *common.SignaturePolicy, principals []*msp.MSPPrincipal, orgs []string, depth int) bool {
	switch t := r.GetType().(type) {
	case *common.SignaturePolicy_SignedBy:
		return t.SignedBy >= 0 && int(t.SignedBy) < len(principals) &&
			slices.Contains(orgs, orgOf(principals[t.SignedBy]))
	case *common.SignaturePolicy_NOutOf_:
		met := 0
		for _, below := range t.NOutOf.GetRules() {
			if depth < maxDepth && rule(below, principals, orgs, depth+1) {
				met++
			}
		}
		return met >= int(t.NOutOf.GetN())
	}
	return false
}

// orgOf returns the organisation that a principal is in, or "" if that can't be told.
func orgOf(p *msp.MSPPrincipal) string {
	var role msp.MSPRole
	var identity msp.SerializedIdentity
	switch p.GetPrincipalClassification() {
	case msp.MSPPrincipal_ROLE:
		if proto.Unmarshal(p.GetPrincipal(), &role) == nil {
			return role.GetMspIdentifier()
		}
	case msp.MSPPrincipal_IDENTITY:
		if proto.Unmarshal(p.GetPrincipal(), &identity) == nil {
			return identity.GetMspid()
		}
	}
	return ""
}

// Named returns the organisations that a policy names itself, sorted.
func Named(m *common.SignaturePolicyEnvelope) []string {
	all := map[string]bool{}
	for _, p := range m.GetIdentities() {
		all[orgOf(p)] = true
	}
	delete(all, "")
	return slices.Sorted(maps.Keys(all))
}

// A Reach says who can meet a policy.
type Reach struct {
	Nobody bool     // not even all organisations together
	Alone  []string // who can without the others
	Veto   []string // without whom nobody can
}

// ReachOf finds out who of the organisations can meet a policy. suffices says so of some of them.
func ReachOf(orgs []string, suffices func(some ...string) bool) Reach {
	r := Reach{Nobody: !suffices(orgs...)}
	if r.Nobody {
		return r
	}
	for i, one := range orgs {
		if suffices(one) {
			r.Alone = append(r.Alone, one)
		}
		if !suffices(slices.Concat(orgs[:i], orgs[i+1:])...) {
			r.Veto = append(r.Veto, one)
		}
	}
	return r
}

// Least is how many of the organisations it takes at least to meet a policy, if the policy treats all alike. Else it is
// 0.
func Least(orgs []string, suffices func(some ...string) bool) int {
	for n := 1; n <= len(orgs); n++ {
		alike := true
		first := suffices(orgs[:n]...)
		for i := range orgs { // each n in a row
			some := make([]string, 0, n)
			for k := range n {
				some = append(some, orgs[(i+k)%len(orgs)])
			}
			alike = alike && suffices(some...) == first
		}
		if !alike {
			return 0
		}
		if first {
			return n
		}
	}
	return 0
}
