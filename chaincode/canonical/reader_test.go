package canonical

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	roomy = ReaderLimits{Item: 1 << 20, Outline: 1 << 20, Values: 1000, Depth: 32}
	lists = [][]string{{"body", "list"}, {"body", "results", "list"}}
)

// readAll reads a text with a Reader and puts its items back into the outline.
func readAll(src io.Reader, l ReaderLimits) (Value, error) {
	found := make([][]Value, len(lists))
	outline, err := NewReader(src, l, lists...).Read(func(it Item) error {
		v, err := it.Parse()
		if err != nil {
			return err
		}
		if want := Pointer(append(parts(lists[it.List]), it.Index)...); it.Pointer() != want {
			return fmt.Errorf("the item says it is at %s, not %s", it.Pointer(), want)
		}
		found[it.List] = append(found[it.List], v)
		return nil
	})
	if err != nil {
		return Value{}, err
	}
	for i, items := range found {
		if len(items) > 0 {
			outline = put(outline, lists[i], Arr(items...))
		}
	}
	return outline, nil
}

func parts(path []string) []any {
	list := make([]any, len(path))
	for i := range path {
		list[i] = path[i]
	}
	return list
}

func put(v Value, path []string, x Value) Value {
	if len(path) == 0 {
		return x
	}
	return v.With(path[0], put(v.Get(path[0]), path[1:], x))
}

