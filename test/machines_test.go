package test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	build "github.com/pedigree-ledger/pedigree/test/program"
)

// TestMachinesCallWithCertificates does what docs/operating.md and docs/rest.md say of machines with certificates: with
// OpenSSL, the program and curl, at a second gateway of Harbor.
func TestMachinesCallWithCertificates(t *testing.T) {
	for _, tool := range []string{"sh", "openssl", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	home := t.TempDir()
	harbor := filepath.Join(dir, "harbor")
	run := func(script string, environ ...string) (string, error) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
		c.Dir = home
		c.Env = append(os.Environ(), append(environ, "PATH="+filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))...)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	operating, rest := filepath.Join("..", "docs", "operating.md"), filepath.Join("..", "docs", "rest.md")
	said, err := run(blockWith(t, operating, "sh", "openssl ca"))
	require.NoError(t, err, said)

	machines := filepath.Join(home, "machines")
	url := serveMachines(t, strings.ReplaceAll(blockWith(t, operating, "json", `"clientCertificates"`), "/etc/pedigree/machines", machines))
	authority, err := os.ReadFile(filepath.Join(harbor, "tlsca", "cert.pem"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "gateway-ca.pem"), authority, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(home, "events.json"), []byte(`{"@context":
["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "EPCISDocument", "schemaVersion": "2.0",
"creationDate": "2026-03-01T09:00:00Z", "epcisBody": {"eventList": [{"type": "ObjectEvent", "action": "OBSERVE",
"eventTime": "2026-03-01T08:00:00Z", "eventTimeZoneOffset": "+00:00", "epcList": ["https://example.com/logger/7"]}]}}`), 0o600))
	calls := strings.ReplaceAll(blockWith(t, rest, "sh", "PEDIGREE_CLIENT_KEY"), "https://gateway.harbor.example", url)
	said, err = run(calls)
	require.NoError(t, err, said)
	assert.Contains(t, said, `"mspId":"HarborMSP"`)
	said, err = run(strings.ReplaceAll(calls, "capture events.json", "show --json https://example.com/logger/7"))
	require.NoError(t, err, said)

	said, err = run("pedigree token list", "PEDIGREE_URL="+url, "PEDIGREE_CA=gateway-ca.pem",
		"PEDIGREE_CLIENT_CERTIFICATE=machines/logger-7.pem", "PEDIGREE_CLIENT_KEY=machines/logger-7.key")
	require.Error(t, err, "it is no operator")
	assert.Contains(t, said, `"logger 7" has the role submitter`)

	revoke := "cd machines\n"
	for _, command := range regexp.MustCompile("`(openssl ca [^`]*)`").FindAllStringSubmatch(readText(t, operating), -1) {
		revoke += strings.ReplaceAll(command[1], "\n", " ") + "\n"
	}
	require.Contains(t, revoke, "-revoke")
	said, err = run(revoke)
	require.NoError(t, err, said)
	awaits(t, "the certificate is revoked", func() bool {
		said, err = run(calls)
		return err != nil
	})
	assert.Contains(t, said, " client certificate is not accepted: it was revoked at ")
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// blockWith is the only block of a page that is in a language and has a text.
func blockWith(t *testing.T, file, language, text string) string {
	t.Helper()
	var found []string
	for _, b := range blocks(t, file) {
		if b.language == language && strings.Contains(b.text, text) {
			found = append(found, b.text)
		}
	}
	require.Len(t, found, 1, "%s has one block with %s", file, text)
	return found[0]
}

// serveMachines runs a second gateway of Harbor, with TLS and with more members of its configuration, and returns its
// address.
func serveMachines(t *testing.T, more string) string {
	t.Helper()
	harbor := filepath.Join(dir, "harbor")
	cfg := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(readText(t, filepath.Join(harbor, "gateway.json"))), &cfg))
	require.NoError(t, json.Unmarshal([]byte("{"+more+"}"), &cfg))
	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(build.FreePorts()))
	server := filepath.Join(harbor, "chaincode", "server") // any certificate of this machine with its key
	cfg["listen"], cfg["data"] = listen, t.TempDir()
	cfg["tls"] = map[string]string{"certificate": filepath.Join(server, "cert.pem"), "key": filepath.Join(server, "key.pem")}
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	path := filepath.Join(harbor, "machines.json") // beside the files that it names
	require.NoError(t, os.WriteFile(path, text, 0o600))
	t.Cleanup(func() { _ = os.Remove(path) })

	ctx, stop := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, program, "serve", "--config", path)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	var log bytes.Buffer
	c.Stderr = &log
	require.NoError(t, c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		stop()
		<-ended
		if t.Failed() {
			t.Log(log.String())
		}
		assert.Contains(t, log.String(), `callerId="certificate:CN=Harbor Machines,O=Harbor#CN=logger 7,O=Harbor" kind=machine role=submitter by=certificate`)
	})
	awaits(t, "the gateway of the machines is ready", func() bool {
		select {
		case err := <-ended:
			ended <- err
			require.FailNow(t, "the gateway ended", log.String())
		default:
		}
		return exec.CommandContext(t.Context(), "curl", "--fail", "--silent", "--cacert", filepath.Join(harbor, "tlsca", "cert.pem"),
			"https://"+listen+"/readyz").Run() == nil
	})
	return "https://" + listen
}
