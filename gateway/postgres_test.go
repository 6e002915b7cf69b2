package gateway

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/logs/logstest"
	"github.com/pedigree-ledger/pedigree/network"
)

func (d door) ready() bool { return d.get("/readyz").status == http.StatusOK }

func TestTwoGatewaysShareAnIndex(t *testing.T) {
	place := indextest.PostgresURL(t)
	one, first, stopFirst := ownWith(t, "harbor", config.Config{Data: t.TempDir(), Index: place}, io.Discard)
	two, second, _ := ownWith(t, "harbor", config.Config{Data: t.TempDir(), Index: place}, io.Discard)
	submitter, err := startNetwork(t).Token("harbor", network.Submitter)
	require.NoError(t, err)
	through := func(d door) door { d.token = submitter; return d }
	first.await(func() bool { return first.ready() && second.ready() })

	t.Run("what goes in through either is found through both", func(t *testing.T) {
		for _, d := range []door{first, second} {
			o := through(d).post("/epcis/v2/events", observation(fresh("SHARED"), "2026-03-06T08:00:00Z"), http.StatusCreated)
			first.indexed(o.Block)
			second.indexed(o.Block)
			path := "/v1/records?pageSize=1000&at=" + strconv.FormatUint(o.Block, 10)
			assert.Contains(t, string(first.get(path).body), o.ID)
			assert.Equal(t, string(first.get(path).body), string(second.get(path).body))
		}
	})
	t.Run("it is as one in a file", func(t *testing.T) {
		block := two.index.Height() - 1
		theirs := doorOf(t, "harbor", "auditor")
		theirs.indexed(block)
		path := "/v1/records?pageSize=1000&at=" + strconv.FormatUint(block, 10)
		assert.Equal(t, string(theirs.get(path).body), string(second.get(path).body))
	})
	t.Run("nobody builds it again behind their backs", func(t *testing.T) {
		cfg := one.cfg
		cfg.Data = t.TempDir()
		assert.ErrorIs(t, reindex(t.Context(), cfg, io.Discard), errInUse)
	})
	t.Run("either builds it again for both", func(t *testing.T) {
		for _, d := range []door{first, second} {
			before := d.get("/v1/records?pageSize=1000&at=2").body
			require.Equal(t, http.StatusAccepted, d.do(http.MethodPost, "/v1/reindex", "").status)
			first.await(func() bool { return first.ready() && second.ready() })
			assert.Equal(t, string(before), string(first.get("/v1/records?pageSize=1000&at=2").body))
			assert.Equal(t, string(before), string(second.get("/v1/records?pageSize=1000&at=2").body))
		}
	})
	t.Run("when one ends the other goes on", func(t *testing.T) {
		require.NoError(t, stopFirst())
		o := through(second).post("/epcis/v2/events", observation(fresh("SHARED"), "2026-03-06T09:00:00Z"), http.StatusCreated)
		second.indexed(o.Block)
		assert.True(t, second.ready())
	})
}

func TestAGatewayWaitsForItsDatabase(t *testing.T) {
	server := indextest.StartPostgres(t)
	server.Stop(t)
	var log logstest.Buffer
	g, d, stop := ownWith(t, "lab", config.Config{Data: t.TempDir(), Index: server.URL("lab")}, &log)
	submitter := d
	submitter.token = doorOf(t, "lab", "submitter").token
	document := func(serial string) string {
		return `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-06T08:00:00Z","epcisBody":{"eventList":[` +
			strings.Replace(observation(serial, "2026-03-06T08:00:00Z"), `"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",`, "", 1) + `]}}`
	}
	capture := func() string {
		r := submitter.do(http.MethodPost, "/epcis/v2/capture", document(fresh("WAIT")))
		require.Equal(t, http.StatusAccepted, r.status, string(r.body))
		return r.header.Get("Location")
	}
	done := func(job string) bool {
		return strings.Contains(string(submitter.get(job).body), `"running":false,"success":true`)
	}

	t.Run("while it is down the gateway says so, takes events, and answers no query", func(t *testing.T) {
		d.await(func() bool { return strings.Contains(string(d.get("/readyz").body), "connection refused") })
		job := capture()
		r := d.get("/v1/records")
		assert.Equal(t, http.StatusServiceUnavailable, r.status, string(r.body))
		assert.NotEmpty(t, r.header.Get("Retry-After"))
		assert.Equal(t, http.StatusOK, d.get("/healthz").status)

		server.Start(t)
		d.await(d.ready)
		d.await(func() bool { return done(job) })
	})
	t.Run("when it is lost the gateway waits again", func(t *testing.T) {
		server.Stop(t)
		d.await(func() bool { return !d.ready() })
		job := capture()
		server.Start(t)
		d.await(d.ready)
		d.await(func() bool { return done(job) })
	})
	require.NoError(t, stop())
	for _, secret := range []string{indextest.PostgresPassword, "not-a-secret"} {
		assert.NotContains(t, log.String(), secret)
	}
	t.Run("reindex works on it", func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, reindex(t.Context(), g.cfg, &out))
		assert.Contains(t, out.String(), "the index equals the one before")
	})
	t.Run("reindex says that it is down", func(t *testing.T) {
		server.Stop(t)
		assert.ErrorContains(t, reindex(t.Context(), g.cfg, io.Discard), "connection refused")
	})
}
