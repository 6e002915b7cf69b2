package mlbom

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNoBillIsRefused(t *testing.T) {
	for _, test := range []struct{ name, text, message string }{
		{"another format", `{"bomFormat": "SPDX"}`, "bomFormat"},
		{"a list", `[]`, "bomFormat"},
		{"a component twice", "{\"bomFormat\": \"CycloneDX\",\n\"metadata\": 1, \"metadata\": 2}", `line 2: "metadata" stands twice`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Read(test.text)
			require.ErrorContains(t, err, test.message)
		})
	}
}

func TestABillWithoutASubjectSaysSo(t *testing.T) {
	for _, text := range []string{
		`{"bomFormat": "CycloneDX", "specVersion": "1.6"}`,
		`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "machine-learning-model", "name": "a"}, {"type": "machine-learning-model", "name": "b"}]}`,
		`{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": "x", "components": 3}`,
	} {
		d, err := Read(text)
		require.NoError(t, err)
		require.Equal(t, "no_subject", d.Problems[0].Code)
	}
	d, err := Read(`{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"type": "machine-learning-model", "name": "a"}, {"type": "data", "name": "b"}]}`)
	require.NoError(t, err)
	require.Equal(t, "a", d.Title, "the only model is what the bill is about")
}

func TestOtherVersionsAreReadAndNoted(t *testing.T) {
	for version, problems := range map[string]int{"1.5": 0, "1.6": 0, "1.7": 0, "1.4": 1, "2.0": 1, "": 1} {
		d, err := Read(`{"bomFormat": "CycloneDX", "specVersion": "` + version +
			`", "metadata": {"component": {"type": "machine-learning-model", "name": "a"}}}`)
		require.NoError(t, err)
		require.Len(t, d.Problems, problems, "%q", version)
		require.Equal(t, "a", d.Title)
	}
}
