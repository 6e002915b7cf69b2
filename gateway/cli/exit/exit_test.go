package exit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/test/markdown"
)

func TestAnErrorAsksForItsCode(t *testing.T) {
	assert.Equal(t, Done, Code(nil))
	assert.Equal(t, Refused, Code(errors.New("odd")))
	assert.Equal(t, Usage, Code(fmt.Errorf("file: %w", Usagef("%q is odd", "x"))))
	assert.Equal(t, Unreachable, Code(errors.Join(errors.New("odd"), Unreachablef("away"))))
	assert.Equal(t, Refused, Code(Refusedf("no")))
	assert.NoError(t, With(Usage, nil))
	cause := errors.New("cause")
	assert.ErrorIs(t, With(Usage, cause), cause)
	assert.EqualError(t, Usagef("%q is odd", "x"), `"x" is odd`)
}

func TestTheTableHasEveryCode(t *testing.T) {
	for _, code := range []int{Done, Refused, Usage, Unreachable} {
		assert.Contains(t, Table, fmt.Sprintf("\n  %d  ", code))
	}
	assert.Equal(t, 5, strings.Count(Table, "\n"))
}

func TestTheDocumentationHasTheTable(t *testing.T) {
	table := "Exit codes:\n"
	for _, row := range markdown.Table(t, "../../../docs/using.md", "code", "meaning") {
		table += "  " + row[0] + "  " + row[1] + "\n"
	}
	assert.Equal(t, Table, table)
}
