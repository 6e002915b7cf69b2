package summary

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// Patterns that sort the passages of cards by subject.
var (
	reservations = regexp.MustCompile(
		`(?i)robots\.txt|\bTDM\b|\btext and data mining|\bopt(ed)?[- ]?out|rights? reserv|reservations? of rights`,
	)
	unlawful  = regexp.MustCompile(`(?i)\b(illegal|unlawful|CSAM)\b`)
	processed = []string{
		about.TopicPreparation,
		about.TopicSensitive,
		about.TopicAnnotation,
		about.TopicBias,
		about.TopicLimits,
		about.TopicTraining,
	}
)

// processing builds the template's section 3 as far as cards and statements cover it.
func (s *sources) processing() []section {
	var rights, illegal, other []fact
	for _, v := range append([]*version{s.model}, s.data...) {
		if v.card == nil || len(v.card.Usage)+len(v.card.Passages) == 0 {
			continue
		}
		name := v.record.Name + ": "
		refs := func() []int { return []int{s.citeVersion(v)} } // called only for versions that are quoted
		for _, t := range terms(v.card) {
			rights = append(rights, fact{Text: about.Cut(name+t, maxText), Refs: refs(), Card: true})
		}
		for _, p := range v.card.Passages {
			quote := func(list *[]fact) {
				*list = append(*list, fact{Text: about.Cut(name+p.Text, maxText), Refs: refs(), Card: true})
			}
			switch {
			case reservations.MatchString(p.Text):
				quote(&rights)
			case unlawful.MatchString(p.Text):
				quote(&illegal)
			case slices.Contains(processed, p.Topic):
				quote(&other)
			}
		}
	}
	slices.SortStableFunc(other, func(a, b fact) int { return cmp.Compare(a.Refs[0], b.Refs[0]) })
	return []section{
		{
			Number: "3.1",
			Title:  "Respect of reservations of rights from text and data mining",
			Rows:   []row{orAbsent("Measures that cards speak of", rights...)},
		},
		{
			Number: "3.2",
			Title:  "Removal of illegal content",
			Rows:   []row{orAbsent("Measures that cards speak of", illegal...)},
		},
		{
			Number: "3.3",
			Title:  "Other information about how the data was processed",
			Rows:   []row{orAbsent("Preparation, personal data, limits", other...)},
		},
	}
}
