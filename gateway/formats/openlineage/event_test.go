package openlineage

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// complete is a good event in both modes; replaced parts make it a bad one.
const complete = `{"eventType":"COMPLETE","eventTime":"2026-03-01T08:05:00.123456Z","producer":"https://example.com/scheduler","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",` +
	`"run":{"runId":"0195504c-4c00-7abc-8def-0123456789ab","facets":{"nominalTime":{"_producer":"https://example.com","_schemaURL":"https://example.com/s.json","nominalStartTime":"2026-03-01T08:00:00Z"}}},` +
	`"job":{"namespace":"plant","name":"clean","facets":{}},` +
	`"inputs":[{"namespace":"s3://plant","name":"a.csv","facets":{"schema":{"_producer":"https://example.com","_schemaURL":"https://example.com/s.json","fields":[{"name":"temp"}]}},"inputFacets":{}}],` +
	`"outputs":[{"namespace":"db","name":"t","facets":{"version":{"_producer":"https://example.com","_schemaURL":"https://example.com/s.json","datasetVersion":"7"}},"outputFacets":{}}]}`

func swap(s, old, new string) string {
	if !strings.Contains(s, old) {
		panic("nothing to replace: " + old)
	}
	return strings.Replace(s, old, new, 1)
}

// withFacet puts a facet beside the version of the output.
func withFacet(name, text string) string {
	return swap(complete, `"facets":{"version":{`, `"facets":{"`+name+`":`+swap(text, "{",
		`{"_producer":"https://example.com","_schemaURL":"https://example.com/s.json",`)+`,"version":{`)
}

// withFacetOfTheJob gives the job a facet.
func withFacetOfTheJob(name, members string) string {
	return swap(complete, `"name":"clean","facets":{`,
		`"name":"clean","facets":{"`+name+`":{"_producer":"https://example.com","_schemaURL":"https://example.com/s.json",`+members+`}`)
}

func read(t testing.TB, text string, mode Mode) (*Event, []record.Problem) {
	t.Helper()
	v, err := Parse([]byte(text), mode, canonical.Limits{})
	require.NoError(t, err, text)
	return Read(v, mode)
}

func TestAnEventIsReadAsItWasSent(t *testing.T) {
	for _, mode := range []Mode{Strict, Lenient} {
		e, problems := read(t, complete, mode)
		require.Empty(t, problems)
		assert.Equal(t, RunEvent, e.Kind)
		assert.True(t, e.Ends())
		assert.Equal(t, time.Date(2026, 3, 1, 8, 5, 0, 123456000, time.UTC), e.Time)
		assert.Equal(t, "0195504c-4c00-7abc-8def-0123456789ab", e.Run.ID)
		assert.Equal(t, Identity{"plant", "clean"}, e.Job.Identity)
		require.Len(t, e.Inputs, 1)
		assert.Equal(t, Identity{"s3://plant", "a.csv"}, e.Inputs[0].Identity)
		assert.Equal(t, "temp", e.Inputs[0].Facets.Get("schema").Get("fields").Items[0].Get("name").Text,
			"a facet that nobody here knows is kept")
		assert.Equal(t, "7", VersionIn(e.Outputs[0].Facets))
		assert.Equal(t, canonicalOf(t, complete), string(e.Value.Bytes()))
	}
}

func TestARunsUUIDIsOneInCapitalsAndInSmallLetters(t *testing.T) {
	const id = "0195504c-4c00-7abc-8def-0123456789ab"
	e, problems := read(t, swap(complete, id, strings.ToUpper(id)), Strict)
	require.Empty(t, problems)
	assert.Equal(t, id, e.Run.ID)
	e, problems = read(t, swap(complete, id, "Nightly-7"), Lenient)
	require.Empty(t, problems)
	assert.Equal(t, "Nightly-7", e.Run.ID, "only a UUID has two spellings")
}

func canonicalOf(t *testing.T, text string) string {
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err)
	return string(v.Bytes())
}

