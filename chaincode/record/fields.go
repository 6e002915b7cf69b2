package record

import (
	"fmt"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// fields reads an object member by member and collects problems. At the end,
// finish finds the members that nobody has read.
type fields struct {
	value    canonical.Value
	at       string // JSON pointer to the object
	known    []string
	problems []Problem
}

// mostProblems bounds the memory that the problems of one hostile record can take.
const mostProblems = 100

func (f *fields) problem(code, pointer, format string, args ...any) {
	if len(f.problems) >= mostProblems {
		return
	}
	f.problems = append(f.problems, Problem{Code: code, Pointer: f.at + pointer, Detail: fmt.Sprintf(format, args...)})
}

func (f *fields) skip(name string) { f.known = append(f.known, name) }

// get returns the member name. It must have the wanted kind.
func (f *fields) get(name string, want canonical.Kind, required bool) (canonical.Value, bool) {
	f.skip(name)
	v, ok := f.value.Lookup(name)
	if !ok {
		if required {
			f.problem("missing_field", canonical.Pointer(name), "%s is required", name)
		}
		return canonical.Value{}, false
	}
	if v.Kind != want {
		f.problem("wrong_type", canonical.Pointer(name), "%s must be a JSON %s, not a JSON %s", name, want, v.Kind)
		return canonical.Value{}, false
	}
	return v, true
}

const (
	required = true
	optional = false
)

// text reads a string of 1 to max bytes.
func (f *fields) text(name string, needed bool, max int) string {
	v, ok := f.get(name, canonical.String, needed)
	if !ok {
		return ""
	}
	switch {
	case v.Text == "":
		f.problem("empty", canonical.Pointer(name), "%s must not be empty", name)
	case len(v.Text) > max:
		f.problem("too_long", canonical.Pointer(name), "%s has %d bytes, more than the %d allowed", name, len(v.Text),
			max)
	}
	return v.Text
}

// named reads a string that must keep to a rule. The rule returns "" or the
// rest of a sentence that says what is wrong.
func (f *fields) named(name string, needed bool, rule func(string) string) string {
	v, ok := f.get(name, canonical.String, needed)
	if !ok {
		return ""
	}
	if complaint := rule(v.Text); complaint != "" {
		f.problem("bad_value", canonical.Pointer(name), "%s %q %s", name, Brief(v.Text), complaint)
	}
	return v.Text
}

func (f *fields) object(name string, needed bool) canonical.Value {
	v, _ := f.get(name, canonical.Object, needed)
	return v
}

// time reads an RFC 3339 date-time with an offset.
func (f *fields) time(name string, needed bool) time.Time {
	v, ok := f.get(name, canonical.String, needed)
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, v.Text)
	lax := strings.ContainsRune(v.Text, ',') ||
		strings.IndexByte(v.Text, ':') != len("2026-03-01T08") // time.Parse accepts these
	if err != nil || lax || t.Year() < 1 {
		f.problem(
			"bad_time",
			canonical.Pointer(name),
			"%s %q is not a date and time with an offset, such as 2026-03-01T08:00:00Z",
			name,
			Brief(v.Text),
		)
		return time.Time{}
	}
	return t
}

// list reads an array and calls each with its items and their pointers.
func (f *fields) list(name string, needed bool, max int, each func(v canonical.Value, pointer string)) {
	v, ok := f.get(name, canonical.Array, needed)
	if !ok {
		return
	}
	switch {
	case len(v.Items) == 0 && needed:
		f.problem("empty", canonical.Pointer(name), "%s must have at least one entry", name)
	case len(v.Items) > max:
		f.problem("too_many", canonical.Pointer(name), "%s has %d entries, more than the %d allowed", name,
			len(v.Items), max)
		return
	}
	for i := range v.Items {
		each(v.Items[i], canonical.Pointer(name, i))
	}
}

// texts reads an array of strings. Each must keep to the rule, and none may occur twice.
func (f *fields) texts(name string, needed bool, max int, rule func(string) string) []string {
	var all []string
	seen := map[string]bool{}
	f.list(name, needed, max, func(v canonical.Value, pointer string) {
		if v.Kind != canonical.String {
			f.problem("wrong_type", pointer, "an entry of %s must be a JSON string, not a JSON %s", name, v.Kind)
			return
		}
		if complaint := rule(v.Text); complaint != "" {
			f.problem("bad_value", pointer, "%q %s", Brief(v.Text), complaint)
			return
		}
		if seen[v.Text] {
			f.problem("duplicate", pointer, "%q stands twice in %s", Brief(v.Text), name)
			return
		}
		seen[v.Text] = true
		all = append(all, v.Text)
	})
	return all
}

// within reads v, an object inside this one, which has members of its own.
func (f *fields) within(v canonical.Value, pointer string, read func(*fields)) {
	if v.Kind != canonical.Object {
		f.problem("wrong_type", pointer, "a JSON object should stand here, not a JSON %s", v.Kind)
		return
	}
	inner := fields{value: v, at: f.at + pointer}
	read(&inner)
	inner.finish()
	f.problems = append(f.problems, inner.problems[:min(len(inner.problems), mostProblems-len(f.problems))]...)
}

// finish reports the members that nobody has read. A record must not contain
// anything that nobody checks.
func (f *fields) finish() {
next:
	for i := range f.value.Members {
		name := f.value.Members[i].Name
		for _, known := range f.known {
			if name == known {
				continue next
			}
		}
		f.problem("unknown_field", canonical.Pointer(name), "%q is not a field of this object", Brief(name))
	}
}

// among makes the rule that a string is one of the words.
func among(words ...string) func(string) string {
	return func(s string) string {
		for _, w := range words {
			if s == w {
				return ""
			}
		}
		return fmt.Sprintf("is none of %q", words)
	}
}
