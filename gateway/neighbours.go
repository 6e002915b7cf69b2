package gateway

import (
	"context"
	"crypto/tls"
	"net"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/cosign"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// gateways are the addresses that organisations have recorded for their gateways, each in its newest member record.
func (g *Gateway) gateways(ctx context.Context) ([]config.Cosigner, error) {
	members, err := g.index.Members(ctx, index.Latest)
	if err != nil {
		return nil, err
	}
	var all []config.Cosigner
	for _, m := range members {
		if r, problems := record.Decode(m.Body); len(problems) == 0 && r.Member != nil && r.Member.Gateway != "" {
			all = append(all, config.Cosigner{MSPID: m.MSPID, URL: r.Member.Gateway})
		}
	}
	return all, nil
}

// hosts are those of the peers that the gateway calls, by organisation.
func hosts(cfg config.Config) map[string][]string {
	all := map[string][]string{}
	for _, p := range cfg.Peers {
		if host, _, err := net.SplitHostPort(p.Address); err == nil && p.MSPID != cfg.MSPID {
			all[p.MSPID] = append(all[p.MSPID], host)
		}
	}
	return all
}

// askGateways has a server ask for the certificates of other gateways, if it asks for none yet.
func askGateways(server *tls.Config) {
	if server.ClientAuth != tls.NoClientCert {
		return
	}
	asking := server.Clone()
	asking.ClientAuth = tls.RequestClientCert // package cosign checks it
	server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, cosign.Protocol) {
			return asking, nil
		}
		return nil, nil
	}
}