func TestTheModesDifferInWhatRealClientsLeaveOut(t *testing.T) {
	for _, c := range []struct{ name, text, pointer string }{
		{"no schemaURL", swap(complete, `"schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",`, ""), "/schemaURL"},
		{"a time without an offset", swap(complete, "08:05:00.123456Z", "08:05:00.123456"), "/eventTime"},
		{"a time without seconds", swap(complete, "08:05:00.123456Z", "08:05Z"), "/eventTime"},
		{"an offset without a colon", swap(complete, "08:05:00.123456Z", "08:05:00+0100"), "/eventTime"},
		{"a run id that is no UUID", swap(complete, "0195504c-4c00-7abc-8def-0123456789ab", "run 1"), "/run/runId"},
		{"a producer that is no URI", swap(complete, "https://example.com/scheduler", "scheduler"), "/producer"},
		{"a facet that doesn't say who made it", swap(complete, `"_producer":"https://example.com",`, ""), "/run/facets/nominalTime/_producer"},
		{"a facet whose schemaURL is no URI", swap(complete, `"_schemaURL":"https://example.com/s.json"`, `"_schemaURL":"s"`), "/run/facets/nominalTime/_schemaURL"},
		{"null for no facets", swap(complete, `"facets":{}`, `"facets":null`), "/job/facets"},
		{"null for no inputs", swap(complete, `"outputs":[`, `"outputs":null,"_":[`), "/outputs"},
		{"null for no type", swap(complete, `"eventType":"COMPLETE"`, `"eventType":null`), "/eventType"},
		{"null for not deleted", swap(complete, `"name":"t","facets":{"version":{`, `"name":"t","facets":{"version":{"_deleted":null,`), "/outputs/0/facets/version/_deleted"},
		{"null for no version", swap(complete, `"datasetVersion":"7"`, `"datasetVersion":null`), "/outputs/0/facets/version/datasetVersion"},
		{"an empty text for no version", swap(complete, `"datasetVersion":"7"`, `"datasetVersion":""`), "/outputs/0/facets/version/datasetVersion"},
		{"null for no kind of dataset", withFacet("datasetType", `{"datasetType":null}`), "/outputs/0/facets/datasetType/datasetType"},
		{"an empty text for no type", swap(complete, `"eventType":"COMPLETE"`, `"eventType":""`), "/eventType"},
		{"null for no kind of activity", withFacetOfTheJob("pedigree_activity", `"type":null,"description":null,"about":null`), "/job/facets/pedigree_activity/type"},
		{"null for no entries of lineage", withFacetOfTheJob("lineage", `"entries":null`), "/job/facets/lineage/entries"},
		{"a version that is a number", swap(complete, `"datasetVersion":"7"`, `"datasetVersion":7`), "/outputs/0/facets/version/datasetVersion"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := read(t, c.text, Lenient)
			require.Empty(t, problems)
			_, problems = read(t, c.text, Strict)
			require.NotEmpty(t, problems)
			assert.Equal(t, c.pointer, problems[0].Pointer)
		})
	}
}

