package capture

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func anyEntry(t *rapid.T) entry {
	e := entry{known: rapid.Bool().Draw(t, "known")}
	if e.known {
		e.twin = rapid.Bool().Draw(t, "twin")
		e.digest = sha256.Sum256(rapid.SliceOf(rapid.Byte()).Draw(t, "body"))
	}
	e.event = rapid.OneOf(
		rapid.Just(""), rapid.String(), rapid.StringMatching(`ni:///sha-256;[0-9a-fA-F]{64}\?ver=CBV2\.[01]`),
		rapid.StringMatching(`ni:///sha-256;[0-9a-f]{64}\?ver=CBV2\.0`), rapid.Just(strings.Repeat("x", 2000)),
	).Draw(t, "event")
	return e
}

func TestEntriesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.Custom(anyEntry)).Draw(t, "entries")
		var text []byte
		for _, e := range list {
			text = appendEntry(text, e)
		}
		got, err := decodeEntries(text, len(list))
		require.NoError(t, err)
		for i := range list {
			require.Equal(t, list[i], got[i])
		}
		_, err = decodeEntries(text, len(list)+1)
		require.ErrorIs(t, err, errEntries)
		if len(text) > 0 {
			_, err = decodeEntries(text[:rapid.IntRange(0, len(text)-1).Draw(t, "cut")], len(list))
			require.ErrorIs(t, err, errEntries)
			_, err = decodeEntries(text, len(list)-1)
			require.ErrorIs(t, err, errEntries)
		}
	})
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte{0, markText, 200, 1, 'x'}, 2)
	f.Add(appendEntry(nil, entry{known: true, event: "urn:uuid:1"}), 1)
	f.Add([]byte{markText, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 1)
	f.Fuzz(func(t *testing.T, text []byte, n int) {
		list, err := decodeEntries(text, max(n, 0))
		if err == nil && len(list) != max(n, 0) {
			t.Fatalf("%d entries instead of %d", len(list), n)
		}
	})
}
