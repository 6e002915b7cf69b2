package gateway

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// A gateway whose own peer answers, and nobody else, can't know what the others have recorded.
func TestAGatewayThatIsCutOffIsNotReady(t *testing.T) {
	n := startNetwork(t)
	others := []string{"market-peer", "lab-peer"}
	for _, peer := range others {
		require.NoError(t, n.Hold(peer))
	}
	t.Cleanup(func() {
		for _, peer := range others {
			assert.NoError(t, n.Release(peer))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(t, n.AwaitReady(ctx))
	})
	g, d, _ := ownWith(t, "harbor", config.Config{Data: t.TempDir()}, io.Discard)
	d.await(func() bool { return g.follower.newest() })
	answer := d.get("/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, answer.status)
	assert.Contains(t, string(answer.body), "peers of 1 of 3 organisations answer, so the index may be out of date")
	assert.Equal(t, http.StatusOK, d.get("/v1/members").status, "it still answers")

	require.NoError(t, n.Release("lab-peer"))
	d.await(func() bool { return d.get("/readyz").status == http.StatusOK })
	assert.NotContains(t, string(d.get("/v1/status").body), `"confirmed":"0001`)
}

func TestReadinessLastsAsLongAsOthersConfirmIt(t *testing.T) {
	f := newFollower(nil, nil, indextest.Open(t), nil, slog.New(slog.DiscardHandler))
	f.caughtUp, f.heard = true, ledger.Tip{Answered: 1, Asked: 3}
	for name, c := range map[string]struct {
		silent time.Duration
		why    string
	}{
		"confirmed just now":             {0, ""},
		"others are silent for a moment": {cutOffAfter - 5*time.Second, ""},
		"others are silent for long":     {cutOffAfter + time.Second, "peers of 1 of 3 organisations answer, so the index may be out of date since 2"},
	} {
		t.Run(name, func(t *testing.T) {
			f.confirmed = time.Now().Add(-c.silent)
			ready, why := f.ready()
			assert.Equal(t, c.why == "", ready)
			assert.Contains(t, why, c.why)
		})
	}
	f.discard(false)
	ready, _ := f.ready()
	assert.False(t, ready)
	assert.Zero(t, f.lastConfirmed())
}
