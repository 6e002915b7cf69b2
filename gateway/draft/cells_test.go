package draft_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/draft"
)

// sent is the event that is made of the only row of a table.
func sent(t *testing.T, d *draft.Draft) canonical.Value {
	t.Helper()
	require.Empty(t, d.Problems.List)
	v, err := canonical.Parse(d.JSON, canonical.Limits{})
	require.NoError(t, err)
	return v.Get("epcisBody").Get("eventList").Items[0]
}

func TestAnItemOfATableKeepsItsLot(t *testing.T) {
	event := sent(t, read(t, "", "time,gtin,lot,serial\n2026-03-01T08:30:00Z,9520001200014,L/1,S1\n"))
	assert.Equal(t, "https://id.gs1.org/01/09520001200014/10/L%2F1/21/S1", event.Get("epcList").Items[0].Text)
	bad := read(t, "", "time,gtin,lot,serial\n2026-03-01T08:30:00Z,9520001200014,123456789012345678901,S1\n")
	require.Len(t, bad.Problems.List, 1)
	assert.Equal(t, "lot", bad.Problems.List[0].Field)
}

func TestANumberThatMayBeThousandsIsRefused(t *testing.T) {
	quantity := func(separator, cell string) *draft.Draft {
		row := func(cells ...string) (line string) {
			for i, c := range cells {
				if i > 0 {
					line += separator
				}
				line += c
			}
			return line + "\n"
		}
		return read(t, "", row("time", "gtin", "lot", "quantity")+row("2026-03-01T08:30:00Z", "9520001200014", "L1", `"`+cell+`"`))
	}
	for _, c := range []struct{ separator, cell, want string }{
		{",", "1,000", ""}, {",", "-12,500", ""}, {"\t", "1,000", ""}, {";", "1.000", ""}, {";", "999.125", ""},
		{",", "1.000", "1"}, {",", "0,125", "0.125"}, {",", "5,5", "5.5"}, {",", "1,25", "1.25"}, {",", "1000,125", "1000.125"},
		{";", "1,000", "1"}, {";", "0.125", "0.125"}, {";", "12,500", "12.5"}, {";", "1.25", "1.25"},
	} {
		d := quantity(c.separator, c.cell)
		if c.want == "" {
			require.Len(t, d.Problems.List, 1, "%s in %q", c.cell, c.separator)
			assert.Equal(t, "ambiguous_number", d.Problems.List[0].Code)
			continue
		}
		assert.Equal(t, c.want, sent(t, d).Get("quantityList").Items[0].Get("quantity").Text, "%s in %q", c.cell, c.separator)
	}
	detail := quantity(",", "1,000").Problems.List[0].Detail
	assert.Contains(t, detail, `"1,000" may be 1000 or 1.000`)
}

func TestAFormulaIsNoValue(t *testing.T) {
	table := "time,gtin,lot\n2026-03-01T08:30:00Z,9520001200014,"
	d := read(t, "", table+"=A1+1\n")
	require.Len(t, d.Problems.List, 1)
	assert.Equal(t, "formula", d.Problems.List[0].Code)
	assert.Equal(t, 36, d.Problems.List[0].Column)
	event := sent(t, read(t, "", table+`"=""007"""`+"\n"))
	assert.Equal(t, "https://id.gs1.org/01/09520001200014/10/007",
		event.Get("quantityList").Items[0].Get("epcClass").Text, "spreadsheets write a text so that looks like a number")
}

func TestTheFirstLineMaySayTheSeparator(t *testing.T) {
	event := sent(t, read(t, "", "\ufeffsep=;\r\ntime;gtin;lot;quantity\r\n2026-03-01T08:30:00Z;9520001200014;L1;5,5\r\n"))
	assert.Equal(t, "5.5", event.Get("quantityList").Items[0].Get("quantity").Text)
	odd := read(t, "", "sep=;\ntime;gtin;lot\n2026-03-01T08:30:00Z;12;L1\n")
	require.Len(t, odd.Problems.List, 1)
	assert.Equal(t, 3, odd.Problems.List[0].Line, "lines are those of the file")
}
