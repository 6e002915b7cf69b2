package projection

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPackedLinksAreReadAsTheyWere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		links := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) Link {
			l := Link{
				Record: rapid.Int64Range(1, 1<<40).Draw(r, "record"), Role: Role(rapid.IntRange(1, 50).Draw(r, "role")),
				Node: rapid.Int64Range(1, 1<<40).Draw(r, "node"), Time: rapid.Int64().Draw(r, "time"),
			}
			if note := rapid.String().Draw(r, "note"); l.Role.flows() {
				l.Flow = Flow(note)
			} else {
				l.Quantity = note
			}
			return l
		}), 1, 20).Draw(r, "links")
		of := slices.Clone(links)
		for i := range of {
			of[i].Record, of[i].Time = 7, 9
		}
		got, err := UnpackLinksOf(nil, 7, 9, string(appendLinksOf(nil, of)))
		require.NoError(t, err)
		require.Equal(t, of, got)

		to := slices.Clone(links)
		for i := range to {
			to[i].Node = 5
		}
		slices.SortStableFunc(to, func(a, b Link) int { return int(a.Record - b.Record) })
		packed := appendLinksTo(nil, to)
		got, err = UnpackLinksTo(nil, 5, 1<<40, packed)
		require.NoError(t, err)
		require.Equal(t, to, got)

		last := to[len(to)/2].Record
		got, err = UnpackLinksTo(nil, 5, last, packed)
		require.NoError(t, err)
		require.Equal(t, slices.DeleteFunc(slices.Clone(to), func(l Link) bool { return l.Record > last }), got,
			"none of later records")
	})
}

func TestDamagedLinksAreAnErrorAndNoPanic(t *testing.T) {
	const endless = "\x01\x02\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	for _, data := range []string{"\x01", "\x01\x02", "\x01\x02\x7f", "\x01\xff", endless} {
		_, err := UnpackLinksOf(nil, 1, 1, data)
		require.ErrorIs(t, err, errLinks, "%q", data)
		_, err = UnpackLinksTo(nil, 1, 1<<40, data)
		require.ErrorIs(t, err, errLinks, "%q", data)
	}
	rapid.Check(t, func(r *rapid.T) {
		data := string(rapid.SliceOf(rapid.Byte()).Draw(r, "data"))
		_, _ = UnpackLinksOf(nil, 1, 1, data)
		_, _ = UnpackLinksTo(nil, 1, 1<<40, data)
	})
}
