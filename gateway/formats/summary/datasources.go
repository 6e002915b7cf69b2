package summary

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// cardFacts returns texts from a version's card as facts.
func cardFacts(v *version, refs []int, of func(*about.Description) []string) []fact {
	if v.card == nil {
		return nil
	}
	var facts []fact
	for _, text := range of(v.card) {
		facts = append(facts, fact{Text: about.Cut(text, maxText), Refs: slices.Clone(refs), Card: true})
	}
	return facts
}

// entry describes one source of data.
func (s *sources) entry(v *version, why string) entry {
	e := entry{Name: v.ref, Ref: v.ref, Flags: v.flags}
	if v.record == nil {
		e.Rows = []row{{"Named by a run", []fact{{Text: "never registered, so nothing is known about it",
			Absent: true}}}}
		return e
	}
	refs := []int{s.citeVersion(v)}
	e.Name = v.record.Name + " " + v.record.Version
	if v.card != nil && v.card.Title != "" {
		e.Name = about.Cut(v.card.Title, 200)
	}
	rows := []row{
		{
			"Registered",
			[]fact{{Text: "by " + v.at.MSPID + ", " + stamp(v.at.Time) + ", block " + fmt.Sprint(v.at.Block),
				Refs: refs}},
		},
	}
	description := fact{Text: about.Cut(v.record.Description, maxText), Refs: refs}
	if v.record.Description == "" && v.card != nil {
		description = fact{Text: about.Cut(v.card.Description, maxText), Refs: refs, Card: true}
	}
	rows = append(rows, orAbsent("Description", description), orAbsent("Licence", fact{Text: licenceOf(v), Refs: refs}))
	size := fact{}
	if v.record.Size > 0 {
		size = fact{Text: byteCount(v.record.Size), Refs: refs}
	}
	rows = append(
		rows,
		orAbsent(
			"Size",
			append([]fact{size}, cardFacts(v, refs, func(c *about.Description) []string { return c.Sizes })...)...),
	)
	rows = append(rows, row{"Digest", s.digests(v)})
	if v.user != nil && v.role != "" {
		rows = some(
			rows,
			"Part it played",
			fact{Text: v.role + ", in a " + v.user.Type + " run", Refs: []int{s.citeRun(v.user)}},
		)
	}
	rows = some(rows, "Came through", fact{Text: v.via})
	rows = some(rows, "Address", cardFacts(v, refs, func(c *about.Description) []string { return c.URLs })...)
	rows = some(rows, "Creators", cardFacts(v, refs, func(c *about.Description) []string {
		var names []string
		for _, agent := range c.Creators {
			names = append(names, agent.Name)
		}
		return names
	})...)
	rows = some(
		rows,
		"Published, modified",
		cardFacts(v, refs, func(c *about.Description) []string { return []string{c.Published, c.Modified} })...)
	rows = some(rows, "How it was collected", passages(v, refs, about.TopicCollection)...)
	rows = some(rows, "Conditions of use", cardFacts(v, refs, terms)...)
	rows = some(rows, "Taken from", s.taken(v)...)
	rows = some(rows, "Why it is listed here", fact{Text: why})
	e.Rows = rows
	return e
}

// terms returns the conditions of use, each in one line.
func terms(c *about.Description) []string {
	var all []string
	for _, t := range c.Usage {
		words := slices.DeleteFunc(
			[]string{t.Scheme, t.Kind, t.Code, t.Text, strings.Join(t.Constraints, ", ")},
			func(w string) bool { return w == "" },
		)
		all = append(all, strings.Join(words, " "))
	}
	return all
}

func passages(v *version, refs []int, topics ...string) []fact {
	if v.card == nil {
		return nil
	}
	var facts []fact
	for _, p := range v.card.Passages {
		if slices.Contains(topics, p.Topic) {
			facts = append(facts, fact{Text: about.Cut(p.Text, maxText), Refs: refs, Card: true})
		}
	}
	return facts
}

// taken says how many events the data was taken from, and the period that the events claim.
func (s *sources) taken(v *version) []fact {
	if len(v.events) == 0 {
		return nil
	}
	var times []time.Time
	by := []string{}
	for _, id := range v.events {
		if n := s.nodes[id]; n != nil {
			if !n.Time.IsZero() {
				times = append(times, n.Time)
			}
			if !slices.Contains(by, n.MSPID) {
				by = append(by, n.MSPID)
			}
		}
	}
	slices.Sort(by)
	text := fmt.Sprintf("%d records of the ledger", len(v.events))
	if len(v.events) == 1 {
		text = "a record of the ledger"
	}
	if len(by) > 0 {
		text += ", recorded by " + strings.Join(by, ", ")
	}
	if len(times) > 0 {
		slices.SortFunc(times, time.Time.Compare)
		text += ", of " + stamp(times[0])
		if last := times[len(times)-1]; !last.Equal(times[0]) {
			text += " to " + stamp(last)
		}
	}
	return []fact{{Text: text, Refs: []int{s.citeVersion(v)}}}
}
