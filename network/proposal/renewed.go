package proposal

import (
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
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

// at finds the orderer at an address, or nil.
func at(all *common.Orderers, address string) *common.Consenter {
	for _, one := range all.GetConsenterMapping() {
		if hostPort(one) == address {
			return one
		}
	}
	return nil
}
