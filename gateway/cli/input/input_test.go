package input

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// allocated returns how many bytes a function allocates.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// endless is a source of spaces that doesn't end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestAFileThatIsTooLargeIsNotReadWhole(t *testing.T) {
	const most = 8 << 20
	large := filepath.Join(t.TempDir(), "large.json")
	require.NoError(t, os.WriteFile(large, nil, 0o600))
	require.NoError(t, os.Truncate(large, 1<<40)) // with no blocks behind it
	for name, file := range map[string]struct {
		name  string
		stdin io.Reader
		bound uint64
	}{
		"a file that says how large it is": {large, nil, 1 << 20},
		"standard input":                   {"-", endless{}, most + 4*chunk},
		"a device":                         {"/dev/zero", nil, most + 4*chunk},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			used := allocated(func() { _, err = File(file.stdin, file.name, most) })
			assert.ErrorContains(t, err, "more than the 8388608 bytes allowed")
			assert.Less(t, used, file.bound)
		})
	}
}

func TestAFileIsReadWithoutWaste(t *testing.T) {
	text := strings.Repeat("x", 10<<20)
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	var got []byte
	var err error
	assert.Less(t, allocated(func() { got, err = File(nil, path, int64(len(text))) }), uint64(11<<20))
	require.NoError(t, err)
	assert.Equal(t, text, string(got))
	for _, n := range []int{0, 1, chunk, 2*chunk + 1} {
		got, err := File(strings.NewReader(text[:n]), "-", int64(n))
		require.NoError(t, err)
		assert.Equal(t, text[:n], string(got))
	}
}
