package verb

import (
	"bytes"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/config"
)

func TestHowManyOrganisationsSignIsCheckedBeforeAnythingIsSent(t *testing.T) {
	assert.Equal(t, 32, config.MaxCosigners, "the flag takes one more: the gateway's own organisation")
	for name, verb := range map[string]func() *cobra.Command{"ask": Ask, "checkpoint": Checkpoint} {
		for _, n := range []string{"99", "34", "0", "-1", "two", ""} {
			_, err := ran(t, verb(), "", new(bytes.Buffer), "--cosigned="+n)
			assert.ErrorContains(t, err, `for "--cosigned" flag: must be a whole number from 1 to 33`, "%s %q", name, n)
		}
	}
	var s cosigners
	for _, n := range []string{"1", "33"} {
		assert.NoError(t, s.Set(n), n)
		assert.Equal(t, n, s.String())
	}
}
