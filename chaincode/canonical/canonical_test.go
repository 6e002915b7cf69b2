package canonical_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

func TestParseWritesTheOneForm(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"white space goes away":                    {" { \"a\" : [ 1 , 2 ] }\n", `{"a":[1,2]}`},
		"members are sorted":                       {`{"b":1,"a":2}`, `{"a":2,"b":1}`},
		"a surrogate pair sorts before U+FB33":     {"{\"\ufb33\":1,\"\U0001F600\":2}", "{\"\U0001F600\":2,\"\ufb33\":1}"},
		"a prefix sorts first":                     {`{"aa":1,"a":2}`, `{"a":2,"aa":1}`},
		"needless escapes go away":                 {`"\u0041\/\u00e9"`, `"A/é"`},
		"control characters keep theirs":           {`"\u000a\u0001\b\f\r\t\"\\"`, `"\n\u0001\b\f\r\t\"\\"`},
		"a surrogate pair becomes one character":   {`"\ud83d\ude00"`, "\"\U0001F600\""},
		"a trailing zero goes away":                {`26.0`, `26`},
		"an exponent is written out":               {`1.5e3`, `1500`},
		"minus zero is zero":                       {`-0`, `0`},
		"a large power keeps its exponent":         {`1E21`, `1e+21`},
		"a small number has a short exponent":      {`0.0000001`, `1e-7`},
		"an ordinary fraction stays":               {`-18.25`, `-18.25`},
		"2 to the 53rd is exact":                   {`9007199254740992`, `9007199254740992`},
		"empty containers":                         {`[{},[]]`, `[{},[]]`},
		"words":                                    {`[true,false,null]`, `[true,false,null]`},
		"the empty name is a name":                 {`{"":1}`, `{"":1}`},
		"text of other scripts is left as it came": {`"ö\u0308"`, "\"ö\u0308\""},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := canonical.Parse([]byte(c.in), canonical.Limits{})
			require.NoError(t, err)
			assert.Equal(t, c.want, string(v.Bytes()))
			_, err = canonical.ParseCanonical([]byte(c.want), canonical.Limits{})
			assert.NoError(t, err, "the canonical form is accepted as canonical")
			if c.in != c.want {
				_, err = canonical.ParseCanonical([]byte(c.in), canonical.Limits{})
				assert.Error(t, err, "another form is not")
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, pointer, message string }{
		"nothing":                       {``, "", "ends where a value"},
		"two values":                    {`1 2`, "", "more text after"},
		"a name that stands twice":      {`{"a":1,"a":2}`, "", `"a" stands twice`},
		"the same, not side by side":    {`{"b":1,"a":2,"b":3}`, "", `"b" stands twice`},
		"the same, by another spelling": {`{"a":1,"\u0061":2}`, "", `"a" stands twice`},
		"a lone high surrogate":         {`["\ud800"]`, "/0", "half of a surrogate pair"},
		"a lone low surrogate":          {`"\udc00x"`, "", "half of a surrogate pair"},
		"a raw control character":       {"{\"a\":\"x\ny\"}", "/a", "must be escaped"},
		"broken UTF-8":                  {"{\"a\":\"\xff\"}", "/a", "not valid UTF-8"},
		"an overlong encoding":          {"\"\xc0\xaf\"", "", "not valid UTF-8"},
		"an encoded surrogate":          {"\"\xed\xa0\x80\"", "", "not valid UTF-8"},
		"a number with lost digits":     {`{"q":[0.12345678901234567890]}`, "/q/0", "cannot be kept exactly"},
		"a number out of range":         {`1e400`, "", "cannot be kept exactly"},
		"a number that vanishes":        {`1e-400`, "", "cannot be kept exactly"},
		"an exponent beyond counting":   {`1e99999999999999999999`, "", "cannot be kept exactly"},
		"2 to the 53rd plus one":        {`9007199254740993`, "", "cannot be kept exactly"},
		"a leading zero":                {`01`, "", "leading zeros"},
		"a bare minus":                  {`-`, "", "digit should follow the minus"},
		"a bare point":                  {`1.`, "", "digit should follow the decimal point"},
		"a plus sign":                   {`+1`, "", "not the start"},
		"not a number":                  {`NaN`, "", "not the start"},
		"a trailing comma":              {`[1,]`, "/1", "not the start"},
		"a missing comma":               {`[1 2]`, "", "comma or ]"},
		"a single quote":                {`{'a':1}`, "", "double quotes"},
		"a comment":                     {`/* */1`, "", "not the start"},
		"an unknown escape":             {`"\x41"`, "", "not a JSON escape"},
		"a byte order mark":             {"\ufeff1", "", "not the start"},
		"an unended object":             {`{"a":{"b":1`, "/a", "ends inside an object"},
		"an escaped name in a pointer":  {`{"a/b~":[nil]}`, "/a~1b~0/0", "not the start"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := canonical.Parse([]byte(c.in), canonical.Limits{})
			var syntax *canonical.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Contains(t, syntax.Message, c.message)
			assert.Equal(t, c.pointer, syntax.Pointer)
		})
	}
}

