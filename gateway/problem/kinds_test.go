package problem

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestEveryProblemOfTheLedgerHasAStatus(t *testing.T) {
	for _, c := range record.ProblemCodes {
		require.NotNil(t, KindOf(c.Code), c.Code)
	}
	for code, status := range map[string]int{
		"already_withdrawn": http.StatusConflict, "version_exists": http.StatusConflict,
		"already_generated": http.StatusConflict,
		"consent_withdrawn": http.StatusConflict, "not_yours": http.StatusForbidden,
		"unknown_reference": http.StatusUnprocessableEntity,
		"missing_field":     http.StatusBadRequest, "too_large": http.StatusRequestEntityTooLarge,
		"not_found":     http.StatusNotFound,
		"not_committed": http.StatusServiceUnavailable, "a code of a later program": http.StatusBadRequest,
	} {
		assert.Equal(t, status, KindOf(code).Status, code)
	}
}
