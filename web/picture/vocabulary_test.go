package picture

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// unmarked are flags that a picture doesn't show, because they say nothing of whether a node can be relied on.
var unmarked = []string{"licensed", "acknowledged", "retracted"}

func TestEveryFlagOfAStatementHasAMarkOrNeedsNone(t *testing.T) {
	flags := map[string]bool{}
	for _, k := range record.StatementKinds {
		if k.Flag == "" {
			continue
		}
		flags[k.Flag] = true
		_, marked := markFlags[k.Flag]
		assert.NotEqual(t, slices.Contains(unmarked, k.Flag), marked, "the flag %q has no mark in pictures, or one that it shouldn't have", k.Flag)
		if k.Warns {
			assert.GreaterOrEqual(t, markFlags[k.Flag], warned, "%q warns, and taints what came of its subject", k.Flag)
		}
	}
	for _, flag := range unmarked {
		assert.True(t, flags[flag], "no statement has the flag %q", flag)
	}
}

func TestEveryMarkHasItsWords(t *testing.T) {
	for flag, m := range markFlags {
		assert.Less(t, int(m), len(markWords), flag)
		assert.Len(t, markClasses, len(markWords))
		assert.NotEmpty(t, markLabels[m], flag)
	}
}
