package epcis

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// officialSchema compiles GS1's own JSON schema, if it is there.
func officialSchema(t *testing.T) *jsonschema.Schema {
	path := filepath.Join(trials(t, "schema"), "EPCIS-JSON-Schema.json")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.UseRegexpEngine(lookaheadRegexp)
	require.NoError(t, compiler.AddResource("epcis.json", parsed))
	schema, err := compiler.Compile("epcis.json")
	require.NoError(t, err)
	return schema
}

// lookaheadRegexp compiles the schema's patterns. Go's regexp has no negative
// lookahead; the schema uses one only as the whole of a pattern: ^(?!(…)).
func lookaheadRegexp(pattern string) (jsonschema.Regexp, error) {
	if inner, ok := strings.CutPrefix(pattern, "^(?!"); ok {
		re, err := regexp.Compile("^" + strings.TrimSuffix(inner, ")"))
		return notMatching{re, pattern}, err
	}
	re, err := regexp.Compile(pattern)
	return re, err
}

type notMatching struct {
	*regexp.Regexp
	pattern string
}

func (n notMatching) MatchString(s string) bool { return !n.Regexp.MatchString(s) }
func (n notMatching) String() string            { return n.pattern }

// schemaRefuses reports whether the official schema refuses a document.
func schemaRefuses(t *testing.T, schema *jsonschema.Schema, doc canonical.Value) error {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc.Bytes()))
	require.NoError(t, err)
	return schema.Validate(instance)
}

// allProblems returns the problems that this package finds in a document and in
// all its events.
func allProblems(doc canonical.Value) []Problem {
	events, problems := Document(doc)
	for _, e := range events {
		_, more := Decode(e.Event, e.Context)
		for _, p := range more {
			p.Pointer = e.Pointer + p.Pointer
			problems = append(problems, p)
		}
	}
	return problems
}

func TestOfficialDocumentsAreAccepted(t *testing.T) {
	schema := officialSchema(t)
	for _, path := range trialDocuments(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			doc := readDocument(t, path)
			require.NoError(t, schemaRefuses(t, schema, doc))
			require.Empty(t, allProblems(doc))
		})
	}
}

func trialDocuments(t testing.TB) (paths []string) {
	for _, folder := range []string{"epcis", "fsma204", "epcis-hash"} {
		found, err := filepath.Glob(filepath.Join(trials(t, folder), "*.jsonld"))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		paths = append(paths, found...)
	}
	return paths
}

// stricter lists, by the code of the problem, where this package refuses what the
// schema accepts, and why. It never accepts what the schema refuses; the test
// below checks that.
var stricter = map[string]struct {
	why   string
	where func(p Problem) bool
}{
	CodeUndeclaredPrefix: {"without its namespace an extension has no meaning and no hash", anywhere},
	CodeNestedContext:    {"a context inside an extension would change what its names mean without changing the event", anywhere},
	CodeDuplicateEventID: {"the schema can't compare events", anywhere},
	CodeTooMany:          {"bounds the work that one event can cause", anywhere},
	CodeUnknownType:      {"event types of one's own say nothing that lineage can follow", says(`"https:`, `"http:`, `"urn:`, `"ex:`, `"cbv:`, `"gs1:`, `"x:`, `"a:`)},
	CodeBadURI:           {"the schema's format is a URI of RFC 3986; many validators let spaces and other characters pass", says(" y", "ä")},
	CodeBadTime:          {"leap seconds and year 0, for which a timeline has no place", says("23:59:60", "0000-")},
	CodeUnknownField: {"bare names in a place or around the list of events, which JSON-LD would drop silently", func(p Problem) bool {
		parent := p.Pointer[:strings.LastIndexByte(p.Pointer, '/')]
		return strings.HasSuffix(parent, "/readPoint") || strings.HasSuffix(parent, "/bizLocation") || parent == "/epcisBody"
	}},
}

func anywhere(Problem) bool { return true }

// says makes a condition that holds for problems whose Detail contains one of the texts.
func says(texts ...string) func(Problem) bool {
	return func(p Problem) bool {
		return slices.ContainsFunc(texts, func(text string) bool {
			return strings.Contains(p.Detail, "not "+text) || !strings.HasPrefix(text, `"`) && strings.Contains(p.Detail, text)
		})
	}
}

