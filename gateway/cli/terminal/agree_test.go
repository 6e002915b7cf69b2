package terminal

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnlyYesAgrees(t *testing.T) {
	for answer, want := range map[string]bool{
		"yes\n": true, " yes \n": true, "yes": true, "y\n": false, "YES\n": false, "no\nyes\n": false, "\n": false, "": false,
	} {
		var out strings.Builder
		assert.Equal(t, want, Agree(strings.NewReader(answer), &out, "Sign?"), "%q", answer)
		assert.Equal(t, "Sign? Type yes: ", out.String())
	}
	assert.False(t, Agree(io.LimitReader(strings.NewReader("yes"), 2), io.Discard, "Sign?"))
}
