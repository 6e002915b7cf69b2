package proposal

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/policy"
)

// AddOrganisation makes the organisation of a card a member. It doesn't take the orderers on the card; AddOrderer does.
func AddOrganisation(now *Configuration, c *orgcard.Card) (*Proposal, error) {
	then := now.Config.Group()
	members := then.GetGroups()["Application"]
	if now.Config.Organisations[c.MSPID] != nil || members.GetGroups()[c.MSPID] != nil {
		return nil, exit.Refusedf("%s is an organisation of this channel already", c.MSPID)
	}
	anchors := &peer.AnchorPeers{}
	for _, one := range c.Peers {
		anchors.AnchorPeers = append(anchors.AnchorPeers, &peer.AnchorPeer{Host: one.Host, Port: int32(one.Port)})
	}
	group, err := newMember(c, map[string]*common.SignaturePolicyEnvelope{
		"Readers":     policy.AnyOf(c.MSPID, msp.MSPRole_ADMIN, msp.MSPRole_PEER, msp.MSPRole_CLIENT),
		"Writers":     policy.AnyOf(c.MSPID, msp.MSPRole_ADMIN, msp.MSPRole_CLIENT),
		"Admins":      policy.AnyOf(c.MSPID, msp.MSPRole_ADMIN),
		"Endorsement": policy.AnyOf(c.MSPID, msp.MSPRole_PEER),
	}, map[string]proto.Message{"AnchorPeers": anchors})
	if err != nil {
		return nil, err
	}
	members.Groups[c.MSPID] = group
	return New(now, then, fmt.Sprintf("add %s (%s) as a member; the digest of its card is %s", c.MSPID, c.Name,
		c.Digest()))
}

// RemoveOrganisation ends the membership of an organisation. Its orderers stay; RemoveOrderer removes them.
func RemoveOrganisation(now *Configuration, mspID string) (*Proposal, error) {
	then := now.Config.Group()
	members := then.GetGroups()["Application"].GetGroups()
	group := now.Config.MemberGroup(mspID)
	if group == "" {
		return nil, exit.Usagef("%s isn't a member of this channel; the members are %v", mspID, now.Config.Members)
	}
	if len(members) == 1 {
		return nil, exit.Refusedf("%s is the only member", mspID)
	}
	delete(members, group)
	return New(now, then, fmt.Sprintf("end the membership of %s", mspID))
}

// newMember makes the group of an organisation from its card.
func newMember(
	c *orgcard.Card, policies map[string]*common.SignaturePolicyEnvelope, values map[string]proto.Message,
) (*common.ConfigGroup, error) {
	group := newGroup(0, "Admins")
	for name, rule := range policies {
		content, err := encode(rule)
		if err != nil {
			return nil, err
		}
		group.Policies[name] = &common.ConfigPolicy{ModPolicy: "Admins",
			Policy: &common.Policy{Type: int32(common.Policy_SIGNATURE), Value: content}}
	}
	for name, m := range values {
		content, err := encode(m)
		if err != nil {
			return nil, err
		}
		group.Values[name] = &common.ConfigValue{ModPolicy: "Admins", Value: content}
	}
	group.Values["MSP"] = &common.ConfigValue{ModPolicy: "Admins"}
	return group, setMembership(group, membership(c))
}

// membership makes the membership definition of an organisation from its card. Roles are told by organisational units,
// as in the definitions that this program makes for itself.
func membership(c *orgcard.Card) *msp.FabricMSPConfig {
	authority := []byte(c.Authority)
	unit := func(name string) *msp.FabricOUIdentifier {
		return &msp.FabricOUIdentifier{Certificate: authority, OrganizationalUnitIdentifier: name}
	}
	return &msp.FabricMSPConfig{
		Name: c.MSPID, RootCerts: [][]byte{authority}, TlsRootCerts: [][]byte{[]byte(c.TLSAuthority)},
		CryptoConfig: &msp.FabricCryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"},
		FabricNodeOus: &msp.FabricNodeOUs{Enable: true, ClientOuIdentifier: unit("client"), PeerOuIdentifier: unit("peer"),
			AdminOuIdentifier: unit("admin"), OrdererOuIdentifier: unit("orderer")},
	}
}

// groupOf finds an organisation's group among those below a group, by its MSP id.
func groupOf(below *common.ConfigGroup, mspID string) (string, *common.ConfigGroup) {
	for _, name := range slices.Sorted(maps.Keys(below.GetGroups())) {
		group := below.GetGroups()[name]
		m, ok := open("MSP", group.GetValues()["MSP"]).message.(*msp.FabricMSPConfig)
		if ok && m.GetName() == mspID {
			return name, group
		}
	}
	return "", nil
}
