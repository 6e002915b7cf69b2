package projection

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFlowsThatCannotBeReadAreNoPanic(t *testing.T) {
	for flow, want := range map[Flow]string{
		"": "[] false", "12 KGM": "[] false", "=": "[] true", "=x": "[] true", "=1-": "[] true", "=5-2": "[] true",
		"=0-99999999999": "[] true", "=-3": "[] true", "=1,,2-3,": "[1 2 3] true", "=0-2,7": "[0 1 2 7] true",
	} {
		inputs, known := flow.Inputs()
		require.Equal(t, want, fmt.Sprint(inputs, known), "%q", flow)
	}
}
