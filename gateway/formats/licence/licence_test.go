package licence

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLicencesAreFoundAndNeverGuessed(t *testing.T) {
	for text, want := range map[string]string{
		"apache-2.0": "Apache-2.0", "Apache-2.0": "Apache-2.0", " mit ": "MIT", "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
		"cc0-1.0": "CC0-1.0",
		"odbl":    "ODbL-1.0", "odc-by": "ODC-By-1.0", "pddl": "PDDL-1.0", "c-uda": "C-UDA-1.0",
		"cdla-permissive-2.0": "CDLA-Permissive-2.0",
		"gpl-3.0":             "GPL-3.0", "bsd-3-clause": "BSD-3-Clause", "wtfpl": "WTFPL", "postgresql": "PostgreSQL",
		"lgpl-lr": "LGPLLR", "etalab-2.0": "etalab-2.0",
		"apache-2.0 or mit":                                          "Apache-2.0 OR MIT",
		"(MIT AND cc-by-4.0) OR Apache-2.0":                          "(MIT AND CC-BY-4.0) OR Apache-2.0",
		"GPL-2.0-or-later WITH Classpath-exception-2.0":              "GPL-2.0-or-later WITH Classpath-exception-2.0",
		"https://creativecommons.org/licenses/by/4.0/":               "CC-BY-4.0",
		"http://creativecommons.org/licenses/by-nc-sa/3.0/legalcode": "CC-BY-NC-SA-3.0",
		"https://creativecommons.org/licenses/by/3.0/de/":            "CC-BY-3.0-DE",
		"https://creativecommons.org/licenses/by/4.0/deed.en":        "CC-BY-4.0",
		"https://creativecommons.org/publicdomain/zero/1.0/":         "CC0-1.0",
		"https://www.apache.org/licenses/LICENSE-2.0":                "Apache-2.0",
		"https://www.apache.org/licenses/LICENSE-2.0.txt":            "Apache-2.0",
		"https://spdx.org/licenses/MIT.html":                         "MIT",
		"https://opensource.org/license/mit":                         "MIT",
		"https://opendatacommons.org/licenses/odbl/1-0/":             "ODbL-1.0",
		"https://cdla.dev/permissive-2-0/":                           "CDLA-Permissive-2.0",
		"https://choosealicense.com/licenses/agpl-3.0/":              "AGPL-3.0",

		"": "", "other": "", "unknown": "", "openrail": "", "llama3": "", "cc": "", "gpl": "", "bsd": "",
		"bigscience-openrail-m": "", "LICENSE.md": "", "proprietary": "",
		"mit or (": "", "mit or openrail": "", "https://lab.example/licence": "",
		"https://creativecommons.org/licenses/by/9.9/":              "",
		"https://creativecommons.org.evil.example/licenses/by/4.0/": "", "://": "", "https://%zz": "",
		"a or b and (((((": "", "\x00 and \x00": "",
	} {
		require.Equal(t, want, SPDX(text), "%q", text)
	}
	require.True(t, Single("MIT"))
	require.False(t, Single("MIT OR Apache-2.0"))
	require.False(t, Single("mit"))
	require.False(t, Single(""))
}

func FuzzSPDX(f *testing.F) {
	for _, seed := range []string{"mit and (apache-2.0 or x)", "https://creativecommons.org/licenses/by/4.0/",
		"GPL-2.0+ with x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if found := SPDX(text); found != "" {
			require.Equal(t, found, SPDX(found), "an expression is its own")
		}
	})
}
