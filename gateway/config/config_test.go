package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func goodConfig() map[string]any {
	return map[string]any{
		"listen": "127.0.0.1:8081", "name": "harbor", "mspId": "HarborMSP", "channel": "pedigree",
		"chaincode": "pedigree",
		"tokens":    "tokens.json", "data": "data",
		"peers": []any{map[string]any{
			"mspId": "HarborMSP", "address": "127.0.0.1:7051", "serverName": "peer0", "tlsRoots": "ca.pem",
		}},
	}
}

func writeConfig(t *testing.T, c any) string {
	t.Helper()
	text, err := json.Marshal(c)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "gateway.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

func TestAConfigurationIsReadWithPathsFromItsFolder(t *testing.T) {
	path := writeConfig(t, goodConfig())
	c, err := Read(path)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(filepath.Dir(path), "tokens.json"), c.Tokens)
	assert.Equal(t, filepath.Join(filepath.Dir(path), "ca.pem"), c.Peers[0].TLSRoots)
	assert.Equal(t, filepath.Join(filepath.Dir(path), "data", "index.db"), c.IndexPlace())
}

func TestDatasetsAreRegisteredInTheOrganisationsNameUnlessANamespaceIsGiven(t *testing.T) {
	for name, want := range map[string]string{"harbor": "harbor", "Harbor Fish Ltd.": "harbor-fish-ltd",
		"Ütli": "tli"} {
		assert.Equal(t, want, (&Config{Name: name}).DatasetNamespace())
		assert.Equal(t, "data", (&Config{Name: name, Namespace: "data"}).DatasetNamespace())
	}
}

func TestAWrongConfigurationNamesTheMember(t *testing.T) {
	peer := func(name string, value any) any {
		p := map[string]any{"mspId": "HarborMSP", "address": "127.0.0.1:7051", "tlsRoots": "ca.pem"}
		p[name] = value
		return []any{p}
	}
	cosigner := func(name string, value any) any {
		c := map[string]any{"mspId": "LabMSP", "url": "https://gateway.harbor.example"}
		c[name] = value
		return []any{c}
	}
	for _, c := range []struct {
		name, member string
		value        any
		want         string
	}{
		{"a cosigner without a name", "cosigners", cosigner("mspId", ""), "cosigners[0]: mspId"},
		{"this organisation as cosigner", "cosigners", cosigner("mspId", "HarborMSP"), "cosigners[0]: mspId"},
		{"a cosigner twice", "cosigners", slices.Repeat(cosigner("mspId", "LabMSP").([]any), 2), "cosigners[1]: mspId"},
		{"a cosigner's address of another kind", "cosigners", cosigner("url", "file:///etc/passwd"), "cosigners[0].url"},
		{"a cosigner's address without host", "cosigners", cosigner("url", "https:///x"), "cosigners[0].url"},
		{"a cosigner's address with a password", "cosigners", cosigner("url", "https://a:b@harbor.example"), "cosigners[0].url"},
		{"a cosigner's address with a query", "cosigners", cosigner("url", "https://harbor.example?x=y"), "cosigners[0].url"},
		{"a cosigner in the clear", "cosigners", cosigner("url", "http://harbor.example"), "in the clear"},
		{"too many cosigners", "cosigners", slices.Repeat(cosigner("mspId", "LabMSP").([]any), 33), "cosigners has 33"},
		{"who is shown in no way that there is", "actor", "face", "none of none, pseudonym and name"},
		{"a network of no form", "cosignerNetworks", []string{"public", "10.0.0.0"}, "cosignerNetworks[1]"},
		{"a network with more than its prefix", "cosignerNetworks", []string{"10.0.0.1/8"}, "write 10.0.0.0/8"},
		{"no address", "listen", "", "listen is missing"},
		{"no MSP id", "mspId", "", "mspId is missing"},
		{"no data folder", "data", "", "data is missing"},
		{"an address without port", "listen", "127.0.0.1", "listen:"},
		{"an address that others reach, without certificate", "listen", "0.0.0.0:8081", "tls.certificate"},
		{"every address", "listen", ":8081", "tls.certificate"},
		{"a name that could be any address", "listen", "gateway.example:8081", "tls.certificate"},
		{"a certificate without key", "tls", map[string]any{"certificate": "cert.pem"}, "tls.key"},
		{"more records to a transaction than one takes", "batchRecords", 5_001, "batchRecords"},
		{"an index that is no URL of PostgreSQL", "index", "index.db", "index: the index's URL isn't one"},
		{"an index whose password breaks the URL", "index", "postgres://u:p/w@host/db", "isn't one"},
		{"an index in several schemas", "index", "postgres://host/db?search_path=a,b", "search_path"},
		{"a hash that is too short", "genesis", "abcd", "genesis is"},
		{"a hash that is no hexadecimal number", "genesis", strings.Repeat("xy", 32), "genesis is"},
		{"a bad namespace", "namespace", "Harbor Fish", "namespace is"},
		{"a name that no namespace can be made of", "name", "港", "namespace is"},
		{"no peers", "peers", []any{}, "peers is empty"},
		{"a peer without roots", "peers", peer("tlsRoots", ""), "peers[0]"},
		{"a peer's address without port", "peers", peer("address", "localhost"), "peers[0].address"},
		{"a member that isn't known", "colour", "red", `"colour"`},
		{"a number for a name", "name", 7, "name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := goodConfig()
			config[c.member] = c.value
			_, err := Read(writeConfig(t, config))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
		})
	}
	_, err := Read(filepath.Join(t.TempDir(), "none.json"))
	assert.ErrorContains(t, err, "none.json")
}

func TestLoopbackAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true,
		"0.0.0.0:1": false, "[::]:1": false, ":1": false, "10.0.0.1:1": false, "localhost.example:1": false,
		"127.0.0.1": false,
	} {
		assert.Equal(t, want, loopback(address), address)
	}
}
