package summary

import (
	"cmp"
	"fmt"
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
				Text: fmt.Sprintf("%d files, %s, each with its own digest in the record", len(m.Files),
					byteCount(m.Size())),
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
			sizes = append(sizes, fact{Text: v.record.Name + " " + byteCount(v.record.Size),
				Refs: []int{s.citeVersion(v)}})
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
					s.cite(eventID, n.Type, index.Recording{MSPID: n.MSPID, TxID: n.Transaction, Block: n.Block,
						Time: n.Recorded}),
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