func TestParseKeepsToItsLimits(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	_, err := canonical.Parse(deep(3), canonical.Limits{Depth: 3})
	assert.NoError(t, err)
	_, err = canonical.Parse(deep(4), canonical.Limits{Depth: 3})
	assert.ErrorContains(t, err, "more than 3 deep")
	_, err = canonical.Parse(deep(500_000), canonical.Limits{})
	assert.ErrorContains(t, err, "more than 32 deep", "hostile depth costs nothing")
	_, err = canonical.Parse([]byte(`[1,2]`), canonical.Limits{Values: 2})
	assert.ErrorContains(t, err, "more than 2 values")
	_, err = canonical.Parse([]byte(`"12345"`), canonical.Limits{Bytes: 6})
	assert.ErrorContains(t, err, "7 bytes, more than the 6 allowed")
	_, err = canonical.Parse([]byte(strings.Repeat("9", 401)), canonical.Limits{})
	assert.ErrorContains(t, err, "more than 400 characters")
}

func TestAnErrorNamesLineAndColumn(t *testing.T) {
	_, err := canonical.Parse([]byte("{\n  \"a\": 1,\n  \"b\": ?\n}"), canonical.Limits{})
	assert.EqualError(t, err, `line 3, column 8 in /b: '?' is not the start of a JSON value`)
}

func TestNumbersAgreeWithTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if math.IsNaN(f) || math.IsInf(f, 0) {
			t.Skip("JSON has no such number")
		}
		want, err := jcs.NumberToJSON(f)
		require.NoError(t, err)
		for _, format := range []byte{'e', 'g'} {
			v, err := canonical.Parse([]byte(strconv.FormatFloat(f, format, -1, 64)), canonical.Limits{})
			require.NoError(t, err)
			require.Equal(t, want, v.Text)
		}
	})
}

func TestDocumentsAgreeWithTheReference(t *testing.T) {
	scalar := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return strings.ToValidUTF8(s, "") }),
		rapid.Map(rapid.Int32(), func(n int32) any { return n }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Just[any](nil))
	name := rapid.Map(rapid.String(), func(s string) string { return strings.ToValidUTF8(s, "") })
	document := rapid.MapOf(name, rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOf(scalar), func(s []any) any { return s }),
		rapid.Map(rapid.MapOf(name, scalar), func(m map[string]any) any { return m })))
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(document.Draw(t, "document"))
		require.NoError(t, err)
		want, err := jcs.Transform(text)
		require.NoError(t, err)
		v, err := canonical.Parse(text, canonical.Limits{})
		require.NoError(t, err)
		require.Equal(t, string(want), string(v.Bytes()))
	})
}

