package openlineage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

func TestAHundredThousandParametersCostNoMoreEachThanOne(t *testing.T) {
	const most = 100_000 // what was copied for each would be a terabyte
	parameters := make([]string, most)
	for i := range parameters {
		parameters[i] = fmt.Sprintf(`{"key":"k%d","value":%d}`, i, i)
	}
	parsed, err := Parse([]byte(`{"executionParameters":{"parameters":[`+strings.Join(parameters, ",")+`]}}`), Lenient,
		canonical.Limits{Bytes: MaxBytes, Depth: MaxDepth, Values: MaxValues})
	assert.NoError(t, err)
	a := ActivityOf(parsed, value(t, "{}"))
	assert.Len(t, a.Parameters.Members, most)
	assert.Equal(t, "99999", a.Parameters.Get("k99999").Text)
}

func TestParametersOfWhichOneStandsTwiceAreNoObject(t *testing.T) {
	facets := value(t, `{"executionParameters":{"parameters":[{"key":"a","value":1},{"key":"a","value":2}]}}`)
	assert.Empty(t, ActivityOf(facets, value(t, "{}")).Parameters.Members)
}
