package access

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhoMayReadAKey(t *testing.T) {
	for _, test := range []struct {
		mode   fs.FileMode
		ofRoot bool
		want   bool
	}{
		{0o600, false, true}, {0o400, false, true}, {0o440, true, true}, {0o640, true, true},
		{0o440, false, false}, {0o640, false, false}, {0o660, true, false}, {0o644, true, false}, {0o604, true, false},
	} {
		assert.Equal(t, test.want, private(test.mode, test.ofRoot), "mode %04o, of root: %v", test.mode, test.ofRoot)
	}
}
