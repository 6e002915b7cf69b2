package config

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPublicAddressesAreThoseThatLeadIntoNobodysNetwork(t *testing.T) {
	public := Networks{Public: true}
	for _, ip := range []string{"1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"} {
		assert.True(t, public.Has(netip.MustParseAddr(ip)), ip)
	}
	for _, ip := range []string{
		"0.0.0.0", "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1",
		"198.18.0.1", "203.0.113.9", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
		"ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:a00:1::", "100::1",
	} {
		assert.False(t, public.Has(netip.MustParseAddr(ip)), ip)
	}
	lab := Networks{Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	assert.True(t, lab.Has(netip.MustParseAddr("::ffff:10.1.2.3")))
	assert.False(t, lab.Has(netip.MustParseAddr("10.2.0.1")))
	assert.False(t, lab.Has(netip.MustParseAddr("1.1.1.1")))
	assert.False(t, Networks{}.Has(netip.MustParseAddr("1.1.1.1")))
}

func TestTheLedgersGatewaysArePublicUnlessTheConfigurationSaysOtherwise(t *testing.T) {
	assert.Equal(t, Networks{Public: true}, (&Config{}).Reach())
	assert.Equal(t, Networks{}, (&Config{CosignerNetworks: []string{}}).Reach())
	assert.Equal(t, Networks{Public: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		(&Config{CosignerNetworks: []string{"10.0.0.0/8", "public"}}).Reach())
}
