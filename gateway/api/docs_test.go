package api

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/test/markdown"
)

func TestTheDocumentationListsTheTypesOfProblem(t *testing.T) {
	var want [][]string
	for _, k := range problemKinds {
		want = append(want, []string{"`/problems/" + k.slug + "`", strconv.Itoa(k.status), k.title})
	}
	assert.Equal(t, want, markdown.Table(t, "../../docs/rest.md", "type", "status", "meaning"))
}