// TestMutatedDocumentsAreJudgedAsByTheSchema alters every value of every document
// in many ways and compares the verdicts. All of them take a minute and a half.
// The test runs every 29th, or all with PEDIGREE_TRIALS_ALL=1.
func TestMutatedDocumentsAreJudgedAsByTheSchema(t *testing.T) {
	schema := officialSchema(t)
	stride := 29
	if os.Getenv("PEDIGREE_TRIALS_ALL") != "" {
		stride = 1
	}
	agreed, refused, count := 0, 0, 0
	used := map[string]int{}
	for _, path := range append(trialDocuments(t), ownDocuments(t)...) {
		mutate(readDocument(t, path), func(what string, altered func() canonical.Value) {
			if count++; count%stride != 0 || t.Failed() {
				return
			}
			mutated := altered()
			theirs, ours := schemaRefuses(t, schema, mutated), allProblems(mutated)
			switch {
			case theirs == nil && len(ours) == 0:
				agreed++
			case theirs != nil && len(ours) > 0:
				agreed++
				refused++
			case theirs != nil:
				t.Errorf("%s, %s: accepted, but the schema says %v\n%s", filepath.Base(path), what, theirs, mutated.Bytes())
			default:
				for _, p := range ours {
					if rule := stricter[p.Code]; rule.where == nil || !rule.where(p) {
						t.Errorf("%s, %s: refused with %+v, but the schema accepts it\n%s", filepath.Base(path), what, p, mutated.Bytes())
					}
					used[p.Code]++
				}
			}
		})
	}
	t.Logf("%d of %d mutations judged alike, %d of them refused; stricter: %v", agreed, count/stride, refused, used)
	require.Greater(t, agreed, 5_000)
	require.Greater(t, refused, 1_000)
}

