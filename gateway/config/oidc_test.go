package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withIssuer is a good configuration with a good issuer and changes to that. A change to nil leaves a member out.
func withIssuer(changes map[string]any) map[string]any {
	issuer := map[string]any{
		"issuer": "https://id.example/realm", "audience": "rest", "clientId": "pages",
		"redirectUrl": "https://gateway.example/sign-in/return", "scopes": []string{"openid", "groups"},
		"roles": []any{map[string]any{"claim": "groups", "value": "quality", "role": "submitter"}},
	}
	for name, value := range changes {
		if issuer[name] = value; value == nil {
			delete(issuer, name)
		}
	}
	c := goodConfig()
	c["oidc"] = issuer
	return c
}

func TestAnIssuerIsRead(t *testing.T) {
	for _, changes := range []map[string]any{
		nil, {"audience": nil}, {"clientId": nil, "redirectUrl": nil}, {"issuer": "http://127.0.0.1:8080/"},
		{"issuer": "http://localhost/realm"}, {"issuer": "http://[::1]:80"},
		{"redirectUrl": "http://127.0.0.1:8081/sign-in/return"},
	} {
		_, err := Read(writeConfig(t, withIssuer(changes)))
		assert.NoError(t, err, changes)
	}
	c, err := ReadIn([]string{
		"PEDIGREE_GATEWAY_OIDC_ISSUER=https://other.example", `PEDIGREE_GATEWAY_OIDC_SCOPES=["openid"]`,
		`PEDIGREE_GATEWAY_OIDC_ROLES=[{"claim": "roles", "value": "look", "role": "auditor"}]`,
	}, writeConfig(t, withIssuer(map[string]any{"tlsRoots": "roots.pem"})))
	require.NoError(t, err)
	assert.Equal(t, "https://other.example", c.OIDC.Issuer)
	assert.Equal(t, []string{"openid"}, c.OIDC.Scopes)
	assert.Equal(t, []RoleClaim{{"roles", "look", "auditor"}}, c.OIDC.Roles)
	assert.True(t, filepath.IsAbs(c.OIDC.TLSRoots))
}

func TestAWrongIssuerNamesTheMember(t *testing.T) {
	role := func(claim, value, role string) any {
		return []any{map[string]any{"claim": claim, "value": value, "role": role}}
	}
	for _, c := range []struct {
		name    string
		changes map[string]any
		want    string
	}{
		{"no issuer", map[string]any{"issuer": nil}, "oidc.issuer is not"},
		{"in the clear", map[string]any{"issuer": "http://id.example"}, "oidc.issuer: "},
		{"in the clear at what may be anywhere", map[string]any{"issuer": "http://localhost.example"}, "oidc.issuer: "},
		{"not an address", map[string]any{"issuer": "id.example"}, "oidc.issuer: "},
		{"a password", map[string]any{"issuer": "https://u:p@id.example"}, "oidc.issuer: "},
		{"a query", map[string]any{"issuer": "https://id.example/?a=b"}, "oidc.issuer: "},
		{"a file", map[string]any{"issuer": "file:///etc"}, "oidc.issuer: "},
		{"nobody to let in", map[string]any{"audience": nil, "clientId": nil, "redirectUrl": nil}, "neither audience"},
		{"one name for two things", map[string]any{"audience": "pages"}, "are the same"},
		{"no way back", map[string]any{"redirectUrl": nil}, "oidc.redirectUrl go together"},
		{"a way back in the clear", map[string]any{"redirectUrl": "http://gateway.example/sign-in/return"}, "oidc.redirectUrl: "},
		{"a way back to another page", map[string]any{"redirectUrl": "https://gateway.example/"}, "oidc.redirectUrl has the path"},
		{"a secret of nobody", map[string]any{"clientId": nil, "redirectUrl": nil, "clientSecretFile": "config_test.go"}, "oidc.clientSecretFile: "},
		{"two scopes in one", map[string]any{"scopes": []string{"openid profile"}}, "oidc.scopes[0]"},
		{"no roles", map[string]any{"roles": nil}, "oidc.roles is empty"},
		{"no claim", map[string]any{"roles": role("", "a", "auditor")}, "oidc.roles[0]: claim"},
		{"no value", map[string]any{"roles": role("a", "", "auditor")}, "oidc.roles[0]: claim"},
		{"a long value", map[string]any{"roles": role("a", strings.Repeat("a", 1001), "auditor")}, "oidc.roles[0]: claim"},
		{"another role", map[string]any{"roles": role("a", "a", "admin")}, "oidc.roles[0].role"},
		{"an unknown member", map[string]any{"colour": "red"}, `"colour"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(writeConfig(t, withIssuer(c.changes)))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestTheSecretOfTheClientIsReadFromAFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	file, empty, long := write("oidc-client-secret", " s=cr/t \r\n"), write("empty", "\n"), write("long", strings.Repeat("a", maxPassword+1))
	read := func(file, credentials string) (string, error) {
		c, err := ReadIn([]string{"CREDENTIALS_DIRECTORY=" + credentials}, writeConfig(t, withIssuer(map[string]any{"clientSecretFile": file})))
		return c.OIDC.ClientSecret, err
	}
	for _, c := range []struct{ file, credentials, want string }{
		{file, "", " s=cr/t "}, {"", dir, " s=cr/t "}, {"", t.TempDir(), ""}, {"", "", ""},
	} {
		got, err := read(c.file, c.credentials)
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
	for _, bad := range []string{empty, long, filepath.Join(dir, "none")} {
		_, err := read(bad, "")
		assert.ErrorContains(t, err, "oidc.clientSecretFile: ")
	}
}
