package epcis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// places lists problems in the form "code pointer".
func places(problems []Problem) (list []string) {
	for _, p := range problems {
		list = append(list, p.Code+" "+p.Pointer)
	}
	return list
}

func TestEachFaultInAnExtensionHasItsPlace(t *testing.T) {
	_, problems := Decode(parse(t, good).With("ex:a", parse(t, `[{"no:a":1,"no:b":{"no:c":2}},[{"no:d":3}],{"no:e":4}]`)).
		With("no:f", canonical.Str("a")), parse(t, `{"ex":"https://ex.example/","example":"https://ex.example/","cbvmda":"urn:x:"}`))
	assert.Equal(t, []string{
		"undeclared_prefix /ex:a/0/no:a", "undeclared_prefix /ex:a/0/no:b", "undeclared_prefix /ex:a/0/no:b/no:c",
		"undeclared_prefix /ex:a/1/0/no:d", "undeclared_prefix /ex:a/2/no:e", "undeclared_prefix /no:f",
	}, places(problems))
}

func TestEachFaultOfAnEventThatStandsAloneHasItsPlace(t *testing.T) {
	event := parse(t, good).Without("@context").Without("example:myField").With("eventTime", canonical.Int(7)).
		With("epcList", parse(t, `["urn:x:1","urn:x:1","urn:x:1"]`))
	_, problems := Decode(event, canonical.Value{})
	assert.Equal(t, []string{
		"missing_field /@context", "duplicate_item /epcList/1", "duplicate_item /epcList/2", "wrong_type /eventTime",
	}, places(problems))
}

func TestNamesOfVocabulariesAreReadWithTheirContexts(t *testing.T) {
	context := parse(t, `[{"voc":"https://ref.gs1.org/cbv/"},"urn:x:1"]`)
	event := parse(t, `{"type":"ObjectEvent","bizStep":"voc:BizStep-shipping","disposition":"own:Disp-active",
		"@context":{"own":"https://ref.gs1.org/cbv/"}}`)
	e := Extract(event, context)
	assert.Equal(t, "https://ref.gs1.org/cbv/BizStep-shipping", e.BizStep, "the document declares it, in its first part")
	assert.Equal(t, "https://ref.gs1.org/cbv/Disp-active", e.Disposition, "the event declares it")
}

func TestHowDeepAnExtensionMayBe(t *testing.T) {
	objects := func(n int) string { return strings.Repeat(`{"ex:a":`, n) + "1" + strings.Repeat("}", n) }
	arrays := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, c := range map[string]struct {
		value  string
		levels int // behind which the fault lies; 0 if there is none
	}{
		"objects":      {objects(deepestExtension), 0},
		"more objects": {objects(deepestExtension + 1), deepestExtension + 1},
		"arrays":       {arrays(deepestExtension + 1), 0},
		"more arrays":  {arrays(deepestExtension + 2), deepestExtension + 1},
	} {
		value, err := canonical.Parse([]byte(c.value), canonical.Limits{Depth: 2 * deepestExtension})
		require.NoError(t, err)
		_, problems := Decode(parse(t, good).With("ex:a", value), parse(t, `{"ex":"https://ex.example/","example":"https://ex.example/","cbvmda":"urn:x:"}`))
		if c.levels == 0 {
			assert.Empty(t, problems, name)
			continue
		}
		if assert.Len(t, problems, 1, name) {
			assert.Equal(t, CodeTooMany, problems[0].Code, name)
			assert.Equal(t, c.levels+1, strings.Count(problems[0].Pointer, "/"), name)
		}
	}
}

func TestAContextIsCheckedAsItsSenderWroteIt(t *testing.T) {
	parts := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"urn:x:%d"`, i))
		}
		return strings.Join(list, ",")
	}
	names := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"a%d":"urn:x:"`, i))
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	for name, c := range map[string]struct {
		context string
		want    []string
	}{
		"an address":                    {`"urn:x:1"`, nil},
		"no address":                    {`"a b"`, []string{"bad_uri /@context"}},
		"no addresses":                  {`["a b",{},"c d"]`, []string{"bad_uri /@context/0", "bad_uri /@context/2"}},
		"neither addresses nor objects": {`[7,"a b",8]`, []string{"wrong_type /@context/0", "bad_uri /@context/1", "wrong_type /@context/2"}},
		"a number":                      {`7`, []string{"wrong_type /@context"}},
		"as many parts as may be":       {"[" + parts(mostContextParts) + "]", nil},
		"one part more":                 {"[" + parts(mostContextParts+1) + "]", []string{"too_many /@context"}},
		"two of very many parts are alike": {"[" + parts(mostContextParts-1) + `,"urn:x:1"]`,
			[]string{fmt.Sprint("duplicate_item /@context/", mostContextParts-1)}},
		"two parts are alike, and two others": {`["urn:x:1","urn:x:1",{},{}]`, []string{"duplicate_item /@context/1", "duplicate_item /@context/3"}},
		"as many names as may be":             {names(mostContextNames), nil},
		"one name more":                       {names(mostContextNames + 1), []string{"too_many /@context"}},
		"as many names in two objects":        {`[{"b":"urn:x:"},` + names(mostContextNames-1) + `]`, nil},
		"one name more in two objects":        {`[{"b":"urn:x:"},` + names(mostContextNames) + `]`, []string{"too_many /@context"}},
	} {
		document := parse(t, `{"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-04T05:10:00Z","epcisBody":{"eventList":[]}}`)
		_, problems := Document(document.With("@context", parse(t, c.context)))
		assert.Equal(t, c.want, places(problems), name)
	}
	_, problems := Decode(parse(t, good).With("eventTime", parse(t, "7")).With("example:myField", canonical.Value{}), parse(t, `["a b",{"example":"urn:x:","cbvmda":"urn:y:"}]`))
	assert.Equal(t, []string{"bad_uri /@context/0", "wrong_type /eventTime"}, places(problems), "the context of the document is checked with the event")
	assert.Empty(t, Redefined(parse(t, `{"@context":"urn:x:"}`)), "it is no term")
}