func TestATimeWithoutAnOffsetIsUTC(t *testing.T) {
	for text, want := range map[string]string{
		"2020-12-28T19:52:00.001+10:00": "2020-12-28T09:52:00.001Z",
		"2020-12-28T19:52:00.001":       "2020-12-28T19:52:00.001Z", "2020-12-28T19:52": "2020-12-28T19:52:00Z",
		"2020-12-28t19:52:00z": "2020-12-28T19:52:00Z", "2016-12-31T23:59:60Z": "2017-01-01T00:00:00Z",
		"2020-12-28T19:52:00+0130": "2020-12-28T18:22:00Z",
	} {
		e, problems := read(t, swap(complete, "2026-03-01T08:05:00.123456Z", text), Lenient)
		require.Empty(t, problems, text)
		assert.Equal(t, want, e.Time.Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{"", "yesterday", "2020-12-28", "2020-13-28T19:52:00Z", "2020-12-28T25:52:00Z",
		"2020-12-28 19:52:00Z", "2020-06-01T12:59:60Z", "1e9"} {
		_, problems := read(t, swap(complete, "2026-03-01T08:05:00.123456Z", text), Lenient)
		require.NotEmpty(t, problems, text)
		assert.Equal(t, "/eventTime", problems[0].Pointer)
	}
}

func TestBadEventsAreRefusedWithThePlaceInBothModes(t *testing.T) {
	many := strings.Repeat(`{"namespace":"a","name":"b"},`, MaxInputs)
	for _, c := range []struct{ name, text, code, pointer string }{
		{"no object", `[1]`, "wrong_type", ""},
		{"no time", swap(complete, `"eventTime":"2026-03-01T08:05:00.123456Z",`, ""), "missing_field", "/eventTime"},
		{"no producer", swap(complete, `"producer":"https://example.com/scheduler",`, ""), "missing_field", "/producer"},
		{"an unknown type", swap(complete, "COMPLETE", "DONE"), "bad_value", "/eventType"},
		{"a run without an id", swap(complete, `"runId":"0195504c-4c00-7abc-8def-0123456789ab",`, ""), "missing_field", "/run/runId"},
		{"an empty run id", swap(complete, "0195504c-4c00-7abc-8def-0123456789ab", ""), "empty", "/run/runId"},
		{"a job without a name", swap(complete, `"name":"clean",`, ""), "missing_field", "/job/name"},
		{"inputs that are no list", swap(complete, `"inputs":[`, `"inputs":{},"_":[`), "wrong_type", "/inputs"},
		{"an input that is no object", swap(complete, `"inputs":[`, `"inputs":["a",`), "wrong_type", "/inputs/0"},
		{"an output without a name", swap(complete, `"name":"t",`, ""), "missing_field", "/outputs/0/name"},
		{"more inputs than are taken", swap(complete, `"inputs":[`, `"inputs":[`+many), "too_many", "/inputs"},
		{"a facet that is no object", swap(complete, `"inputFacets":{}`, `"inputFacets":{"a":1}`), "wrong_type", "/inputs/0/inputFacets/a"},
		{"a name that is too long", swap(complete, `"a.csv"`, `"`+strings.Repeat("a", maxName+1)+`"`), "too_long", "/inputs/0/name"},
		{"a digest that is a URL", withFacet("pedigree_digest", `{"algorithm":"sha-256","value":"https://github.com/mlcommons/croissant/issues/80","coverage":"full"}`), "bad_value", "/outputs/0/facets/pedigree_digest/value"},
		{"a digest of the wrong length", withFacet("pedigree_digest", `{"algorithm":"sha-512","value":"`+strings.Repeat("a", 64)+`","coverage":"full"}`), "bad_value", "/outputs/0/facets/pedigree_digest/value"},
		{"a digest in upper case", withFacet("pedigree_digest", `{"algorithm":"sha-256","value":"`+strings.Repeat("A", 64)+`","coverage":"full"}`), "bad_value", "/outputs/0/facets/pedigree_digest/value"},
		{"a digest of an unknown algorithm", withFacet("pedigree_digest", `{"algorithm":"md5","value":"`+strings.Repeat("a", 32)+`","coverage":"full"}`), "bad_value", "/outputs/0/facets/pedigree_digest/algorithm"},
		{"a digest that doesn't say what it covers", withFacet("pedigree_digest", `{"algorithm":"sha-256","value":"`+strings.Repeat("a", 64)+`"}`), "missing_field", "/outputs/0/facets/pedigree_digest/coverage"},
		{"lineage of a source without a name", withFacet("lineage", `{"inputs":[{"namespace":"a","type":"DATASET"}]}`), "missing_field", "/outputs/0/facets/lineage/inputs/0/name"},
		{"column lineage without a field", withFacet("columnLineage", `{"fields":{"c":{"inputFields":[{"namespace":"a","name":"b"}]}}}`), "missing_field", "/outputs/0/facets/columnLineage/fields/c/inputFields/0/field"},
		{"job lineage of neither a dataset nor a job", swap(complete, `"name":"clean","facets":{}`, `"name":"clean","facets":{"lineage":{"_producer":"a:b","_schemaURL":"a:b","entries":[{"type":"FISH"}]}}`), "bad_value", "/job/facets/lineage/entries/0/type"},
		{"an activity of an unknown type", swap(complete, `"name":"clean","facets":{}`, `"name":"clean","facets":{"pedigree_activity":{"_producer":"a:b","_schemaURL":"a:b","type":"cooking"}}`), "bad_value", "/job/facets/pedigree_activity/type"},
		{"a decision about nothing that is", swap(complete, `"name":"clean","facets":{}`, `"name":"clean","facets":{"pedigree_activity":{"_producer":"a:b","_schemaURL":"a:b","about":["fish"]}}`), "bad_value", "/job/facets/pedigree_activity/about/0"},
		{"a dataset of ours that is no artifact", swap(complete, `"namespace":"db","name":"t"`, `"namespace":"pedigree","name":"fish"`), "bad_value", "/outputs/0/name"},
		{"a dataset of ours with two versions", swap(complete, `"namespace":"db","name":"t"`, `"namespace":"pedigree","name":"dataset/lab/t@8"`), "bad_value", "/outputs/0/name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, mode := range []Mode{Strict, Lenient} {
				e, problems := read(t, c.text, mode)
				require.NotEmpty(t, problems, mode)
				require.Nil(t, e)
				assert.Equal(t, [2]string{c.code, c.pointer}, [2]string{problems[0].Code, problems[0].Pointer},
					"%s: %s", mode, problems[0].Detail)
			}
		})
	}
}

