package summary

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// mostVersions is the largest number of other versions of the model that are named.
const mostVersions = 20

// general builds the template's section 1.
func (s *sources) general(d *document) ([]section, error) {
	m := s.model
	own := []int{s.citeVersion(m)}
	provider, err := s.provider(d)
	if err != nil {
		return nil, err
	}
	versions, err := s.versions()
	if err != nil {
		return nil, err
	}
	identity := section{Number: "1.2", Title: "Model identification", Rows: []row{
		{"Versioned model name", []fact{{Text: m.ref, Refs: own, Mono: true}}},
		orAbsent(
			"Called in its card",
			cardFacts(
				m,
				own,
				func(c *about.Description) []string { return []string{strings.TrimSpace(c.Title + " " + c.Version)} },
			)...),
		orAbsent("Description", fact{Text: about.Cut(m.record.Description, maxText), Refs: own}),
		orAbsent("Licence", fact{Text: licenceOf(m), Refs: own}),
		{"Digest", s.digests(m)},
		orAbsent("Model dependencies", append(s.dependencies(), cardFacts(m, own, s.furtherBases)...)...),
		orAbsent("Other versions on the ledger", versions...),
		orAbsent(
			"Date of placement on the Union market",
			fact{Text: about.Cut(m.record.Metadata.Get("placedOnMarket").Text, 100), Refs: own},
		),
		{"Recorded on the ledger", []fact{{Text: stamp(m.at.Time) + ", block " + fmt.Sprint(m.at.Block), Refs: own}}},
		orAbsent("Training run", s.training()...),
	}}
	return []section{provider, identity, s.characteristics()}, nil
}

func (s *sources) provider(d *document) (section, error) {
	at := s.model.at
	d.Provider = at.MSPID
	member, err := s.g.Member(s.ctx, at.MSPID)
	if err != nil {
		return section{}, err
	}
	p := section{Number: "1.1", Title: "Provider identification"}
	if member == nil {
		p.Rows = []row{
			{"Provider", []fact{{Text: at.MSPID + ", which registered the model", Refs: []int{s.citeVersion(s.model)}}}},
			orAbsent("Contact details"),
			orAbsent("Authorised representative"),
		}
		return p, nil
	}
	list, err := s.g.Source.Members(s.ctx, s.g.Answer.Block)
	if err != nil {
		return p, err
	}
	var refs []int
	for _, m := range list {
		if m.MSPID == at.MSPID {
			refs = []int{s.cite(m.ID, "who "+at.MSPID+" is", m.Recording)}
		}
	}
	d.Provider = member.Name
	gln := ""
	if member.GLN != "" {
		gln = "GLN " + member.GLN
	}
	p.Rows = []row{
		{
			"Provider",
			[]fact{
				{Text: member.Name + " (" + at.MSPID + "), which registered the model", Refs: append(refs, s.citeVersion(s.model))},
			},
		},
		orAbsent("About the provider", fact{Text: about.Cut(member.Description, maxText), Refs: refs}),
		orAbsent("Contact details", fact{Text: member.URL, Refs: refs}, fact{Text: gln, Refs: refs}),
		orAbsent("Authorised representative"),
	}
	return p, nil
}

func (s *sources) digests(v *version) []fact {
	refs := []int{s.citeVersion(v)}
	text := spell(v.record.Digest)
	facts := []fact{{Text: text, Refs: refs, Mono: true}}
	switch v.record.Digest.Coverage {
	case "sampled":
		facts = append(facts, fact{Text: "of a sample of its bytes only", Refs: refs})
	case "declared":
		facts = append(facts, fact{Text: "only declared by whoever registered it", Refs: refs})
	}
	if m := v.record.Manifest; m != nil {
		facts = append(
			facts,
			fact{
				Text: fmt.Sprintf("%d files, %s, each with its own digest in the record", len(m.Files), byteCount(m.Size())),
				Refs: refs,
			},
		)
	}
	for _, a := range v.record.Aliases {
		if a.Scheme != "" {
			facts = append(facts, fact{Text: a.Scheme + " " + spell(a), Refs: refs, Mono: true})
		}
	}
	return facts
}

// spell formats a digest without hyphens, because a line could break at one.
func spell(d record.Digest) string { return strings.ReplaceAll(d.Algorithm, "-", "") + ":" + d.Value }

func (s *sources) dependencies() []fact {
	var facts []fact
	for _, v := range s.bases {
		if v.at == nil {
			facts = append(facts, fact{Text: v.ref + ", never registered"})
			continue
		}
		text := v.ref + ", registered by " + v.at.MSPID
		if v.via != "" {
			text += ", through " + v.via
		}
		facts = append(facts, fact{Text: text, Refs: []int{s.citeVersion(v)}})
	}
	for _, v := range s.code {
		if v.at != nil && v.via == "" {
			facts = append(facts, fact{Text: v.ref + ", code", Refs: []int{s.citeVersion(v)}})
		}
	}
	return facts
}

func (s *sources) versions() ([]fact, error) {
	m := s.model.record
	list, err := s.g.Source.Artifacts(
		s.ctx,
		index.ArtifactFilter{Kind: m.Kind, Namespace: m.Namespace, Name: m.Name},
		s.g.Answer.Block,
		index.Page{Size: mostVersions},
	)
	if err != nil {
		return nil, err
	}
	var facts []fact
	for _, a := range list.Items {
		if a.Ref != s.model.ref {
			facts = append(facts, fact{Text: "version " + a.Version, Refs: []int{s.cite(a.ID, a.Ref, a.Recording)}})
		}
	}
	if list.Next != "" {
		facts = append(facts, fact{Text: "and more"})
	}
	return facts, nil
}

