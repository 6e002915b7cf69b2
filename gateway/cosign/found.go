package cosign

import (
	"cmp"
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// found are the clients for gateways that were found on the ledger, by the MSP id of the organisation.
type found struct {
	sync.Mutex
	clients map[string]*knownClient
}

// knownClient is made anew when what it was made of changes.
type knownClient struct {
	of [sha256.Size]byte
	*other
}

// others are the gateways to ask: those of the configuration, and then those of the ledger whose organisations have none
// there, in the order of their MSP ids. No more are asked than a configuration may have.
func (c *Cosigner) others(ctx context.Context, trust *proof.Trust) []*other {
	all, members := slices.Clone(c.configured), c.members(ctx)
	clients := map[string]*knownClient{}
	c.found.Lock()
	defer c.found.Unlock()
	for _, m := range members {
		address, err := url.Parse(m.URL)
		if err != nil || address.Scheme != "https" || len(all) >= config.MaxCosigners || !has(trust, m.MSPID) {
			continue
		}
		own := c.authorities(trust, m.MSPID)
		client := c.found.clients[m.MSPID]
		if of := madeOf(m, own); client == nil || client.of != of {
			client = &knownClient{of, &other{m.MSPID, m.URL, c.clientFor(m, address.Hostname(), own)}}
		}
		clients[m.MSPID] = client
		all = append(all, client.other)
	}
	for mspID, old := range c.found.clients {
		if clients[mspID] != old {
			old.client.Transport.(*http.Transport).CloseIdleConnections()
		}
	}
	c.found.clients = clients
	return all
}

// Organisations returns the MSP ids of those whose gateways would be asked now, this gateway's own organisation first.
func (c *Cosigner) Organisations(ctx context.Context) []string {
	all := []string{c.MSPID}
	for _, o := range c.configured {
		all = append(all, o.mspID)
	}
	for _, m := range c.members(ctx) {
		all = append(all, m.MSPID)
	}
	return all[:min(len(all), config.MaxCosigners+1)]
}

// members are the gateways of the ledger whose organisations have none in the configuration, in the order of their MSP
// ids and one for each. There are none if they can't be looked up.
func (c *Cosigner) members(ctx context.Context) []config.Cosigner {
	if c.Members == nil {
		return nil
	}
	members, err := c.Members(ctx)
	if err != nil {
		c.Logger.Error("couldn't look for gateways on the ledger", "error", err)
		return nil
	}
	slices.SortFunc(members, func(a, b config.Cosigner) int { return cmp.Compare(a.MSPID, b.MSPID) })
	known := map[string]bool{c.MSPID: true}
	for _, o := range c.configured {
		known[o.mspID] = true
	}
	return slices.DeleteFunc(members, func(m config.Cosigner) bool {
		before := known[m.MSPID]
		known[m.MSPID] = true
		return before
	})
}

// has reports whether an organisation is on the channel.
func has(trust *proof.Trust, mspID string) bool {
	return slices.ContainsFunc(trust.Organisations, func(o *proof.Organisation) bool { return o.MSPID == mspID })
}

func madeOf(o config.Cosigner, own proof.Authorities) [sha256.Size]byte {
	sum := sha256.New()
	sum.Write([]byte(o.URL))
	for _, root := range own.Roots {
		sum.Write(root.Raw)
	}
	return [sha256.Size]byte(sum.Sum(nil))
}
