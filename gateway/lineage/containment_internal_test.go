package lineage

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

func TestAmountsArePlainDecimalsOfSaneLength(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "10": "10", "9.5": "19/2", "-3": "-3", "+3": "3", strings.Repeat("0", 63) + "7": "7",
	} {
		n, ok := parseDecimal(text)
		require.True(t, ok, text)
		require.Equal(t, want, n.RatString())
	}
	for _, text := range []string{"", "1e999999999", "1/3", "0x10", "1_000", "--1", ".", " 1", strings.Repeat("1", 65)} {
		_, ok := parseDecimal(text)
		require.False(t, ok, text)
	}
}

// in, out and seen are reports on a lot at a time.
func in(time int64, amount string) handling {
	return handling{moment{time, time}, index.RoleChildClassAdd, amount}
}

func out(time int64, amount string) handling {
	return handling{moment{time, time}, index.RoleChildClassDelete, amount}
}

func seen(time int64, amount string) handling {
	return handling{moment{time, time}, index.RoleChildClassObserve, amount}
}

func TestALotIsInsideUntilEachUnitOfItIsTakenOut(t *testing.T) {
	until := func(from, to int64) span { return span{moment{from, from}, moment{to, to}} }
	for name, test := range map[string]struct {
		reports []handling
		inside  window
	}{
		"in two units":                     {[]handling{in(1, "5 KGM;2 XBX"), out(2, "5 KGM"), out(3, "2 XBX")}, window{until(1, 3)}},
		"of which one is never taken out":  {[]handling{in(1, "5 KGM;2 XBX"), out(2, "5 KGM"), out(3, "1 XBX")}, window{{moment{1, 1}, never}}},
		"without a number for one of them": {[]handling{in(1, "5 KGM; XBX"), out(2, "5 KGM")}, window{{moment{1, 1}, never}}},
		"as it was seen, and only some":    {[]handling{seen(1, "5 KGM"), out(2, "5 KGM"), out(3, "")}, window{until(1, 3)}},
		"taken out of nothing":             {[]handling{out(2, "5 KGM")}, window{until(2, 2)}},
		"taken out twice":                  {[]handling{in(1, "5 KGM"), out(2, "5 KGM"), out(3, "1 KGM")}, window{until(1, 2), until(3, 3)}},
		"reported in any order":            {[]handling{out(3, "4 KGM"), in(2, "1 KGM"), in(1, "3 KGM")}, window{until(1, 3)}},
		"put in again":                     {[]handling{in(1, "5 KGM"), out(2, "5 KGM"), in(3, "1 KGM"), out(4, "1 KGM")}, window{until(1, 2), until(3, 4)}},
		"taken out of another unit":        {[]handling{in(1, "5 KGM"), out(2, "5 XBX")}, window{{moment{1, 1}, never}}},
	} {
		inside, begun := containment(test.reports)
		require.Equal(t, test.inside, inside, name)
		require.Len(t, begun, len(inside))
		for i, s := range inside {
			require.Equal(t, s.from.id, begun[i], name)
		}
	}
}
