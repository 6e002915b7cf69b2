package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
)

// repeated is a text that is repeated until so many bytes are there.
type repeated struct {
	many string // the text, often enough that copying it is quick
	at   int
	left int64
}

func (r *repeated) Read(p []byte) (n int, err error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n = copy(p[:min(int64(len(p)), r.left)], r.many[r.at:])
	r.at = (r.at + n) % len(r.many)
	r.left -= int64(n)
	return n, nil
}

// bomb is what unfolds to much: what stands before, what is repeated, and what stands after.
type bomb struct{ before, repeated, after string }

func (b bomb) bytes(t testing.TB, coding string, much int64) []byte {
	t.Helper()
	var out bytes.Buffer
	var to io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		to, err = gzip.NewWriterLevel(&out, gzip.BestSpeed)
	case "zstd":
		to, err = zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	}
	require.NoError(t, err)
	_, err = io.Copy(to, io.MultiReader(
		strings.NewReader(b.before), &repeated{many: strings.Repeat(b.repeated, 1<<15), left: much},
		strings.NewReader(b.after),
	))
	require.NoError(t, err)
	require.NoError(t, to.Close())
	return out.Bytes()
}

// bombs unfold in all the places where a body can.
var bombs = map[string]bomb{
	"spaces":                {"", " ", "{}"},
	"lines":                 {"{}\n", "\r\n", "{}"},
	"spaces in an object":   {`{"type":`, " \t", `1}`},
	"spaces in a list":      {`{"type":"EPCISDocument","epcisBody":{"eventList":[{},`, "\n", `{}]}}`},
	"spaces in an array":    {`[{},`, " ", `{}]`},
	"spaces behind":         {`{}`, " ", ""},
	"a string":              {`{"type":"`, "x", `"}`},
	"a string in a list":    {`{"type":"EPCISDocument","epcisBody":{"eventList":[{"type":"`, "x", `"}]}}`},
	"escapes":               {`{"type":"`, `\u0041`, `"}`},
	"a number":              {`{"type":`, "1", `}`},
	"a name":                {`{"`, "x", `":1}`},
	"arrays in each other":  {`{"type":`, "[", ""},
	"objects in each other": {``, `{"a":`, ""},
	"many numbers":          {`{"type":[`, "0,", `0]}`},
	"many members":          {`{"type":{`, `"":0,`, `"a":0}}`},
	"many events":           {`{"type":"EPCISDocument","epcisBody":{"eventList":[`, "{},", `{}]}}`},
	"many arrays":           {`[`, "[],", `[]]`},
}

// A body takes memory by the limits of its route, whatever it unfolds to.
func TestABodyTakesMemoryByItsLimitsWhateverItUnfoldsTo(t *testing.T) {
	f := newFixture(t, capture.Config{QueuedRecords: 1000})
	tried := map[string]bool{} // limits and media types of routes on which all bombs have been tried
	for _, o := range f.server.Description.Operations {
		if o.MaxBytes == 0 {
			continue
		}
		kind := fmt.Sprint(o.MaxBytes, o.Consumes)
		few := tried[kind] || o.MaxBytes == 64<<20
		tried[kind] = true
		for name, b := range bombs {
			for _, coding := range []string{"gzip", "zstd"} {
				if (coding == "zstd" || few) && name != "spaces" && name != "many arrays" {
					continue // all bombs in one coding are enough, and some of them where they take long
				}
				much, most := o.MaxBytes+1, uint64(o.MaxBytes*8+40<<20)
				if o.ID == "capture" || o.ID == "checkCapture" { // read as a stream, keeping what stands around the events
					much, most = 64<<20, 120<<20
					if strings.HasPrefix(name, "many") {
						most = 500 << 20 // for a million values
					}
				}
				f.unfolds(o, b.bytes(t, coding, much), coding, most, o.ID+" with "+name+" in "+coding)
			}
		}
	}
	assert.Zero(t, f.queued())
}

// authorize shows the token of a role that may call an operation, unless anybody may.
func authorize(r *http.Request, o *openapi.Operation) {
	if len(o.Roles) > 0 {
		r.Header.Set("Authorization", "Bearer "+string(o.Roles[0])+"-token")
	}
}

// unfolds sends a bomb, and checks how many bytes that takes.
func (f *fixture) unfolds(o *openapi.Operation, sent []byte, coding string, most uint64, what string) {
	f.t.Helper()
	for _, media := range o.Consumes {
		r := httptest.NewRequest(o.Method, pathOf(o), bytes.NewReader(sent))
		r.Header.Set("Content-Type", media)
		r.Header.Set("Content-Encoding", coding)
		authorize(r, o)
		w := httptest.NewRecorder()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f.router.ServeHTTP(w, r)
		runtime.ReadMemStats(&after)
		assert.Less(f.t, after.TotalAlloc-before.TotalAlloc, most, "%s as %s", what, media)
		if o.ID == "checkCapture" && w.Code == http.StatusOK { // it was read to its end, and each event has its problem
			assert.Contains(f.t, w.Body.String(), `"wouldBeTaken":false`, "%s as %s", what, media)
			continue
		}
		assert.Contains(f.t, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}, w.Code, "%s as %s", what,
			media)
	}
}

func TestAnAnnouncedLengthTakesNoMemory(t *testing.T) {
	f := newFixture(t)
	for _, o := range f.server.Description.Operations {
		if o.MaxBytes == 0 {
			continue
		}
		r := httptest.NewRequest(o.Method, pathOf(o), strings.NewReader("{"))
		r.ContentLength = o.MaxBytes
		r.Header.Set("Content-Type", o.Consumes[0])
		authorize(r, o)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f.router.ServeHTTP(httptest.NewRecorder(), r)
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), o.ID)
	}
}
