package epcis

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/stretchr/testify/require"
)

// A few kilobytes of hostile text must not cost much. Without limits, each of
// these would take gigabytes or minutes.
func TestHostileEventsCostLittle(t *testing.T) {
	members := func(n int, prefix string) canonical.Value {
		v := make([]canonical.Member, n)
		for i := range v {
			v[i] = canonical.Member{Name: fmt.Sprintf("%s:%06d", prefix, i), Value: canonical.Int(1)}
		}
		return canonical.Obj(v...)
	}
	contexts := make([]canonical.Value, 100_000)
	for i := range contexts {
		contexts[i] = canonical.Str(fmt.Sprintf("a:%d", i))
	}
	ones := make([]canonical.Value, 50_000)
	for i := range ones {
		ones[i] = canonical.Int(1)
	}
	long := "https://example.org/" + strings.Repeat("x", 300_000)
	own := canonical.Obj(canonical.Member{Name: "own", Value: canonical.Str(long)})
	for name, c := range map[string]struct{ event, context canonical.Value }{
		"a long namespace of many names":     {parse(t, good).With("own:all", members(50_000, "own")), own},
		"a long name of a long list":         {parse(t, good).With("own:"+strings.Repeat("x", 300_000), canonical.Arr(ones...)), ownContext},
		"a long full name of a long list":    {parse(t, good).With(long, canonical.Arr(ones...)), ownContext},
		"a long bare name inside of objects": {parse(t, good).With("own:all", canonical.Obj(canonical.Member{Name: strings.Repeat("x", 300_000), Value: canonical.Arr(ones...)})), ownContext},
		"many parts of an event's @context":  {parse(t, good).With("@context", canonical.Arr(contexts...)), ownContext},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, problems := Decode(c.event, c.context)
			runtime.ReadMemStats(&after)
			require.Len(t, problems, 1)
			require.Equal(t, CodeTooMany, problems[0].Code)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20))
		})
	}
}
