package canonical_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

func TestNamesAreInTheOrderOfTheirUTF16CodeUnits(t *testing.T) {
	names := []string{
		"", "a", "ab", "b", "z", "é", "\u07ff", "\ud7ff", "\ue000", "\uefff", "\uf000", "\uffff",
		"\U00010000", "\U0001f600", "\U000fffff", "\U0010ffff", "a\ue000", "a\U00010000", "a\uffff",
	}
	for _, a := range names {
		for _, b := range names {
			want := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
			assert.Equal(t, want, cmp.Compare(canonical.CompareNames(a, b), 0), "%q and %q", a, b)
		}
	}
}

func TestAnEscapeIsReadWhateverItsCase(t *testing.T) {
	for text, want := range map[string]string{
		`"\u00e4"`: "ä", `"\u00E4"`: "ä", `"\uabcd"`: "\uabcd", `"\uABCD"`: "\uabcd", `"\uaFfA"`: "\uaffa",
		`"\u0123\u4567\u89ef"`: "\u0123\u4567\u89ef", `"\ud83d\ude00"`: "\U0001f600", `"\ufffd"`: "\ufffd", `"\u0000"`: "\x00",
	} {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		require.NoError(t, err, text)
		assert.Equal(t, want, v.Text, text)
	}
	for _, text := range []string{
		`"\u00g0"`, `"\u00G0"`, "\"\\u00`0\"", `"\u00@0"`, `"\u00/0"`, `"\u00:0"`, `"\u12"`, `"\u123`, `"\ud83d"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`,
		`"\ud83dxxde00"`, `"\x41"`, `"\`, `"\u`,
	} {
		_, err := canonical.Parse([]byte(text), canonical.Limits{})
		var syntax *canonical.SyntaxError
		require.ErrorAs(t, err, &syntax, text)
		assert.Equal(t, 1, syntax.Offset, "%s: %v", text, err)
	}
}

func TestATextIsReadUpToItsLimitsAndNoFurther(t *testing.T) {
	var used canonical.Scratch
	parsers := map[string]func([]byte, canonical.Limits) (canonical.Value, error){
		"Parse": canonical.Parse, "ParseCanonical": canonical.ParseCanonical,
		"Scratch.Parse": used.Parse, "Scratch.ParseCanonical": used.ParseCanonical,
	}
	for name, parse := range parsers {
		for _, one := range []struct {
			text    string
			limits  canonical.Limits
			message string // empty if the text is read
		}{
			{`"1234"`, canonical.Limits{Bytes: 6}, ""},
			{`"12345"`, canonical.Limits{Bytes: 6}, "the text has 7 bytes, more than the 6 allowed"},
			{`[[1]]`, canonical.Limits{Depth: 2}, ""},
			{`[[[]]]`, canonical.Limits{Depth: 2}, "more than 2 deep"},
			{`{"a":{"b":1}}`, canonical.Limits{Depth: 2}, ""},
			{`{"a":{"b":{}}}`, canonical.Limits{Depth: 2}, "more than 2 deep"},
			{`[1,2]`, canonical.Limits{Values: 3}, ""},
			{`[1,2,3]`, canonical.Limits{Values: 3}, "more than 3 values"},
			{`{"a":"x","b":"y"}`, canonical.Limits{Values: 3}, ""},
			{`{"a":"x","b":"y","c":"z"}`, canonical.Limits{Values: 3}, "more than 3 values"},
			{strings.Repeat("9", 401), canonical.Limits{}, "more than 400 characters"},
			{`1e`, canonical.Limits{}, "a digit should follow the exponent's e"},
			{`1e+`, canonical.Limits{}, "a digit should follow the exponent's e"},
			{`1.`, canonical.Limits{}, "a digit should follow the decimal point"},
			{`nil`, canonical.Limits{}, "'n' is not the start"},
			{"\xff", canonical.Limits{}, "byte 0xff is not the start"},
			{"\ufffd", canonical.Limits{}, "'\ufffd' is not the start"},
			{"\x01", canonical.Limits{}, `'\x01' is not the start`},
		} {
			v, err := parse([]byte(one.text), one.limits)
			if one.message != "" {
				assert.ErrorContains(t, err, one.message, "%s of %q", name, one.text)
				continue
			}
			require.NoError(t, err, "%s of %q", name, one.text)
			assert.Equal(t, one.text, string(v.Bytes()), name)
		}
	}
}

