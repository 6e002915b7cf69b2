package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/cosign"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// Whoever has signed "there is nothing at this address" seems to have said that there is no such recall.
func TestNothingIsSignedThatNoRouteLookedUp(t *testing.T) {
	f := newFixture(t, capture.Config{})
	for address, signed := range map[string]bool{
		"/v1/artifacts/dataset/lab/nobody-knows": true,
		"/v1/recalls?about=model/lab/forecast@1": false, // no route
		"/v1/statements/?kind=recall":            false, // nor this
		"/v2/anything":                           false,
		"/v1/namespaces":                         false, // a route whose answers aren't signed
		"/v1/status":                             false,
		"/v1/tokens":                             false,
	} {
		q, err := cosigned.NewQuestion(address)
		require.NoError(t, err, address)
		a, err := f.server.signable(t.Context(), q, 0)
		if !signed {
			assert.ErrorContains(t, err, "organisations sign no answers to", address)
			continue
		}
		if assert.NoError(t, err, address) {
			assert.Equal(t, http.StatusNotFound, a.Status, address)
		}
	}
}

// overheard notes for whom answers are cosigned.
type overheard struct {
	Cosigner
	holders []string
}

func (o *overheard) Ask(
	ctx context.Context, holder string, q cosigned.Question, block *uint64, want int, answer cosign.Answerer,
) (*cosigned.File, error) {
	o.holders = append(o.holders, holder)
	return o.Cosigner.Ask(ctx, holder, q, block, want, answer)
}

// Two people may have one name. Neither may use up the places of the other.
func TestPlacesForCosignedAnswersAreEachCallersOwn(t *testing.T) {
	f := newFixture(t)
	asked := &overheard{Cosigner: f.server.Cosigner}
	f.server.Cosigner = asked
	signer, ok := f.callers.Identity("auditor")
	require.NoError(t, ok)
	for _, id := range []string{"oidc:https://issuer.example#1", "oidc:https://issuer.example#2"} {
		who := &access.Caller{ID: id, Name: "ann", Kind: access.Person, Role: access.Auditor, Method: access.ByIssuer, Identity: signer}
		r := httptest.NewRequestWithContext(access.WithCaller(t.Context(), who), http.MethodGet, "/v1/statements?cosign=1", nil)
		f.server.ServeHTTP(httptest.NewRecorder(), r)
	}
	assert.Equal(t, []string{"oidc:https://issuer.example#1", "oidc:https://issuer.example#2"}, asked.holders)
}

// known hears which certificates the sender of a request is said to have shown.
type known struct {
	Cosigner
	shown []*x509.Certificate
}

func (k *known) Reply(_ context.Context, shown []*x509.Certificate, _ canonical.Value, _ cosign.Answerer) (canonical.Value, error) {
	k.shown = shown
	return canonical.Obj(), nil
}

func TestOtherGatewaysAreAskedForWhatTheyHaveShownAndNotForAProxysCertificate(t *testing.T) {
	f := newFixture(t)
	heard := &known{Cosigner: f.server.Cosigner}
	f.server.Cosigner = heard
	own, proxys := &x509.Certificate{Raw: []byte("own")}, &x509.Certificate{Raw: []byte("proxy's")}
	ask := func() int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/cosign", strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{proxys}}
		w := httptest.NewRecorder()
		f.server.ServeHTTP(w, r)
		return w.Code
	}
	assert.Equal(t, http.StatusOK, ask())
	assert.Equal(t, []*x509.Certificate{proxys}, heard.shown, "without proxies, that of the connection")
	f.server.Shown = func(*http.Request) ([]*x509.Certificate, error) { return []*x509.Certificate{own}, nil }
	assert.Equal(t, http.StatusOK, ask())
	assert.Equal(t, []*x509.Certificate{own}, heard.shown)
	f.server.Shown = func(*http.Request) ([]*x509.Certificate, error) { return nil, errors.New("the header is damaged") }
	assert.Equal(t, http.StatusForbidden, ask())
}
