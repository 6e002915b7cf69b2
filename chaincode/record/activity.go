package record

import (
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Activity is a run, such as the training of a model: what it used, what it
// generated, and what it decided about. Recording a run fixes its inputs for
// good: an artifact version never changes its digest, and at most one activity
// generated it. Another of the same organisation can add inputs, if it says which
// one it extends.
type Activity struct {
	Type      string
	StartedAt time.Time // claimed by whoever recorded the run; zero if absent
	EndedAt   time.Time
	Used      []Use
	Generated []Output
	About     []string // nodes that an inference decided about
	// Extends are the ids of activities that this one adds to: it tells more of the same run, or of another that has
	// written the same versions again. It may generate again what they have generated, and so add to the inputs of it.
	Extends     []string
	Breaches    []Breach
	Outcome     canonical.Value
	Parameters  canonical.Value
	Metadata    canonical.Value // any object; null if absent
	Description string
}

// Use is one input or output of an activity, and its role there.
type Use struct {
	Ref  string // an artifact version, or a record id
	Role string // such as training or validation; empty if absent
}

// Output is an artifact version that an activity generated, and the inputs that it was made of.
type Output struct {
	Use
	// Explicit is true if From lists what the output was made of. Otherwise it was made of everything that the
	// activity used.
	Explicit bool
	From     []string // refs from Used, in the order of the record
	Columns  []Column // sorted by name
}

// Column is a column of an output, and the columns of inputs that it was made of.
type Column struct {
	Name string
	From []ColumnSource
}

// ColumnSource is a column of an input. Transformations may be any array; it usually has the shape that OpenLineage's
// columnLineage facet gives it. It is null if absent.
type ColumnSource struct {
	Ref             string // an artifact version, or a record id
	Column          string
	Transformations canonical.Value
}

// Sources returns the inputs that an output was made of.
func (a *Activity) Sources(o Output) []string {
	if o.Explicit {
		return o.From
	}
	refs := make([]string, len(a.Used))
	for i, u := range a.Used {
		refs[i] = u.Ref
	}
	return refs
}

// Breach says that an activity used something after consent to it had been withdrawn. The ledger takes such an activity
// only if it says so itself, and only if it is so.
type Breach struct {
	Ref       string // what was used
	Statement string // id of the withdrawal
}

// Limits of columns.
const (
	MaxColumns = 10_000 // of one output, and sources of one column
	maxColumn  = 1024   // bytes of a column's name
)

// ActivityTypes are the types of activity that the ledger accepts.
var ActivityTypes = []string{
	"training",
	"fine-tuning",
	"evaluation",
	"inference",
	"transformation",
	"labelling",
	"generation",
}

// NewActivity makes the record of a run that the organisation by reports. The
// nodes in "about" may have any spelling; NewActivity changes it to the
// canonical one.
func NewActivity(v canonical.Value, by string) (*Record, []Problem) {
	if about, ok := v.Lookup("about"); ok {
		v = v.With("about", eachNode(about, func(item canonical.Value) canonical.Value { return spellNode(item) }))
	}
	return build(NounActivity, by, v)
}

func eachNode(list canonical.Value, change func(canonical.Value) canonical.Value) canonical.Value {
	if list.Kind != canonical.Array {
		return list
	}
	items := make([]canonical.Value, len(list.Items))
	for i := range list.Items {
		items[i] = change(list.Items[i])
	}
	return canonical.Arr(items...)
}

// spellNode changes a node to its canonical spelling. It returns anything else
// unchanged; readActivity will complain about it.
func spellNode(v canonical.Value) canonical.Value {
	if node, _, err := ParseNode(v.Text); v.Kind == canonical.String && err == nil {
		return canonical.Str(node)
	}
	return v
}

func readActivity(f *fields) *Activity {
	a := &Activity{
		Type:        f.named("type", required, among(ActivityTypes...)),
		StartedAt:   f.time("startedAt", optional),
		EndedAt:     f.time("endedAt", optional),
		About:       f.texts("about", optional, MaxRefs, nodeRule),
		Outcome:     f.object("outcome", optional),
		Parameters:  f.object("parameters", optional),
		Metadata:    f.object("metadata", optional),
		Description: f.text("description", optional, 10_000),
	}
	if f.value.Has("by") { // version 1 has nothing of it
		a.Extends = f.texts("extends", optional, MaxRefs, recordRule)
		f.list("breach", optional, MaxRefs, func(v canonical.Value, pointer string) {
			f.within(v, pointer, func(f *fields) { a.Breaches = append(a.Breaches, readBreach(f)) })
		})
	}
	f.list("used", optional, MaxRefs, func(v canonical.Value, pointer string) {
		f.within(v, pointer, func(f *fields) { a.Used = append(a.Used, readUse(f, refRule)) })
	})
	unrepeated(f, "used", a.Used)
	used := make(map[string]bool, len(a.Used))
	for _, u := range a.Used {
		used[u.Ref] = true
	}
	f.list("generated", optional, MaxRefs, func(v canonical.Value, pointer string) {
		f.within(v, pointer, func(f *fields) { a.Generated = append(a.Generated, readOutput(f, used)) })
	})
	outputs := make([]Use, len(a.Generated))
	for i, g := range a.Generated {
		outputs[i] = g.Use
	}
	unrepeated(f, "generated", outputs)
	if !a.StartedAt.IsZero() && !a.EndedAt.IsZero() && a.EndedAt.Before(a.StartedAt) {
		f.problem("bad_time", "/endedAt", "the activity can't end before it starts")
	}
	if len(a.Used)+len(a.Generated)+len(a.About)+len(a.Metadata.Members) == 0 {
		f.problem(
			"empty",
			"",
			"an activity uses, generates or is about something, or has metadata that say what it was; this one does none of it",
		)
	}
	breached := make(map[string]bool, len(a.Breaches))
	for i, b := range a.Breaches {
		at := canonical.Pointer("breach", i, "ref")
		if !used[b.Ref] {
			f.problem("no_breach", at, "%s is not among what this activity used", Brief(b.Ref))
		}
		if breached[b.Ref] {
			f.problem("duplicate", at, "%q stands twice in breach", Brief(b.Ref))
		}
		breached[b.Ref] = true
	}
	for i, g := range a.Generated {
		if used[g.Ref] {
			f.problem(
				"cycle",
				canonical.Pointer("generated", i, "ref"),
				"%s can't be both used and generated by one activity",
				g.Ref,
			)
		}
	}
	return a
}

func readBreach(f *fields) Breach {
	return Breach{Ref: f.named("ref", required, refRule), Statement: f.named("statement", required, recordRule)}
}

func readUse(f *fields, rule func(string) string) Use {
	return Use{Ref: f.named("ref", required, rule), Role: f.text("role", optional, 64)}
}

func unrepeated(f *fields, name string, uses []Use) {
	seen := make(map[string]bool, len(uses))
	for i, u := range uses {
		if seen[u.Ref] {
			f.problem("duplicate", canonical.Pointer(name, i, "ref"), "%q stands twice in %s", Brief(u.Ref), name)
		}
		seen[u.Ref] = true
	}
}

// readOutput reads one output. It can be made only of what the activity used.
func readOutput(f *fields, used map[string]bool) Output {
	o := Output{Use: readUse(f, func(s string) string {
		if _, err := ParseArtifactRef(s); err != nil {
			return "is not an artifact version, such as model/lab/spoilage@1; activities generate nothing else"
		}
		return ""
	})}
	sources := used
	if o.Explicit = f.value.Has("from"); o.Explicit {
		o.From = f.texts("from", optional, MaxRefs, func(ref string) string {
			if !used[ref] {
				return "is not among what this activity used"
			}
			return ""
		})
		sources = make(map[string]bool, len(o.From))
		for _, ref := range o.From {
			sources[ref] = true
		}
	}
	columns := f.object("columns", optional)
	if len(columns.Members) > MaxColumns {
		f.problem(
			"too_many",
			"/columns",
			"columns has %d members, more than the %d allowed",
			len(columns.Members),
			MaxColumns,
		)
		return o
	}
	for _, m := range columns.Members {
		o.Columns = append(o.Columns, readColumn(f, m, sources))
	}
	return o
}

func readColumn(f *fields, m canonical.Member, sources map[string]bool) Column {
	c := Column{Name: m.Name}
	at := canonical.Pointer("columns", m.Name)
	if m.Name == "" || len(m.Name) > maxColumn {
		f.problem("bad_value", at, "a column's name has 1 to %d bytes", maxColumn)
		return c
	}
	if m.Value.Kind != canonical.Array || len(m.Value.Items) > MaxColumns {
		f.problem("wrong_type", at, "a list of at most %d columns of inputs should stand here", MaxColumns)
		return c
	}
	for i, item := range m.Value.Items {
		f.within(item, at+canonical.Pointer(i), func(f *fields) {
			source := ColumnSource{
				Ref: f.named("ref", required, func(ref string) string {
					if !sources[ref] {
						return "is not among what this output was made of"
					}
					return ""
				}),
				Column: f.text("column", required, maxColumn),
			}
			source.Transformations, _ = f.get("transformations", canonical.Array, optional)
			c.From = append(c.From, source)
		})
	}
	return c
}

func (a *Activity) references() []Reference {
	refs := make([]Reference, 0, len(a.Used)+len(a.Generated)+len(a.About)+len(a.Extends))
	for i, u := range a.Used {
		refs = append(refs, Reference{canonical.Pointer("used", i, "ref"), u.Ref})
	}
	for i, g := range a.Generated {
		refs = append(refs, Reference{canonical.Pointer("generated", i, "ref"), g.Ref})
	}
	for i, node := range a.About {
		refs = append(refs, Reference{canonical.Pointer("about", i), node})
	}
	for i, id := range a.Extends {
		refs = append(refs, Reference{canonical.Pointer("extends", i), id})
	}
	return refs
}
