package proposal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/policy"
)

// AddOrderer adds an orderer of a card to those that order the channel. name is its name on the card; it may be empty
// if there is one only. The organisation becomes one that orders if it isn't yet.
func AddOrderer(now *Configuration, c *orgcard.Card, name string) (*Proposal, error) {
	return changeOrderers(now, func(then *common.ConfigGroup, all *common.Orderers) (string, error) {
		o, err := pick(c, name)
		if err != nil {
			return "", err
		}
		if err := admit(then, c, o, all, highest(all)+1); err != nil {
			return "", err
		}
		return fmt.Sprintf("add the orderer %s:%d of %s", o.Host, o.Port, c.MSPID), nil
	})
}

// RemoveOrderer removes the orderer at an address, host:port.
func RemoveOrderer(now *Configuration, address string) (*Proposal, error) {
	return changeOrderers(now, func(then *common.ConfigGroup, all *common.Orderers) (string, error) {
		_, err := dismiss(then, all, address)
		return "remove the orderer " + address, err
	})
}

// ReplaceOrderer puts an orderer of a card into the place of the one at an address. Both may have the same address.
//
// At the same address it has the number of the one that leaves. At another one it gets a new number: orderers of Fabric
// 3.1.1 keep the connection that they have for a number, to whatever address that was, until they are restarted.
func ReplaceOrderer(now *Configuration, address string, c *orgcard.Card, name string) (*Proposal, error) {
	return changeOrderers(now, func(then *common.ConfigGroup, all *common.Orderers) (string, error) {
		o, err := pick(c, name)
		if err != nil {
			return "", err
		}
		next := highest(all) + 1
		id, err := dismiss(then, all, address)
		if err != nil {
			return "", err
		}
		if fmt.Sprintf("%s:%d", o.Host, o.Port) != address {
			id = next
		}
		if err := admit(then, c, o, all, id); err != nil {
			return "", err
		}
		return fmt.Sprintf("replace the orderer %s by %s:%d of %s", address, o.Host, o.Port, c.MSPID), nil
	})
}

func pick(c *orgcard.Card, name string) (orgcard.Orderer, error) {
	var names []string
	for _, o := range c.Orderers {
		if o.Name == name || name == "" && len(c.Orderers) == 1 {
			return o, nil
		}
		names = append(names, o.Name)
	}
	return orgcard.Orderer{}, exit.Usagef("the card of %s has the orderers [%s]: name one of them with --orderer", c.MSPID,
		strings.Join(names, " "))
}

// changeOrderers changes the list of those that order, and with it the policy by which blocks are valid. Fabric takes
// no other policy than a quorum of exactly these orderers.
func changeOrderers(
	now *Configuration, change func(then *common.ConfigGroup, all *common.Orderers) (string, error),
) (*Proposal, error) {
	root := now.Config.Group()
	then := root.GetGroups()["Orderer"]
	var all common.Orderers
	if err := readAll(then.GetValues(), map[string]proto.Message{"Orderers": &all}); err != nil {
		return nil, err
	}
	says, err := change(then, &all)
	if err != nil {
		return nil, err
	}
	if err := writeAll(then.GetValues(), map[string]proto.Message{"Orderers": &all}); err != nil {
		return nil, err
	}
	validation, err := blockValidation(&all)
	if err != nil {
		return nil, err
	}
	then.GetPolicies()["BlockValidation"].Policy = validation
	return New(now, root, says)
}

// highest is the highest number that an orderer has.
func highest(all *common.Orderers) (id uint32) {
	for _, one := range all.GetConsenterMapping() {
		id = max(id, one.GetId())
	}
	return id
}

// admit adds an orderer with a number, and its organisation if that doesn't order yet.
func admit(then *common.ConfigGroup, c *orgcard.Card, o orgcard.Orderer, all *common.Orderers, id uint32) error {
	address := fmt.Sprintf("%s:%d", o.Host, o.Port)
	for _, one := range all.GetConsenterMapping() {
		if hostPort(one) == address {
			return exit.Refusedf("%s orders the channel already", address)
		}
		if bytes.Equal(one.GetIdentity(), []byte(o.Identity)) {
			return exit.Refusedf("the certificate of %s orders the channel already, at %s", o.Name, hostPort(one))
		}
	}
	all.ConsenterMapping = append(all.ConsenterMapping, &common.Consenter{
		Id: id, Host: o.Host, Port: uint32(o.Port), MspId: c.MSPID, Identity: []byte(o.Identity),
		ClientTlsCert: []byte(o.TLS), ServerTlsCert: []byte(o.TLS),
	})
	_, group := groupOf(then, c.MSPID)
	if group == nil {
		var err error
		group, err = newMember(c, map[string]*common.SignaturePolicyEnvelope{
			"Readers": policy.AnyOf(c.MSPID, msp.MSPRole_MEMBER), "Writers": policy.AnyOf(c.MSPID, msp.MSPRole_MEMBER),
			"Admins": policy.AnyOf(c.MSPID, msp.MSPRole_ADMIN),
		}, map[string]proto.Message{"Endpoints": &common.OrdererAddresses{Addresses: []string{address}}})
		if err != nil {
			return err
		}
		then.GetGroups()[c.MSPID] = group
		return nil
	}
	m, _ := open("MSP", group.GetValues()["MSP"]).message.(*msp.FabricMSPConfig)
	if !slices.ContainsFunc(m.GetRootCerts(), func(root []byte) bool {
		return bytes.Equal(bytes.TrimSpace(root), []byte(strings.TrimSpace(c.Authority)))
	}) {
		return exit.Refusedf("the channel knows %s with another authority than the one on the card", c.MSPID)
	}
	return changeEndpoints(group, func(addresses []string) []string {
		if slices.Contains(addresses, address) {
			return addresses
		}
		return append(addresses, address)
	})
}

