// Package abouttest tests packages that read a card. Each has cards of its own in testdata.
package abouttest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A Reader reads the text of a card.
type Reader func(text string) (*about.Description, error)

// Golden reads each card in testdata, and compares what it says with the golden file beside it.
func Golden(t *testing.T, read Reader) {
	for _, card := range cards(t) {
		t.Run(filepath.Base(card), func(t *testing.T) {
			text, err := os.ReadFile(card)
			require.NoError(t, err)
			d, err := read(string(text))
			require.NoError(t, err)
			got, err := json.MarshalIndent(d, "", "  ")
			require.NoError(t, err)
			golden := card + goldenSuffix
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got)+"\n")
		})
	}
}

// Fuzz reads texts that are like the cards in testdata. Whatever the text, it is read to the same description each time,
// or refused with a reason.
func Fuzz(f *testing.F, read Reader) {
	for _, card := range cards(f) {
		text, err := os.ReadFile(card)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := read(text)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		_, err = json.Marshal(d)
		require.NoError(t, err)
		for _, p := range d.Problems {
			require.NotEmpty(t, p.Detail)
		}
		again, err := read(text)
		require.NoError(t, err)
		require.Equal(t, d, again, "what a card says doesn't change")
	})
}

const goldenSuffix = ".about"

func cards(t testing.TB) (all []string) {
	files, err := filepath.Glob("testdata/*")
	require.NoError(t, err)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && !info.IsDir() && !strings.HasSuffix(file, goldenSuffix) {
			all = append(all, file)
		}
	}
	require.NotEmpty(t, all)
	return all
}
