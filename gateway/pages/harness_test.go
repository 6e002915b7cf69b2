package pages

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/access/accesstest"
	"github.com/pedigree-ledger/pedigree/gateway/api"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/runs"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/witness"
)

// fixture is the pages of a gateway over a real index, a real queue and the real API. No network is behind it: what is
// captured stays in the queue, and no peer proves anything.
type fixture struct {
	t       testing.TB
	pages   *Pages
	ledger  *indextest.Ledger
	index   *index.Index
	callers *access.Callers
	log     bytes.Buffer
	asked   []string // what the pages asked the API: the caller's role, the method and the path
	who     map[access.Role]*signedIn
}

// signedIn is somebody's session in a browser.
type signedIn struct {
	cookie *http.Cookie
	form   string
}

// description is read once. Nobody changes it.
var description = sync.OnceValues(openapi.Load)

// newFixture makes one whose ledger is empty.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, ledger: indextest.New(t), index: indextest.Open(t), who: map[access.Role]*signedIn{}}
	for _, b := range f.ledger.Blocks {
		require.NoError(t, f.index.Apply(t.Context(), b))
	}
	f.ledger.Follower = f.index
	log := slog.New(slog.NewTextHandler(&f.log, nil))
	callers, err := access.Open(accesstest.Write(t, accesstest.OfRoles(access.Roles)), log)
	require.NoError(t, err)
	callers.Manage(accesstest.Tokens(t))
	f.callers = callers
	queue, err := capture.Open(capture.Config{Folder: t.TempDir(), Identity: callers.Identity, Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, queue.Close()) })
	told, err := runs.Open(runs.Config{Folder: t.TempDir(), Namespace: "lab", Logger: log}, runs.IndexedBy(f.index, func() bool { return true }))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, told.Close()) })
	sessions := session.New(callers, "LabMSP")
	actors := accesstest.Actors(t)
	health := func() ledger.Health {
		return ledger.Health{Following: true, Peers: []ledger.PeerHealth{{MSPID: "LabMSP", Address: "127.0.0.1:1", Usable: true}}}
	}
	ready := func() (bool, string) { return true, "" }
	description, err := description()
	require.NoError(t, err)
	var server *api.Server
	f.pages, err = New(Config{
		Name: "lab", MSPID: "LabMSP", Channel: "pedigree", Chaincode: "pedigree", Version: "test",
		Sessions: sessions, Queue: queue, Index: f.index, Actors: actors, Health: health, Ready: ready, Tip: f.index.Height, Trust: noPeers{}.Trust, Logger: log,
		Description: description, Requests: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.asked = append(f.asked, string(access.CallerIn(r.Context()).Role)+" "+r.Method+" "+r.URL.Path)
			server.ServeHTTP(w, r)
		}),
	})
	require.NoError(t, err)
	t.Cleanup(f.pages.Stop)
	server, err = api.New(api.Config{
		Name: "lab", MSPID: "LabMSP", Channel: "pedigree", Chaincode: "pedigree", Version: "test",
		Index: f.index, Queue: &endorsedAtOnce{queue, f.ledger}, Runs: told, Prover: noPeers{}, Actors: actors, Callers: callers, Sessions: sessions, Description: description,
		Witnesses: (&witness.Finder{Index: f.index, Patience: time.Millisecond}).Find,
		Health:    health, Ready: ready, Tip: f.index.Height, Rebuild: func() {}, Metrics: http.NotFoundHandler(),
		Patience: time.Millisecond, Logger: log, Confirmed: time.Now,
	})
	require.NoError(t, err)
	f.pages.tally.begin(f.pages)
	require.NotNil(t, f.pages.tally.get(t.Context()), "pages don't wait for the first count, and say less until it is there")
	for _, role := range access.Roles {
		w := httptest.NewRecorder()
		s, err := sessions.Begin(w, httptest.NewRequest(http.MethodPost, "/sign-in", nil), string(role)+"-token")
		require.NoError(t, err)
		f.who[role] = &signedIn{cookie: w.Result().Cookies()[0], form: s.Form}
	}
	return f
}

// endorsedAtOnce is a queue that puts what is recorded synchronously on the ledger, as if peers had endorsed it.
type endorsedAtOnce struct {
	*capture.Queue
	ledger *indextest.Ledger
}

func (q *endorsedAtOnce) Record(_ context.Context, r capture.Request) ([]capture.Result, error) {
	var bodies [][]byte
	for _, item := range r.Items {
		bodies = append(bodies, item.Body)
	}
	tx := q.ledger.SubmitBodies("Lab", index.CodeValid, bodies...)
	q.ledger.Cut()
	results := make([]capture.Result, len(r.Items))
	for i := range results {
		results[i] = capture.Result{Index: i, State: capture.Recorded, TransactionID: tx, Block: q.ledger.Height()}
	}
	return results, nil
}

// noPeers is a network that can't be reached.
type noPeers struct{}

func (noPeers) Prove(context.Context, record.ID, proof.Level, int) (*proof.Proof, error) {
	return nil, ledger.ErrUnavailable
}

func (noPeers) ProveTrace(context.Context, proof.Trace, []record.ID, proof.Level, int) (*proof.Proof, error) {
	return nil, ledger.ErrUnavailable
}

func (noPeers) Trust(context.Context) (*proof.Trust, error) { return nil, ledger.ErrUnavailable }

const nobody access.Role = ""

// get asks for a page in the name of a role.
func (f *fixture) get(role access.Role, path string) *httptest.ResponseRecorder {
	return f.serve(role, httptest.NewRequestWithContext(f.t.Context(), http.MethodGet, path, nil))
}

// post sends a form as a page of the role's session does, with its form token.
func (f *fixture) post(role access.Role, path string, form url.Values) *httptest.ResponseRecorder {
	sent := url.Values{}
	for name, values := range form {
		sent[name] = values
	}
	if role != nobody {
		sent.Set(session.FormField, f.who[role].form)
	}
	return f.postForeign(role, path, sent)
}

// postForeign sends a form as it is.
func (f *fixture) postForeign(role access.Role, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(f.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return f.serve(role, r)
}

func (f *fixture) serve(role access.Role, r *http.Request) *httptest.ResponseRecorder {
	if role != nobody {
		r.AddCookie(f.who[role].cookie)
	}
	w := httptest.NewRecorder()
	f.pages.ServeHTTP(w, r)
	return w
}
