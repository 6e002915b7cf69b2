package token

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/access/accesstest"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// run runs the verb.
func run(t *testing.T, args ...string) (out, said string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	c := Command()
	c.SetOut(&o)
	c.SetErr(&e)
	c.SetArgs(args)
	c.SilenceUsage, c.SilenceErrors = true, true
	err = c.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

// configuration writes that of a gateway that doesn't run.
func configuration(t *testing.T) string {
	folder := t.TempDir()
	text, err := json.Marshal(map[string]any{
		"listen": "127.0.0.1:1", "name": "Lab", "mspId": "LabMSP", "channel": "c", "chaincode": "p",
		"peers":  []map[string]string{{"mspId": "LabMSP", "address": "127.0.0.1:2", "tlsRoots": "roots.pem"}},
		"tokens": accesstest.Write(t, accesstest.OfRoles(access.Roles)), "data": filepath.Join(folder, "data"),
	})
	require.NoError(t, err)
	path := filepath.Join(folder, "gateway.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

func TestTokensAreManagedInTheGatewaysOwnDatabase(t *testing.T) {
	config := configuration(t)
	secret := regexp.MustCompile(`^pedigree_[0-9A-Za-z]{49}\n$`)
	first, said, err := run(t, "create", "boss", "--config", config, "--for", "person", "--token-role", "operator", "--expires", "90d")
	require.NoError(t, err)
	assert.Regexp(t, secret, first, "nothing else is on standard output")
	assert.Contains(t, said, "boss: person with the role operator, until ")
	second, _, err := run(t, "rotate", "boss", "--config", config, "--overlap", "1h")
	require.NoError(t, err)
	assert.Regexp(t, secret, second)
	assert.NotEqual(t, first, second)
	_, said, err = run(t, "revoke", "boss", "--config", config)
	require.NoError(t, err)
	assert.Regexp(t, `^boss was revoked at 20\S+Z, by .+\n$`, said)
	_, again, err := run(t, "revoke", "boss", "--config", config)
	require.NoError(t, err)
	assert.Equal(t, said, again, "the second time says when it was")
	list, _, err := run(t, "list", "--config", config)
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^boss +person +operator +revoked .* by .* on `, list)
	assert.Regexp(t, `(?m)^auditor +- +auditor +valid +in tokens\.json`, list)
	for _, args := range [][]string{
		{"create", "boss", "--for", "person", "--token-role", "auditor"}, {"rotate", "boss"}, {"revoke", "none"}, {"revoke", "operator"},
	} {
		_, _, err := run(t, append(args, "--config", config)...)
		assert.ErrorContains(t, err, `token "`+args[1]+`"`, args)
	}
	for _, args := range [][]string{
		{"create", "a"}, {"create", "a b", "--for", "person", "--token-role", "auditor"},
		{"create", "a", "--for", "person", "--token-role", "auditor", "--expires", "soon"}, {"rotate", "a", "--overlap", "169h"},
	} {
		_, _, err := run(t, append(args, "--config", config)...)
		assert.Equal(t, exit.Usage, exit.Code(err), args)
	}
}

func TestTokensAreManagedOverREST(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		asked = append(asked, r.Method+" "+r.URL.Path+" "+body.String())
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"name":"erp\u001b[2J","kind":"machine","role":"auditor","state":"valid","method":"token","secret":"pedigree_x","items":[{"name":"erp\u001b[2J","role":"auditor","state":"valid","method":"token"}]}`))
	}))
	t.Cleanup(server.Close)
	t.Setenv("PEDIGREE_URL", server.URL)
	t.Setenv("PEDIGREE_TOKEN", "secret")
	for _, args := range [][]string{
		{"create", "erp", "--for", "machine", "--token-role", "auditor", "--expires", "2030-01-01T00:00:00Z"},
		{"rotate", "erp", "--overlap", "1m"}, {"revoke", "erp"}, {"list"}, {"list", "--json"},
	} {
		out, said, err := run(t, args...)
		require.NoError(t, err, args)
		assert.NotContains(t, out+said, "\x1b", "no name reaches the terminal as it is")
		assert.Equal(t, args[0] == "list", strings.Contains(out, "erp"), args)
	}
	assert.Equal(t, []string{
		`POST /v1/tokens {"name":"erp","kind":"machine","role":"auditor","expires":"2030-01-01T00:00:00Z"}`,
		`POST /v1/tokens/erp/rotate {"overlapSeconds":60}`, "POST /v1/tokens/erp/revoke ", "GET /v1/tokens ", "GET /v1/tokens ",
	}, asked)
}

func TestWhatIsWrongWithATokenIsSaidOfTheFlag(t *testing.T) {
	t.Setenv("PEDIGREE_URL", "http://127.0.0.1:1") // nobody is there to be asked
	t.Setenv("PEDIGREE_TOKEN", "secret")
	for _, c := range []struct{ args, want string }{
		{"create a --for robot --token-role auditor", "--for must be person or machine"},
		{"create a --for machine --token-role king", "--token-role must be submitter, auditor or operator"},
		{"create a --for machine", "--token-role submitter, auditor or operator"},
		{"create a --role submitter", "--role is the role of the token that asks; give the role of the new token with --token-role"},
		{"rotate a --overlap 200h", "--overlap must be from 0 to 168h"},
		{"rotate a --overlap -1s", "--overlap must be from 0 to 168h"},
	} {
		_, _, err := run(t, strings.Fields(c.args)...)
		assert.ErrorContains(t, err, c.want, c.args)
		assert.Equal(t, exit.Usage, exit.Code(err), c.args)
	}
}

func TestMomentsAreTimesOrHowLongFromNow(t *testing.T) {
	now := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "2027-02-01T00:00:00+01:00": now.Add(11 * time.Hour), "90d": now.AddDate(0, 0, 90), "12h": now.Add(12 * time.Hour),
	} {
		got, err := moment(text, now)
		require.NoError(t, err, text)
		assert.True(t, want.Equal(got), text)
	}
	for _, text := range []string{"soon", "-1h", "0d", "d", "1.5d", "9999d", "2027-02-01"} {
		_, err := moment(text, now)
		assert.Error(t, err, text)
	}
}

func TestAllPagesOfTokensAreListed(t *testing.T) {
	pages := map[string]string{
		"":   `{"items":[{"name":"ann","role":"auditor","state":"valid","method":"token"}],"nextPageToken":"p2"}`,
		"p2": `{"items":[{"name":"erp","role":"auditor","state":"valid","method":"token"}],"nextPageToken":"p3"}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(pages[r.URL.Query().Get("pageToken")]))
	}))
	t.Cleanup(server.Close)
	t.Setenv("PEDIGREE_URL", server.URL)
	t.Setenv("PEDIGREE_TOKEN", "secret")
	pages["p3"] = `{"items":[]}`
	out, _, err := run(t, "list")
	require.NoError(t, err)
	assert.Regexp(t, `(?s)ann .*erp `, out)
	pages["p3"] = `{"items":[],"nextPageToken":"p3"}`
	_, _, err = run(t, "list")
	assert.ErrorContains(t, err, "doesn't end")
}