var texts = []string{
	`{}`, `[]`, `null`, `-12.5e3`, `"text"`, ` [1, 2] `, `{"body":{}}`, `{"body":[]}`, `{"body":{"list":{}}}`, `{"body":{"list":[]}}`,
	`{"body":{"list":[1]}}`, `{"a":{"list":[1]},"body":{"list":[ 1 , "}]\"\\" , {"x":[{}]} , true, null, -0.5 ],"z":1},"c":3}`,
	"{\n \"body\" : {\r\n\t\"results\":{\"list\":[[[]],\"ü\",\"\\ud83d\\ude00\"]},\"list\":[{\"list\":[1]}]}}\n", `{"list":[1],"body":{"results":[1]}}`,
	// Not JSON:
	``, ` `, `{`, `}`, `{]`, `{"body"`, `{"body" {`, `{"body":`, `{"body":{"list"`, `{"body":{"list":`, `{"body":{"list":[`, `{"body":{"list":[1`, `{"body":{"list":[1,`, `{"body":{"list":[1,]}}`,
	`{"body":{"list":[,1]}}`, `{"body":{"list":[1 2]}}`, `{"body":{"list":[{}{}]}}`, `{"body":{"list":[}}`, `{"body":{"list":[{]}}}`, `{"body":{"list":[{"a":1,"a":2}]}}`, `{"body":{"list":["a`, `{"body":{"list":["\`,
	"{\"body\":{\"list\":[\"\xff\"]}}", `{"body":{"list":["\ud800"]}}`, `{"body":{"list":[1]}`, `{"body":{"list":[1]}}}`, `{"body":{"list":[1]}} x`, `{"body":{"list":[1]},}`, `{"body":{"list":[01]}}`,
	`{"body":{"list":[1]},"body":{}}`, `{"body":{"list":[1],"list":[2]}}`, `{"body":{},"body":{"list":[1]}}`, `{"a":1,"b":2,"a":3}`, `{"body":{"list":[tru]}}`, `{"body":{"list":[true1]}}`, "{\"body\":{\"list\":[1,\n\n   2x]}}",
	"{\"body\":{\"list\":[{\"a\":\n1 \xff}]}}", "{\xff}", `{"body":{"list":[1]é}}`, `{"a":1é}`, `{"body":{"list":[0.12345678901234567890]}}`, "\ufeff{}", `{"body":{"list":[1]} "x"}`, `{'a':1}`, `{"body":{"list":[` + strings.Repeat("[", 40),
	`{"body":{"list":[1` + strings.Repeat(" ", 10), "{\"body\":{\"list\":[\"a\x01\"]}}",
}

// checkSame reads a text with Parse and with a Reader and compares the results.
func checkSame(t require.TestingT, text string, src io.Reader) {
	want, wantErr := Parse([]byte(text), Limits{Bytes: 1 << 24, Depth: 32, Values: 1 << 20})
	got, err := readAll(src, roomy)
	if wantErr == nil {
		require.NoError(t, err, "%q", text)
		require.Equal(t, string(want.Bytes()), string(got.Bytes()), "%q", text)
		return
	}
	require.Error(t, err, "%q should be refused: %v", text, wantErr)
	var a, b *SyntaxError
	require.ErrorAs(t, wantErr, &a)
	require.ErrorAs(t, err, &b, "%q", text)
	if strings.Contains(a.Message, "twice") {
		require.Contains(t, b.Message, "twice")
		require.LessOrEqual(t, b.Offset, a.Offset, "an object read by members knows earlier")
		return
	}
	require.Equal(t, [3]int{a.Offset, a.Line, a.Column}, [3]int{b.Offset, b.Line, b.Column}, "%q: %v, but %v", text, a, b)
	require.Equal(t, a.Pointer, b.Pointer, "%q: %v, but %v", text, a, b)
}

func TestATextReadInPiecesIsReadAsOne(t *testing.T) {
	for _, text := range texts {
		t.Run(text, func(t *testing.T) {
			checkSame(t, text, strings.NewReader(text))
			checkSame(t, text, iotest.OneByteReader(strings.NewReader(text)))
			checkSame(t, text, iotest.DataErrReader(strings.NewReader(text)))
		})
	}
}

func TestATextOfAnotherFormatIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"<?xml version=\"1.0\"?><a/>":    `'<' is not the start of a JSON value; this looks like XML or HTML`,
		" \n<html>":                      `'<' is not the start of a JSON value; this looks like XML or HTML`,
		"\xff\xfe{\x00}\x00":             `byte 0xff is not the start of a JSON value; this looks like UTF-16 or UTF-32, and JSON is UTF-8`,
		"\x00{\x00}":                     `'\x00' is not the start of a JSON value; this looks like UTF-16 or UTF-32, and JSON is UTF-8`,
		"\x1f\x8b\x08\x00":               `'\x1f' is not the start of a JSON value; this looks like gzip`,
		"\ufeff{}":                       `'\ufeff' is not the start of a JSON value; this is a byte order mark`,
		"// events\n{}":                  `'/' is not the start of a JSON value`,
		"}":                              `'}' is not the start of a JSON value`,
		"":                               `the text ends where a value should be`,
		`{"body":{"list":[],"other":<}}`: `'<' is not the start of a JSON value`,
	} {
		_, err := Parse([]byte(text), Limits{})
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax, "%q", text)
		require.Equal(t, want, syntax.Message, "%q", text)
		_, err = readAll(iotest.OneByteReader(strings.NewReader(text)), roomy)
		require.ErrorAs(t, err, &syntax, "%q", text)
		require.Equal(t, want, syntax.Message, "%q", text)
	}
}

func TestDamagedTextsAreRefusedAtTheSamePlace(t *testing.T) {
	whole := `{"a":[1,{"b":"c"}],"body":{"list":[{"type":"x","l":[1,2,{"é":"\u00e9"}]},"s\\",12],"results":{"list":[true]}},` + "\n" + `"z":null}`
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(whole)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				text = text[:at+1]
			case 1:
				text[at] = rapid.SampledFrom([]byte("{}[]\",:\\ 1a\n\xff\x00")).Draw(t, "byte")
			case 2:
				text = append(text[:at:at], text[at+1:]...)
			}
			if len(text) == 0 {
				break
			}
		}
		checkSame(t, string(text), iotest.HalfReader(bytes.NewReader(text)))
	})
}

func TestWhatWasReadBeforeAListIsKnownThen(t *testing.T) {
	r := NewReader(strings.NewReader(`{"before":{"x":1},"body":{"list":[1]},"after":2}`), roomy, lists...)
	calls := 0
	outline, err := r.Read(func(Item) error {
		calls++
		v, ok := r.Top("before")
		assert.True(t, ok)
		assert.Equal(t, `{"x":1}`, string(v.Bytes()))
		_, ok = r.Top("after")
		assert.False(t, ok)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, calls)
	require.Equal(t, `{"after":2,"before":{"x":1},"body":{"list":[]}}`, string(outline.Bytes()))
}

func TestPiecesThatAreTooLargeAreRefused(t *testing.T) {
	small := ReaderLimits{Item: 100, Outline: 200, Values: 20, Depth: 8}
	long := strings.Repeat("x", 300_000)
	for _, c := range []struct{ name, text, want string }{
		{"an item", `{"body":{"list":[1,{"a":"` + long + `"}]}}`, "/body/list/1: it has more than the 100 bytes"},
		{"an item that never ends", `{"body":{"list":["` + long, "/body/list/0: it has more than the 100 bytes"},
		{"a number", `{"body":{"list":[` + strings.Repeat("1", 100_000), "/body/list/0: "},
		{"an item that is wrong before it is too large", `{"body":{"list":[{"a" 1` + long, "line 1, column 23 in /body/list/0/a: a colon"},
		{"what stands before", `{"a":"` + long + `"}`, "more than 200 bytes"},
		{"a number that stands before", `{"a":1` + strings.Repeat("0", 300) + `}`, "more than 200 bytes"},
		{"what is wrong before it is too large", `{"a":{"b" 1` + long, "line 1, column 11 in /a/b: a colon"},
		{"many small members", `{` + strings.Repeat(`"a":1,`, 1), "name in double quotes"},
		{"many values", `{"a":[` + strings.Repeat("1,", 30) + `1]}`, "more than 20 values"},
		{"an object in place of a list is the 21st value", `{"a":[` + strings.Repeat("1,", 15) + `1],"body":{"list":{}}}`, "more than 20 values"},
		{"deep nesting in an item", `{"body":{"list":[` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `]}}`, "nested more than 8 deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readAll(strings.NewReader(c.text), small)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := readAll(strings.NewReader(`{"body":{"list":["`+strings.Repeat("x", 98)+`"]}}`), small)
	require.NoError(t, err, "as large as may be")
}

func TestAReaderRefusesWhatIsNoItemBeforeAnybodyParsesIt(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		handedOut        int
	}{
		{"nothing before the comma", `{"body":{"list":[,1]}}`, "column 18 in /body/list/0: ", 0},
		{"nothing after the comma", `{"body":{"list":[1,]}}`, "column 20 in /body/list/1: ", 1},
		{"no value begins so", `{"body":{"list":[é]}}`, "column 18 in /body/list/0: ", 0},
		{"a text that ends inside an item", `{"body":{"list":[1,"a`, "in /body/list/1: ", 1},
		{"a letter of no word after an item", `{"body":{"list":[1é]}}`, "column 19 in /body/list: a comma or ] should stand here, not 'é'", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			handedOut := 0
			_, err := NewReader(strings.NewReader(c.text), roomy, lists...).Read(func(Item) error { handedOut++; return nil })
			var syntax *SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, c.handedOut, handedOut)
		})
	}
}

func TestWhatBreaksAReaderIsPassedOn(t *testing.T) {
	broken := errors.New("the line is dead")
	_, err := readAll(io.MultiReader(strings.NewReader(`{"body":{"list":[1,{"a":`), iotest.ErrReader(broken)), roomy)
	require.ErrorIs(t, err, broken)
	stop := errors.New("enough")
	_, err = NewReader(strings.NewReader(`{"body":{"list":[1,2]}}`), roomy, lists...).Read(func(Item) error { return stop })
	require.ErrorIs(t, err, stop)
	lines := NewLines(io.MultiReader(strings.NewReader("1\n2"), iotest.ErrReader(broken)), roomy)
	_, err = lines.Next()
	require.NoError(t, err)
	_, err = lines.Next()
	require.ErrorIs(t, err, broken)
}

func TestLinesAreReadOneByOne(t *testing.T) {
	lines := NewLines(iotest.OneByteReader(strings.NewReader("{\"a\":1}\n\n \t\r\n  [2] \r\n3")), roomy)
	var got []string
	for {
		it, err := lines.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		v, err := it.Parse()
		require.NoError(t, err)
		got = append(got, it.Pointer()+" "+string(v.Bytes()))
	}
	require.Equal(t, []string{`/0 {"a":1}`, `/3 [2]`, `/4 3`}, got)

	lines = NewLines(strings.NewReader("{}\n  {\"a\":1} {}\n"), roomy)
	_, err := lines.Next()
	require.NoError(t, err)
	it, err := lines.Next()
	require.NoError(t, err)
	_, err = it.Parse()
	var syntax *SyntaxError
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, [4]any{2, 11, 13, "/1"}, [4]any{syntax.Line, syntax.Column, syntax.Offset, syntax.Pointer})

	lines = NewLines(strings.NewReader(`"`+strings.Repeat("x", 200_000)), ReaderLimits{Item: 1000, Depth: 8})
	_, err = lines.Next()
	var size *SizeError
	require.ErrorAs(t, err, &size)
}

// pieces gives a text in pieces of at most 1000 bytes, which don't divide a window.
type pieces struct{ src io.Reader }

func (p pieces) Read(b []byte) (int, error) { return p.src.Read(b[:min(len(b), 1000)]) }

func TestTheBufferDoesNotGrowWithTheText(t *testing.T) {
	const much = 20 << 20
	spaces := strings.Repeat(" ", much)
	for name, text := range map[string]string{
		"spaces before":          spaces + `{}`,
		"spaces after":           `{}` + spaces,
		"spaces between members": `{"a":1,` + spaces + `"body":{"list":[1]}}`,
		"spaces between items":   `{"body":{"list":[1,` + spaces + `2]}}`,
		"many items":             `{"body":{"list":[` + strings.Repeat(`"0123456789",`, much/13) + `2]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(pieces{strings.NewReader(text)}, roomy, lists...)
			_, err := r.Read(func(Item) error { return nil })
			require.NoError(t, err)
			require.LessOrEqual(t, cap(r.buf), 4*window)
		})
	}
	lines := NewLines(pieces{strings.NewReader(strings.Repeat(" 1 \n\n", much/6))}, roomy)
	for {
		_, err := lines.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	require.LessOrEqual(t, cap(lines.buf), 4*window)
}
