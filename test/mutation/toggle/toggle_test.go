package toggle

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// switchedOn runs something with a mutant switched on, and with none.
func switchedOn(t *testing.T, id int64, run func()) {
	t.Helper()
	before := active
	defer func() { active = before }()
	active = id
	run()
}

func TestAMutantChangesWhatItsPlaceDoes(t *testing.T) {
	const id = 7
	for _, c := range []struct {
		what               string
		do                 func() string
		off, first, second string // what it gives, with which mutant switched on
	}{
		{"a statement", func() string { return fmt.Sprint(Keep(id)) }, "true", "false", "true"},
		{"a condition", func() string { return fmt.Sprint(Flip(id, true), Flip(id, false)) }, "true false", "false true", "true false"},
		{"an operand of &&", func() string { return fmt.Sprint(True(id, true), True(id, false)) }, "true false", "true true", "true false"},
		{"an operand of ||", func() string { return fmt.Sprint(False(id, true), False(id, false)) }, "true false", "false false", "true false"},
		{"<", func() string { return fmt.Sprint(Less(id, 1, 2), Less(id, 2, 2), Less(id, 3, 2)) }, "true false false", "true true false", "false true true"},
		{"<=", func() string { return fmt.Sprint(LessOrEqual(id, 1, 2), LessOrEqual(id, 2, 2), LessOrEqual(id, 3, 2)) },
			"true true false", "true false false", "false false true"},
		{">", func() string { return fmt.Sprint(Greater(id, 1, 2), Greater(id, 2, 2), Greater(id, 3, 2)) },
			"false false true", "false true true", "true true false"},
		{">=", func() string {
			return fmt.Sprint(GreaterOrEqual(id, 1, 2), GreaterOrEqual(id, 2, 2), GreaterOrEqual(id, 3, 2))
		},
			"false true true", "false false true", "true false false"},
		{"a constant", func() string { return fmt.Sprint(Increased(id, 5), Decreased(id, uint8(5))) }, "5 5", "6 4", "5 5"},
		{"a value", func() string { return fmt.Sprintf("%s %t", Zero(id, "x"), Zero[error](id, assert.AnError) == nil) }, "x false", " true", "x false"},
	} {
		assert.Equal(t, c.off, c.do(), c.what)
		switchedOn(t, id, func() { assert.Equal(t, c.first, c.do(), c.what) })
		switchedOn(t, id+1, func() { assert.Equal(t, c.second, c.do(), c.what) })
	}
}
