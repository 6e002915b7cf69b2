package draft_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/draft"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// nothing is an index of a ledger without events.
type nothing struct{}

func (nothing) EventsRecordedBy(context.Context, string, []string) (map[string][]index.RecordedEvent, error) {
	return nil, nil
}
func (nothing) Record(context.Context, string, uint64) (*index.Record, error) { return nil, nil }
func (nothing) Diagnose(err error) error                                      { return err }

func read(t testing.TB, name, text string) *draft.Draft {
	t.Helper()
	d, err := draft.Reader{Index: nothing{}, MSPID: "LabMSP"}.Read(t.Context(), name, []byte(text))
	require.NoError(t, err)
	return d
}

const head = `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
 "type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z",
 "epcisBody":{"eventList":[
`

const good = `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00","action":"ADD","epcList":["urn:epc:id:sgtin:9520001.012345.17"]}`

func TestProblemsOfDocumentsHaveTheirPlace(t *testing.T) {
	type place struct {
		line, column, event int
		code                string
	}
	for _, c := range []struct {
		name, file, text string
		want             []place
		sendable         bool
		events           int
	}{
		{name: "a good document", text: head + good + "]}}", sendable: true, events: 1},
		{name: "a bare event", text: strings.Replace(good, "{", `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],`, 1), sendable: true, events: 1},
		{name: "one bad event of two", text: head + good + ",\n  {\"type\":\"ObjectEvent\",\"eventTime\":\"yesterday\",\"eventTimeZoneOffset\":\"+00:00\",\"action\":\"ADD\",\"epcList\":[\"urn:epc:id:sgtin:9520001.012345.18\"]}]}}",
			want: []place{{5, 25, 1, "bad_time"}}, sendable: true, events: 2},
		{name: "a member that is missing is found at what it is missing from", text: head + "\n  {\"type\":\"ObjectEvent\",\"eventTimeZoneOffset\":\"+00:00\",\"action\":\"ADD\",\"epcList\":[\"urn:epc:id:sgtin:9520001.012345.18\"]}]}}",
			want: []place{{5, 3, 0, "missing_field"}}, events: 1},
		{name: "broken JSON", text: head + "{\"type\":}", want: []place{{4, 9, -1, "malformed_json"}}},
		{name: "a name twice", text: head + "{\"type\":\"ObjectEvent\",\"type\":\"x\"}]}}", want: []place{{4, 23, -1, "malformed_json"}}},
		{name: "no events", text: head + "]}}", want: []place{{3, 2, -1, "empty_list"}}},
		{name: "a document of another type", text: `{"type":"Letter"}`, want: []place{{1, 2, -1, "unknown_type"}}, events: 0},
		{name: "XML", text: "<?xml version=\"1.0\"?>", want: []place{{1, 1, -1, "is_xml"}}},
		{name: "nothing", text: " \n", want: []place{{0, 0, -1, "empty"}}},
		{name: "a spreadsheet's own format", file: "x.xlsx", text: "PK\x03\x04\x00", want: []place{{0, 0, -1, "not_text"}}},
		{name: "characters count, not bytes", text: head + "{\"type\":\"ObjectEvent\",\"é\":1,\"eventTime\":\"2026-03-01T08:00:00Z\",\"eventTimeZoneOffset\":\"+00:00\",\"action\":\"ADD\",\"epcList\":[\"ä\"]}]}}",
			want: []place{{4, 23, 0, "unknown_field"}, {4, 121, 0, "bad_uri"}}, events: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := read(t, c.file, c.text)
			var found []place
			for _, p := range d.Problems.List {
				found = append(found, place{p.Line, p.Column, p.Event, p.Code})
			}
			assert.Equal(t, c.want, found, "%+v", d.Problems)
			assert.Equal(t, c.sendable, d.Sendable())
			assert.Len(t, d.Events, c.events)
			if c.sendable {
				assert.Equal(t, c.text, string(d.JSON), "what is sent is what was given")
			}
		})
	}
}

