package text

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

func TestWhatACardSaysIsShownInPlainLines(t *testing.T) {
	d := &about.Description{
		Format: about.ModelCard, Title: "A\x1b[31m title\nof two lines", Description: strings.Repeat("word ", 200),
		Licences:   []about.Licence{{SPDX: "MIT", Text: "mit"}, {Text: "house rules", URL: "LICENSE.md"}},
		BaseModels: []about.Reference{{Name: "base", Ref: "model/lab/base@1", Relation: "finetune"}},
		Datasets:   []about.Reference{{Name: "winter", URL: "https://lab.example/winter", Role: about.RoleTraining}},
		Usage: []about.Term{{Scheme: "ODRL", Kind: "permission", Code: "odrl:use",
			Constraints: []string{"purpose eq research"}}},
		Passages: []about.Passage{{Topic: about.TopicSensitive, Text: "names \u202e of drivers"}},
	}
	for i := range 100 {
		d.Metrics = append(d.Metrics, about.Metric{Type: "mae", Value: fmt.Sprint(i)})
	}
	var out strings.Builder
	description(&out, d)
	for _, want := range []string{
		"  title       A\\u001b[31m title of two lines\n", "  licence     MIT\n",
		"  licence     house rules LICENSE.md\n",
		"  base model  base model/lab/base@1 (finetune)\n",
		"  dataset     winter https://lab.example/winter (training)\n",
		"  use         permission odrl:use; purpose eq research\n", "  sensitive   names \\u202e of drivers\n",
		"  result      mae 11\n", "  result      … and 88 more; --json has all\n",
	} {
		require.Contains(t, out.String(), want)
	}
	require.NotContains(t, out.String(), "mae 12\n")
	for line := range strings.Lines(out.String()) {
		require.Less(t, len(line), 450)
	}
	out.Reset()
	description(&out, nil)
	require.Empty(t, out.String())
}

func TestARecordIsShownWithoutItsCardsText(t *testing.T) {
	text := json.RawMessage(`{"card":{"mediaType":"text/markdown","text":"<b>12345"},"name":"<x>"}`)
	require.Equal(t, `{"card":{"mediaType":"text/markdown","text":"… 8 bytes; show --card prints them"},"name":"<x>"}`,
		string(withoutCard(text)))
	for _, other := range []string{`{"name":"x"}`, `{"card":3}`, `{"card":{"text":3}}`, `[]`, `{`} {
		require.Equal(t, other, string(withoutCard(json.RawMessage(other))))
	}
}