func TestEventsOfADocumentHaveIdsOfTheirOwn(t *testing.T) {
	doc := parse(t, `{"@context":"urn:x:1","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-04T05:10:00Z",
		"epcisBody":{"eventList":[{"eventID":"urn:x:1"},{"eventID":"urn:x:1"},{"eventID":"urn:x:1"},{"eventID":"urn:x:2"}]}}`)
	events, problems := Document(doc)
	assert.Equal(t, []string{"duplicate_event_id /epcisBody/eventList/1/eventID", "duplicate_event_id /epcisBody/eventList/2/eventID"}, places(problems))
	assert.Equal(t, "/epcisBody/eventList/3", events[3].Pointer)
}

func TestAnEventThatIsTooLongInFullIsRefused(t *testing.T) {
	context := parse(t, `{"ex":"https://`+strings.Repeat("x", longestText/64)+`.example/","example":"urn:x:","cbvmda":"urn:y:"}`)
	_, problems := Decode(parse(t, good).With("ex:a", parse(t, "[1"+strings.Repeat(",1", 64)+"]")), context)
	if assert.Equal(t, []string{"too_many "}, places(problems)) {
		assert.Contains(t, problems[0].Detail, errTooLong.Error())
	}
}

func TestAWordIsGuessedByTheEndOfItsURI(t *testing.T) {
	const barred, guess = "urn:epcglobal:cbv:disp:actixx", `; did you mean "active"?`
	_, problems := Decode(parse(t, good).With("disposition", canonical.Str(barred)), ownContext)
	if assert.Equal(t, []string{"unknown_word /disposition"}, places(problems)) {
		assert.True(t, strings.HasSuffix(problems[0].Detail, "EPCIS 2.0 has bare words"+guess), problems[0].Detail)
	}
	_, problems = Decode(parse(t, good).With("disposition", canonical.Str("a:b c")), ownContext)
	if assert.Equal(t, []string{"bad_uri /disposition"}, places(problems)) {
		assert.Equal(t, `disposition must be a CBV disposition or an absolute URI; not "a:b c"`, problems[0].Detail)
	}
	for value, want := range map[string]string{
		"active": "", " active ": "", "urn:x:own": "", "urn:epcglobal:cbv:disp:active": "", "cbv:Disp-active": "",
		"https://ns.gs1.org/cbv/Disp-actixx": "is not spelled as in EPCIS 2.0, which has bare words" + guess,
		"actixx":                             "is neither a CBV disposition nor a URI" + guess,
		"a:b c":                              "is neither a CBV disposition nor a URI",
	} {
		assert.Equal(t, want, NoWord("disposition", value), value)
	}
	assert.Empty(t, NoWord("readPoint", "a b"), "it has no vocabulary")
	assert.Equal(t, "https://ref.gs1.org/cbv/Disp-active", WebURI("disposition", " active\n"))
}

func TestWhatIsEmptyIsNotHashed(t *testing.T) {
	hash := func(event canonical.Value) string {
		id, err := HashID(event, ownContext, CBV20)
		assert.NoError(t, err)
		return id
	}
	event := parse(t, good)
	assert.Equal(t, hash(event), hash(event.With("gs1:empty", parse(t, `{"gs1:also":""}`))))
	assert.Equal(t, hash(event), hash(event.With("persistentDisposition", parse(t, `{}`))))
	assert.Equal(t, hash(event.With("gs1:a", canonical.Str("9.5"))), hash(event.With("gs1:a", canonical.Str("9.50"))))
}

func TestHowLikeAWordMustBe(t *testing.T) {
	for word, want := range map[string]string{
		"a": "ab", "xb": "ab", "xy": "", "abx": "ab", "abxx": "",
		"abcdef": "abcdef", "xxcdef": "abcdef", "xxxdef": "", "abxxx": "",
	} {
		if want != "" {
			want = `; did you mean "` + want + `"?`
		}
		assert.Equal(t, want, didYouMean(word, []string{"ab", "abcdef"}), word)
	}
	longest := strings.Repeat("x", longestWordToGuessFor)
	assert.NotEmpty(t, didYouMean(longest, []string{longest}))
	assert.Empty(t, didYouMean(longest+"x", []string{longest}))
	assert.Equal(t, 2, editDistance("abcd", "ab"), "both are left out")
}
