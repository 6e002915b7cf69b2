package proposal

import (
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Renewed has the new certificates of an orderer, as PEM.
type Renewed struct {
	Address       string // host:port
	Identity, TLS []byte
}

// RenewOrderers proposes new certificates for orderers that stay where they are. If a certificate has another key than
// the one before, the orderer must be restarted with it as soon as the change is applied.
func RenewOrderers(now *Configuration, renewed ...Renewed) (*Proposal, error) {
	return changeOrderers(now, func(_ *common.ConfigGroup, all *common.Orderers) (string, error) {
		var addresses []string
		for _, one := range renewed {
			consenter := at(all, one.Address)
			if consenter == nil {
				return "", exit.Usagef("no orderer of this channel is at %s", one.Address)
			}
			consenter.Identity, consenter.ServerTlsCert, consenter.ClientTlsCert = one.Identity, one.TLS, one.TLS
			addresses = append(addresses, one.Address)
		}
		return "renew the certificates of " + strings.Join(addresses, ", "), nil
	})
}

func at(all *common.Orderers, address string) *common.Consenter {
	for _, one := range all.GetConsenterMapping() {
		if hostPort(one) == address {
			return one
		}
	}
	return nil
}
