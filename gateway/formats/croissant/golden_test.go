package croissant

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden file beside each card in testdata holds what is read from it.
func TestCardsSayWhatTheirGoldenFilesHave(t *testing.T) {
	cards, err := filepath.Glob("testdata/*")
	require.NoError(t, err)
	read := 0
	for _, card := range cards {
		if strings.HasSuffix(card, ".about") {
			continue
		}
		read++
		t.Run(filepath.Base(card), func(t *testing.T) {
			text, err := os.ReadFile(card)
			require.NoError(t, err)
			d, err := Read(string(text))
			require.NoError(t, err)
			got, err := json.MarshalIndent(d, "", "  ")
			require.NoError(t, err)
			golden := card + ".about"
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got)+"\n")
		})
	}
	require.Positive(t, read)
}

func FuzzRead(f *testing.F) {
	cards, err := filepath.Glob("testdata/*")
	require.NoError(f, err)
	for _, card := range cards {
		if text, err := os.ReadFile(card); err == nil {
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Read(text)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		_, err = json.Marshal(d)
		require.NoError(t, err)
		for _, p := range d.Problems {
			require.NotEmpty(t, p.Detail)
		}
		again, err := Read(text)
		require.NoError(t, err)
		require.Equal(t, d, again, "what a card says doesn't change")
	})
}
