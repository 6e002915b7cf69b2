// Package diagnosis judges what was seen of a network: what is broken, what soon will be, and what to do about it. It
// looks at nothing itself, so that a network in any state can be judged without one.
package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Urgency says how soon something must be done.
type Urgency string

// The urgencies, most urgent first.
const (
	Now  Urgency = "now"  // something doesn't work, or data are in danger
	Soon Urgency = "soon" // the next failure or the next expiry stops something
	Note Urgency = "note" // nothing is wrong; somebody may be waiting for you
)

var urgencies = []Urgency{Now, Soon, Note}

// A Finding is one thing that the operator should know.
type Finding struct {
	Urgency Urgency `json:"urgency"`
	// What is the matter, and Do is what to do about it.
	What string `json:"what"`
	Do   string `json:"do"`
}

// findings collects what the rules say, in the order in which they say it.
type findings []Finding

func (f *findings) add(u Urgency, do, what string, args ...any) {
	*f = append(*f, Finding{Urgency: u, What: fmt.Sprintf(what, args...), Do: do})
}

// Judge returns the findings, the most urgent first. Of two that are equally urgent, the one comes first that may
// explain the other.
func Judge(s *Seen) []Finding {
	var f findings
	s.judgeFiles(&f)
	s.judgeProcesses(&f)
	s.judgeClocks(&f)
	s.judgeDisks(&f)
	s.judgeCertificates(&f)
	s.judgeChannel(&f)
	s.judgeOrderers(&f)
	s.judgePeers(&f)
	s.judgeEndorsement(&f)
	s.judgeGateways(&f)
	s.judgeDefinition(&f)
	s.judgeProposals(&f)
	slices.SortStableFunc(f, func(a, b Finding) int {
		return cmp.Compare(slices.Index(urgencies, a.Urgency), slices.Index(urgencies, b.Urgency))
	})
	return f
}

// Healthy reports whether nothing has to be done, now or soon.
func Healthy(all []Finding) bool {
	return !slices.ContainsFunc(all, func(f Finding) bool { return f.Urgency != Note })
}

// list joins names for a sentence. It names the first few.
func list(names []string) string {
	const most = 4
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// brief is a duration in the unit that a person would use.
func brief(d time.Duration) string {
	switch d = d.Abs(); {
	case d >= 48*time.Hour:
		return terminal.Count(int(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return terminal.Count(int(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return terminal.Count(int(d.Round(time.Minute)/time.Minute), "minute")
	}
	return terminal.Count(int(d.Round(time.Second)/time.Second), "second")
}
