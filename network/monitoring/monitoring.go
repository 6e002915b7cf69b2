// Package monitoring has what Prometheus and Grafana need to watch a network: the list of what to ask, rules for alerts,
// and a dashboard.
package monitoring

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

//go:embed alerts.yml
var alerts []byte

//go:embed dashboard.json
var dashboard []byte

// Names of the files that Write writes.
const (
	ConfigFile    = "prometheus.yml"
	AlertsFile    = "alerts.yml"
	DashboardFile = "dashboard.json"
)

// Job is the value of the label job of all that a network serves.
const Job = "pedigree"

// A Target is what serves figures: a gateway, a peer or an orderer.
type Target struct {
	Address      string // host:port
	Role         string // gateway, peer or orderer
	Node         string // its name
	Organisation string // its MSP id
	TLS          bool
}

// Targets returns the list of targets in the form that Prometheus reads with file_sd_configs.
func Targets(all []Target) ([]byte, error) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{}
	for _, t := range all {
		labels := map[string]string{"role": t.Role, "node": t.Node, "organisation": t.Organisation}
		if t.TLS {
			labels["__scheme__"] = "https"
		}
		groups = append(groups, group{[]string{t.Address}, labels})
	}
	text, err := json.MarshalIndent(groups, "", "  ")
	return append(text, '\n'), err
}

// Write writes the files for Prometheus and Grafana into a folder. targets is the file with the list of targets. tokens
// names the file with a bearer token of each gateway, by the gateway's name.
func Write(dir, targets string, tokens map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("couldn't make the folder %s: %w", dir, err)
	}
	for name, content := range map[string][]byte{
		ConfigFile: config(targets, tokens), AlertsFile: alerts, DashboardFile: dashboard,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("couldn't write %s: %w", name, err)
		}
	}
	return nil
}

// config is a configuration for Prometheus. It has a job for each gateway, because each takes another token.
func config(targets string, tokens map[string]string) []byte {
	text := fmt.Appendf(nil, `# Have Prometheus read this, or copy the parts into its own configuration.
global:
  scrape_interval: 15s
  evaluation_interval: 15s
rule_files: [%s]
scrape_configs:
  - job_name: %s
    file_sd_configs:
      - {files: [%s], refresh_interval: 30s}
    relabel_configs:
      - {source_labels: [role], regex: gateway, action: drop}
`, AlertsFile, Job, quote(targets))
	for _, node := range slices.Sorted(maps.Keys(tokens)) {
		text = fmt.Appendf(text, `  - job_name: %s
    authorization: {credentials_file: %s}
    file_sd_configs:
      - {files: [%s], refresh_interval: 30s}
    relabel_configs:
      - {source_labels: [node], regex: %s, action: keep}
      - {target_label: job, replacement: %s}
`, quote(Job+"-"+node), quote(tokens[node]), quote(targets), quote(regexp.QuoteMeta(node)), Job)
	}
	return text
}

// quote writes a string for YAML. A string in JSON is one.
func quote(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(quoted)
}
