package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// status is what became of a mutant.
type status string

const (
	killed    status = "killed"
	stuck     status = "timed out" // counts as killed: a test would never end
	survived  status = "survived"
	unreached status = "unreached" // no test gets there; counts as survived
)

// outcome is one mutant of a report.
type outcome struct {
	id       int
	File     string   `json:"file"` // from the module's root
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Function string   `json:"function"`
	Operator operator `json:"operator"`
	Source   string   `json:"source"`
	Nth      int      `json:"nth,omitempty"` // among those alike in the same function, if it isn't the first
	Status   status   `json:"status"`
	By       string   `json:"by,omitempty"`     // the test that failed
	Reason   string   `json:"reason,omitempty"` // why it may survive
}

// maxSource is how many characters of its source tell a mutant.
const maxSource = 140

// key names a mutant as long as its code stays as it is, wherever in the function it moves.
func (m *outcome) key() string {
	nth := ""
	if m.Nth > 1 {
		nth = fmt.Sprintf(" [%d]", m.Nth)
	}
	return fmt.Sprintf("%s %s: %s%s: %s", m.File, m.Function, m.Operator, nth, m.Source)
}

func (m *outcome) alive() bool { return m.Status == survived || m.Status == unreached }

func (m *outcome) String() string {
	note := ""
	if m.Status == unreached {
		note = "  (no test reaches it)"
	}
	return fmt.Sprintf("%s:%d:%d  %s  %s%s", m.File, m.Line, m.Column, m.Operator, m.Source, note)
}

func shorten(text string) string {
	if utf8.RuneCountInString(text) <= maxSource {
		return text
	}
	return string([]rune(text)[:maxSource]) + "…"
}

// report is what was found in one package.
type report struct {
	Package string         `json:"package"`
	Tests   []string       `json:"tests"` // the packages whose tests were run
	Seconds float64        `json:"seconds"`
	Skipped map[string]int `json:"skipped"` // what couldn't be changed, and why
	Mutants []*outcome     `json:"mutants"`
}

func (r *report) count(statuses ...status) (n int) {
	for _, m := range r.Mutants {
		if slices.Contains(statuses, m.Status) {
			n++
		}
	}
	return n
}

// unexplained are the mutants that survived without a reason.
func (r *report) unexplained() (all []*outcome) {
	for _, m := range r.Mutants {
		if m.alive() && m.Reason == "" {
			all = append(all, m)
		}
	}
	return all
}

func (r *report) write(w io.Writer) {
	for _, m := range r.unexplained() {
		fmt.Fprintln(w, m)
	}
	alive, skipped := r.count(survived, unreached), 0
	for _, n := range r.Skipped {
		skipped += n
	}
	fmt.Fprintf(
		w,
		"%s: %d mutants, %d killed, %d survived (%d with a reason), %d skipped, %s\n",
		r.Package,
		len(r.Mutants),
		r.count(
			killed,
			stuck,
		),
		alive,
		alive-len(r.unexplained()),
		skipped,
		time.Duration(r.Seconds*float64(time.Second)).Round(time.Second),
	)
	for _, why := range slices.Sorted(maps.Keys(r.Skipped)) {
		fmt.Fprintf(w, "  skipped: %s: %d\n", why, r.Skipped[why])
	}
}

// reasons are why mutants may survive, by their keys.
type reasons map[string]string

// anyOf ends a key that stands for all mutants of a function, or for those of one operator in it, where one reason
// holds for all.
const anyOf = ": any"

// reason is why a mutant may survive, and the key in the file that says so.
func (known reasons) reason(m *outcome) (key, reason string) {
	function := m.File + " " + m.Function
	for _, key := range []string{m.key(), function + ": " + string(m.Operator) + anyOf, function + anyOf} {
		if known[key] != "" {
			return key, known[key]
		}
	}
	return "", ""
}

// readReasons reads a file of known survivors. Each paragraph begins with the keys of mutants, one on a line, and ends
// with the reason, indented. Lines that begin with # are comments.
func readReasons(path string) (reasons, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	known := reasons{}
	var keys, reason []string
	end := func() error {
		if len(keys) > 0 && len(reason) == 0 {
			return fmt.Errorf("%s: %s has no reason", path, keys[0])
		}
		for _, k := range keys {
			known[k] = strings.Join(reason, " ")
		}
		keys, reason = nil, nil
		return nil
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case strings.TrimLeft(line, " \t") != line:
			if len(keys) == 0 {
				return nil, fmt.Errorf("%s: a reason without a mutant: %s", path, strings.TrimSpace(line))
			}
			reason = append(reason, strings.TrimSpace(line))
		default:
			if len(reason) > 0 {
				if err := end(); err != nil {
					return nil, err
				}
			}
			if known[line] != "" || slices.Contains(keys, line) {
				return nil, fmt.Errorf("%s has two reasons for %s", path, line)
			}
			keys = append(keys, line)
		}
	}
	return known, end()
}

// explain gives the survivors of a package their reasons. It returns the keys, of files of the package, that have a
// reason and no survivor.
func (known reasons) explain(r *report) (stale []string) {
	here := map[string]bool{}
	for _, m := range r.Mutants {
		if m.alive() {
			var key string
			key, m.Reason = known.reason(m)
			here[key] = true
		}
	}
	files := map[string]bool{}
	for _, m := range r.Mutants {
		files[m.File] = true
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		file, _, _ := strings.Cut(key, " ")
		if !here[key] && files[file] {
			stale = append(stale, key)
		}
	}
	return stale
}
