package text

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// impactOf is an impact of two nodes, of which a recall reaches so many.
func impactOf(t *testing.T, reached int, cut ...string) client.Impact {
	t.Helper()
	var im client.Impact
	require.NoError(t, json.Unmarshal([]byte(`{"total":2,
		"organisations":[{"mspId":"LabMSP","total":2,"kinds":{"artifact":["a","b"]}}],
		"touched":[{"id":"a","kind":"artifact","name":"a","mspId":"LabMSP"},{"id":"b","kind":"artifact","name":"b","mspId":"LabMSP"}],
		"recalls":[{"id":"r","acknowledged":[{"mspId":"LabMSP","covers":1}]}]}`), &im))
	for i := range reached {
		im.Touched[i].Recalls = []string{"r"}
	}
	im.Recalls[0].Touched = reached
	if reached == 0 {
		im.Recalls = nil
	}
	if len(cut) > 0 {
		im.Truncated = &client.Truncation{Reasons: cut, Frontier: []string{"b"}}
	}
	return im
}

func printed(t *testing.T, im client.Impact) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, Impact(&out, "x", im))
	return out.String()
}

func TestAnImpactSaysNothingOfWhatWasNotWalked(t *testing.T) {
	require.Contains(t, printed(t, impactOf(t, 0)), "No recall reaches any of it.\n")
	require.Contains(t, printed(t, impactOf(t, 1)), "No recall reaches 1 of it.\n")
	require.NotContains(t, printed(t, impactOf(t, 2)), "No recall")

	cut := printed(t, impactOf(t, 0, "depth"))
	require.Contains(t, cut, "No recall reaches any of what was walked.")
	require.Contains(t, cut, "nothing is said of what was not walked")
	require.Contains(t, cut, "  b  not walked further\n")
	require.NotContains(t, cut, "  a  not walked further\n")
	require.Contains(t, printed(t, impactOf(t, 1, "depth")), "No recall reaches 1 of what was walked.")

	unknown := printed(t, impactOf(t, 1, "recalls"))
	require.NotContains(t, unknown, "No recall")
	require.Contains(t, unknown, "It isn't known whether a recall reaches 1 of it")
}

func TestAnAcknowledgementSaysWhatItDoesNotCover(t *testing.T) {
	im := impactOf(t, 2)
	require.Contains(t, printed(t, im), "acknowledged by Lab in block 0; since then it has reached 1 more")
	im.Recalls[0].Acknowledged[0].Covers = 2
	require.NotContains(t, printed(t, im), "since then")
}

func TestATraceMarksWhereItWasCut(t *testing.T) {
	var g client.Graph
	require.NoError(t, json.Unmarshal([]byte(`{"node":"a","nodes":[{"id":"a","kind":"artifact"},{"id":"b","kind":"artifact","depth":1}],
		"edges":[{"from":"a","to":"b","kind":"derivedFrom"}],"truncated":{"reasons":["depth"],"frontier":["b"]}}`), &g))
	var out strings.Builder
	require.NoError(t, Graph(&out, g, false))
	require.Contains(t, out.String(), "└─ b  not walked further\n")
}
