package openlineage

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// reader notes what is wrong with an event.
type reader struct {
	strict   bool
	problems []record.Problem
}

// mostProblems bounds what is noted of one event.
const mostProblems = 100

func (r *reader) problem(code, pointer, format string, args ...any) {
	if len(r.problems) < mostProblems {
		r.problems = append(r.problems, record.Problem{Code: code, Pointer: pointer,
			Detail: fmt.Sprintf(format, args...)})
	}
}

// given tells whether a member is there. Lenient readers take null for one that isn't.
func (r *reader) given(v canonical.Value, name string) bool {
	member, ok := v.Lookup(name)
	return ok && (r.strict || member.Kind != canonical.Null)
}

// filled is given, of a text that may be left out. Lenient readers take an empty one for one that isn't there.
func (r *reader) filled(v canonical.Value, name string) bool {
	member := v.Get(name)
	return r.given(v, name) && (r.strict || member.Kind != canonical.String || member.Text != "")
}

// present tells whether a member is there and a string.
func (r *reader) present(v canonical.Value, name string) bool {
	member, ok := v.Lookup(name)
	return ok && member.Kind == canonical.String
}

func (r *reader) text(v canonical.Value, at, name string, required bool) string {
	member, ok := v.Lookup(name)
	switch {
	case !ok && required:
		r.problem("missing_field", at+canonical.Pointer(name), "%s is required", name)
	case ok && member.Kind != canonical.String:
		r.problem("wrong_type", at+canonical.Pointer(name), "%s must be a JSON string, not a JSON %s", name,
			member.Kind)
	}
	return member.Text
}

// name reads a text that things are called by.
func (r *reader) name(v canonical.Value, at, name string) string {
	text := r.text(v, at, name, true)
	if len(text) > maxName {
		r.problem(
			"too_long",
			at+canonical.Pointer(name),
			"%s has %d bytes, more than the %d allowed",
			name,
			len(text),
			maxName,
		)
	}
	return text
}

func (r *reader) object(v canonical.Value, at, name string, required bool) (canonical.Value, bool) {
	if !r.given(v, name) {
		if required {
			r.problem("missing_field", at+canonical.Pointer(name), "%s is required", name)
		}
		return canonical.Value{}, false
	}
	member := v.Get(name)
	if member.Kind != canonical.Object {
		r.problem("wrong_type", at+canonical.Pointer(name), "%s must be a JSON object, not a JSON %s", name,
			member.Kind)
		return canonical.Value{}, false
	}
	return member, true
}

// facets reads an object of facets. Those of datasets and jobs may be deleted.
func (r *reader) facets(v canonical.Value, at, name string, deletable bool) canonical.Value {
	facets, ok := r.object(v, at, name, false)
	if !ok {
		return canonical.Value{}
	}
	at += canonical.Pointer(name)
	if len(facets.Members) > maxFacets {
		r.problem("too_many", at, "there are %d facets, more than the %d allowed", len(facets.Members), maxFacets)
		return canonical.Value{}
	}
	for _, m := range facets.Members {
		if m.Value.Kind == canonical.Null && !r.strict {
			continue
		}
		here := at + canonical.Pointer(m.Name)
		if m.Value.Kind != canonical.Object {
			r.problem("wrong_type", here, "a facet is a JSON object, not a JSON %s", m.Value.Kind)
			continue
		}
		if deleted := m.Value.Get("_deleted"); r.given(m.Value, "_deleted") && deletable &&
			deleted.Kind != canonical.Bool {
			r.problem("wrong_type", here+"/_deleted", "_deleted must be a JSON boolean, not a JSON %s", deleted.Kind)
		}
		if !r.strict {
			continue
		}
		for _, name := range []string{"_producer", "_schemaURL"} {
			if text := r.text(m.Value, here, name, true); r.present(m.Value, name) {
				r.uri(here+canonical.Pointer(name), text)
			}
		}
	}
	return facets
}

// uri wants an absolute URI (RFC 3986).
func (r *reader) uri(at, text string) {
	if u, err := url.Parse(text); err != nil || !u.IsAbs() || strings.ContainsAny(text, " \"<>\\^`{|}") ||
		!ascii(text) {
		r.problem("bad_value", at, "%q is not a URI", record.Brief(text))
	}
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

func isUUID(s string) bool { return uuid.MatchString(s) }

// RunID spells the id of a run in the one way in which it is kept. A UUID in capitals is the same as in small letters
// (RFC 9562, section 4). Any other id stays as it is.
func RunID(s string) string {
	if isUUID(s) {
		return strings.ToLower(s)
	}
	return s
}

var (
	dateTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$`)
	// looseTime has what real clients leave out: seconds, the offset or the colon in it.
	looseTime = regexp.MustCompile(
		`^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2})(:\d{2})?([.,]\d+)?(?:([Zz])|([+-]\d{2}):?(\d{2}))?$`,
	)
)

// time reads a date-time (RFC 3339, section 5.6).
func (r *reader) time(text string) (time.Time, error) {
	wanted := errTime("a date and time with an offset, such as 2026-03-01T08:00:00Z")
	if !dateTime.MatchString(text) {
		if r.strict {
			return time.Time{}, wanted
		}
		if text = tighten(text); text == "" {
			return time.Time{}, errTime("a date and time, such as 2026-03-01T08:00:00Z")
		}
	}
	text = strings.ToUpper(text)
	leap := strings.Contains(text, ":59:60")
	if leap {
		text = strings.Replace(text, ":59:60", ":59:59", 1)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return time.Time{}, wanted
	}
	if leap { // Go has none; the next second is when it is over
		t = t.Add(time.Second)
		if t.UTC().Format("15:04") != "00:00" {
			return time.Time{}, wanted
		}
	}
	return t.UTC(), nil
}

// tighten makes a date-time of what lacks some of it; "" if it isn't that either.
func tighten(text string) string {
	m := looseTime.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	seconds, offset := m[3], "Z"
	if seconds == "" {
		seconds = ":00"
	}
	if m[6] != "" {
		offset = m[6] + ":" + m[7]
	}
	return m[1] + "T" + m[2] + seconds + strings.Replace(m[4], ",", ".", 1) + offset
}
