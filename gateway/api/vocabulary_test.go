package api

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// enums lists the enumerations of the description, wherever they are.
func enums(v any) (all [][]string) {
	switch v := v.(type) {
	case map[string]any:
		if list, ok := v["enum"].([]any); ok {
			var words []string
			for _, word := range list {
				if s, ok := word.(string); ok {
					words = append(words, s)
				}
			}
			all = append(all, words)
		}
		for _, inner := range v {
			all = append(all, enums(inner)...)
		}
	case []any:
		for _, inner := range v {
			all = append(all, enums(inner)...)
		}
	}
	return all
}

// TestTheDescriptionHasEveryWordOfTheLedgersVocabularies holds each enumeration of openapi.yaml that has a word of a
// vocabulary to one of the lists that this vocabulary can be asked for.
func TestTheDescriptionHasEveryWordOfTheLedgersVocabularies(t *testing.T) {
	var all, own, warning []string
	for _, k := range record.StatementKinds {
		all = append(all, k.Name)
		if k.Name != record.Attestation {
			own = append(own, k.Name)
		}
		if k.Warns {
			warning = append(warning, k.Name)
		}
	}
	s, err := loadSpec()
	require.NoError(t, err)
	found := enums(s.doc)
	for _, vocabulary := range []struct {
		word  string // by which an enumeration of the vocabulary is known
		lists [][]string
	}{
		{record.Recall, [][]string{all, own, warning}},
		{"dataset", [][]string{record.ArtifactKinds, {"run", "dataset", "job"}}},
		{"training", [][]string{record.ActivityTypes}},
	} {
		times := make([]int, len(vocabulary.lists))
		for _, words := range found {
			if !slices.Contains(words, vocabulary.word) {
				continue
			}
			i := slices.IndexFunc(vocabulary.lists, func(list []string) bool { return slices.Equal(list, words) })
			if assert.GreaterOrEqual(t, i, 0, "openapi.yaml has %v, which is none of %v", words, vocabulary.lists) {
				times[i]++
			}
		}
		assert.NotContains(t, times, 0, "openapi.yaml lacks one of %v", vocabulary.lists)
	}
}

func TestEveryProblemOfTheLedgerHasAStatus(t *testing.T) {
	for _, c := range record.ProblemCodes {
		require.NotNil(t, problem.KindOf(c.Code), c.Code)
	}
	for code, status := range map[string]int{
		"already_withdrawn": http.StatusConflict, "version_exists": http.StatusConflict, "already_generated": http.StatusConflict,
		"consent_withdrawn": http.StatusConflict, "not_yours": http.StatusForbidden, "unknown_reference": http.StatusUnprocessableEntity,
		"missing_field": http.StatusBadRequest, "too_large": http.StatusRequestEntityTooLarge, "not_found": http.StatusNotFound,
		"not_committed": http.StatusServiceUnavailable, "a code of a later program": http.StatusBadRequest,
	} {
		assert.Equal(t, status, problem.KindOf(code).Status, code)
	}
}
