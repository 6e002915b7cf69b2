package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/network"
)

// The tests run a real network whose program is the test binary itself.
func TestMain(m *testing.M) {
	if handled, code := network.Builder(os.Args); handled {
		os.Exit(code)
	}
	if len(os.Args) > 1 && (os.Args[1] == "chaincode" || os.Args[1] == "serve") {
		root := &cobra.Command{SilenceUsage: true}
		root.AddCommand(chaincode.Command(), Command())
		if err := root.Execute(); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if shared.network != nil {
		if err := shared.network.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	if err := indextest.Shutdown(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// shared is the network of all tests.
var shared struct {
	once    sync.Once
	dir     string
	network *network.Network
	err     error
}

func startNetwork(t *testing.T) *network.Network {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a network")
	}
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "pedigree-gateway-"); shared.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // the first time, Fabric is built
		defer cancel()
		shared.network, shared.err = network.Start(ctx, network.Options{Dir: filepath.Join(shared.dir, "network"), Out: os.Stderr})
	})
	require.NoError(t, shared.err)
	return shared.network
}

// door is a gateway as a client sees it.
type door struct {
	t     *testing.T
	url   string
	token string
}

func doorOf(t *testing.T, org, role string) door {
	t.Helper()
	n := startNetwork(t)
	token, err := n.Token(org, role)
	require.NoError(t, err)
	for _, o := range n.Orgs() {
		if o.Name == org {
			return door{t, o.URL(), token}
		}
	}
	t.Fatalf("there is no organisation %s", org)
	return door{}
}

// reply is an answer of a gateway.
type reply struct {
	status int
	header http.Header
	body   []byte
}

var client = &http.Client{
	Transport:     &http.Transport{Proxy: nil},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (d door) do(method, path, body string, header ...string) reply {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	require.NoError(d.t, err)
	r.Header.Set("Authorization", "Bearer "+d.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(r)
	require.NoError(d.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(d.t, err)
	return reply{response.StatusCode, response.Header, text}
}

func (d door) get(path string) reply { d.t.Helper(); return d.do(http.MethodGet, path, "") }

// post sends a record that must be answered with a status, and reads the answer.
func (d door) post(path, body string, status int) outcome {
	d.t.Helper()
	r := d.do(http.MethodPost, path, body)
	require.Equal(d.t, status, r.status, "%s: %s", body, r.body)
	var o outcome
	require.NoError(d.t, json.Unmarshal(r.body, &o), string(r.body))
	return o
}

// outcome has the members of receipts and of problems.
type outcome struct {
	ID, Tx, MSPID, EventID, Hash, Ref, Existing, Code, CaptureID string
	Block                                                        uint64
	AlreadyRecorded                                              bool
	Problems                                                     []struct{ Code, Pointer, Detail string }
}

// indexed waits until a gateway's index has a block.
func (d door) indexed(block uint64) {
	d.t.Helper()
	d.await(func() bool {
		var s struct{ Height uint64 }
		require.NoError(d.t, json.Unmarshal(d.get("/v1/status").body, &s))
		return s.Height > block
	})
}

// await asks until a condition holds.
func (d door) await(condition func() bool) {
	d.t.Helper()
	awaits(d.t, condition)
}

func awaits(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		require.True(t, time.Now().Before(deadline), "the condition never held")
		<-tick.C
	}
}

// own is a gateway in the process of the test, with an index and a queue of its own, that speaks for an organisation of
// the network.
func own(t *testing.T, org, data string) (*Gateway, door, func() error) {
	t.Helper()
	g, d, stop := ownWith(t, org, config.Config{Data: data}, io.Discard)
	d.await(func() bool { return d.get("/readyz").status == http.StatusOK })
	return g, d, stop
}

// ownWith is own with some members of the configuration, and a log. It doesn't wait until the gateway is ready.
func ownWith(t *testing.T, org string, want config.Config, log io.Writer) (*Gateway, door, func() error) {
	t.Helper()
	n := startNetwork(t)
	cfg, err := config.Read(n.GatewayConfig(org))
	require.NoError(t, err)
	cfg.Listen, cfg.Data, cfg.Index = "127.0.0.1:0", want.Data, want.Index
	cfg.Tokens = cmp.Or(want.Tokens, cfg.Tokens)
	g, err := Open(cfg, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	token, err := n.Token(org, network.Operator)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { require.NoError(t, stop()) })
	return g, door{t, g.URL(), token}, stop
}

var named atomic.Int64

// fresh makes a name that nothing on the shared ledger has yet, however often a test runs.
func fresh(name string) string { return fmt.Sprintf("%s-%d", name, named.Add(1)) }
