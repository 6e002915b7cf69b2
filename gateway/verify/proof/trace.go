package proof

import (
	"maps"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Trace says what a proof of several records is a proof of: a walk through their lineage, from a node in one direction.
//
// The verifier makes the walk itself, from what the proved records say. If a run says of an output which of its inputs
// it was made of, the walk goes through the run from these inputs alone. It goes from an artifact version to those with
// the same digest. Every record in the proof must be on the walk,
// be an event that names something on it, or say something of what is on it, as recalls and declarations of errors do.
// And no record may be missing that another one on the way names by its id or as an artifact version, since the ledger
// only takes records that refer to what is there. [Walk.Records] lists just these records for whoever makes a proof.
// What nobody refers to, such as another event of the same lot, can be left out without anybody seeing it: no proof
// shows absence.
type Trace struct {
	// Node is what the walk begins at: a record's id, an artifact version or a thing.
	Node string
	// Direction is "ancestors" or "descendants".
	Direction string
	// Cut tells that the walk was ended early. Then records may be missing.
	Cut bool
}

// The directions.
const (
	Ancestors   = "ancestors"
	Descendants = "descendants"
)

func (t *Trace) value() canonical.Value {
	return canonical.Obj(
		canonical.Member{Name: "cut", Value: canonical.Flag(t.Cut)},
		canonical.Member{
			Name:  "direction",
			Value: canonical.Str(t.Direction),
		},
		canonical.Member{Name: "node", Value: canonical.Str(t.Node)},
	)
}

func readTrace(v canonical.Value) (*Trace, error) {
	f := object(v, "the trace")
	t := &Trace{Node: f.text("node"), Direction: f.text("direction"), Cut: f.take("cut", canonical.Bool, true).IsTrue()}
	if err := f.done(); err != nil {
		return nil, err
	}
	if spelled, _, err := record.ParseNode(t.Node); err != nil || spelled != t.Node {
		return nil, refuse(Malformed, "%q is no node in the spelling of the ledger", record.Brief(t.Node))
	}
	if t.Direction != Ancestors && t.Direction != Descendants {
		return nil, refuse(Malformed, "%q is no direction of a trace", record.Brief(t.Direction))
	}
	return t, nil
}

// fits tells whether a trace, nil if there is none, is the wanted one, nil if any will do. An artifact version may be
// wanted by the id of its record, which must have been proved then.
func (t *Trace) fits(wanted *Trace, records []*Proved) error {
	switch {
	case wanted == nil:
		return nil
	case t == nil:
		return refuse(WrongTrace, "the proof is of no trace")
	case t.Node != wanted.Node && !sameArtifact(t.Node, wanted.Node, records),
		wanted.Direction != "" && t.Direction != wanted.Direction:
		return refuse(WrongTrace, "the proof is of the %s of %s", t.Direction, t.Node)
	case t.Cut && !wanted.Cut:
		return refuse(CutTrace, "the walk was ended early, so records may be missing")
	}
	return nil
}

// sameArtifact tells whether the record of an id is that of an artifact version.
func sameArtifact(ref, id string, records []*Proved) bool {
	for _, one := range records {
		if string(one.ID) == id && one.Noun == string(record.NounArtifact) {
			r, problems := record.Decode(one.Record)
			return len(problems) == 0 && r.Artifact.ArtifactRef.String() == ref
		}
	}
	return false
}

// ProvedTrace is what was proved of a lineage.
type ProvedTrace struct {
	Node      string `json:"node"`
	Direction string `json:"direction"`
	// Cut tells that the walk was ended early, so that what lies behind may be missing.
	Cut bool `json:"cut"`
	// Open are nodes that proved records lead to, and of which the proof has no record: things that no event in it made
	// and, if the trace was cut, records and artifacts behind the cut.
	Open []string `json:"open,omitempty"`
}

// links are a way through one record, as it says it, seen in the direction of a walk. Most records have one. A run that
// says what an output was made of has one for that output, one for all the rest, and one for a walk that comes to the
// run itself.
type links struct {
	record *Proved
	// names are the nodes that are the record: its id, and an artifact version's name.
	names []string
	// from are nodes from which the walk comes to the record, and to those to which it goes on.
	from, to []string
	// about are nodes that the record makes a statement about, and the event that it declares an error.
	about []string
	// divided tells that there are several of the record. Then its names are no way to it: entire is.
	divided bool
}

// entire is a node beside a record's id: that a walk comes to all of the record, and not just through a part. Nothing
// that a record can name is spelled so.
func entire(id string) string { return "\x00" + id }

// sameBytes is a node that all artifact versions with a digest lead to, and come from. Nothing that a record can name
// is spelled so.
func sameBytes(d record.Digest) string { return entire("") + d.Algorithm + ":" + d.Value }

// check makes the walk over proved records.
func (t *Trace) check(records []*Proved) (*ProvedTrace, error) {
	reach := map[string][]*links{} // by the node from which the walk comes to a record
	known := map[string]bool{}     // nodes that are records
	var all []*links
	for _, r := range records {
		ways, err := linksOf(r, t.Direction == Ancestors)
		if err != nil {
			return nil, err
		}
		all = append(all, ways...)
		for _, l := range ways {
			from := l.from
			if !l.divided {
				from = slices.Concat(l.names, l.from)
			}
			for _, node := range from {
				reach[node] = append(reach[node], l)
			}
			for _, name := range l.names {
				known[name] = true
			}
		}
	}
	walked := map[*Proved]bool{}
	taken := map[*links]bool{}
	visited := map[string]bool{}
	var queue []string
	visit := func(nodes ...string) {
		for _, node := range nodes {
			if !visited[node] {
				visited[node] = true
				queue = append(queue, node)
			}
		}
	}
	open := map[string]bool{}
	for visit(t.Node, entire(t.Node)); len(queue) > 0; queue = queue[1:] {
		node := queue[0]
		if isThing := kindOf(node) == record.NodeThing; isThing && reach[node] == nil || !isThing && !known[node] {
			open[node] = true
		}
		for _, l := range reach[node] {
			if taken[l] {
				continue
			}
			taken[l], walked[l.record] = true, true
			visit(l.names...)
			for _, next := range l.to {
				visit(next, entire(next))
			}
		}
	}
	spoken := maps.Clone(visited) // what is said of a product is said of its lots and items
	if t.Direction == Ancestors {
		for node := range visited {
			for _, class := range epcis.Classes(node) {
				spoken[class] = true
			}
		}
	}
	for more := true; more; { // what is said of records on the walk, and of what was said
		more = false
		for _, l := range all {
			if !walked[l.record] &&
				(l.sees(visited) || slices.ContainsFunc(l.about, func(node string) bool { return spoken[node] })) {
				walked[l.record], more = true, true
				for _, name := range l.names {
					visited[name], spoken[name] = true, true
				}
			}
		}
	}
	for _, r := range records {
		if !walked[r] {
			return nil, refuse(
				BrokenTrace,
				"%s isn't among the %s of %s, as far as the records in the proof tell",
				r.ID,
				t.Direction,
				t.Node,
			)
		}
	}
	p := &ProvedTrace{Node: t.Node, Direction: t.Direction, Cut: t.Cut}
	for node := range open {
		if !strings.HasPrefix(node, entire("")) {
			p.Open = append(p.Open, node)
		}
	}
	slices.Sort(p.Open)
	for _, node := range p.Open {
		if kindOf(node) != record.NodeThing && !t.Cut {
			return nil, refuse(BrokenTrace, "a record in the proof leads to %s, whose record is missing", node)
		}
	}
	return p, nil
}

// sees tells whether a record is an event that names something on the walk, though the walk doesn't go on from there:
// the event that made a thing is told with what became of the thing.
func (l *links) sees(visited map[string]bool) bool {
	return l.record.Noun == string(record.NounEvent) &&
		slices.ContainsFunc(l.to, func(node string) bool { return visited[node] })
}

// kindOf tells records and artifacts from all other nodes.
func kindOf(node string) record.NodeKind {
	if _, kind, err := record.ParseNode(node); err == nil {
		return kind
	}
	return record.NodeThing
}

// linksOf reads from a record what the ledger's graph takes from it.
func linksOf(proved *Proved, up bool) ([]*links, error) {
	r, problems := record.Decode(proved.Record)
	if len(problems) > 0 {
		return nil, refuse(BrokenTrace, "%s can't be understood: %s", proved.ID, problems[0].Detail)
	}
	l := &links{record: proved, names: []string{string(proved.ID)}}
	causes, effects := &l.from, &l.to
	if up {
		causes, effects = &l.to, &l.from
	}
	switch r.Noun {
	case record.NounEvent:
		for _, m := range r.Event.Event.Mentions {
			switch {
			case strings.HasPrefix(m.Field, "input"):
				*causes = append(*causes, m.URI)
			case strings.HasPrefix(m.Field, "output"):
				*effects = append(*effects, m.URI)
			default: // seen, packed or unpacked: neither cause nor effect, and a way to both
				*causes, *effects = append(*causes, m.URI), append(*effects, m.URI)
			}
		}
		for _, o := range r.Event.Event.OfLots { // an item is of the lot, and the lot is of what the item was made of
			*causes, *effects = append(*causes, o.Lot, o.Thing), append(*effects, o.Lot, o.Thing)
		}
		if !up { // what is wrong with all of a product is wrong with each lot and item
			l.from = append(l.from, classesOf(r.Event.Event)...)
		}
		id := "event:" + r.Event.Event.EventID
		if r.Event.Event.ErrorDeclaration != nil {
			l.about = append(l.about, id)
		} else {
			l.names = append(l.names, id)
		}
		if id := r.Event.Event.TransformationID; id != "" { // one transformation in several events
			node := "transformation:" + id
			*causes, *effects = append(*causes, node), append(*effects, node)
		}
	case record.NounArtifact:
		l.names = append(l.names, r.Artifact.ArtifactRef.String())
		*causes = append(*causes, r.Artifact.DerivedFrom...)
		if d := r.Artifact.Digest; !d.OfNothing() { // the same bytes under another name
			node := sameBytes(d)
			*causes, *effects = append(*causes, node), append(*effects, node)
		}
	case record.NounActivity:
		return linksOfRun(proved, r.Activity, up), nil
	case record.NounStatement:
		for _, s := range r.Statement.Subjects {
			*effects, l.about = append(*effects, s.Node), append(l.about, s.Node)
		}
	}
	return []*links{l}, nil
}

// classesOf lists the products of the lots and items that an event names.
func classesOf(e *epcis.Event) []string {
	var all []string
	for _, m := range e.Mentions {
		all = append(all, epcis.Classes(m.URI)...)
	}
	for _, o := range e.OfLots {
		all = append(all, epcis.Classes(o.Lot)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// linksOfRun are the ways through a run.
func linksOfRun(proved *Proved, run *record.Activity, up bool) []*links {
	id := string(proved.ID)
	way := func(from, to []string) *links {
		if up {
			from, to = to, from
		}
		return &links{record: proved, names: []string{id}, from: from, to: to}
	}
	var used, made, rest []string
	for _, u := range run.Used {
		used = append(used, u.Ref)
	}
	rest = slices.Clone(run.About)
	var ways []*links
	for _, o := range run.Generated {
		if made = append(made, o.Ref); o.Explicit {
			ways = append(ways, way(o.From, []string{o.Ref}))
		} else {
			rest = append(rest, o.Ref)
		}
	}
	if len(ways) == 0 {
		return []*links{way(used, rest)}
	}
	whole := &links{record: proved, names: []string{id}, from: []string{entire(id)}, to: slices.Concat(made, run.About)}
	if up {
		whole.to = used
	}
	ways = append(ways, way(used, rest), whole)
	for _, l := range ways {
		l.divided = true
	}
	return ways
}
