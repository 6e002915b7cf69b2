package gateway

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/monitoring"
)

// A real Prometheus watches the network. While all is well, no alert fires and every panel of the dashboard has
// something to show. When an orderer is down, the alert for that fires and no other. The disk is left out: it is that of
// the machine, and may be full.
func TestPrometheusWatchesTheNetwork(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("Debian's package prometheus isn't installed")
	}
	n := startNetwork(t)
	harbor := doorOf(t, "harbor", network.Submitter)
	harbor.await(func() bool { return harbor.get("/readyz").status == http.StatusOK })
	harbor.post("/epcis/v2/events", observation(fresh("WATCHED"), "2026-03-06T08:00:00Z"), http.StatusCreated)

	dir := t.TempDir()
	write := network.Monitoring()
	write.SetArgs([]string{"--dir", n.Dir(), "--out", dir})
	require.NoError(t, write.Execute())
	hasten(t, filepath.Join(dir, monitoring.ConfigFile), `interval: \d+s`, "interval: 2s")
	hasten(t, filepath.Join(dir, monitoring.AlertsFile), `for: \d+\w`, "for: 5s") // promtool tests the real times
	p := startPrometheus(t, program, dir)

	harbor.await(func() bool { return len(p.query(`up{job="pedigree"} == 1`)) == 4+3+3 })
	for _, expression := range expressions(t, filepath.Join(dir, monitoring.DashboardFile)) {
		t.Log("the dashboard shows", expression)
		harbor.await(func() bool { return len(p.query(expression)) > 0 })
	}
	harbor.await(func() bool { return len(p.query(`rate(process_cpu_seconds_total[5s])`)) > 0 }) // rules had their turn
	const firing = `ALERTS{alertstate="firing",alertname!="PedigreeDiskFills"}`
	assert.Empty(t, p.query(firing))

	require.NoError(t, n.Hold("orderer2"))
	harbor.await(func() bool { return len(p.query(firing)) > 0 })
	fired := p.query(firing)
	require.NoError(t, n.Release("orderer2"))
	require.Len(t, fired, 1)
	assert.Equal(t, "PedigreeOrdererDown", fired[0]["alertname"])
	assert.Equal(t, "orderer2", fired[0]["node"])
	require.NoError(t, n.AwaitReady(t.Context()))
	harbor.await(func() bool { return len(p.query(firing)) == 0 })
}

// hasten changes times in a file.
func hasten(t *testing.T, file, times, to string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := regexp.MustCompile(times).ReplaceAll(text, []byte(to))
	require.NotEqual(t, string(text), string(changed))
	require.NoError(t, os.WriteFile(file, changed, 0o600))
}

// expressions returns all queries of a dashboard, with the variables of Grafana filled in.
func expressions(t *testing.T, file string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			expression := strings.ReplaceAll(target.Expr, "$__rate_interval", "30s")
			require.NotContains(t, expression, "$", panel.Title)
			all = append(all, expression)
		}
	}
	require.Greater(t, len(all), 10)
	return all
}

// prometheusServer is a Prometheus that runs for a test.
type prometheusServer struct {
	t   *testing.T
	url string
}

func startPrometheus(t *testing.T, program, dir string) prometheusServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, monitoring.ConfigFile),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // its log says more
		said, err := os.ReadFile(log.Name())
		if t.Failed() && err == nil {
			t.Logf("%s", said)
		}
	})
	return prometheusServer{t, "http://" + address}
}

// query returns the labels of the series that an expression has now. There are none as long as Prometheus starts.
func (p prometheusServer) query(expression string) []map[string]string {
	p.t.Helper()
	response, err := client.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if json.NewDecoder(response.Body).Decode(&answer) != nil {
		return nil
	}
	require.Empty(p.t, answer.Error, fmt.Sprint(expression))
	var all []map[string]string
	for _, r := range answer.Data.Result {
		all = append(all, r.Metric)
	}
	return all
}
