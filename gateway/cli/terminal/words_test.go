package terminal

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumbersOfBytesAreForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_949: "9.9 kB", 10_000: "10 kB",
		999_499: "999 kB", 999_999: "1.0 MB", 68_700_000_000: "69 GB", 1 << 53: "9.0 PB"} {
		assert.Equal(t, want, Bytes(n))
	}
}
