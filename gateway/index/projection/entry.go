package projection

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// entry is what the index takes from one body.
type entry struct {
	self      Name
	at        time.Time // when it happened, as the body says; zero if it doesn't
	mentions  []mention
	event     *eventEntry
	artifact  *record.Artifact
	version   Name // of an artifact: the node that it describes
	activity  *record.Activity
	statement *record.Statement
	member    *record.Member
}

// mention is one node that a body names. It becomes a link.
type mention struct {
	node     Name
	role     Role
	quantity string
	flow     Flow
}

type eventEntry struct {
	shape              *shape
	hash, eventID      string
	declared           bool
	declaredAt         time.Time
	reason, corrective string
}

// shape is what an event has in common with many others. It is a node of its own, so that an event holds one number
// for all of it.
type shape struct {
	name         Name
	kind, action int     // positions in EventTypes and Actions
	words        [4]Name // business step, disposition, read point, location; no name if absent
}

// bodyReader reads bodies, one at a time.
type bodyReader struct {
	records record.Reader
	shapes  map[string]*shape // by all they say: most events of a ledger have one of a few
	key     []byte
	recent  [1024]Name // by their hashes: neighbours often name the same lot or order
}

// name is newName, with a memory of the names that were made last.
func (r *bodyReader) name(space byte, text string, kind Kind) Name {
	if len(text) > mostName {
		return newName(space, text, kind)
	}
	n := &r.recent[maphash.String(seed, text)%uint64(len(r.recent))]
	if n.Full == "" || n.Kind != kind || n.Full[0] != space || n.text() != text {
		*n = newName(space, text, kind)
	}
	return *n
}

var seed = maphash.MakeSeed()

func (r *bodyReader) businessTransactionName(kind, id string) Name {
	if len(kind)+len(id) > mostName {
		return BusinessTransactionName(kind, id)
	}
	r.key = append(append(append(r.key[:0], kind...), ' '), id...)
	n := &r.recent[maphash.Bytes(seed, r.key)%uint64(len(r.recent))]
	if n.Full == "" || n.Kind != KindBusinessTransaction || n.text() != string(r.key) {
		*n = BusinessTransactionName(kind, id)
	}
	return *n
}

// mostShapes is how many shapes a reader remembers. When there are more it forgets them all.
const mostShapes = 4096

func (r *bodyReader) shape(ev *epcis.Event) *shape {
	words := [...]string{ev.BizStep, ev.Disposition, ev.ReadPoint, ev.BizLocation}
	kind, action := max(0, slices.Index(EventTypes, ev.Type)), max(0, slices.Index(Actions, ev.Action))
	r.key = append(r.key[:0], byte('0'+kind), byte('0'+action))
	for _, word := range words {
		r.key = append(binary.AppendUvarint(r.key, uint64(len(word))), word...)
	}
	if s, ok := r.shapes[string(r.key)]; ok {
		return s
	}
	sum := sha256.Sum256(r.key)
	s := &shape{name: newName(spaceShape, hex.EncodeToString(sum[:]), KindShape), kind: kind, action: action}
	for i, word := range words {
		s.words[i] = WordName(word)
	}
	if len(r.key) > mostName {
		r.key = nil
		return s
	}
	if r.shapes == nil || len(r.shapes) >= mostShapes {
		r.shapes = make(map[string]*shape)
	}
	r.shapes[string(r.key)] = s
	return s
}

// read makes the entry of a body. A body that cannot be read, for example because a newer chaincode let it in, gets an
// entry with nothing but a name.
func (r *bodyReader) read(body []byte) entry {
	digest := sha256.Sum256(body)
	rec, problems := r.records.Read(body)
	if len(problems) > 0 {
		return entry{self: recordName(digest, KindUnreadable)}
	}
	e := entry{self: recordName(digest, KindOf(rec.Noun))}
	switch rec.Noun {
	case record.NounEvent:
		e.readEvent(rec.Event.Event, r)
	case record.NounArtifact:
		e.readArtifact(rec.Artifact)
	case record.NounActivity:
		e.readActivity(rec.Activity)
	case record.NounStatement:
		e.statement = rec.Statement
		for _, s := range rec.Statement.Subjects {
			e.mention(NodeName(s.Node), RoleSubject)
		}
	case record.NounMember:
		e.member = rec.Member
	}
	return e
}

func (e *entry) mention(n Name, role Role) {
	e.mentions = append(e.mentions, mention{node: n, role: role})
}

