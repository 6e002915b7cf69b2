package proposal

import (
	"bytes"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// Renewed has the new certificates of an orderer, as PEM. One that is empty stays as it is.
type Renewed struct {
	Address       string // host:port
	Identity, TLS []byte
}

// put makes the certificates those of an orderer.
func (r Renewed) put(into *common.Consenter) {
	if len(r.Identity) > 0 {
		into.Identity = r.Identity
	}
	if len(r.TLS) > 0 {
		into.ServerTlsCert, into.ClientTlsCert = r.TLS, r.TLS
	}
}

// InForce reports whether the channel has these certificates.
func (r Renewed) InForce(now *Configuration) (bool, error) {
	var all common.Orderers
	values := now.Config.Group().GetGroups()["Orderer"].GetValues()
	if err := readAll(values, map[string]proto.Message{"Orderers": &all}); err != nil {
		return false, err
	}
	one := at(&all, r.Address)
	if one == nil {
		return false, nil
	}
	then := proto.CloneOf(one)
	r.put(then)
	return proto.Equal(one, then), nil
}

// Orderer returns the certificates that the channel has for the orderer at an address, host:port.
func (c *Configuration) Orderer(address string) (Renewed, bool) {
	one := at(&common.Orderers{ConsenterMapping: consenters(c.Config.Group())}, address)
	if one == nil {
		return Renewed{}, false
	}
	return Renewed{Address: address, Identity: one.GetIdentity(), TLS: one.GetServerTlsCert()}, true
}

// RenewOrderers proposes new certificates for orderers that stay where they are. If a certificate has another key than
// the one before, the orderer must be restarted with it as soon as the change is applied.
func RenewOrderers(now *Configuration, renewed ...Renewed) (*Proposal, error) {
	return changeOrderers(now, func(_ *common.ConfigGroup, all *common.Orderers) (string, error) {
		var addresses []string
		for _, one := range renewed {
			consenter := at(all, one.Address)
			if consenter == nil {
				return "", exit.Refusedf("the channel has no orderer at %s any more", one.Address)
			}
			one.put(consenter)
			addresses = append(addresses, one.Address)
		}
		return "renew the certificates of " + strings.Join(addresses, ", "), nil
	})
}

// RenewFromCards proposes the certificates that cards have for orderers that stay where they are.
func RenewFromCards(now *Configuration, cards ...*orgcard.Card) (*Proposal, error) {
	var renewed []Renewed
	for _, c := range cards {
		for _, o := range c.Orderers {
			one := Renewed{Address: orgcard.Address(o.Host, o.Port), Identity: []byte(o.Identity), TLS: []byte(o.TLS)}
			if taken, err := one.InForce(now); err != nil || taken {
				if err != nil {
					return nil, err
				}
				continue
			}
			there := at(&common.Orderers{ConsenterMapping: consenters(now.Config.Group())}, one.Address)
			if there != nil && there.GetMspId() != c.MSPID {
				return nil, exit.Refusedf("the orderer at %s is of %s, and the card is of %s", one.Address, there.GetMspId(),
					c.MSPID)
			}
			renewed = append(renewed, one)
		}
	}
	if len(renewed) == 0 {
		return nil, exit.Refusedf("there is nothing to propose: the channel has the certificates of the cards already")
	}
	return RenewOrderers(now, renewed...)
}

// renewal reports whether one orderer differs from another in its certificates only, and these are for the same keys.
func renewal(was, is *common.Consenter) bool {
	then := proto.CloneOf(was)
	then.Identity, then.ServerTlsCert, then.ClientTlsCert = is.GetIdentity(), is.GetServerTlsCert(), is.GetClientTlsCert()
	return !proto.Equal(was, is) && proto.Equal(then, is) && sameKey(was.GetIdentity(), is.GetIdentity()) &&
		sameKey(was.GetServerTlsCert(), is.GetServerTlsCert()) && sameKey(was.GetClientTlsCert(), is.GetClientTlsCert())
}

func sameKey(one, other []byte) bool {
	a, err := orgcard.Certificate(string(one))
	if err != nil {
		return false
	}
	b, err := orgcard.Certificate(string(other))
	return err == nil && bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo)
}

// at finds the orderer at an address, or nil.
func at(all *common.Orderers, address string) *common.Consenter {
	for _, one := range all.GetConsenterMapping() {
		if hostPort(one) == address {
			return one
		}
	}
	return nil
}
