package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withMachines is a good configuration that accepts client certificates, with changes to that. A change to nil leaves a
// member out.
func withMachines(changes map[string]any) map[string]any {
	machines := map[string]any{
		"roots":   "roots.pem",
		"callers": []any{map[string]any{"field": "uri", "value": "spiffe://harbor.example/logger", "role": "submitter"}},
	}
	for name, value := range changes {
		if machines[name] = value; value == nil {
			delete(machines, name)
		}
	}
	c := goodConfig()
	c["clientCertificates"] = machines
	c["tls"] = map[string]any{"certificate": "cert.pem", "key": "key.pem"}
	return c
}

func TestClientCertificatesAreRead(t *testing.T) {
	path := writeConfig(t, withMachines(map[string]any{"crl": "crl.pem", "proxies": []string{"10.1.2.0/24", "2001:db8::1/128"}}))
	c, err := ReadIn([]string{
		`PEDIGREE_GATEWAY_CLIENT_CERTIFICATES_CALLERS=[{"field": "attribute.a", "value": "b", "name": "c", "role": "auditor"}]`,
	}, path)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(filepath.Dir(path), "roots.pem"), c.ClientCertificates.Roots)
	assert.Equal(t, filepath.Join(filepath.Dir(path), "crl.pem"), c.ClientCertificates.CRL)
	assert.Equal(t, []CertificateCaller{{"attribute.a", "b", "c", "auditor"}}, c.ClientCertificates.Callers)
	assert.Len(t, c.ClientCertificates.Networks().Prefixes, 2)
	assert.True(t, c.ClientCertificates.On())
	c, err = Read(writeConfig(t, goodConfig()))
	require.NoError(t, err)
	assert.False(t, c.ClientCertificates.On())
}

func TestWrongClientCertificatesNameTheMember(t *testing.T) {
	caller := func(field, value, role string) any {
		return []any{map[string]any{"field": field, "value": value, "role": role}}
	}
	for _, c := range []struct {
		name    string
		changes map[string]any
		want    string
	}{
		{"no roots", map[string]any{"roots": nil}, "clientCertificates.roots is not set"},
		{"nobody to let in", map[string]any{"callers": nil}, "clientCertificates.callers is empty"},
		{"an unknown field", map[string]any{"callers": caller("colour", "a", "auditor")}, `clientCertificates.callers[0].field is "colour"`},
		{"an attribute without a name", map[string]any{"callers": caller("attribute.", "a", "auditor")}, "clientCertificates.callers[0].field"},
		{"no value", map[string]any{"callers": caller("uri", "", "auditor")}, "clientCertificates.callers[0]: value is required"},
		{"a long value", map[string]any{"callers": caller("uri", strings.Repeat("a", maxText+1), "auditor")}, "clientCertificates.callers[0]: value"},
		{"another role", map[string]any{"callers": caller("uri", "a", "admin")}, "clientCertificates.callers[0].role"},
		{"too many", map[string]any{"callers": slices.Repeat(caller("uri", "a", "auditor").([]any), maxCertificateCallers+1)}, "more than 1000"},
		{"a proxy without a length", map[string]any{"proxies": []string{"10.0.0.1"}}, "clientCertificates.proxies[0]"},
		{"a proxy by name", map[string]any{"proxies": []string{"10.0.0.1/32", "proxy.example"}}, "clientCertificates.proxies[1]"},
		{"bits behind the prefix", map[string]any{"proxies": []string{"10.0.0.1/24"}}, "write 10.0.0.0/24, or a longer prefix"},
		{"everybody is a proxy", map[string]any{"proxies": []string{"0.0.0.0/0"}}, "anybody could say who they are"},
		{"everybody is a proxy of IPv6", map[string]any{"proxies": []string{"::/0"}}, "anybody could say who they are"},
		{"an address of two kinds", map[string]any{"proxies": []string{"::ffff:10.0.0.1/128"}}, "clientCertificates.proxies[0]"},
		{"too many proxies", map[string]any{"proxies": slices.Repeat([]string{"10.0.0.1/32"}, maxProxies+1)}, "more than 100"},
		{"an unknown member", map[string]any{"colour": "red"}, `"colour"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(writeConfig(t, withMachines(c.changes)))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestWithoutTLSOnlyAProxyOnThisMachineCanShowCertificates(t *testing.T) {
	for proxies, good := range map[string]bool{
		"": false, "10.0.0.0/8": false, "127.0.0.1/32": true, "127.0.0.0/8": true, "::1/128": true,
	} {
		changes := map[string]any{}
		if proxies != "" {
			changes["proxies"] = []string{proxies}
		}
		c := withMachines(changes)
		delete(c, "tls")
		_, err := Read(writeConfig(t, c))
		if good {
			assert.NoError(t, err, proxies)
			continue
		}
		assert.ErrorContains(t, err, "the gateway has no TLS, so no client can show it a certificate: give tls.certificate and tls.key", proxies)
	}
}

func TestTokensThatMustBeBoundNeedCertificates(t *testing.T) {
	c := withIssuer(map[string]any{"requireBound": true})
	_, err := Read(writeConfig(t, c))
	assert.ErrorContains(t, err, "oidc.requireBound is set, and clientCertificates.roots is not")
	machines := withMachines(map[string]any{"callers": nil})
	machines["oidc"] = c["oidc"]
	_, err = Read(writeConfig(t, machines))
	assert.NoError(t, err, "certificates may be for tokens alone")
	_, err = Read(writeConfig(t, withIssuer(map[string]any{"requireBound": true, "audience": nil})))
	assert.ErrorContains(t, err, "oidc.audience is not")
}