func TestObjectsAreCopiedNotChanged(t *testing.T) {
	v := canonical.Obj(canonical.Member{Name: "b", Value: canonical.Int(1)}, canonical.Member{Name: "a", Value: canonical.Str("x")})
	assert.Equal(t, `{"a":"x","b":1}`, string(v.Bytes()))
	assert.Equal(t, `{"a":"x","aa":true,"b":1}`, string(v.With("aa", canonical.Flag(true)).Bytes()))
	assert.Equal(t, `{"a":"x","b":[]}`, string(v.With("b", canonical.Arr()).Bytes()))
	assert.Equal(t, `{"b":1}`, string(v.Without("a").Bytes()))
	assert.Equal(t, `{"a":"x","b":1}`, string(v.Bytes()), "the original is as it was")
	assert.True(t, v.Equal(v.With("a", canonical.Str("x"))))
	assert.False(t, v.Equal(v.With("a", canonical.Str("y"))))
	n, ok := v.Get("b").Int()
	assert.True(t, ok)
	assert.EqualValues(t, 1, n)
}

// FuzzParse checks three promises: Parse doesn't panic, parsing canonical bytes
// gives the same bytes again, and encoding/json reads the same value.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,{"b":null}]}`, `"\ud83d\ude00"`, `[1e21,-0,1E-7]`, `{"é":"\u0000"}`, "\"\xff\"", `{"a":1,"a":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := canonical.Parse(data, canonical.Limits{})
		if err != nil {
			return
		}
		once := v.Bytes()
		again, err := canonical.ParseCanonical(once, canonical.Limits{Bytes: len(once) + 1})
		if err != nil || !bytes.Equal(once, again.Bytes()) {
			t.Fatalf("%q became %q: %v", data, once, err)
		}
		var theirs, ours any
		if err := json.Unmarshal(data, &theirs); err != nil {
			t.Fatalf("we accept %q, encoding/json doesn't: %v", data, err)
		}
		if err := json.Unmarshal(once, &ours); err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, theirs, ours)
	})
}

func TestAScratchReadsWhatParseReads(t *testing.T) {
	var s canonical.Scratch
	many := `[` + strings.Repeat(`{"a":[1,2],"b":{}},`, 3000) + `[]]`
	for _, text := range []string{`{"b":[1,{"c":[]},[[2]]],"a":{"y":null,"x":"\u00e4"}}`, `{"a":1,"a":2}`, many, `[[[`, `7`, `{"deep":[{"a":{"b":[true]}}],"e":[]}`, `{"a":[1}`, `[{"z":1,"y":2},{"z":3,"y":4}]`} {
		want, wrong := canonical.Parse([]byte(text), canonical.Limits{})
		got, err := s.Parse([]byte(text), canonical.Limits{})
		assert.Equal(t, wrong, err)
		assert.True(t, want.Equal(got), text[:min(len(text), 80)])
	}
	_, err := s.Parse([]byte(`[1,2]`), canonical.Limits{Bytes: 4})
	require.Error(t, err)
}

func BenchmarkScratch(b *testing.B) {
	text := []byte(`{"event":{"action":"OBSERVE","bizLocation":{"id":"https://id.gs1.org/414/9521321000010"},"bizStep":"shipping","epcList":["https://id.gs1.org/01/09521321000018/21/1"],"eventTime":"2026-03-01T08:00:00.000Z"},"record":"event/1"}`)
	var s canonical.Scratch
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Parse(text, canonical.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseCanonical(b *testing.B) {
	text := []byte(`{"context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"https://ns.example.com/"}],"event":{"action":"OBSERVE","bizLocation":{"id":"https://id.gs1.org/414/9521321000010"},"bizStep":"shipping","disposition":"in_transit","epcList":["https://id.gs1.org/01/09521321000018/21/1","https://id.gs1.org/01/09521321000018/21/2"],"eventTime":"2026-03-01T08:00:00.000Z","eventTimeZoneOffset":"+00:00","readPoint":{"id":"https://id.gs1.org/414/9521321000010"},"type":"ObjectEvent"},"record":"event/1"}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canonical.ParseCanonical(text, canonical.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