func TestARowIsAnObjectEvent(t *testing.T) {
	d := read(t, "x.csv", string("Time;Step;GTIN;Lot;Quantity;Unit;Place;Temperature;Device\n2026-03-01 08:30+01:00;Receiving;9520001200014;L-1/2;120,5;kgm;9520001000010;-2,5;urn:epc:id:giai:9520002.L8\n"))
	require.Zero(t, d.Problems)
	require.Len(t, d.Events, 1)
	want := `{"action":"OBSERVE","bizStep":"receiving","eventTime":"2026-03-01T08:30:00+01:00","eventTimeZoneOffset":"+01:00","quantityList":[{"epcClass":"https://id.gs1.org/01/09520001200014/10/L-1%2F2","quantity":120.5,"uom":"KGM"}],"readPoint":{"id":"https://id.gs1.org/414/9520001000010"},"sensorElementList":[{"sensorMetadata":{"deviceID":"urn:epc:id:giai:9520002.L8","time":"2026-03-01T08:30:00+01:00"},"sensorReport":[{"type":"Temperature","uom":"CEL","value":-2.5}]}],"type":"ObjectEvent"}`
	assert.Contains(t, string(d.JSON), want)
	assert.Equal(t, []draft.Thing{{"https://id.gs1.org/01/09520001200014/10/L-1%2F2", "120.5", "KGM"}}, d.Events[0].Things)
	assert.Equal(t, "receiving", d.Events[0].Step)
	require.Len(t, d.Events[0].Readings, 1)
	assert.NotEmpty(t, d.Events[0].Record)
	assert.True(t, d.Sendable())
	again := read(t, "", string(d.JSON))
	assert.Zero(t, again.Problems, "what is made of a table is a good document")
	assert.Equal(t, d.Events[0].Record, again.Events[0].Record)
}

func TestTheTemplateIsAGoodTable(t *testing.T) {
	d := read(t, "template.csv", string(draft.Template()))
	assert.Zero(t, d.Problems)
	assert.True(t, d.Sendable())
}

func TestProblemsOfTablesHaveTheirCell(t *testing.T) {
	const names = "time,offset,item,gtin,lot,quantity,unit,temperature,device\n"
	for _, c := range []struct {
		name, text   string
		line, column int
		field, code  string
	}{
		{"an unknown column", "time,item,colour\n", 1, 11, "colour", "unknown_column"},
		{"a column twice", "time,item,Time\n", 1, 11, "time", "duplicate_column"},
		{"no time", "item\nurn:epc:id:sgtin:9520001.012345.17\n", 1, 0, "time", "missing_column"},
		{"nothing that it is about", "time\n2026-03-01T08:00:00Z\n", 1, 0, "item", "missing_column"},
		{"no rows", names, 2, 0, "", "empty"},
		{"a time without a zone", names + "2026-03-01 08:00,,urn:epc:id:sgtin:9520001.012345.17,,,,,,\n", 2, 1, "time", "bad_time"},
		{"no time in a row", names + ",,urn:epc:id:sgtin:9520001.012345.17,,,,,,\n", 2, 1, "time", "missing_field"},
		{"an offset that is none", names + "2026-03-01 08:00,east,urn:epc:id:sgtin:9520001.012345.17,,,,,,\n", 2, 18, "offset", "bad_offset"},
		{"a row about nothing", names + "2026-03-01T08:00:00Z,,,,,,,,\n", 2, 23, "item", "missing_field"},
		{"both an item and a gtin", names + "2026-03-01T08:00:00Z,,urn:epc:id:sgtin:9520001.012345.17,9520001200014,,,,,\n", 2, 58, "gtin", "not_allowed"},
		{"a gtin alone", names + "2026-03-01T08:00:00Z,,,9520001200014,,,,,\n", 2, 38, "lot", "missing_field"},
		{"a gtin that is none", names + "2026-03-01T08:00:00Z,,,95,L1,,,,\n", 2, 24, "gtin", "bad_uri"},
		{"a unit that nobody knows", names + "2026-03-01T08:00:00Z,,,9520001200014,L1,1,KGG,,\n", 2, 43, "unit", "bad_unit"},
		{"a lot that is too long", names + "2026-03-01T08:00:00Z,,,9520001200014," + strings.Repeat("L", 21) + ",,,,\n", 2, 38, "lot", "bad_uri"},
		{"a quantity that is no number", names + "2026-03-01T08:00:00Z,,,9520001200014,L1,many,,,\n", 2, 41, "quantity", "wrong_type"},
		{"infinity is no number", names + "2026-03-01T08:00:00Z,,,9520001200014,L1,inf,,,\n", 2, 41, "quantity", "wrong_type"},
		{"a unit that is none", names + "2026-03-01T08:00:00Z,,,9520001200014,L1,1,stone,,\n", 2, 43, "unit", "bad_unit"},
		{"an item that is none", names + "2026-03-01T08:00:00Z,,fish,,,,,,\n", 2, 23, "item", "bad_uri"},
		{"a device without a temperature", names + "2026-03-01T08:00:00Z,,,9520001200014,L1,,,,x:1\n", 2, 43, "temperature", "missing_field"},
		{"the second of three rows", names + "2026-03-01T08:00:00Z,,,9520001200014,L1,,,,\n\n2026-03-01T08:00:00Z,,,9520001200014,L2,x,,,\n2026-03-01T08:00:00Z,,,9520001200014,L3,,,,\n", 4, 41, "quantity", "wrong_type"},
		{"a quote that doesn't end", names + "\"2026,,,,,,,,\n", 2, 15, "", "malformed_csv"},
		{"another encoding", names + "2026-03-01T08:00:00Z,,,9520001200014,caf\xe9,,,,\n", 2, 0, "", "not_utf8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := read(t, "", c.text)
			require.NotEmpty(t, d.Problems.List)
			p := d.Problems.List[0]
			assert.Equal(t, [4]any{c.line, c.column, c.field, c.code}, [4]any{p.Line, p.Column, p.Field, p.Code}, "%+v", d.Problems)
			assert.NotEmpty(t, p.Detail)
		})
	}
}

