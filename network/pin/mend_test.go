package pin_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network/pin"
)

func TestAMendIsForOneFileOnly(t *testing.T) {
	adds := 0
	for _, mend := range pin.Mends {
		require.NotEmpty(t, mend.Why, mend.File)
		require.Contains(t, []string{pin.Module, pin.SmartBFT}, mend.Module, mend.File)
		if mend.Adds() {
			adds++
			text, err := mend.Apply(nil)
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(string(text), "// This file is not of Fabric."), mend.File)
			continue
		}
		_, err := mend.Apply([]byte("package other\n"))
		require.ErrorContains(t, err, "isn't the file that the mend was made for", mend.File)
	}
	require.Equal(t, 2, adds)
	require.Equal(t, pin.MendsFingerprint(), pin.MendsFingerprint(), "a build is known by it")
}
