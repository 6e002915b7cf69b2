package gateway

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
)

func TestAGatewayThatIsStoppedGoesOnWhereItWas(t *testing.T) {
	data := t.TempDir()
	_, d, stop := own(t, "harbor", data)
	submitter := d
	submitter.token = doorOf(t, "harbor", "submitter").token
	body := observation(fresh("RESTART"), "2026-03-06T08:00:00Z")
	event := submitter.post("/epcis/v2/events", body, http.StatusCreated)
	before := d.get("/v1/records?pageSize=1000&at=" + strconv.FormatUint(event.Block, 10)).body
	require.NoError(t, stop(), "a gateway that is told to stop does so without complaint")

	g, again, _ := own(t, "harbor", data)
	assert.Greater(t, g.index.Height(), event.Block)
	assert.Equal(t, string(before), string(again.get("/v1/records?pageSize=1000&at="+strconv.FormatUint(event.Block, 10)).body))
	again.token = submitter.token
	assert.Equal(t, event.ID, again.post("/epcis/v2/events", body, http.StatusConflict).Existing)
}

func TestTheGatewaysOfAnOrganisationAgreeToTheByte(t *testing.T) {
	theirs := doorOf(t, "lab", "auditor")
	g, mine, _ := own(t, "lab", t.TempDir())
	at := strconv.FormatUint(g.index.Height()-1, 10)
	theirs.indexed(g.index.Height() - 1)
	for _, path := range []string{"/v1/records?pageSize=1000&at=" + at, "/v1/members?at=" + at, "/v1/artifacts?at=" + at} {
		assert.Equal(t, string(theirs.get(path).body), string(mine.get(path).body), path)
	}
}

func TestAnIndexIsBuiltAgain(t *testing.T) {
	data := t.TempDir()
	g, d, stop := own(t, "market", data)
	block := g.index.Height() - 1
	at := "&at=" + strconv.FormatUint(block, 10)
	before := d.get("/v1/records?pageSize=1000" + at).body

	t.Run("by the gateway itself", func(t *testing.T) {
		r := d.do(http.MethodPost, "/v1/reindex", "")
		require.Equal(t, http.StatusAccepted, r.status, string(r.body))
		d.await(func() bool { return d.get("/readyz").status == http.StatusOK })
		assert.Equal(t, string(before), string(d.get("/v1/records?pageSize=1000"+at).body))
	})
	t.Run("not by a second process while it runs", func(t *testing.T) {
		err := reindex(t.Context(), g.cfg, io.Discard)
		assert.ErrorIs(t, err, errInUse)
		_, err = Open(g.cfg, slog.New(slog.DiscardHandler))
		assert.ErrorContains(t, err, "another gateway is using it")
	})
	require.NoError(t, stop())
	t.Run("by the verb, once it is stopped", func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, reindex(t.Context(), g.cfg, &out))
		assert.Contains(t, out.String(), "the index equals the one before")
	})
	t.Run("by the verb, through the gateway of a network that is up", func(t *testing.T) {
		n := startNetwork(t)
		c, out := ReindexCommand(), new(bytes.Buffer)
		c.SetArgs([]string{"--as", "market", "--dir", n.Dir()})
		c.SetErr(out)
		require.NoError(t, c.ExecuteContext(t.Context()))
		assert.Contains(t, out.String(), "indexed")
		theirs := doorOf(t, "market", "operator")
		assert.Equal(t, string(before), string(theirs.get("/v1/records?pageSize=1000"+at).body))
	})
}

func TestRequestsUnderWayAreFinishedBeforeAGatewayStops(t *testing.T) {
	_, d, stop := own(t, "harbor", t.TempDir())
	d.token = doorOf(t, "harbor", "submitter").token
	pipe, writer := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/epcis/v2/events", pipe)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+d.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Expect", "100-continue") // so that the first byte is written when the request is being served
	patient := &http.Client{Transport: &http.Transport{Proxy: nil, ExpectContinueTimeout: time.Minute}}
	body := observation(fresh("FAREWELL"), "2026-03-07T08:00:00Z")
	stopped := make(chan error, 1)
	go func() {
		_, _ = io.WriteString(writer, body[:20])
		go func() { stopped <- stop() }()
		// The listener is closed first, so nobody else comes in.
		awaits(t, func() bool {
			response, err := client.Get(d.url + "/healthz")
			if err == nil {
				response.Body.Close()
			}
			return err != nil
		})
		_, _ = io.WriteString(writer, body[20:])
		writer.Close()
	}()
	response, err := patient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, response.StatusCode, string(text))
	require.NoError(t, <-stopped)
}

func TestWhatKeepsAGatewayFromStartingIsSaidInOneSentence(t *testing.T) {
	n := startNetwork(t)
	good, err := config.Read(n.GatewayConfig("lab"))
	require.NoError(t, err)
	taken := strings.TrimPrefix(doorOf(t, "lab", "auditor").url, "http://")
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"an address that is taken", func(c *config.Config) { c.Listen = taken }, "another program does"},
		{"tokens that aren't there", func(c *config.Config) { c.Tokens = "/nowhere/tokens.json" }, "couldn't read the tokens"},
		{"a peer's roots that aren't there", func(c *config.Config) { c.Peers[0].TLSRoots = "/nowhere/ca.pem" }, "/nowhere/ca.pem"},
		{"a certificate that isn't there", func(c *config.Config) {
			c.TLS = config.TLS{Certificate: "/nowhere/cert.pem", Key: "/nowhere/key.pem"}
		}, "tls.certificate"},
		{"a data folder that is a file", func(c *config.Config) { c.Data = n.GatewayConfig("lab") }, "data folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			cfg.Peers = append([]config.Peer(nil), good.Peers...)
			cfg.Listen, cfg.Data = "127.0.0.1:0", filepath.Join(t.TempDir(), "data")
			c.change(&cfg)
			_, err := Open(cfg, slog.New(slog.DiscardHandler))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestAGatewayWithACertificateSpeaksTLS(t *testing.T) {
	n := startNetwork(t)
	cfg, err := config.Read(n.GatewayConfig("lab"))
	require.NoError(t, err)
	cfg.Listen, cfg.Data = "127.0.0.1:0", t.TempDir()
	dir := filepath.Join(n.Dir(), "lab", "chaincode", "server") // any certificate with its key
	cfg.TLS = config.TLS{Certificate: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	g, err := Open(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	assert.True(t, strings.HasPrefix(g.URL(), "https://"))
	response, err := client.Get("http://" + strings.TrimPrefix(g.URL(), "https://") + "/healthz")
	if err == nil {
		response.Body.Close()
		assert.Equal(t, http.StatusBadRequest, response.StatusCode, "plain HTTP is turned away")
	}
	cancel()
	require.NoError(t, <-done)
}
