package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/pedigree-ledger/pedigree/test/markdown"
)

type rule struct {
	Alert       string
	Labels      struct{ Severity string }
	Annotations struct{ Summary string }
}

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	require.NoError(t, yaml.Unmarshal(alerts, &file))
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("Debian's package prometheus has promtool, and isn't installed")
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
}

// The file plays what must fire, and a healthy network of which nothing must.
func TestTheAlertsFireWhenTheyShould(t *testing.T) {
	played, err := os.ReadFile("testdata/alerts_test.yml")
	require.NoError(t, err)
	for _, r := range readRules(t) {
		assert.Contains(t, string(played), `alertname="`+r.Alert+`"`)
	}
	promtool(t, "testdata", "test", "rules", "alerts_test.yml")
}

func TestPrometheusTakesWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, `a "folder"`, "targets.json")
	require.NoError(t, os.Mkdir(filepath.Dir(list), 0o700))
	text, err := Targets([]Target{{Address: "127.0.0.1:8081", Role: "gateway", Node: "harbor-gateway",
		Organisation: "HarborMSP",
		TLS:          true}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(list, text, 0o600))
	token := filepath.Join(dir, "a token")
	require.NoError(t, os.WriteFile(token, nil, 0o600))
	tokens := map[string]string{"harbor-gateway": token}
	require.NoError(t, Write(dir, list, tokens))
	assert.FileExists(t, filepath.Join(dir, DashboardFile))
	promtool(t, dir, "check", "config", ConfigFile)
	for text, want := range map[string]string{string(text): `"__scheme__": "https"`, string(config(list, tokens)): `\"folder\"/targets.json"`} {
		assert.Contains(t, text, want)
	}
}

func TestTheDocumentationHasTheAlerts(t *testing.T) {
	rules := readRules(t)
	table := markdown.Table(t, "../../docs/operating.md", "alert", "severity", "meaning")
	require.Len(t, table, len(rules))
	for i, r := range rules {
		assert.Equal(t, []string{"`" + r.Alert + "`", r.Labels.Severity, r.Annotations.Summary}, table[i])
		assert.True(t, strings.HasPrefix(r.Alert, "Pedigree"))
	}
}