func (s *sources) training() []fact {
	r := s.model.run
	if r == nil {
		return nil
	}
	refs := []int{s.citeRun(r)}
	text := r.Type + ", recorded by " + r.at.MSPID
	if !r.StartedAt.IsZero() {
		text += ", from " + stamp(r.StartedAt)
	}
	if !r.EndedAt.IsZero() {
		text += " to " + stamp(r.EndedAt)
	}
	facts := []fact{{Text: text, Refs: refs}, {Text: about.Cut(r.Description, maxText), Refs: refs}}
	if len(r.Parameters.Members) > 0 {
		facts = append(
			facts,
			fact{Text: "parameters " + about.Cut(string(r.Parameters.Bytes()), maxText), Refs: refs, Mono: true},
		)
	}
	return facts
}

// characteristics builds section 1.3: what cards and records say about the data as a whole.
func (s *sources) characteristics() section {
	everything := append([]*version{s.model}, s.data...)
	gather := func(of func(*about.Description) []string) []fact {
		var facts []fact
		for _, v := range everything {
			if v.at == nil {
				continue
			}
			for _, f := range cardFacts(v, nil, of) {
				if f.Text == "" {
					continue
				}
				at := slices.IndexFunc(facts, func(known fact) bool { return known.Text == f.Text })
				if at < 0 {
					at, facts = len(facts), append(facts, f)
				}
				facts[at].Refs = append(facts[at].Refs, s.citeVersion(v))
			}
		}
		return facts
	}
	var sizes []fact
	for _, v := range s.data {
		if v.record != nil && s.isSource(v) && v.record.Size > 0 {
			sizes = append(sizes, fact{Text: v.record.Name + " " + byteCount(v.record.Size), Refs: []int{s.citeVersion(v)}})
		}
	}
	rows := []row{
		orAbsent("Modalities", gather(func(c *about.Description) []string { return c.Modalities })...),
		orAbsent("Training data size, in bytes", sizes...),
		orAbsent("Training data size, in examples", gather(func(c *about.Description) []string { return c.Sizes })...),
		orAbsent(
			"Types of content",
			gather(func(c *about.Description) []string { return slices.Concat(c.Tasks, c.Keywords) })...),
		orAbsent("Languages", gather(func(c *about.Description) []string { return c.Languages })...),
		orAbsent("Latest date of acquisition", s.latest()...),
	}
	own := cardFacts(s.model, []int{s.citeVersion(s.model)}, s.furtherData)
	rows = some(rows, "Datasets that its card names but no record leads to", own...)
	return section{
		Number: "1.3", Title: "Modalities, size of the training data and other characteristics", Rows: rows,
	}
}

// latest returns the time of the latest event that the data was taken from, and that of the latest registration of a
// source.
func (s *sources) latest() []fact {
	var facts []fact
	var event, registered time.Time
	var eventID string
	var newest *version
	for _, v := range s.data {
		for _, id := range v.events {
			if n := s.nodes[id]; n != nil && n.Time.After(event) {
				event, eventID = n.Time, id
			}
		}
		if v.at != nil && s.isSource(v) && v.at.Time.After(registered) {
			registered, newest = v.at.Time, v
		}
	}
	if n := s.nodes[eventID]; n != nil {
		facts = append(
			facts,
			fact{
				Text: "the latest supply-chain event claims the time " + stamp(event),
				Refs: []int{
					s.cite(eventID, n.Type, index.Recording{MSPID: n.MSPID, TxID: n.Transaction, Block: n.Block, Time: n.Recorded}),
				},
			},
		)
	}
	if newest != nil {
		facts = append(
			facts,
			fact{Text: "the latest source was registered " + stamp(registered), Refs: []int{s.citeVersion(newest)}},
		)
	}
	return facts
}

// furtherBases returns the base models that a card names but that no record leads to.
func (s *sources) furtherBases(c *about.Description) []string { return further(c.BaseModels, s.bases) }

// furtherData returns the datasets that a card names but that no record leads to, each with its role.
func (s *sources) furtherData(c *about.Description) []string {
	var names []string
	for _, role := range []string{about.RoleTraining, about.RoleSource, about.RoleEvaluation, ""} {
		var named []about.Reference
		for _, d := range c.Datasets {
			if d.Role == role {
				named = append(named, d)
			}
		}
		for _, name := range further(named, slices.Concat(s.data, s.aside)) {
			if role != "" {
				name += ", " + role
			}
			names = append(names, name)
		}
	}
	return names
}

// further returns the names of the references that aren't among the known versions.
func further(named []about.Reference, known []*version) []string {
	var names []string
	for _, ref := range named {
		found := ref.Ref != "" && slices.ContainsFunc(known, func(v *version) bool { return v.ref == ref.Ref })
		if name := strings.TrimSpace(cmp.Or(ref.Name, ref.URL) + " " + ref.Version); !found && name != "" {
			names = append(names, name)
		}
	}
	return names
}

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
		e.Rows = []row{{"Named by a run", []fact{{Text: "never registered, so nothing is known about it", Absent: true}}}}
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
			[]fact{{Text: "by " + v.at.MSPID + ", " + stamp(v.at.Time) + ", block " + fmt.Sprint(v.at.Block), Refs: refs}},
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
