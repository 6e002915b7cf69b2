package summary

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// document is the data of the page template.
type document struct {
	Style                     template.CSS
	Policy                    string
	Name, Version, Ref        string
	Provider                  string
	Made, Gateway, Program    string
	Channel                   string
	Block                     uint64
	Cut                       string // why and where the walk ended early; empty if it didn't
	Alerts                    []alert
	Tiles                     []tile
	General, Processing       []section
	Categories                []category
	Steps                     []step
	Aside                     []entry
	Records                   []*citingRow
	ProveRecord, ProveCommand []string
}

// fact is one statement in the document, with the numbers of the records that it is from.
type fact struct {
	Text   string
	Refs   []int
	Card   bool // whether it is the claim of a card's author
	Absent bool // whether it stands for something that nobody recorded
	Mono   bool
}

type row struct {
	Label string
	Facts []fact
}

type section struct {
	Number, Title string
	Rows          []row
}

type category struct {
	Number, Title, Help string
	Entries             []entry
}

type entry struct {
	Name, Ref string
	Flags     []string
	Rows      []row
}

type step struct {
	What, To string
	From     []string
	Facts    []fact
}

type tile struct{ Number, Label string }

type alert struct {
	Kind, By, Reason, Do string
	Of                   []string // the subjects: names, or an event's type and time
	More                 int      // number of subjects not named
	Refs                 []int
	Acknowledged         []string
}

type citingRow struct {
	Number                int
	What, ID, MSPID, Time string
	Block                 uint64
	Transaction           string
}

// notRecorded stands where no record says anything.
var notRecorded = []fact{{Text: "not recorded", Absent: true}}

// orAbsent makes a row of the facts. If they are all empty, the row says that nothing was recorded.
func orAbsent(label string, facts ...fact) row {
	facts = slices.DeleteFunc(facts, func(f fact) bool { return f.Text == "" })
	if len(facts) == 0 {
		facts = notRecorded
	}
	return row{label, facts}
}

// some appends a row of the facts, unless they are all empty.
func some(rows []row, label string, facts ...fact) []row {
	if facts = slices.DeleteFunc(facts, func(f fact) bool { return f.Text == "" }); len(facts) > 0 {
		rows = append(rows, row{label, facts})
	}
	return rows
}

// mostEntries is the largest number of sources that the document lists. The graph itself has all of them.
const mostEntries = 500

func (s *sources) document() (*document, error) {
	a := s.g.Answer
	d := &document{
		Name: s.model.record.Name, Version: s.model.record.Version, Ref: s.model.ref, Made: stamp(s.g.Now),
		Gateway: s.g.Organisation, Program: s.g.Program,
		Channel: s.g.Channel, Block: a.Block,
	}
	if a.Truncated != nil {
		d.Cut = fmt.Sprintf(
			"The walk through the graph ended early (%s). There is more behind %d nodes, and %d sources that are named there are not in this document.",
			strings.Join(a.Truncated.Reasons, ", "),
			len(a.Truncated.Frontier),
			s.missing,
		)
	}
	var err error
	if d.Alerts, err = s.alerts(); err != nil {
		return nil, err
	}
	if d.General, err = s.general(d); err != nil {
		return nil, err
	}
	counts := map[string]bool{}
	total, unknown := int64(0), 0
	shown := 0
	for _, h := range headings {
		c := category{Number: h.number, Title: h.title, Help: h.help}
		for _, v := range s.data {
			number, why := "", ""
			if s.isSource(v) {
				number, why = s.category(v)
			}
			if number != h.number {
				continue
			}
			if v.at != nil {
				counts[v.at.MSPID] = true
			}
			if v.record != nil && v.record.Size > 0 {
				total += v.record.Size
			} else {
				unknown++
			}
			if shown++; shown <= mostEntries {
				c.Entries = append(c.Entries, s.entry(v, why))
			}
		}
		d.Categories = append(d.Categories, c)
	}
	if shown > mostEntries {
		d.Cut += fmt.Sprintf(" %d sources are counted but not shown.", shown-mostEntries)
	}
	for _, v := range s.steps {
		d.Steps = append(d.Steps, s.step(v))
	}
	for _, v := range s.aside {
		d.Aside = append(d.Aside, s.entry(v, ""))
	}
	d.Processing = s.processing()
	size := tile{"?", "size of the sources: not recorded"}
	if total > 0 {
		size = tile{byteCount(total), "in those sources"}
		if unknown > 0 {
			size.Label += fmt.Sprintf(", and %d of unknown size", unknown)
		}
	}
	d.Tiles = []tile{
		counted(shown, "source of data", "sources of data"),
		size,
		counted(len(counts), "organisation behind them", "organisations behind them"),
		counted(len(d.Alerts), "recall or withdrawal", "recalls and withdrawals"),
	}
	for _, c := range s.citings {
		d.Records = append(d.Records, &citingRow{c.number, c.what, c.id, c.at.MSPID, stamp(c.at.Time), c.at.Block,
			c.at.TxID})
	}
	d.ProveCommand = []string{
		"pedigree proof --as ORGANISATION --trace " + s.model.ref + " > model.proof",
		"pedigree verify model.proof --trust consortium.json --trace " + s.model.ref,
	}
	return d, nil
}

