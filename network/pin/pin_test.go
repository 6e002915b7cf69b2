package pin_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network/pin"
)

func TestTheEmbeddedPinIsTheNestedModule(t *testing.T) {
	for file, embedded := range map[string][]byte{"go.mod": pin.Mod, "go.sum": pin.Sum} {
		nested, err := os.ReadFile(filepath.Join("..", "fabric", file))
		require.NoError(t, err)
		require.True(t, string(nested) == string(embedded),
			"network/fabric/%s and its copy in network/pin differ: run `go generate ./network/pin`", file)
	}
}
