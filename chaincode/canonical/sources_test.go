package canonical_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

var errBroken = errors.New("the cable is cut")

// broken gives a text and then breaks.
func broken(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), iotest.ErrReader(errBroken))
}

func readList(src io.Reader, l canonical.ReaderLimits) (canonical.Value, error) {
	return canonical.NewReader(src, l, []string{"in", "list"}).Read(func(it canonical.Item) error {
		_, err := it.Parse()
		return err
	})
}

var roomy = canonical.ReaderLimits{Item: 100, Outline: 100, Values: 100, Depth: 10}

func TestASourceMayBreakAnywhere(t *testing.T) {
	const text = `{"a": [1, "b"] , "in": {"list": [ {"x": 1} , 22 ], "c": true }, "d": "ü" } `
	_, err := readList(strings.NewReader(text), roomy)
	require.NoError(t, err)
	for n := range len(text) + 1 {
		_, err := readList(broken(text[:n]), roomy)
		assert.ErrorIs(t, err, errBroken, text[:n])
	}
	const lines = "{\"a\":1}\n\n22\n"
	for n := range len(lines) + 1 {
		l := canonical.NewLines(broken(lines[:n]), roomy)
		var err error
		for err == nil {
			_, err = l.Next()
		}
		assert.ErrorIs(t, err, errBroken, lines[:n])
	}
	_, err = readList(broken("{\"in\":{\"list\":[1 \xc3"), roomy)
	assert.ErrorIs(t, err, errBroken, "half of a character")
	_, err = readList(idle{}, roomy)
	assert.ErrorIs(t, err, io.ErrNoProgress)
}

// idle never gives anything.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestAReaderRefusesWhatParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{\"in\":{\"list\":[1 \xc3":  "a comma or ] should stand here, not byte 0xc3",
		"{} \x00":                    "there is more text after the end of the JSON value",
		"{} 1":                       "there is more text after the end of the JSON value",
		`{"in":{"list":[`:            "the text ends where a value should be",
		`{"in":{"list":[1`:           "the text ends inside an array",
		`{"in":{"list":[1]`:          "the text ends inside an object",
		`{"in":{"list":[1],"list":0`: `the member name "list" stands twice in one object`,
	} {
		_, err := readList(strings.NewReader(text), roomy)
		var syntax *canonical.SyntaxError
		require.ErrorAs(t, err, &syntax, text)
		assert.Equal(t, want, syntax.Message, text)
	}
	shallow := roomy
	shallow.Depth = 2
	_, err := readList(strings.NewReader(`{"in":{"list":[1]}}`), shallow)
	assert.ErrorContains(t, err, "values are nested more than 2 deep")
	shallow.Depth = 3
	_, err = readList(strings.NewReader(`{"in":{"list":[1]}}`), shallow)
	assert.NoError(t, err)
}

func TestAPieceThatIsTooLongIsNamed(t *testing.T) {
	small := roomy
	small.Item = 8
	var size *canonical.SizeError
	_, err := readList(strings.NewReader(`{"in":{"list":[`+strings.Repeat("7", 20)+`]}}`), small)
	require.ErrorAs(t, err, &size)
	assert.Equal(t, "/in/list/0: it has more than the 8 bytes allowed", err.Error())
	_, err = canonical.NewLines(strings.NewReader(strings.Repeat(" ", 20)), small).Next()
	require.ErrorAs(t, err, &size)
	assert.Equal(t, "what is too large", (&canonical.SizeError{Message: "what is too large"}).Error())
}

func TestBeforeTheTextIsReadNothingIsKnownOfIt(t *testing.T) {
	_, known := canonical.NewReader(strings.NewReader(`{"a":1}`), roomy).Top("a")
	assert.False(t, known)
}

// pausing gives a byte at every other call, and nothing in between.
type pausing struct {
	src   io.Reader
	pause bool
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.pause = !p.pause; p.pause {
		return 0, nil
	}
	return p.src.Read(b[:1])
}

func TestASourceMayPause(t *testing.T) {
	var items []string
	r := canonical.NewReader(&pausing{src: strings.NewReader(`{"list":[1e+5,1E5,-0.5,true]}`)}, roomy, []string{"list"})
	_, err := r.Read(func(it canonical.Item) error {
		items = append(items, it.Text)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"1e+5", "1E5", "-0.5", "true"}, items)
}

// sleepy gives nothing so many times before it ends.
type sleepy int

func (s *sleepy) Read([]byte) (int, error) {
	if *s--; *s >= 0 {
		return 0, nil
	}
	return 0, io.EOF
}

func TestASourceMayEndAfterALongPause(t *testing.T) {
	pauses := sleepy(100)
	_, err := readList(io.MultiReader(strings.NewReader("{}"), &pauses), roomy)
	require.NoError(t, err)
	pauses = 101
	_, err = readList(io.MultiReader(strings.NewReader("{}"), &pauses), roomy)
	require.ErrorIs(t, err, io.ErrNoProgress)
}
