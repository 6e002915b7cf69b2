package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATrustFileIsExportedFromStandardInput(t *testing.T) {
	for _, flag := range []string{"--genesis", "--with"} {
		t.Run(flag, func(t *testing.T) {
			c := Trust()
			c.SilenceUsage, c.SilenceErrors = true, true
			c.SetIn(strings.NewReader("no block and no trust file"))
			c.SetArgs([]string{"export", flag, "-", "--dir", t.TempDir()})
			require.Error(t, c.Execute(), "what stands there is refused, and nothing panics")
		})
	}
}
