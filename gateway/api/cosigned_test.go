package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/capture"
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
