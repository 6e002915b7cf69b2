package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/access/accesstest"
	"github.com/pedigree-ledger/pedigree/gateway/actor"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/cosign"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/logs/logstest"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/pages"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/router"
	"github.com/pedigree-ledger/pedigree/gateway/runs"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/witness"
)

// fixture is a server over a real index and a real queue. No network is behind it: what is queued stays queued.
type fixture struct {
	t       testing.TB
	ledger  *indextest.Ledger
	server  *Server
	callers *access.Callers
	router  *router.Router
	people  *pages.Pages
	http    *httptest.Server
	queue   *capture.Queue
	folder  string // of the queue
	tokens  string // the file of the tokens that operators make
	log     *logstest.Buffer
	peers   bool // whether a peer can be called
	actors  *actor.Store
}

// description is read once. Nobody changes it.
var description = sync.OnceValues(openapi.Load)

// newFixture makes one. A configuration of the queue, of which there may be one, needs no folder and no identities.
func newFixture(t testing.TB, queue ...capture.Config) *fixture {
	t.Helper()
	f := &fixture{t: t, ledger: indextest.New(t), log: new(logstest.Buffer), peers: true}
	ix := indextest.Open(t)
	for _, b := range f.ledger.Blocks {
		require.NoError(t, ix.Apply(t.Context(), b))
	}
	f.ledger.Follower = ix
	log := slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	callers, err := access.Open(accesstest.Write(t, accesstest.OfRoles(access.Roles)), log)
	require.NoError(t, err)
	f.tokens = filepath.Join(t.TempDir(), "kept.db")
	callers.Manage(accesstest.TokensAt(t, f.tokens))
	f.callers = callers
	actors := accesstest.Actors(t)
	f.actors = actors
	cfg := append(queue, capture.Config{})[0]
	cfg.Folder, cfg.Identity, cfg.Journal, cfg.Logger = t.TempDir(), callers.Identity, actors, log
	f.folder = cfg.Folder
	f.queue, err = capture.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.queue.Close()) })
	told, err := runs.Open(runs.Config{Folder: t.TempDir(), Namespace: "lab", Logger: log}, runs.IndexedBy(ix, func() bool { return true }))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, told.Close()) })
	sessions := session.New(callers, "LabMSP")
	health := func() ledger.Health {
		return ledger.Health{Following: true, Peers: []ledger.PeerHealth{{MSPID: "LabMSP", Address: "127.0.0.1:1", Usable: f.peers}}}
	}
	description, err := description()
	require.NoError(t, err)
	signers, err := cosign.New(cosign.Config{
		MSPID: "LabMSP", Blocks: ix, Signer: func() cosigned.Signer { return nil }, Ready: func() (bool, string) { return true, "" },
		Trust: func(ctx context.Context) (*proof.Trust, error) { return f.server.Prover.Trust(ctx) }, Logger: log,
	})
	require.NoError(t, err)
	f.server, err = New(Config{
		Cosigner: signers,
		Name:     "lab", MSPID: "LabMSP", Channel: "pedigree", Chaincode: "pedigree", Version: "test", Description: description, Index: ix, Queue: f.queue, Runs: told,
		Actors: actors, Callers: callers, Sessions: sessions, Witnesses: (&witness.Finder{Index: ix, Patience: time.Millisecond}).Find,
		Health: health, Ready: func() (bool, string) { return true, "" }, Tip: ix.Height, Rebuild: func() {},
		Confirmed: func() time.Time { return time.Date(2026, 3, 6, 8, 0, 0, 0, time.UTC) },
		Metrics:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pedigree_ready 1\n") }),
		Wait:      50 * time.Millisecond, Patience: time.Millisecond, Logger: log,
	})
	require.NoError(t, err)
	people, err := pages.New(pages.Config{
		Description: description, Requests: router.Inside(f.server, nil, log),
		Name: "lab", MSPID: "LabMSP", Channel: "pedigree", Chaincode: "pedigree", Version: "test", Sessions: sessions, Queue: f.queue, Index: ix,
		Health: health, Ready: func() (bool, string) { return true, "" }, Tip: ix.Height, Actors: actors, Logger: log,
		Trust: func(ctx context.Context) (*proof.Trust, error) { return f.server.Prover.Trust(ctx) },
	})
	require.NoError(t, err)
	f.people = people
	t.Cleanup(people.Stop)
	f.router = router.New(router.Config{API: f.server, Pages: people, Description: description, Member: sessions.Member, Logger: log})
	f.http = httptest.NewServer(f.router)
	t.Cleanup(f.http.Close)
	return f
}

var proceed = map[string]string{"GS1-Capture-Error-Behaviour": "proceed"}

// request is a request to a fixture; empty fields get what most requests have.
type request struct {
	method, path, body string
	role               string // whose token to show: "submitter" if empty, none if "nobody"
	header             map[string]string
	client             *http.Client // nil is one without a certificate
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (f *fixture) do(r request) answer {
	f.t.Helper()
	if r.method == "" {
		r.method = http.MethodGet
		if r.body != "" {
			r.method = http.MethodPost
		}
	}
	req, err := http.NewRequestWithContext(f.t.Context(), r.method, f.http.URL+r.path, strings.NewReader(r.body))
	require.NoError(f.t, err)
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	switch r.role {
	case "nobody":
	case "":
		req.Header.Set("Authorization", "Bearer submitter-token")
	default:
		req.Header.Set("Authorization", "Bearer "+r.role+"-token")
	}
	for name, value := range r.header {
		if value == "" {
			req.Header.Del(name)
			continue
		}
		req.Header.Set(name, value)
	}
	if r.client == nil {
		r.client = f.http.Client()
	}
	client := &http.Client{Transport: r.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(req)
	require.NoError(f.t, err)
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	require.NoError(f.t, err)
	return answer{response.StatusCode, response.Header, body.String()}
}

// problemBody is a problem as callers see it.
type problemBody struct {
	Type, Title, Detail, Instance, Code, Existing, Tx, CaptureID string
	Status                                                       int
	Problems                                                     []problem.Reason
}

func (a answer) problem(t testing.TB) problemBody {
	t.Helper()
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), a.body)
	var p problemBody
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	require.Equal(t, a.status, p.Status)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	require.True(t, strings.HasPrefix(p.Instance, "urn:request:"), p.Instance)
	require.NotContains(t, a.body, "goroutine")
	require.NotContains(t, a.body, ".go:")
	return p
}

func (a answer) json(t testing.TB, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), into), a.body)
}

// queued tells how many records the queue has, whatever became of them.
func (f *fixture) queued() int {
	f.t.Helper()
	jobs, _, err := f.queue.Jobs(context.Background(), "", "", 1000)
	require.NoError(f.t, err)
	n := 0
	for _, j := range jobs {
		n += j.Total
	}
	return n + f.queue.Stats().Records
}

// story puts a few records on the ledger of a fixture.
func (f *fixture) story() (event, dataset string) {
	f.t.Helper()
	event = f.ledger.Put("Harbor", indextest.Event(f.t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"ADD","bizStep":"commissioning","epcList":["urn:epc:id:sgtin:952005.0101010.S1"],"quantityList":[{"epcClass":"urn:epc:class:lgtin:952005.0101010.CATCH-1","quantity":3}]}`))
	dataset = f.ledger.Put("Lab", indextest.Artifact(f.t, "dataset/lab/readings@1"))
	return event, dataset
}
