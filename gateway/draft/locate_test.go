package draft

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPlacesAreFound(t *testing.T) {
	text := []byte("\n {\"é\":[1, {\"a/b\":2, \"~\":3}],\n\"ü\":\"öö\",\"last\":[ ],\"\":{\"\":4}}")
	for pointer, want := range map[string]position{
		"":           {2, 2},
		"/é":         {2, 3},
		"/é/0":       {2, 8},
		"/é/1":       {2, 11},
		"/é/1/a~1b":  {2, 12},
		"/é/1/~0":    {2, 21},
		"/é/2":       {2, 3}, // isn't there
		"/é/1/x/y/0": {2, 11},
		"/last":      {3, 10},
		"/":          {3, 21},
		"//":         {3, 25},
		"/nowhere":   {2, 2},
	} {
		assert.Equal(t, want, locate(text, []string{"/last", pointer, "/é/1"})[pointer], pointer)
	}
}

func TestALongNameCostsItsLengthOnce(t *testing.T) {
	name := strings.Repeat("n", 100_000)
	text := []byte(`{"` + name + `":[0` + strings.Repeat(",0", 10_000) + `]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	locate(text, []string{"/" + name + "/9999", "/" + name})
	runtime.ReadMemStats(&after)
	assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, uint64(32), "MiB; one name for each of the values would be 1000")
}

// BenchmarkLocate finds all events of a document on one line, as programs write it.
func BenchmarkLocate(b *testing.B) {
	text := []byte(`[` + strings.TrimSuffix(strings.Repeat(`{"a":"`+strings.Repeat("x", 390)+`"},`, MaxEvents), ",") + `]`)
	var pointers []string
	for i := range MaxEvents {
		pointers = append(pointers, fmt.Sprintf("/%d", i))
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		locate(text, pointers)
	}
}
