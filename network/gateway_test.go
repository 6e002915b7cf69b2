package network

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What follows from the network is written anew, and the rest is the operator's.
func TestWhatAnOperatorPutIntoGatewayJSONStays(t *testing.T) {
	d := folder(t.TempDir())
	p, err := newPlan(DefaultOrgs, 4, 20_000, "test")
	require.NoError(t, err)
	org := p.Orgs[1]
	configure := func() error { return d.configureGateway(p, org, Options{}) }
	require.NoError(t, configure())
	made, err := d.readGateway(org)
	require.NoError(t, err)

	edited := made
	edited.Namespace, edited.BatchRecords, edited.OIDC.Issuer = "cold-chain", 250, "https://id.example"
	want := edited
	edited.MSPID, edited.Listen, edited.Peers = "OtherMSP", "0.0.0.0:80", nil
	require.NoError(t, writeJSON(d.gatewayFile(org), edited, 0o600))
	require.NoError(t, os.Chmod(d.gatewayFile(org), 0o600))
	require.NoError(t, configure())
	got, err := d.readGateway(org)
	require.NoError(t, err)
	require.Equal(t, want, got)
	info, err := os.Stat(d.gatewayFile(org))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())

	require.NoError(t, os.WriteFile(d.gatewayFile(org), []byte(`{"namespase": "cold-chain"}`), 0o600))
	require.ErrorContains(t, configure(), `gateway.json: json: unknown field "namespase"`)
}

// The files of a gateway of `up`. Networks that were made earlier get them anew at each start.
func TestAGatewaysFilesStayByteForByte(t *testing.T) {
	for name, o := range map[string]Options{
		"plain": {},
		"full":  {Index: "postgres://pedigree:secret@db.example:5433/ledger", BatchRecords: 250},
	} {
		t.Run(name, func(t *testing.T) {
			d := folder(t.TempDir())
			p, err := newPlan(DefaultOrgs, 4, 20_000, "test")
			require.NoError(t, err)
			p.ID = "0123456789abcdef"
			for i := range p.Orgs {
				p.Orgs[i].PeerPort, p.Orgs[i].GatewayPort = 7_001+i, 8_001+i
			}
			org := p.Orgs[1]
			token := d.token(org.Name, Operator)
			require.NoError(t, os.MkdirAll(d.path(org.Name), 0o700))
			require.NoError(t, os.MkdirAll(token[:strings.LastIndex(token, "/")], 0o700))
			require.NoError(t, os.WriteFile(token, []byte("token\n"), 0o600))
			require.NoError(t, d.configureGateway(p, org, o))
			for _, file := range []string{"gateway.json", "tokens.json"} {
				text, err := os.ReadFile(d.path(org.Name, file))
				require.NoError(t, err)
				got := strings.ReplaceAll(string(text), string(d), "/network")
				golden := "testdata/" + name + "." + file
				if *update {
					require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				require.Equal(t, string(want), got, file)
			}
		})
	}
}

func TestATokenThatWasRevokedStaysRevoked(t *testing.T) {
	d := folder(t.TempDir())
	p, err := newPlan(DefaultOrgs, 4, 20_000, "test")
	require.NoError(t, err)
	org := p.Orgs[0]
	for _, org := range p.Orgs {
		require.NoError(t, os.MkdirAll(d.path(org.Name), 0o700))
	}
	require.NoError(t, d.makeTokens(p))
	up := func() (names []string, hashes map[string]string) {
		require.NoError(t, d.configureGateway(p, org, Options{}))
		list, err := d.listTokens(org)
		require.NoError(t, err)
		hashes = map[string]string{}
		for _, token := range list.Tokens {
			names, hashes[token.Name] = append(names, token.Name), token.SHA256
		}
		return names, hashes
	}
	names, hashes := up()
	require.Equal(t, []string{Submitter, Auditor, Operator}, names, "a new network has all roles")

	list, err := d.listTokens(org)
	require.NoError(t, err)
	changed := strings.Repeat("ab", 32)
	list.Tokens = []config.Token{list.Tokens[0], list.Tokens[1]}
	list.Tokens[1].SHA256 = changed
	list.Tokens[1].Certificate, list.Tokens[1].Key = "/etc/pedigree/auditor.pem", "pkcs11:token=market;id=%01"
	require.NoError(t, writeJSON(d.path(org.Name, "tokens.json"), list, 0o600))
	for range 2 {
		var after map[string]string
		names, after = up()
		require.Equal(t, []string{Submitter, Auditor}, names, "the operator's token was taken out")
		require.Equal(t, hashes[Submitter], after[Submitter])
		require.Equal(t, changed, after[Auditor], "the auditor's token was exchanged")
		now, err := d.listTokens(org)
		require.NoError(t, err)
		require.Equal(t, list.Tokens[1], now.Tokens[1], "the auditor's key was moved into a module")
	}
	require.NoError(t, os.Remove(d.token(org.Name, Submitter)))
	names, _ = up()
	require.Equal(t, []string{Auditor}, names, "the file of the submitter's token was deleted")
}

// Somebody puts the issuer into gateway.json, and the network is stopped and started again.
func TestAGatewayKeepsItsIssuer(t *testing.T) {
	d := folder(t.TempDir())
	p, err := newPlan(DefaultOrgs, 4, 20_000, "test")
	require.NoError(t, err)
	org := p.Orgs[0]
	for _, org := range p.Orgs {
		require.NoError(t, os.MkdirAll(d.path(org.Name), 0o700))
	}
	require.NoError(t, d.makeTokens(p))
	require.NoError(t, d.configureGateway(p, org, Options{}))
	c, err := d.readGateway(org)
	require.NoError(t, err)
	c.OIDC = config.OIDC{
		Issuer: "https://id.example", Audience: "rest", ClientSecretFile: "secret",
		Roles: []config.RoleClaim{{Claim: "groups", Value: "quality", Role: "submitter"}},
	}
	require.NoError(t, writeJSON(d.path(org.Name, "gateway.json"), c, 0o644))
	require.NoError(t, d.configureGateway(p, org, Options{}))
	again, err := d.readGateway(org)
	require.NoError(t, err)
	require.Equal(t, c, again)
}
