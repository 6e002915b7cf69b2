package problem

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/test/markdown"
)

func TestTheDocumentationListsTheTypesOfProblem(t *testing.T) {
	var want [][]string
	for _, k := range Kinds {
		want = append(want, []string{"`/problems/" + k.Slug + "`", strconv.Itoa(k.Status), k.Title})
	}
	assert.Equal(t, want, markdown.Table(t, "../../docs/rest.md", "type", "status", "meaning"))
}
