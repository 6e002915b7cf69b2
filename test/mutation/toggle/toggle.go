// Package toggle is what instrumented code calls: at each place where the code can be changed, one of these functions
// does what the code did, or, if the mutant of that place is switched on, what the changed code does.
//
// It is linked into test binaries that the mutation tester builds, and into nothing else.
//
// Two environment variables control it. MUTANT is the number of the mutant to switch on. MUTANT_TRACE is a file to
// which every process appends how often it has reached each mutant.
package toggle

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync/atomic"
)

// The environment variables.
const (
	Active = "MUTANT"       // the mutant that is switched on
	Limit  = "MUTANT_LIMIT" // how often it may be reached before the process exits
	Trace  = "MUTANT_TRACE" // where to write which mutants are reached
)

// Max is the number of mutants that one package can have.
const Max = 1 << 16

// RunawayCode is the exit code of a process that reached its mutant more often than the limit: a loop that doesn't end.
const RunawayCode = 86

var (
	active = number(Active, -1)
	limit  = number(Limit, math.MaxInt64)
	trace  = traceFile()

	reached [Max]atomic.Int64
)

func number(variable string, otherwise int64) int64 {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(variable + ": " + err.Error())
	}
	return n
}

func traceFile() *os.File {
	path := os.Getenv(Trace)
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	return f
}

// on says whether the mutant is switched on. It notes that the mutant was reached.
//
// A process may end at any point, so the trace is written at once. It has a line for each power of two, so that a place
// reached a million times costs twenty lines.
func on(id int) bool {
	if trace != nil {
		if n := reached[id].Add(1); n&(n-1) == 0 {
			fmt.Fprintf(trace, "%d %d\n", id, n)
		}
	}
	if int64(id) != active {
		return false
	}
	if reached[id].Add(1) > limit {
		fmt.Fprintf(os.Stderr, "mutant %d was reached more than %d times\n", id, limit)
		os.Exit(RunawayCode)
	}
	return true
}

// Keep says whether a statement is executed.
func Keep(id int) bool { return !on(id) }

// Flip negates a condition.
func Flip(id int, condition bool) bool { return on(id) != condition }

// True replaces an operand of && by true. The operand is evaluated all the same.
func True(id int, operand bool) bool { return on(id) || operand }

// False replaces an operand of || by false. The operand is evaluated all the same.
func False(id int, operand bool) bool { return !on(id) && operand }

// The comparisons: each has a mutant that moves its bound by one, and one, with the next number, that negates it.

func Less[T cmp.Ordered](id int, a, b T) bool {
	if on(id) {
		return a <= b
	}
	return on(id+1) != (a < b)
}

func LessOrEqual[T cmp.Ordered](id int, a, b T) bool {
	if on(id) {
		return a < b
	}
	return on(id+1) != (a <= b)
}

func Greater[T cmp.Ordered](id int, a, b T) bool {
	if on(id) {
		return a >= b
	}
	return on(id+1) != (a > b)
}

func GreaterOrEqual[T cmp.Ordered](id int, a, b T) bool {
	if on(id) {
		return a > b
	}
	return on(id+1) != (a >= b)
}

// Integer is any integer type.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// Increased adds one to a constant.
func Increased[T Integer](id int, n T) T {
	if on(id) {
		return n + 1
	}
	return n
}

// Decreased subtracts one from a constant.
func Decreased[T Integer](id int, n T) T {
	if on(id) {
		return n - 1
	}
	return n
}

// Zero replaces a value by the zero value of its type: a returned error by nil, a field of a composite literal by
// nothing.
func Zero[T any](id int, value T) T {
	if on(id) {
		var zero T
		return zero
	}
	return value
}
