package openapi

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
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
	d, err := Load()
	require.NoError(t, err)
	found := enums(d.doc)
	for _, vocabulary := range []struct {
		word  string // by which an enumeration of the vocabulary is known
		lists [][]string
	}{
		{record.Recall, [][]string{all, own, warning}},
		{"dataset", [][]string{record.ArtifactKinds, {"run", "dataset", "job"}}},
		{"training", [][]string{record.ActivityTypes}},
		{"blake3", [][]string{record.DigestAlgorithms}},
		{"sampled", [][]string{record.Coverages}},
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