func TestAnErrorTellsWhereATextIsNotCanonical(t *testing.T) {
	for text, want := range map[string]canonical.SyntaxError{
		`{"b":1,"a":2}`:       {Offset: 2, Line: 1, Column: 3},
		"[1,\n2]":             {Offset: 3, Line: 1, Column: 4},
		"[1,\"\n\"]":          {Offset: 4, Line: 1, Column: 5, Pointer: "/1", Message: "the control character 0x0a must be escaped in a string"},
		`[1.0]`:               {Offset: 2, Line: 1, Column: 3},
		"1 ":                  {Offset: 1, Line: 1, Column: 2},
		`"\u0041"`:            {Offset: 1, Line: 1, Column: 2},
		"{\"a\":1,\n\"a\":2}": {Offset: 8, Line: 2, Column: 1, Pointer: "", Message: `the member name "a" stands twice in one object`},
	} {
		_, err := canonical.ParseCanonical([]byte(text), canonical.Limits{})
		var syntax *canonical.SyntaxError
		require.ErrorAs(t, err, &syntax, text)
		want.Message = cmp.Or(want.Message, "the JSON is valid but not in canonical form (RFC 8785)")
		assert.Equal(t, &want, syntax, text)
	}
}

func TestNumbersAreWrittenInTheirOneForm(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.0": "0", "-0.0": "0", "-0e5": "0", "0e400": "0", "0E-400": "0", "-7": "-7",
		"1.0": "1", "1.50": "1.5",
		"1.5E2": "150", "1.5e2": "150", "1.25E-2": "0.0125", "1E5": "100000", "100E-2": "1", "1e+2": "100", "-1.5E+1": "-15",
		"999999999999999": "999999999999999", "1000000000000000": "1000000000000000", "12345678.123456": "12345678.123456",
		"123456789.123456": "123456789.123456", "0.123456": "0.123456", "0.1234567": "0.1234567", "0.000001": "0.000001",
		"0.0000001": "1e-7", "0.0000012": "0.0000012", "0.00000099": "9.9e-7", "1e-6": "0.000001",
		"1e20":                  "100000000000000000000",
		"100000000000000000000": "100000000000000000000", "1e21": "1e+21", "1000000000000000000000": "1e+21",
		"5e-324":                 "5e-324",
		"1.7976931348623157e308": "1.7976931348623157e+308", "9007199254740992": "9007199254740992",
	} {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		require.NoError(t, err, text)
		assert.Equal(t, want, string(v.Bytes()), text)
		_, err = canonical.ParseCanonical([]byte(text), canonical.Limits{})
		assert.Equal(t, text == want, err == nil, text)
	}
	for _, text := range []string{
		"1e-400", "-1e-400", "2e-324", "3e-324", "1e309", "-1e309", "1.8e308", "9007199254740993", "0.10000000000000000555",
		"1e99999999999999999999", "1e-99999999999999999999", "0e99999999999999999999",
	} {
		_, err := canonical.Parse([]byte(text), canonical.Limits{})
		assert.ErrorContains(t, err, "the number "+text+" cannot be kept exactly", text)
	}
}

