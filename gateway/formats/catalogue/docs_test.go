package catalogue

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/test/markdown"
)

func TestTheDocumentationListsTheFormats(t *testing.T) {
	listed := []string{"json"} // the default
	for _, row := range markdown.Table(t, "../../../docs/using.md", "format", "what it is") {
		for name := range strings.SplitSeq(row[0], ",") {
			listed = append(listed, strings.Trim(name, " `"))
		}
	}
	var names []string
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	assert.ElementsMatch(t, names, listed)
}