func TestTheKindOfAnEventIsWhatItHas(t *testing.T) {
	const base = `"eventTime":"2026-03-01T08:05:00Z","producer":"a:b"`
	for _, c := range []struct {
		name, text string
		kind       Kind
	}{
		{"a dataset", `{` + base + `,"dataset":{"namespace":"a","name":"b"}}`, DatasetEvent},
		{"a job", `{` + base + `,"job":{"namespace":"a","name":"b"}}`, JobEvent},
		{"a run of a job", `{` + base + `,"job":{"namespace":"a","name":"b"},"run":{"runId":"1"}}`, RunEvent},
		{"a dataset beside a run of a job", `{` + base + `,"job":{"namespace":"a","name":"b"},"run":{"runId":"1"},"dataset":1}`, RunEvent},
		{"a kind of event that came later", `{` + base + `,"job":{"namespace":"a","name":"b"},"schemaURL":"https://openlineage.io/spec/9-0-0/OpenLineage.json#/$defs/FishEvent"}`, Unknown},
	} {
		e, problems := read(t, c.text, Lenient)
		require.Empty(t, problems, c.name)
		assert.Equal(t, c.kind, e.Kind, c.name)
	}
	_, problems := read(t, `{`+base+`,"job":{"namespace":"a","name":"b"},"eventType":"COMPLETE"}`, Lenient)
	require.NotEmpty(t, problems, "an event with a type is one of a run")
	assert.Equal(t, "/run", problems[0].Pointer)
	for _, mode := range []Mode{Strict, Lenient} {
		_, problems = read(t, `{"events":[{`+base+`,"fish":1}]}`, mode)
		require.NotEmpty(t, problems, "what is no event would be lost without a word")
		assert.Equal(t, "unknown_event", problems[0].Code)
	}
}

