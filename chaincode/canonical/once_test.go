package canonical_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// twice is the definition of ParseCanonical: a text is canonical if parsing and writing it gives the same text.
func twice(data []byte) bool {
	v, err := canonical.Parse(data, canonical.Limits{})
	return err == nil && string(v.Bytes()) == string(data)
}

// once checks that ParseCanonical, in new memory or in reused memory, gives the same result as twice.
func once(t *testing.T, used *canonical.Scratch, data []byte) {
	t.Helper()
	want := twice(data)
	v, err := canonical.ParseCanonical(data, canonical.Limits{})
	require.Equal(t, want, err == nil, "%q: %v", data, err)
	again, fault := used.ParseCanonical(data, canonical.Limits{})
	require.Equal(t, err, fault)
	if err == nil {
		require.Equal(t, string(data), string(v.Bytes()))
		require.Equal(t, string(data), string(again.Bytes()))
	}
	var syntax *canonical.SyntaxError
	if err != nil {
		require.ErrorAs(t, err, &syntax)
	}
}

var nearlyCanonical = []string{
	`{"a":1,"b":[true,null,"x"]}`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"a": 1}`, ` 1`, "1\n", "[1,\t2]", `[1 ,2]`, `{"a" :1}`, `{"a":1 }`, `[ ]`, `{ }`,
	`"\u0041"`, `"\u002f"`, `"\/"`, `"\u000a"`, `"\n"`, `"\u001f"`, `"\u001F"`, `"\u0000"`, `"\""`, `"\u0022"`, `"\\"`, `"\u005c"`, `"\ud83d\ude00"`, `"😀"`, `"\u00e4"`, `"ä"`, `"\u1234"`, "\"\u007f\"", `"\u007f"`,
	`1.0`, `1.5`, `0.10`, `-0`, `-0.0`, `-0.5`, `1e3`, `1E3`, `1e+21`, `1e21`, `0.000001`, `0.0000001`, `1e-7`, `123456789012345.5`, `9007199254740993`, `-1`, `01`, `0.000001234`,
	`{"\u0061":1}`, `{"é":1,"e":2}`, "{\"\U0001F600\":1,\"\uFFFD\":2}", "{\"\uFFFD\":1,\"\U0001F600\":2}", "\"\xff\"", "\"a\nb\"", `"abcdefgh"`, `"abcdefghijklmno"`, "\"abcdefg\x1f\"", `[`, ``, `{"a":{"c":1,"b":2}}`,
}

func TestCanonicalTextIsRecognisedInOnePass(t *testing.T) {
	var used canonical.Scratch
	for _, text := range nearlyCanonical {
		once(t, &used, []byte(text))
	}
}

func FuzzParseCanonical(f *testing.F) {
	for _, text := range nearlyCanonical {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { once(t, new(canonical.Scratch), data) })
}

// TestAnySmallChangeOfACanonicalTextIsFound changes canonical texts by a byte.
func TestAnySmallChangeOfACanonicalTextIsFound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var used canonical.Scratch
	const bytes = "\"\\{}[]:, \n0159.eE+-abunft/\x1f\x7f\xc3\xa4"
	for range 20_000 {
		text := []byte(nearlyCanonical[random.IntN(len(nearlyCanonical))])
		for range 1 + random.IntN(2) {
			at := random.IntN(len(text) + 1)
			switch b := bytes[random.IntN(len(bytes))]; {
			case at == len(text):
				text = append(text, b)
			case random.IntN(2) == 0:
				text[at] = b
			default:
				text = append(text[:at], text[at+1:]...)
			}
		}
		once(t, &used, text)
	}
}

// TestPlainNumbersAreThoseThatStayAsTheyAre compares the quick way for numbers with the slow one. A literal with an
// exponent takes the slow one.
func TestPlainNumbersAreThoseThatStayAsTheyAre(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		literal := fmt.Sprintf("%d.%0*d", random.Int64N(1<<random.IntN(40)), 1+random.IntN(8), random.IntN(1<<random.IntN(20)))
		if random.IntN(2) == 0 {
			literal = "-" + literal
		}
		quick, err := canonical.Parse([]byte(literal), canonical.Limits{})
		slow, fault := canonical.Parse([]byte(literal+"e0"), canonical.Limits{})
		require.Equal(t, fault == nil, err == nil, literal)
		require.Equal(t, slow.Text, quick.Text, literal)
	}
}

func TestStringsOfAllLengthsAndSpecialBytes(t *testing.T) {
	var used canonical.Scratch
	for length := range 40 {
		for at := range length {
			for _, special := range []string{`\"`, `\\`, `\n`, `\u0001`, "é", "\U0001F600", "\x7f", "~"} {
				s := strings.Repeat("x", at) + special + strings.Repeat("y", length-at-1)
				v, err := canonical.ParseCanonical([]byte(`"`+s+`"`), canonical.Limits{})
				require.NoError(t, err, s)
				require.Equal(t, `"`+s+`"`, string(v.Bytes()))
				once(t, &used, []byte(`"`+s+`"`))
			}
			for _, bad := range []string{"\x00", "\x1f", "\n", "\xff", "\x80"} {
				_, err := canonical.Parse([]byte(`"`+strings.Repeat("x", at)+bad+strings.Repeat("y", length-at-1)+`"`), canonical.Limits{})
				var syntax *canonical.SyntaxError
				require.ErrorAs(t, err, &syntax)
				assert.Equal(t, at+1, syntax.Offset)
			}
		}
	}
}

// TestItemsEndWhereTheyEnd puts quotes and backslashes at every distance from the beginning of a string that a Reader
// passes over.
func TestItemsEndWhereTheyEnd(t *testing.T) {
	for before := range 20 {
		for after := range 20 {
			for _, special := range []string{`\"`, `\\`, `\\\"`, "é", "\U0001F600", "\u007f", "]", `}`, `#`, `]`} {
				item := `{"a":"` + strings.Repeat("é", before/2) + strings.Repeat("x", before) + special + strings.Repeat("y", after) + `"}`
				r := canonical.NewReader(strings.NewReader(`{"list":[`+item+`,`+item+`]}`), canonical.ReaderLimits{Item: 1 << 10, Outline: 1 << 10, Values: 100, Depth: 10}, []string{"list"})
				var items []string
				_, err := r.Read(func(it canonical.Item) error {
					items = append(items, it.Text)
					return nil
				})
				require.NoError(t, err)
				require.Equal(t, []string{item, item}, items)
			}
		}
	}
}
