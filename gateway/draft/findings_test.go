package draft_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/draft"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
)

// place says where something was found, and what.
func place(f draft.Finding) string {
	return fmt.Sprintf("%d:%d %s event %d %s", f.Line, f.Column, f.Field, f.Event, f.Code)
}

func placesOf(f draft.Findings) []string {
	var all []string
	for _, one := range f.List {
		all = append(all, place(one))
	}
	return all
}

func TestADraftIsHeldToTheRulesOfCapture(t *testing.T) {
	redefining := strings.Replace(head, `["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]`,
		`["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"epcList":"https://else.example/o"}]`, 1)
	packed := strings.Replace(strings.Replace(good, "ObjectEvent", "AggregationEvent", 1), "epcList", "childEPCs", 1)
	mistyped := strings.Replace(good, "urn:epc:id:sgtin:9520001.012345.17", "https://id.gs1.org/01/09520001200015/21/1", 1)
	for name, c := range map[string]struct {
		text             string
		problems, warned []string
		sendable         bool
	}{
		"terms with other meanings": {text: redefining + good + "]}}", problems: []string{"1:2  event -1 not_allowed"}},
		"packing in nothing":        {text: head + packed + "]}}", problems: []string{"4:1  event 0 missing_field"}},
		"a wrong check digit":       {text: head + mistyped + "]}}", warned: []string{"4:115  event 0 wrong_check_digit"}, sendable: true},
		"what isn't kept": {text: strings.Replace(head, "{", "{\n\"sender\":\"a\",", 1) + good + "]}}",
			warned: []string{"2:1  event -1 not_kept"}, sendable: true},
		"one event twice": {text: head + good + "," + good + "]}}", sendable: true},
		"a twin": {text: head + good + ",\n" + strings.Replace(good, "{", `{"eventID":"urn:x:1",`, 1) + "]}}",
			warned: []string{"5:1  event 1 twin"}, sendable: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := read(t, "", c.text)
			assert.Equal(t, c.problems, placesOf(d.Problems), "%+v", d.Problems)
			assert.Equal(t, c.warned, placesOf(d.Warnings), "%+v", d.Warnings)
			assert.Equal(t, c.sendable, d.Sendable())
		})
	}
	twice := read(t, "", head+good+","+good+"]}}")
	assert.Equal(t, 1, twice.Known)
	assert.True(t, twice.Events[1].Known)
}

func TestWarningsOfTablesHaveTheirCell(t *testing.T) {
	const names = "place,quantity,unit,lot,time,item,gtin,serial\n"
	const at = "2026-03-01T08:00:00Z"
	for name, c := range map[string]struct{ row, want string }{
		"a gtin with a slip":           {",1,KGM,L1," + at + ",,9520001200015,", "2:33 gtin event 0 wrong_check_digit"},
		"a gtin of an item":            {",,,," + at + ",,9520001200015,7", "2:27 gtin event 0 wrong_check_digit"},
		"a gln with a slip":            {"9520001000011,,,L1," + at + ",,9520001200014,", "2:1 place event 0 wrong_check_digit"},
		"an item that is no such item": {",,,," + at + ",urn:epc:id:sgtin:1.2.3,,", "2:26 item event 0 not_a_gs1_key"},
		"an item that is a lot": {",1,KGM,," + at + ",https://id.gs1.org/01/09520001200015/10/A,,",
			"2:30 item event 0 wrong_check_digit"},
	} {
		t.Run(name, func(t *testing.T) {
			d := read(t, "", names+c.row+"\n")
			assert.Zero(t, d.Problems)
			assert.Equal(t, []string{c.want}, placesOf(d.Warnings))
			assert.Equal(t, 1, d.Events[0].Odd)
			assert.True(t, d.Sendable())
		})
	}
}

func TestAllThatIsWrongWithATableIsToldAtOnce(t *testing.T) {
	d := read(t, "", "time,colour,gtin,lot,quantity,unit\n"+
		"noon,red,95,L1,many,stone\n"+
		"2026-03-01T08:00:00Z,\"re\"d,9520001200014,L2,1,KGM\n"+
		"2026-03-01T08:00:00Z,blue,9520001200014,L3,1,KGG\n"+
		"2026-03-01T08:00:00Z,blue,9520001200014,L4,1,KGM\n")
	assert.Equal(t, []string{
		"1:6 colour event -1 unknown_column",
		"2:1 time event 0 bad_time", "2:10 gtin event 0 bad_uri",
		"3:25  event -1 malformed_csv",
		"4:46 unit event 1 bad_unit",
	}, placesOf(d.Problems))
	assert.False(t, d.Sendable(), "a table whose columns aren't understood isn't sent in part")
	d = read(t, "", "time,gtin,lot\n2026-03-01T08:00:00Z,9520001200014,caf\xe9\n2026-03-01T08:00:00Z,9520001200014,L\n\xe9,,\n")
	assert.Equal(t, []string{"2:0  event -1 not_utf8", "4:0  event -1 not_utf8"}, placesOf(d.Problems))
}

// What a draft sends is what it said: the good events of the draft, without problems, and with the same warnings.
func TestWhatIsSentIsWhatWasToldOfIt(t *testing.T) {
	texts := map[string]string{
		"template.csv": string(draft.Template()),
		"some.csv": "time,gtin,lot,quantity,unit\n2026-03-01T08:00:00Z,9520001200015,L1,1,KGM\nnoon,9520001200014,L2,,\n" +
			"2026-03-01T08:00:00Z,9520001200014,L2,1,ton\n2026-03-01T08:00:00Z,9520001200014,L3,1,TNE\n",
		"some.json": head + good + "," + strings.Replace(good, "08:00:00Z", "noon", 1) + "," +
			strings.Replace(good, ".17", ".17.4", 1) + "]}}",
	}
	examples, err := filepath.Glob(filepath.Join("..", "..", "test", "examples", "*.jsonld"))
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	for _, file := range examples {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		texts[filepath.Base(file)] = string(text)
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			d := read(t, name, text)
			require.True(t, d.Sendable())
			taken, err := intake.Check(t.Context(), nothing{}, "LabMSP", draft.MaxEvents, func(in *intake.Intake) error {
				return in.Document(strings.NewReader(string(d.JSON)))
			})
			require.NoError(t, err)
			good, warned := 0, len(taken.Warnings)
			for _, item := range taken.Items {
				if warned += len(item.Warnings); len(item.Problems) == 0 {
					good++
				}
			}
			assert.Equal(t, len(d.Events)-d.Faulty, good)
			assert.Equal(t, d.Warnings.Total, warned)
		})
	}
}