func TestStringsAtTheEdges(t *testing.T) {
	for text, want := range map[string]string{
		"\"\\n\x7f\"":                   "\n\x7f",
		"\"\\n\u0080\ufffd\U0001f600\"": "\n\u0080\ufffd\U0001f600",
		`"a b"`:                         "a b",
		`"\n1234567\n12345678\n"`:       "\n1234567\n12345678\n",
	} {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		require.NoError(t, err, text)
		assert.Equal(t, want, v.Text, text)
		assert.Equal(t, text, string(v.Bytes()))
	}
	for text, want := range map[string]canonical.SyntaxError{
		`"\u0041`:       {Offset: 7, Message: "the text ends inside a string"},
		`"\n`:           {Offset: 3, Message: "the text ends inside a string"},
		`"\`:            {Offset: 1, Message: "the text ends inside a string"},
		`"1234567`:      {Offset: 8, Message: "the text ends inside a string"},
		`"\x41"`:        {Offset: 1, Message: `\x is not a JSON escape`},
		`"\u004"`:       {Offset: 1, Message: `\u must be followed by four hexadecimal digits`},
		`"\ud83d"`:      {Offset: 1, Message: `\ud83d is half of a surrogate pair; the other half is missing`},
		"\"a\xff\"":     {Offset: 2, Message: "byte 0xff is not valid UTF-8"},
		"\"a\xed\xa0\"": {Offset: 2, Message: "byte 0xed is not valid UTF-8"},
		"\"a\xf0\x9f\"": {Offset: 2, Message: "byte 0xf0 is not valid UTF-8"},
		"\"a\x1f\"":     {Offset: 2, Message: "the control character 0x1f must be escaped in a string"},
	} {
		_, err := canonical.Parse([]byte(text), canonical.Limits{})
		var syntax *canonical.SyntaxError
		require.ErrorAs(t, err, &syntax, text)
		want.Line, want.Column = 1, want.Offset+1
		assert.Equal(t, &want, syntax, text)
	}
}

func TestIntegersAreReadUpToWhatADoubleHolds(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-7": -7, "9007199254740992": 1 << 53, "-9007199254740992": -1 << 53, "1e3": 1000, "1.0": 1,
	} {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		require.NoError(t, err)
		n, ok := v.Int()
		assert.True(t, ok, text)
		assert.Equal(t, want, n, text)
		assert.Equal(t, v, canonical.Int(want))
	}
	for _, text := range []string{"1.5", "9007199254740994", "-9007199254740994", "1e30", `"1"`, "true", "null", "[1]"} {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		require.NoError(t, err)
		n, ok := v.Int()
		assert.False(t, ok, text)
		assert.Zero(t, n)
	}
}

func TestNullIsNull(t *testing.T) {
	v, err := canonical.Parse([]byte("null"), canonical.Limits{})
	require.NoError(t, err)
	assert.Equal(t, canonical.Value{}, v)
}

func TestOnlyTrueIsTrue(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "false": false, `"true"`: false, "null": false, "1": false} {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		require.NoError(t, err)
		assert.Equal(t, want, v.IsTrue(), text)
	}
}

func TestValuesAreEqualIfTheirTextsAre(t *testing.T) {
	texts := []string{
		`null`, `true`, `false`, `1`, `"1"`, `"true"`, `""`, `[]`, `{}`, `[1]`, `[2]`, `[1,2]`, `[2,1]`, `[[1]]`,
		`{"a":1}`, `{"b":1}`, `{"a":2}`, `{"a":1,"b":2}`, `{"a":"1"}`,
	}
	for _, a := range texts {
		for _, b := range texts {
			v, err := canonical.Parse([]byte(a), canonical.Limits{})
			require.NoError(t, err)
			w, err := canonical.Parse([]byte(b), canonical.Limits{})
			require.NoError(t, err)
			assert.Equal(t, a == b, v.Equal(w), "%s and %s", a, b)
		}
	}
}

func TestGoValuesBecomeValuesAndBack(t *testing.T) {
	long := strings.Repeat("x", canonical.DefaultBytes)
	v, err := canonical.From(map[string]any{"b": []int{1}, "a": long})
	require.NoError(t, err, "a text longer than the default")
	assert.Equal(t, `{"a":"`+long+`","b":[1]}`, string(v.Bytes()))
	_, err = canonical.From(func() {})
	assert.ErrorContains(t, err, "couldn't encode")

	var read struct{ V canonical.Value }
	require.NoError(t, json.Unmarshal([]byte(`{"V":{"b":1.0,"a":2}}`), &read))
	written, err := json.Marshal(read)
	require.NoError(t, err)
	assert.Equal(t, `{"V":{"a":2,"b":1}}`, string(written))
	assert.ErrorContains(t, json.Unmarshal([]byte(`{"V":{"a":1,"a":2}}`), &read), "twice")
	assert.Equal(t, "/a~1b~0/3/true", canonical.Pointer("a/b~", 3, true))
}