func ownDocuments(t testing.TB) []string {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.jsonld"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}

// replacements are the values that replace every value in turn.
var replacements = []string{
	`null`, `true`, `12`, `-1.5e-7`, `""`, `"shiping"`, `"shipping"`, `"Temperature"`, `"ALARM_CONDITION"`, `"x"`, `"in_transit"`, `"po"`,
	`"owning_party"`, `"did_not_occur"`, `"ADD"`, `"OBSERVE"`, `"DELETE"`, `"add"`, `[]`, `{}`, `["https://example.org/a"]`, `["a"]`, `[1]`, `[{}]`,
	`"urn:epcglobal:cbv:bizstep:shipping"`, `"https://ref.gs1.org/cbv/BizStep-shipping"`, `"https://ns.gs1.org/cbv/BizStep-shipping"`,
	`"http://ns.gs1.org/cbv/x"`, `"cbv:BizStep-shipping"`, `"https://gs1.org/voc/Temperature"`, `"http://www.gs1.org/voc/Temperature"`,
	`"gs1:Temperature"`, `"https://example.org/x y"`, `"https://example.org/%zz"`, `"https://[::1]/a"`, `"https://[::1/a"`, `"//example.org/a"`,
	`"relative"`, `":"`, `"1a:b"`, `"a:"`, `"urn:x"`, `"https://example.org:port/"`, `"https://example.org/ä"`,
	`"2024-02-29T00:00:00Z"`, `"2023-02-29T00:00:00Z"`, `"2024-02-30T00:00:00Z"`, `"2024-13-01T00:00:00Z"`, `"2024-01-01T24:00:00Z"`,
	`"2024-01-01T25:00:00Z"`, `"2024-01-01T23:60:00Z"`, `"2016-12-31T23:59:60Z"`, `"2024-01-01T00:00:61Z"`, `"2024-01-01T00:00:00"`,
	`"2024-01-01 00:00:00Z"`, `"2024-01-01T00:00:00.Z"`, `"2024-01-01t00:00:00.123456789012z"`, `"2024-01-01T00:00:00+24:00"`,
	`"2024-01-01T00:00:00+23:59"`, `"2024-01-01T00:00:00+01:60"`, `"0000-01-01T00:00:00Z"`, `"2024-01-01"`, `"2024-00-10T00:00:00Z"`,
	`"2024-01-00T00:00:00Z"`, `"24-01-01T00:00:00Z"`, `"2024-1-01T00:00:00.0Z"`, `"2024-01-01T00:00:00+0100"`,
	`"+14:00"`, `"-14:00"`, `"+14:01"`, `"+15:00"`, `"+1:00"`, `"01:00"`, `"Z"`, `"+13:59"`, `"+01:60"`,
	`"KGM"`, `"kgm"`, `"K"`, `"KGMX"`, `"A9"`, `"0aF"`, `"0ag"`, `"2.0"`, `"2"`, `"2."`, `".2"`, `"2.0.1"`, `"v2"`,
	`{"id":"https://example.org/a"}`, `{"id":"https://example.org/a","example:x":1}`, `{"id":"https://example.org/a","bare":1}`,
	`{"set":["active"]}`, `{"set":[]}`, `{"set":["active","active"]}`, `{"unset":["active"],"x:y":1}`,
	`{"sensorReport":[{"type":"Temperature"}]}`, `{"sensorReport":[]}`, `[{"sensorReport":[{"type":"Temperature","value":"1"}]}]`,
	`[{"epcClass":"urn:a:b","quantity":1,"uom":"KGM"}]`, `[{"epcClass":"urn:a:b","rdfs:x":1}]`, `[{"quantity":1}]`,
	`[{"bizTransaction":"urn:a:b"}]`, `[{"source":"urn:a:b","type":"location"}]`, `[{"source":"urn:a:b"}]`, `[{"destination":"urn:a:b","type":"locations"}]`,
	`["urn:a:b","urn:a:b"]`, `["urn:a:b","urn:a:c"]`, `["https://a.example/","https://a.example/",{}]`, `[{"a":"b"},{"a":"b"}]`,
	`{"declarationTime":"2024-01-01T00:00:00Z"}`, `{"declarationTime":"2024-01-01T00:00:00Z","x":1}`, `{"reason":"did_not_occur"}`,
	`"ObjectEvent"`, `"AggregationEvent"`, `"TransactionEvent"`, `"TransformationEvent"`, `"AssociationEvent"`, `"EPCISDocument"`,
	`"EPCISQueryDocument"`, `"ex:OwnEvent"`, `"OwnEvent"`,
	`{"vocabularyList":[{"type":"urn:a:b","vocabularyElementList":[{"id":"urn:a:c","attributes":[{"id":"a:b","attribute":1}]}]}]}`,
	`{"vocabularyList":[{"vocabularyElementList":[]}]}`, `{"epcisMasterData":{"vocabularyList":[{"type":"x"}]}}`,
	`{"epcisMasterData":{"vocabularyList":[{"type":"urn:a:b","vocabularyElementList":[{"id":"x"}]}]}}`,
	`{"epcisMasterData":{"vocabularyList":[{"type":"urn:a:b","vocabularyElementList":[{"id":"a:b","children":[1]}]}]}}`,
}

// additions are the members that every object gets in turn.
var additions = []string{
	"unknown", "rdfs:comment", "nobody:declared", "https://example.org/own", "urn:example:own", "@type", "@context", "id", "type", "action", "ilmd",
	"epcList", "quantityList", "childEPCs", "childQuantityList", "parentID", "inputEPCList", "outputEPCList", "inputQuantityList",
	"outputQuantityList", "transformationID", "bizTransactionList", "sensorElementList", "persistentDisposition", "readPoint", "errorDeclaration",
	"recordTime", "eventID", "certificationInfo", "epcisHeader", "sender", "vocabularyList", "bizRules", "time", "uom", "schemaVersion",
}

var addedValues = []string{`"https://example.org/a"`, `["https://example.org/a"]`, `[]`, `{}`, `[{"epcClass":"urn:a:b"}]`, `"2024-01-01T00:00:00Z"`, `7`}

// mutate calls f for each way to alter a document: it leaves out, replaces or
// doubles every value, and adds members to every object.
func mutate(doc canonical.Value, f func(what string, altered func() canonical.Value)) {
	replace, add := parsed(replacements), parsed(addedValues)
	type build = func(canonical.Value) canonical.Value // puts an altered part back into the whole
	var walk func(v canonical.Value, at string, whole build)
	walk = func(v canonical.Value, at string, whole build) {
		put := func(what string, x func() canonical.Value) { f(what, func() canonical.Value { return whole(x()) }) }
		for i := range replace {
			put(at+" becomes "+replacements[i], func() canonical.Value { return replace[i] })
		}
		for _, m := range v.Members {
			put("without "+at+"/"+m.Name, func() canonical.Value { return v.Without(m.Name) })
			walk(m.Value, at+"/"+m.Name, func(x canonical.Value) canonical.Value { return whole(v.With(m.Name, x)) })
		}
		for _, name := range additions {
			for i := range add {
				if v.Kind == canonical.Object && !v.Has(name) {
					put(at+"/"+name+" added as "+addedValues[i], func() canonical.Value { return v.With(name, add[i]) })
				}
			}
		}
		for i, item := range v.Items {
			before, after := v.Items[:i], v.Items[i+1:]
			put("twice an item of "+at, func() canonical.Value {
				return canonical.Arr(slices.Concat(before, []canonical.Value{item, item}, after)...)
			})
			put("without an item of "+at, func() canonical.Value { return canonical.Arr(slices.Concat(before, after)...) })
			if i == 0 || len(item.Members) > 0 { // one plain item is as good as all of them
				walk(item, at+"/"+strconv.Itoa(i), func(x canonical.Value) canonical.Value {
					return whole(canonical.Arr(slices.Concat(before, []canonical.Value{x}, after)...))
				})
			}
		}
	}
	walk(doc, "", func(v canonical.Value) canonical.Value { return v })
}

func parsed(texts []string) []canonical.Value {
	values := make([]canonical.Value, len(texts))
	for i, text := range texts {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		if err != nil {
			panic(err)
		}
		values[i] = v
	}
	return values
}
