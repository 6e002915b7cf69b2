package client

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheGuessedMediaTypeIsTheSameOnEveryMachine(t *testing.T) {
	for file, want := range map[string]any{"readings.csv": "text/csv", "READINGS.CSV": "text/csv", "model.json": "application/json", "weights.bin": "application/octet-stream", "notes.html": "text/html", "odd.xyz": nil, "bare": nil} {
		t.Run(file, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), file)
			require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
			body, err := (&artifactFlags{}).artifact(t.Context(), "dataset/lab/readings@1", path, newProgress(io.Discard), io.Discard)
			require.NoError(t, err)
			assert.Equal(t, want, body["mediaType"])
		})
	}
}
