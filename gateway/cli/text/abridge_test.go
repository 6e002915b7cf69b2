package text

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPeopleAreShownNoPagesOfHashes(t *testing.T) {
	file := `{"name":"a","size":1,"sha256":"x"}`
	long := `{"manifest":{"files":[` + strings.Repeat(file+",",
		fewFiles) + file + `]},"metadata":{"modelSigning":{"bundle":"0123456789","keyHint":"h"},"own":[1]}}`
	assert.JSONEq(t, `{"manifest":{"files":"… 21 files; show --json prints them"},"metadata":{"modelSigning":{"bundle":"… 10 bytes; show --json prints them","keyHint":"h"},"own":[1]}}`, string(abridged([]byte(long))))
	for _, same := range []string{`{"manifest":{"files":[` + file + `]}}`, `{"metadata":{"modelSigning":"odd"}}`,
		`{"metadata":[]}`, `{"card":7}`, `[]`} {
		assert.JSONEq(t, same, string(abridged([]byte(same))))
	}
}
