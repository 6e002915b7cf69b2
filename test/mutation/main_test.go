package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	sample = "github.com/pedigree-ledger/pedigree/test/mutation/testdata/sample"
	other  = "github.com/pedigree-ledger/pedigree/test/mutation/testdata/other"
)

var update = flag.Bool("update", false, "write the golden file anew")

func everything(*outcome) bool { return true }

func root(t *testing.T) string {
	dir, err := moduleRoot()
	require.NoError(t, err)
	return dir
}

// statuses has a line for each mutant of the sample.
func statuses(r *report) string {
	var text strings.Builder
	for _, m := range r.Mutants {
		nth := ""
		if m.Nth > 1 {
			nth = fmt.Sprintf(" [%d]", m.Nth)
		}
		fmt.Fprintf(&text, "%-9s %s: %s%s: %s\n", m.Status, m.Function, m.Operator, nth, m.Source)
	}
	return text.String()
}

func TestMutantsDieByTheTestsThatReachThem(t *testing.T) {
	r, err := mutate(sample, root(t), options{workers: 2, with: []string{other}}, nil, everything)
	require.NoError(t, err)
	golden := filepath.Join("testdata", "sample.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(statuses(r)), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), statuses(r))
	assert.Equal(t, []string{sample, other}, r.Tests)
	assert.Equal(t, map[string]int{"a condition of a type other than bool": 2, "a statement that declares variables": 3, cantCompile: 1}, r.Skipped)
	for _, m := range r.Mutants {
		switch {
		case m.Status == killed && m.Function == "table":
			assert.Equal(t, "TestEven", m.By, m)
		case m.Status == killed && m.Function == "Largest":
			assert.Equal(t, "TestLargest", m.By, m)
		}
	}
}

func TestWithoutTheOtherPackageItsMutantsSurvive(t *testing.T) {
	r, err := mutate(sample, root(t), options{workers: 2}, nil, func(m *outcome) bool { return m.Function == "Even" })
	require.NoError(t, err)
	require.NotEmpty(t, r.Mutants)
	for _, m := range r.Mutants {
		assert.Equal(t, unreached, m.Status, m)
	}
}

func TestATestThatFailsWithoutAMutantIsAnError(t *testing.T) {
	t.Setenv("SAMPLE_FAILS", "1")
	_, err := mutate(sample, root(t), options{workers: 1}, nil, everything)
	require.ErrorContains(t, err, "TestLoad of "+sample+" fails without any mutant")
	r, err := mutate(sample, root(t), options{workers: 1, skip: regexp.MustCompile("^TestLoad$")}, nil,
		func(m *outcome) bool { return m.Function == "Load" })
	require.NoError(t, err)
	require.Len(t, r.Mutants, 1)
	assert.Equal(t, unreached, r.Mutants[0].Status)
}

func TestReasonsBelongToMutantsWhereverTheyMove(t *testing.T) {
	file := filepath.Join(t.TempDir(), "survivors.txt")
	write := func(text string) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	write(`# A comment.
a/b.go F: bound moved: i < n
a/b.go F: bound moved [2]: i < n
    Both are the same: n is
    never reached.

a/b.go G: statement removed: x++
    It is gone.
c/d.go H: statement removed: y++
    Of another package.
`)
	known, err := readReasons(file)
	require.NoError(t, err)
	one := func(line, nth int, s status) *outcome {
		return &outcome{File: "a/b.go", Line: line, Function: "F", Operator: moveBound, Source: "i < n", Nth: nth, Status: s}
	}
	r := &report{Mutants: []*outcome{one(7, 0, survived), one(9, 2, unreached), one(11, 3, survived), one(12, 4, killed)}}
	assert.Equal(t, []string{"a/b.go G: statement removed: x++"}, known.explain(r))
	assert.Equal(t, []*outcome{r.Mutants[2]}, r.unexplained())
	assert.Equal(t, "Both are the same: n is never reached.", r.Mutants[0].Reason)
	assert.Equal(t, r.Mutants[0].Reason, r.Mutants[1].Reason)
	assert.Equal(t, "a/b.go:11:0  bound moved  i < n", r.Mutants[2].String())

	write("a/b.go F: bound moved: any\n  It saves work.\n\na/b.go F: early exit removed: any\n  None is left.\n\na/c.go H: any\n  It only counts.\n")
	known, err = readReasons(file)
	require.NoError(t, err)
	r = &report{Mutants: []*outcome{
		one(7, 0, survived), {File: "a/b.go", Function: "F", Operator: dropExit, Source: "x", Status: killed},
		{File: "a/b.go", Function: "F", Operator: swapEquality, Source: "x", Status: survived},
		{File: "a/c.go", Function: "H", Operator: dropExit, Source: "x", Status: survived},
	}}
	assert.Equal(t, []string{"a/b.go F: early exit removed: any"}, known.explain(r))
	assert.Equal(t, []*outcome{r.Mutants[2]}, r.unexplained(), "another operator in the function")
	assert.Equal(t, "It saves work.", r.Mutants[0].Reason)
	assert.Equal(t, "It only counts.", r.Mutants[3].Reason)

	for text, problem := range map[string]string{
		"a/b.go F: bound moved: i < n\n":             "has no reason",
		"    Because.\n":                             "a reason without a mutant",
		"a/b.go F: x\n  One.\na/b.go F: x\n  Two.\n": "has two reasons",
		"a/b.go F: x\n\na/b.go F: y\n":               "has no reason",
	} {
		write(text)
		_, err := readReasons(file)
		assert.ErrorContains(t, err, problem, text)
	}
}

func TestTheCommandFailsForASurvivorWithoutAReason(t *testing.T) {
	dir := t.TempDir()
	known, reports := filepath.Join(dir, "survivors.txt"), filepath.Join(dir, "reports.json")
	write := func(text string) {
		require.NoError(t, os.WriteFile(known, []byte(text), 0o644))
	}
	write("")
	o, patterns, err := parse([]string{"-survivors", known, "-json", reports, "-only", " Add: ", "./testdata/sample"})
	require.NoError(t, err)
	clean, err := run(o, patterns)
	require.NoError(t, err)
	assert.True(t, clean, "all mutants of Add die")

	o.only = regexp.MustCompile(" Sum: ")
	clean, err = run(o, patterns)
	require.NoError(t, err)
	assert.False(t, clean)
	left, err := survivorsOf(reports)
	require.NoError(t, err)
	const start = "test/mutation/testdata/sample/sample.go Sum: constant increased: 0"
	assert.Equal(t, map[string]bool{start: true}, left)

	write(start + "\n    The first of the numbers is zero.\n")
	clean, err = run(o, patterns)
	require.NoError(t, err)
	assert.True(t, clean)

	write("test/mutation/testdata/sample/sample.go Add: statement removed: list = append(list, n)\n    It is not tested.\n")
	o.only, o.again = nil, reports
	clean, err = run(o, patterns)
	require.NoError(t, err)
	assert.False(t, clean, "what survived before survives again")
}

func TestArgumentsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{{}, {"-only", "(", "./testdata/sample"}, {"-unknown", "./testdata/sample"}} {
		_, _, err := parse(args)
		assert.Error(t, err, args)
	}
	_, err := mutate(sample+"/nothing", root(t), options{}, nil, everything)
	assert.Error(t, err)
}
