package clientcert

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/clientcert/clientcerttest"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// TestHAProxyPassesOnCertificates runs a real proxy with the configuration that docs/operating.md shows.
func TestHAProxyPassesOnCertificates(t *testing.T) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip(err)
	}
	f := newFixture(t, func(c *config.ClientCertificates) { c.Proxies = []string{"127.0.0.1/32"} })
	behind := httptest.NewServer(f) // without TLS
	t.Cleanup(behind.Close)
	f.server = &httptest.Server{URL: "https://" + startHAProxy(t, program, f.authority, behind.Listener.Addr().String())}

	erp, logger := f.authority.Issue("erp"), f.authority.Issue("logger")
	spoofed := clientcerttest.Header(erp.Certificate[0])
	got, err := f.with(logger)
	require.NoError(t, err)
	assert.Equal(t, "logger", got.Name)
	got, err = f.with(logger, leafHeader, spoofed, leafHeader, spoofed, chainHeader, spoofed)
	require.NoError(t, err)
	assert.Equal(t, "logger", got.Name)
	got, err = f.ask(f.authority.Client(), leafHeader, spoofed)
	require.NoError(t, err)
	assert.Nil(t, got, "who has no certificate is nobody, whatever the header says")
}

// startHAProxy starts the proxy before a server, and returns its address.
func startHAProxy(t *testing.T, program string, authority *clientcerttest.Authority, server string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	_, shown, found := strings.Cut(string(page), "```\nfrontend machines\n")
	require.True(t, found)
	shown, _, _ = strings.Cut(shown, "```")

	folder := t.TempDir()
	certificate, key := clientcerttest.WritePair(t, folder, authority.Server())
	both, err := os.ReadFile(certificate)
	require.NoError(t, err)
	private, err := os.ReadFile(key)
	require.NoError(t, err)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listen := free.Addr().String()
	text := strings.NewReplacer(
		":443", listen, "127.0.0.1:8081", server,
		"gateway.pem", clientcerttest.Write(t, folder, "gateway.pem", append(both, private...)),
		"machines/ca.pem", clientcerttest.Write(t, folder, "ca.pem", clientcerttest.PEM(authority)),
	).Replace("defaults\n  timeout connect 10s\n  timeout client 1m\n  timeout server 1m\nfrontend machines\n" + shown)
	clientcerttest.Write(t, folder, "haproxy.cfg", []byte(text))

	ctx, stop := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, program, "-db", "-f", filepath.Join(folder, "haproxy.cfg"))
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	require.NoError(t, free.Close())
	require.NoError(t, c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		stop()
		<-ended
		if t.Failed() {
			t.Log(said.String())
		}
	})
	client := authority.Client()
	require.Eventually(t, func() bool {
		select {
		case err := <-ended:
			ended <- err
			return true
		default:
		}
		answer, err := client.Get("https://" + listen)
		if err != nil {
			return false
		}
		return assert.NoError(t, answer.Body.Close()) && answer.StatusCode == http.StatusOK
	}, time.Minute, 10*time.Millisecond)
	require.Empty(t, ended, "the proxy ended")
	return listen
}