func TestNumbersThatNoDoubleHoldsAreKeptAsText(t *testing.T) {
	const text = `{"snapshot":9223372036854775807,"exact":12,"s":"9223372036854775807 \" 9223372036854775807","list":[-1.00000000000000000001,1e400,0.5]}`
	v, err := Parse([]byte(text), Lenient, canonical.Limits{})
	require.NoError(t, err)
	assert.Equal(t, `{"exact":12,"list":["-1.00000000000000000001","1e400",0.5],"s":"9223372036854775807 \" 9223372036854775807","snapshot":"9223372036854775807"}`, string(v.Bytes()))
	_, err = Parse([]byte(text), Strict, canonical.Limits{})
	var syntax *canonical.SyntaxError
	require.ErrorAs(t, err, &syntax)
	for _, broken := range []string{`{"a":012}`, `{"a":1.}`, `{"a":9223372036854775807,"b":NaN}`,
		`{"a":9223372036854775807`} {
		_, err := Parse([]byte(broken), Lenient, canonical.Limits{})
		assert.Error(t, err, broken)
	}
}

func TestOfFacetsWithOneNameTheLastCounts(t *testing.T) {
	twice := swap(complete, `"facets":{"nominalTime":{`,
		`"facets":{"processing_engine":{"version":"1","version":"2"},"nominalTime":{},`+
			`"processing_\u0065ngine":{"version":"3" , "version":"4.2.0","id":9223372036854775807},"nominalTime":{`)
	_, err := Parse([]byte(twice), Strict, canonical.Limits{})
	require.Error(t, err)
	e, problems := read(t, twice, Lenient)
	require.Empty(t, problems)
	engine := e.Run.Facets.Get("processing_engine")
	assert.Equal(t, `{"id":"9223372036854775807","version":"4.2.0"}`, string(engine.Bytes()))
	assert.Equal(t, "2026-03-01T08:00:00Z", e.Run.Facets.Get("nominalTime").Get("nominalStartTime").Text)
	for text, want := range map[string]string{
		`{"facets":{"a":1,"a":9223372036854775807}}`:                          `{"facets":{"a":"9223372036854775807"}}`,
		`[{"facets":{"a":{"b":1,"b":2},"a":{"b":3}}},{"a":1}]`:                `[{"facets":{"a":{"b":3}}},{"a":1}]`,
		`{"inputFacets":{"a":"a","b":{"a":{"a":1},"c":[]},"b":["b"]}}`:        `{"inputFacets":{"a":"a","b":["b"]}}`,
		`{"outputs":[{"outputFacets":{"a":[{"b":1,"b":2}],"a":[]}}]}`:         `{"outputs":[{"outputFacets":{"a":[]}}]}`,
		`{"inputs":[{"name":"x"}],"run":1,"inputs":[{"name":"x"}] , "run":1}`: `{"inputs":[{"name":"x"}],"run":1}`,
	} {
		v, err := Parse([]byte(text), Lenient, canonical.Limits{})
		require.NoError(t, err, text)
		assert.Equal(t, want, string(v.Bytes()))
	}
	for _, text := range []string{
		`{"facets":{"a":1,"a":}}`,
		`{"inputs":[{"name":"x"}],"inputs":[{"name":"y"}]}`,
		`{"inputs":[{"name":"x"}],"inputs":null}`,
		`{"inputs":[{"name":"x","name":"y"}]}`,
		`{"eventType":"START","facets":{"a":1,"a":2},"eventType":"COMPLETE"}`,
	} {
		_, err = Parse([]byte(text), Lenient, canonical.Limits{})
		require.Error(t, err, text)
	}
}

func TestFacetsAddUpUntilTheyAreDeleted(t *testing.T) {
	merged := canonical.Value{}
	for _, text := range []string{`{"a":{"n":1},"b":{"n":1}}`, `{"a":{"n":2},"c":{"n":1}}`,
		`{"b":{"_deleted":true},"c":null}`} {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		require.NoError(t, err)
		merged = Merge(merged, v)
	}
	assert.Equal(t, `{"a":{"n":2},"c":{"n":1}}`, string(merged.Bytes()))
}
