package network

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// configured returns the place of the index in an organisation's gateway.json, and the mode of the file.
func configured(t *testing.T, d folder, org Org) (string, os.FileMode) {
	t.Helper()
	path := d.path(org.Name, "gateway.json")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var c config.Config
	require.NoError(t, json.Unmarshal(text, &c))
	info, err := os.Stat(path)
	require.NoError(t, err)
	return c.Index, info.Mode().Perm()
}

func TestTheIndexesPlaceIsRemembered(t *testing.T) {
	d := folder(t.TempDir())
	p, err := newPlan(DefaultOrgs, 4, 0, "test")
	require.NoError(t, err)
	p.ID = "0123456789abcdef"
	harbor, market := p.Orgs[0], p.Orgs[1]
	configure := func(index string) {
		for _, org := range []Org{harbor, market} {
			require.NoError(t, d.configureGateway(p, org, Options{Index: index}))
		}
	}
	configure("")
	place, mode := configured(t, d, harbor)
	require.Empty(t, place, "a file of the gateway's own")
	require.EqualValues(t, 0o644, mode)

	configure("postgres://pedigree:s%2Fcret@db.example:5433/ledger?sslmode=require")
	place, mode = configured(t, d, harbor)
	require.Equal(t, "postgres://pedigree:s%2Fcret@db.example:5433/ledger?search_path=pedigree_harbor_01234567&sslmode=require", place)
	require.EqualValues(t, 0o600, mode, "the password is the owner's")
	other, _ := configured(t, d, market)
	require.Contains(t, other, "search_path=pedigree_market_01234567")

	configure("")
	again, mode := configured(t, d, harbor)
	require.Equal(t, place, again)
	require.EqualValues(t, 0o600, mode)

	configure(IndexSQLite)
	place, _ = configured(t, d, harbor)
	require.Empty(t, place)
}

func TestUpRefusesAnIndexThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct{ index, want string }{
		"something that is no URL":         {"index.db", "--index: the index's URL isn't one"},
		"another database":                 {"mysql://u:secret@host/db", "isn't one"},
		"a password that breaks the URL":   {"postgres://u:sec/ret@host/db", "%2F"},
		"a port that is none":              {"postgres://u:secret@host:port/db", "isn't one"},
		"an unknown value of a parameter":  {"postgres://u:secret@host/db?sslmode=perhaps", "sslmode"},
		"one schema for all organisations": {"postgres://u:secret@host/db?search_path=mine", "search_path"},
	} {
		t.Run(name, func(t *testing.T) {
			up := Up()
			up.SetArgs([]string{"--dir", t.TempDir(), "--index", c.index})
			up.SetOut(io.Discard)
			up.SetErr(io.Discard)
			err := up.ExecuteContext(t.Context())
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "sec", "a password stays out of errors")
			require.False(t, strings.Contains(err.Error(), "\n"))
		})
	}
}
