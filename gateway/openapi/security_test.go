package openapi

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who may call an operation with a token may call it with a certificate.
func TestTokensAndCertificatesHaveTheSameRoles(t *testing.T) {
	d, err := Load()
	require.NoError(t, err)
	checked := 0
	check := func(security any, where string) {
		roles := map[string][]string{}
		for _, alternative := range array(security) {
			for scheme, names := range object(alternative) {
				for _, name := range array(names) {
					roles[scheme] = append(roles[scheme], text(name))
				}
			}
		}
		slices.Sort(roles["token"])
		slices.Sort(roles["certificate"])
		assert.Equal(t, roles["token"], roles["certificate"], where)
		checked += len(roles["token"])
	}
	check(d.doc["security"], "where nothing else is said")
	for path, methods := range object(d.doc["paths"]) {
		for method, operation := range object(methods) {
			check(object(operation)["security"], method+" "+path)
		}
	}
	assert.Greater(t, checked, 15)
}
