package client

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

func TestATargetIsNamedByTheEnvironmentOrAFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) { writeIn(t, dir, name, text) }
	write("lab/gateway.json", `{"listen":"127.0.0.1:8081"}`)
	write("lab/submitter.token", "secret\n")
	write("lab/auditor.token", "two words\n")
	write("lab/operator.token", "\n")
	write("harbor/gateway.json", `{"listen":"127.0.0.1:8082","tls":{"certificate":"tls.pem"}}`)
	write("harbor/submitter.token", "other")
	write("broken/gateway.json", `{`)
	for name, c := range map[string]struct {
		as, role, url, token string
		base, complaint      string
	}{
		"a folder":                     {as: "lab", base: "http://127.0.0.1:8081"},
		"a folder, before environment": {as: "harbor", url: "http://elsewhere", token: "x", base: "https://127.0.0.1:8082"},
		"the environment":              {url: "https://gateway.example/", token: "x\n", base: "https://gateway.example"},
		"nothing":                      {complaint: "say whose gateway to use: --as ORG"},
		"no token":                     {url: "http://gateway.example", complaint: "PEDIGREE_TOKEN isn't"},
		"a bad token":                  {url: "http://gateway.example", token: "a\nb", complaint: "PEDIGREE_TOKEN is not a token"},
		"no scheme":                    {url: "gateway.example:80", token: "x", complaint: "no address of a gateway"},
		"another scheme":               {url: "ftp://gateway.example", token: "x", complaint: "no address of a gateway"},
		"no host":                      {url: "http://", token: "x", complaint: "no address of a gateway"},
		"no such organisation":         {as: "nobody", complaint: `no organisation "nobody"`},
		"a path":                       {as: "../lab", complaint: "not the name of an organisation"},
		"a role that is a path":        {as: "lab", role: "../harbor/submitter", complaint: "not the name"},
		"no such role":                 {as: "lab", role: "king", complaint: `no token of the role "king"`},
		"an empty token":               {as: "lab", role: "operator", complaint: "the operator token of lab is not a token"},
		"a token of two words":         {as: "lab", role: "auditor", complaint: "the auditor token of lab is not a token"},
		"broken settings":              {as: "broken", complaint: "couldn't understand the settings of broken's gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PEDIGREE_URL", c.url)
			t.Setenv("PEDIGREE_TOKEN", c.token)
			role := c.role
			if role == "" {
				role = "submitter"
			}
			target := Target{as: c.as, role: role, dir: dir}
			got, err := target.Client()
			if c.complaint != "" {
				require.ErrorContains(t, err, c.complaint)
				assert.Equal(t, exit.Usage, exit.Code(err))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.base, got.base)
			assert.NotContains(t, got.token, "\n")
		})
	}
}

// writeIn writes a file, and the folders that it is in.
func writeIn(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}