func counted(n int, one, many string) tile {
	if n == 1 {
		many = one
	}
	return tile{strconv.Itoa(n), many}
}

// mostNamed is the largest number of subjects that are named for one statement.
const mostNamed = 12

// alerts returns the recalls, withdrawals of consent and warnings in force, one alert for each statement. They may be about the
// model or about anything that it comes from.
func (s *sources) alerts() ([]alert, error) {
	var claims []index.Claim
	subjects := map[string][]string{}
	for _, n := range s.g.Answer.Nodes {
		for _, c := range n.Claims {
			if c.Retracted || !record.Warns(c.Kind) {
				continue
			}
			if subjects[c.ID] == nil {
				claims = append(claims, c)
			}
			subjects[c.ID] = append(subjects[c.ID], called(n))
		}
	}
	slices.SortStableFunc(claims, func(a, b index.Claim) int { return cmp.Compare(a.Block, b.Block) })
	all := make([]alert, 0, len(claims))
	for _, c := range claims {
		one, err := s.alert(c)
		if err != nil {
			return nil, err
		}
		of := subjects[c.ID]
		one.Of, one.More = of[:min(len(of), mostNamed)], max(0, len(of)-mostNamed)
		all = append(all, one)
	}
	return all, nil
}

// called returns a name of a node for people.
func called(n lineage.Node) string {
	if n.Kind != "event" && n.Kind != "activity" && n.Kind != "statement" {
		return n.ID
	}
	what := n.Type
	if step := n.BizStep[strings.LastIndexAny(n.BizStep, "-:/")+1:]; step != "" {
		what = step
	}
	return strings.TrimSpace(what + " " + stamp(n.Time))
}

// alertWords say what a statement counts as, before the words "by" and an organisation.
var alertWords = map[string]string{
	record.Recall: "Recalled", record.Withdrawal: "Consent withdrawn", record.Warning: "Warning",
}

// OnlyWarned tells whether nobody who answers for it has recalled anything or withdrawn consent.
func (d *document) OnlyWarned() bool {
	return !slices.ContainsFunc(d.Alerts, func(a alert) bool { return a.Kind != alertWords[record.Warning] })
}

func (s *sources) alert(c index.Claim) (alert, error) {
	at, r, err := s.g.Record(s.ctx, c.ID)
	if err != nil {
		return alert{}, err
	}
	one := alert{Kind: alertWords[c.Kind], By: c.MSPID, Refs: []int{s.cite(c.ID, c.Kind, at.Recording)}}
	one.Reason, one.Do = about.Cut(
		r.Statement.Predicate.Get("reason").Text,
		maxText,
	), about.Cut(
		r.Statement.Predicate.Get("instructions").Text,
		maxText,
	)
	status, err := s.g.Source.Status(s.ctx, c.ID, s.g.Answer.Block)
	if err != nil {
		return one, err
	}
	for _, answer := range status.Claims {
		if answer.Kind == record.Acknowledgement && !answer.Retracted &&
			!slices.Contains(one.Acknowledged, answer.MSPID) {
			one.Acknowledged = append(one.Acknowledged, answer.MSPID)
		}
	}
	return one, nil
}

// step describes how data was made from other data.
func (s *sources) step(v *version) step {
	st := step{What: v.run.Type, To: v.ref, From: v.data}
	refs := []int{s.citeRun(v.run)}
	if v.run.Description != "" {
		st.Facts = append(st.Facts, fact{Text: about.Cut(v.run.Description, maxText), Refs: refs})
	}
	for _, o := range v.run.Generated {
		if o.Ref == v.ref && len(o.Columns) > 0 {
			names := make([]string, len(o.Columns))
			for i, c := range o.Columns {
				names[i] = c.Name
			}
			st.Facts = append(
				st.Facts,
				fact{Text: "columns whose origin is recorded: " + about.Cut(strings.Join(names, ", "), 500),
					Refs: refs},
			)
		}
	}
	when := "when it ran is not recorded"
	if at := cmp.Or(v.run.EndedAt, v.run.StartedAt); !at.IsZero() {
		when = "ran " + stamp(at)
	}
	st.Facts = append(st.Facts, fact{Text: when + ", recorded by " + v.run.at.MSPID, Refs: refs})
	return st
}

// maxText is the length of the longest text in the document, in bytes. The record has the whole text.
const maxText = 1200

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}

// byteCount formats a size for people.
func byteCount(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	f, unit := float64(n), 0
	for f >= 1000 && unit < len(units)-1 {
		f, unit = f/1000, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[unit]
}