func TestRowsWithProblemsAreLeftOutOfWhatIsSent(t *testing.T) {
	d := read(t, "", string("time,gtin,lot\n2026-03-01T08:00:00Z,9520001200014,L1\nx,9520001200014,L2\n"))
	require.True(t, d.Sendable())
	assert.Equal(t, 1, d.Faulty)
	v, err := canonical.Parse(d.JSON, canonical.Limits{})
	require.NoError(t, err)
	events, problems := epcis.Document(v)
	assert.Empty(t, problems)
	require.Len(t, events, 1)
	assert.Contains(t, string(d.JSON), "/10/L1")
}

func TestWhatIsTooLargeIsSaid(t *testing.T) {
	assert.Equal(t, "too_large", read(t, "", string(make([]byte, draft.MaxBytes+1))).Problems.List[0].Code)
	rows := "time,gtin,lot\n" + strings.Repeat("2026-03-01T08:00:00Z,9520001200014,L1\n", draft.MaxEvents+1)
	assert.Equal(t, "too_many", read(t, "", rows).Problems.List[0].Code)
	wide := read(t, "", "time,item"+strings.Repeat(",", 1_000_000)+"\n")
	assert.Equal(t, "too_many", wide.Problems.List[0].Code, "empty cells cost memory, too")
	wrong := "time,gtin,lot\n" + strings.Repeat("x,9520001200014,L1\n", 5000)
	d := read(t, "", wrong)
	assert.Len(t, d.Problems.List, 1000)
	assert.Equal(t, 5000, d.Problems.Total)
	assert.False(t, d.Sendable())
}

func FuzzRead(f *testing.F) {
	f.Add("x.csv", string(draft.Template()))
	f.Add("", head+good+"]}}")
	f.Add("", head+good+","+strings.Replace(good, "ADD", "DO", 1)+"]}}")
	f.Add("", "time;item\n\"2026;x\n")
	examples, _ := filepath.Glob(filepath.Join("..", "..", "test", "examples", "*.jsonld"))
	for _, file := range examples {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(file, string(text))
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		d := read(t, name, text)
		lines := strings.Count(text, "\n") + 1
		for _, p := range d.Problems.List {
			require.LessOrEqual(t, p.Line, lines+1)
			require.NotEmpty(t, p.Code)
			require.NotEmpty(t, p.Detail)
			require.Less(t, p.Event, len(d.Events))
		}
		if !d.Sendable() {
			return
		}
		v, err := canonical.Parse(d.JSON, canonical.Limits{Depth: record.MaxDepth + 8, Values: 3_000_000, Bytes: draft.MaxBytes * 2})
		require.NoError(t, err)
		if events, problems := epcis.Document(v); d.Kind == draft.Table {
			require.Empty(t, problems)
			require.Len(t, events, len(d.Events)-d.Faulty)
		}
	})
}