// dismiss removes an orderer, and its organisation's part in the ordering if it has no other. It
// returns the number of the orderer.
func dismiss(then *common.ConfigGroup, all *common.Orderers, address string) (uint32, error) {
	i := slices.IndexFunc(all.GetConsenterMapping(), func(one *common.Consenter) bool { return hostPort(one) == address })
	if i < 0 {
		var known []string
		for _, one := range all.GetConsenterMapping() {
			known = append(known, hostPort(one))
		}
		return 0, exit.Usagef("no orderer of this channel is at %s; they are at %s", address, strings.Join(known, ", "))
	}
	id, mspID := all.GetConsenterMapping()[i].GetId(), all.GetConsenterMapping()[i].GetMspId()
	all.ConsenterMapping = slices.Delete(all.GetConsenterMapping(), i, i+1)
	if len(all.GetConsenterMapping()) == 0 {
		return id, nil // a replacement follows, or the configuration is refused
	}
	name, group := groupOf(then, mspID)
	same := func(one *common.Consenter) bool { return one.GetMspId() == mspID }
	if !slices.ContainsFunc(all.GetConsenterMapping(), same) {
		delete(then.GetGroups(), name)
		return id, nil
	}
	return id, changeEndpoints(group, func(addresses []string) []string {
		return slices.DeleteFunc(addresses, func(one string) bool { return one == address })
	})
}

func changeEndpoints(group *common.ConfigGroup, change func([]string) []string) error {
	var m common.OrdererAddresses
	if err := readAll(group.GetValues(), map[string]proto.Message{"Endpoints": &m}); err != nil {
		return err
	}
	m.Addresses = change(m.GetAddresses())
	return writeAll(group.GetValues(), map[string]proto.Message{"Endpoints": &m})
}

func hostPort(c *common.Consenter) string { return fmt.Sprintf("%s:%d", c.GetHost(), c.GetPort()) }

// blockValidation is the policy that Fabric asks for with these orderers: a quorum of their certificates.
func blockValidation(all *common.Orderers) (*common.Policy, error) {
	var principals []*msp.MSPPrincipal
	for _, one := range all.GetConsenterMapping() {
		identity, err := encode(&msp.SerializedIdentity{Mspid: one.GetMspId(), IdBytes: one.GetIdentity()})
		if err != nil {
			return nil, err
		}
		principals = append(principals, &msp.MSPPrincipal{
			PrincipalClassification: msp.MSPPrincipal_IDENTITY, Principal: identity,
		})
	}
	n := len(principals)
	content, err := encode(policy.OutOf(proof.Quorum(n), principals...))
	return &common.Policy{Type: int32(common.Policy_SIGNATURE), Value: content}, err
}

// orderers says what changes in the list of those that order.
func (c *comparison) orderers(was, is *common.Orderers) {
	before, after := map[uint32]*common.Consenter{}, map[uint32]*common.Consenter{}
	for _, one := range was.GetConsenterMapping() {
		before[one.GetId()] = one
	}
	for _, one := range is.GetConsenterMapping() {
		after[one.GetId()] = one
	}
	for _, id := range sortedIDs(before) {
		one, now := before[id], after[id]
		switch {
		case now == nil:
			c.say("remove the orderer %d, %s of %s", id, hostPort(one), one.GetMspId())
		case renewal(one, now):
			c.say("renew the certificates of the orderer %d, %s of %s, for the keys that it has, with the certificate %s", id,
				hostPort(one), one.GetMspId(), certificateText(now.GetIdentity()))
		case !proto.Equal(one, now):
			c.say("replace the orderer %d, %s of %s, by %s of %s with the certificate %s", id, hostPort(one),
				one.GetMspId(), hostPort(now), now.GetMspId(), certificateText(now.GetIdentity()))
		}
	}
	for _, id := range sortedIDs(after) {
		if one := after[id]; before[id] == nil {
			c.say("add the orderer %d, %s of %s, with the certificate %s", id, hostPort(one), one.GetMspId(),
				certificateText(one.GetIdentity()))
		}
	}
}

func sortedIDs(m map[uint32]*common.Consenter) []uint32 {
	var ids []uint32
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
