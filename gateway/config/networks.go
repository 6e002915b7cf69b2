package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// PublicNetworks stands in CosignerNetworks for all addresses of the public Internet.
const PublicNetworks = "public"

const maxNetworks = 100

// Networks are addresses: those of the public Internet, if Public says so, and those of the prefixes.
type Networks struct {
	Public   bool
	Prefixes []netip.Prefix
}

// special are addresses that look public and aren't: the special-purpose registries of IANA for IPv4 and IPv6 (RFC 6890).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("3fff::/20"),
}

// allocated are the addresses of IPv6 that are given out for public use.
var allocated = netip.MustParsePrefix("2000::/3")

// Has reports whether an address is among them.
func (n Networks) Has(ip netip.Addr) bool {
	ip = ip.Unmap()
	within := func(p netip.Prefix) bool { return p.Contains(ip.WithZone("")) }
	if slices.ContainsFunc(n.Prefixes, within) {
		return true
	}
	return n.Public && ip.IsGlobalUnicast() && !ip.IsPrivate() && (ip.Is4() || allocated.Contains(ip)) &&
		!slices.ContainsFunc(special, within)
}

// Reach are the networks in which gateways may be asked whose addresses are on the ledger: those of CosignerNetworks,
// or the public Internet.
func (c *Config) Reach() Networks {
	if c.CosignerNetworks == nil {
		return Networks{Public: true}
	}
	return networksOf(c.CosignerNetworks)
}

// networksOf are the addresses of entries that have been checked.
func networksOf(entries []string) (n Networks) {
	for _, text := range entries {
		if p, err := netip.ParsePrefix(text); err == nil {
			n.Prefixes = append(n.Prefixes, p)
		}
		n.Public = n.Public || text == PublicNetworks
	}
	return n
}

func (c *Config) checkNetworks() error {
	if len(c.CosignerNetworks) > maxNetworks {
		return fmt.Errorf("cosignerNetworks has more than %d entries", maxNetworks)
	}
	for i, text := range c.CosignerNetworks {
		p, err := netip.ParsePrefix(text)
		switch {
		case text == PublicNetworks:
		case err != nil || p.Addr().Is4In6():
			return fmt.Errorf("cosignerNetworks[%d] is %q, which is neither %q nor addresses in CIDR notation, such as "+
				"10.1.0.0/16", i, text, PublicNetworks)
		case p != p.Masked():
			return fmt.Errorf("cosignerNetworks[%d] is %s, which has bits of an address behind the prefix: write %s", i, text,
				p.Masked())
		}
	}
	return nil
}
