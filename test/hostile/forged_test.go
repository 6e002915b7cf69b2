package hostile

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/stores"
	"github.com/pedigree-ledger/pedigree/gateway/logs/logstest"
	"github.com/pedigree-ledger/pedigree/network"
)

// victimGateway runs a gateway of Harbor's in this process. It returns the gateway's address, and how to stop it.
func victimGateway(t *testing.T, cfg config.Config, log io.Writer) (url string, stop func()) {
	t.Helper()
	g, err := gateway.Open(cfg, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); require.NoError(t, <-ended) })
	t.Cleanup(stop)
	return g.URL(), stop
}

// state asks a gateway how it is.
func state(t *testing.T, n *network.Network, url string) (s struct {
	Ready     bool
	Why       string
	Height    uint64
	Following string
	Peers     []struct {
		Address string
		Usable  bool
		Problem string
	}
}) {
	t.Helper()
	token, err := n.Token("harbor", network.Operator)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/status", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&s))
	return s
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 90*time.Second, 50*time.Millisecond, what)
}

// TestAForgedBlockIsRefusedAndHealed has a gateway of Harbor's follow Market's peer while its own is down. Market's peer
// serves blocks that no orderer signed. A gateway of before indexed and served them, and could not go on when Harbor's
// own peer came back.
func TestAForgedBlockIsRefusedAndHealed(t *testing.T) {
	n := shared(t)
	market := join(t, n, "market")
	liar := &liar{forge: doubled}
	lying := lie(t, market, liar)
	cfg, err := config.Read(n.GatewayConfig("harbor"))
	require.NoError(t, err)
	cfg.Listen, cfg.Data, cfg.Index = "127.0.0.1:0", t.TempDir(), ""
	cfg.Peers = []config.Peer{cfg.Peers[0], lying}
	own := cfg.Peers[0].Address
	at := slices.IndexFunc(n.Processes(), func(p network.ProcessStatus) bool { return p.Role == "peer" && p.Org == "harbor" })
	peerProcess := n.Processes()[at].Name

	var log logstest.Buffer
	url, stop := victimGateway(t, cfg, &log)
	eventually(t, "ready by its own peer", func() bool { return state(t, n, url).Ready })
	require.NoError(t, n.Hold(peerProcess))
	valid := market.endorse(t, event(t, fresh()))
	require.NoError(t, market.Broadcast(within(t, time.Minute), 0, valid.envelope))
	market.await(t, valid.id)
	before := state(t, n, url).Height
	eventually(t, liar.String(), func() bool {
		return liar.forged.Load() > 2 && strings.Contains(log.String(), "refused a block that is not the ledger's")
	})
	eventually(t, "it says that it isn't ready", func() bool { return !state(t, n, url).Ready })
	require.Equal(t, before, state(t, n, url).Height, "nothing of it is indexed")

	require.NoError(t, n.Release(peerProcess))
	eventually(t, "it goes on by its own peer", func() bool {
		s := state(t, n, url)
		return s.Ready && s.Height > before && s.Following == own
	})

	t.Run("a forged block that is indexed already", func(t *testing.T) {
		stop()
		forge(t, filepath.Join(cfg.Data, "index.db"))
		var log logstest.Buffer
		url, _ := victimGateway(t, cfg, &log)
		next := market.endorse(t, event(t, fresh()))
		require.NoError(t, market.Broadcast(within(t, time.Minute), 0, next.envelope))
		block := market.await(t, next.id).GetHeader().GetNumber()
		eventually(t, "it is built again", func() bool {
			s := state(t, n, url)
			return s.Ready && s.Height > block
		})
		require.True(t, strings.Contains(log.String(), "the index has blocks that are not on the ledger; building it again"))
	})
}

// forge puts a block that no orderer made at the end of an index.
func forge(t *testing.T, file string) {
	t.Helper()
	ix, err := stores.Open(file, index.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	require.NoError(t, ix.Connect(t.Context()))
	hash := sha256.Sum256([]byte("forged"))
	require.NoError(t, ix.Apply(t.Context(), index.Block{
		Number: ix.Height(), Hash: hash[:], PreviousHash: ix.LastHash(),
		Transactions: []index.Transaction{{ID: strings.Repeat("f", 64), MSPID: "MarketMSP", Subject: "CN=liar", Time: time.Now()}},
	}))
	require.NoError(t, ix.Close())
}
