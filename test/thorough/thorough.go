// Package thorough says how much tests look at. Usually they look at few of many alike cases, so that all tests take
// minutes. Where the environment variable PEDIGREE_THOROUGH is set, they look at many.
package thorough

import (
	"os"
	"testing"
)

const variable = "PEDIGREE_THOROUGH"

// Asked reports whether tests should look at many cases.
func Asked() bool { return os.Getenv(variable) != "" }

// Of returns how many of many alike cases to look at: a few, or more where tests are thorough.
func Of[T any](few, more T) T {
	if Asked() {
		return more
	}
	return few
}

// Only skips a test that takes long, unless PEDIGREE_THOROUGH is set. The reason says which other test looks at the most
// important of it.
func Only(t testing.TB, reason string) {
	t.Helper()
	if !Asked() {
		t.Skip(reason + "; set " + variable + " to run this test, too")
	}
}