// distinct joins mentions of the same node in the same role, because an event may list a thing in two spellings. Their
// quantities are kept side by side.
func (e *entry) distinct() {
	type key struct {
		full string
		role Role
	}
	many := len(e.mentions) > 16
	var seen map[key]int
	find := func(m mention, kept []mention) int {
		if many {
			if i, ok := seen[key{m.node.Full, m.role}]; ok {
				return i
			}
			return -1
		}
		for i := range kept {
			if kept[i].role == m.role && kept[i].node.Full == m.node.Full {
				return i
			}
		}
		return -1
	}
	if many {
		seen = make(map[key]int, len(e.mentions))
	}
	kept := e.mentions[:0]
	for _, m := range e.mentions {
		if i := find(m, kept); i >= 0 {
			kept[i].join(m)
			continue
		}
		if seen != nil {
			seen[key{m.node.Full, m.role}] = len(kept)
		}
		kept = append(kept, m)
	}
	e.mentions = kept
}

// join adds what another mention of the same node says. The separator is stored even between two empty texts.
func (m *mention) join(other mention) {
	if m.role.flows() {
		m.flow += ";" + other.flow
		return
	}
	m.quantity += ";" + other.quantity
}

func (e *entry) readEvent(ev *epcis.Event, r *bodyReader) {
	e.at = ev.EventTime
	e.event = &eventEntry{shape: r.shape(ev), hash: ev.Hash, eventID: ev.EventID}
	if d := ev.ErrorDeclaration; d != nil {
		// Its parts were checked when it was recorded; what can't be read stays empty.
		e.event.declared, e.event.reason, e.event.corrective = true, d.Reason, "[]"
		e.event.declaredAt, _ = time.Parse(time.RFC3339Nano, d.DeclarationTime)
		if len(d.CorrectiveEventIDs) > 0 {
			list, _ := json.Marshal(d.CorrectiveEventIDs)
			e.event.corrective = string(list)
		}
	}
	e.mentions = make([]mention, 0, len(ev.Mentions)+len(ev.BizTransactions)+1)
	packing := ev.Type == "AggregationEvent" || ev.Type == "AssociationEvent"
	children := 0
	for _, m := range ev.Mentions {
		if m.Field == "childEPCs" || m.Field == "childQuantityList" {
			children++
		}
	}
	for _, m := range ev.Mentions {
		kind := KindThing
		if m.Class {
			kind = KindClass
		}
		role, quantity := roleOf(m.Field, packing, e.event.shape.action, children), ""
		if role == RoleChildClassAdd || role == RoleChildClassDelete {
			quantity = amountOf(m)
		}
		if role != 0 {
			e.mentions = append(e.mentions, mention{node: r.name(spaceThing, m.URI, kind), role: role,
				quantity: quantity})
		}
	}
	e.readAmounts(ev, r, func(field string) Role { return roleOf(field, packing, e.event.shape.action, children) })
	if ev.TransformationID != "" {
		e.mention(newName(spaceTransformationID, ev.TransformationID, KindTransformationID), RoleTransformationID)
	}
	for _, b := range ev.BizTransactions {
		e.mention(r.businessTransactionName(b.Type, b.ID), RoleBusinessTransaction)
	}
	e.distinct()
	e.readLots(ev.OfLots, r)
}

// amountOf is the amount of a class that an event names, as links keep it.
func amountOf(m epcis.Mention) string { return strings.TrimSpace(m.Quantity + " " + m.UOM) }

func (e *entry) readArtifact(a *record.Artifact) {
	e.artifact = a
	e.version = newName(spaceArtifact, a.ArtifactRef.String(), KindArtifact)
	e.mention(e.version, RoleDescribes)
	for _, ref := range a.DerivedFrom {
		e.mention(NodeName(ref), RoleSource)
	}
	e.distinct()
}

func (e *entry) readActivity(a *record.Activity) {
	e.activity = a
	if e.at = a.EndedAt; e.at.IsZero() {
		e.at = a.StartedAt
	}
	inputs := inputPositions(a)
	for i, u := range a.Used {
		m := mention{node: NodeName(u.Ref), role: RoleUsed}
		if inputs != nil {
			m.flow = flowOf([]int{i})
		}
		e.mentions = append(e.mentions, m)
	}
	for _, g := range a.Generated {
		m := mention{node: NodeName(g.Ref), role: RoleGenerated}
		if g.Explicit {
			from := make([]int, len(g.From))
			for i, ref := range g.From {
				from[i] = inputs[ref]
			}
			m.flow = flowOf(from)
		}
		e.mentions = append(e.mentions, m)
	}
	for _, node := range a.About {
		e.mention(NodeName(node), RoleAbout)
	}
	e.distinct()
}

// inputPositions numbers the inputs of an activity that says what an output was made of. It is nil for others.
func inputPositions(a *record.Activity) map[string]int {
	if !slices.ContainsFunc(a.Generated, func(g record.Output) bool { return g.Explicit }) {
		return nil
	}
	positions := make(map[string]int, len(a.Used))
	for i, u := range a.Used {
		positions[u.Ref] = i
	}
	return positions
}
