package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVariablesTakeThePlaceOfMembers(t *testing.T) {
	path := writeConfig(t, goodConfig())
	c, err := ReadIn([]string{"PEDIGREE_GATEWAY_LISTEN=[::]:9", "PEDIGREE_GATEWAY_TLS_CERTIFICATE=cert.pem",
		"PEDIGREE_GATEWAY_TLS_KEY=/run/key.pem", "PEDIGREE_GATEWAY_BATCH_RECORDS=7", "PEDIGREE_GATEWAY_NAME=",
		`PEDIGREE_GATEWAY_PEERS=[{"mspId": "LabMSP", "address": "lab:7051", "tlsRoots": "lab.pem"}]`,
		"PEDIGREE_TOKEN=other"}, path)
	require.NoError(t, err)
	want, err := Read(path)
	require.NoError(t, err)
	dir := filepath.Dir(path)
	want.Listen, want.BatchRecords = "[::]:9", 7
	want.TLS = TLS{filepath.Join(dir, "cert.pem"), "/run/key.pem"}
	want.Peers = []Peer{{MSPID: "LabMSP", Address: "lab:7051", TLSRoots: filepath.Join(dir, "lab.pem")}}
	assert.Equal(t, want, c)
}

func TestVariablesMaySayAll(t *testing.T) {
	config := goodConfig()
	peers, err := json.Marshal(config["peers"])
	require.NoError(t, err)
	environ := []string{Prefix + "PEERS=" + string(peers)}
	for member, value := range config {
		if text, ok := value.(string); ok {
			environ = append(environ, Prefix+Variable(member)+"="+text)
		}
	}
	c, err := ReadIn(environ, "")
	require.NoError(t, err)
	assert.Equal(t, "HarborMSP", c.MSPID)
	assert.Equal(t, "tokens.json", c.Tokens)
	_, err = ReadIn(nil, "")
	assert.ErrorContains(t, err, "the configuration in the environment is wrong: listen is missing")
}

func TestEveryMemberHasAVariable(t *testing.T) {
	values := map[string]string{}
	for _, member := range members("", reflect.TypeFor[Config]()) {
		if !strings.Contains(member, "[]") {
			list := slices.Contains([]string{"peers", "cosigners", "cosignerNetworks", "oidc.roles", "oidc.scopes",
				"clientCertificates.callers", "clientCertificates.proxies"}, member)
			values[Variable(member)] = map[bool]string{true: "[]", false: "1"}[list]
		}
	}
	assert.Contains(t, values, "MSP_ID")
	assert.Contains(t, values, "TLS_CERTIFICATE")
	require.NoError(t, setMembers("", reflect.ValueOf(&Config{}).Elem(), values))
	assert.Empty(t, values)
}

func TestWrongVariablesAreNamed(t *testing.T) {
	path := writeConfig(t, goodConfig())
	for variable, want := range map[string]string{
		"LISTN=127.0.0.1:1":         "PEDIGREE_GATEWAY_LISTN",
		"BATCH_RECORDS=many":        "PEDIGREE_GATEWAY_BATCH_RECORDS",
		"OIDC_REQUIRE_BOUND=maybe":  "PEDIGREE_GATEWAY_OIDC_REQUIRE_BOUND",
		"PEERS=lab:7051":            "PEDIGREE_GATEWAY_PEERS",
		`PEERS=[{"colour": "red"}]`: "PEDIGREE_GATEWAY_PEERS",
		"PEERS=[] []":               "PEDIGREE_GATEWAY_PEERS",
		"PEERS=[]]":                 "something follows it",
		"PEERS=[]":                  "peers is empty",
		"LISTEN=127.0.0.1":          "with that in the environment is wrong: listen:",
	} {
		_, err := ReadIn([]string{Prefix + variable}, path)
		assert.ErrorContains(t, err, want)
	}
}

func TestThePasswordOfTheIndexIsReadFromAFile(t *testing.T) {
	dir := t.TempDir()
	const password = "p/w @:%"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "index-password"), []byte(password+"\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "long"), make([]byte, maxPassword+1), 0o600))
	read := func(index, file string, environ ...string) (string, error) {
		config := goodConfig()
		if index != "" {
			config["index"] = index
		}
		if file != "" {
			config["indexPasswordFile"] = file
		}
		c, err := ReadIn(environ, writeConfig(t, config))
		return c.Index, err
	}
	file, credentials := filepath.Join(dir, "index-password"), "CREDENTIALS_DIRECTORY="+dir
	for _, good := range []struct{ index, file, environ, want string }{
		{"postgres://u@h/d", file, "", "postgres://u:p%2Fw%20%40%3A%25@h/d"},
		{"postgres://u@h/d", "", credentials, "postgres://u:p%2Fw%20%40%3A%25@h/d"},
		{"postgres://h/d?sslmode=disable", file, "", "postgres://h/d?password=p%2Fw+%40%3A%25&sslmode=disable"},
		{"postgres://u@h/d", "", "CREDENTIALS_DIRECTORY=" + t.TempDir(), "postgres://u@h/d"},
		{"", "", credentials, ""},
	} {
		got, err := read(good.index, good.file, good.environ)
		require.NoError(t, err)
		assert.Equal(t, good.want, got)
	}
	for _, bad := range []struct{ index, file, environ, want string }{
		{"", file, "", "index is not"},
		{"postgres://u:p@h/d", file, "", "leave one of them out"},
		{"postgres://u:p@h/d", "", credentials, "leave one of them out"},
		{"postgres://u@h/d", filepath.Join(dir, "none"), "", "indexPasswordFile: "},
		{"postgres://u@h/d", filepath.Join(dir, "long"), "", "more than"},
		{"postgres://s%zzecret@h/d", file, "", "isn't one"},
	} {
		_, err := read(bad.index, bad.file, bad.environ)
		require.ErrorContains(t, err, bad.want)
		assert.NotContains(t, err.Error(), "s%zzecret")
	}
}
