package index

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
	self      name
	at        time.Time // when it happened, by its own word; zero if it doesn't say
	links     []mention
	event     *eventEntry
	artifact  *record.Artifact
	version   name // of an artifact: the node it describes
	activity  *record.Activity
	statement *record.Statement
	member    *record.Member
}

// mention is one node that a body names.
type mention struct {
	node   name
	role   Role
	amount string
}

type eventEntry struct {
	shape              *shape
	action             int
	time               time.Time
	hash, eventID      string
	declared           bool
	declaredAt         time.Time
	reason, corrective string
}

// shape is what events have in common with many others. It is a node without a
// meaning of its own, so that events hold one number for all of it.
type shape struct {
	name         name
	kind, action int     // positions in eventTypes and actions
	words        [4]name // business step, disposition, read point, location; full is "" if absent
}

// reader reads bodies, one at a time.
type reader struct {
	records record.Reader
	shapes  map[string]*shape // by all they say: the same few stand in many events
	key     []byte
	recent  [1024]name // by their hashes: neighbours often name the same lot or order
}

// named is the function named, which it spares names that were asked for not long ago.
func (r *reader) named(space byte, text string, kind Kind) name {
	if len(text) > mostName {
		return named(space, text, kind)
	}
	n := &r.recent[maphash.String(seed, text)%uint64(len(r.recent))]
	if n.full == "" || n.kind != kind || n.full[0] != space || n.text() != text {
		*n = named(space, text, kind)
	}
	return *n
}

var seed = maphash.MakeSeed()

// mostShapes is how many shapes a reader remembers. It forgets all and starts again.
const mostShapes = 4096

func (r *reader) shape(ev *epcis.Event) *shape {
	words := [...]string{ev.BizStep, ev.Disposition, ev.ReadPoint, ev.BizLocation}
	kind, action := position(eventTypes, ev.Type), position(actions, ev.Action)
	r.key = append(r.key[:0], byte('0'+kind), byte('0'+action))
	for _, word := range words {
		r.key = append(binary.AppendUvarint(r.key, uint64(len(word))), word...)
	}
	if s, ok := r.shapes[string(r.key)]; ok {
		return s
	}
	sum := sha256.Sum256(r.key)
	s := &shape{name: named(spaceShape, hex.EncodeToString(sum[:]), kindShape), kind: kind, action: action}
	for i, word := range words {
		s.words[i] = wordName(word)
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

// read makes the entry of a body. A body that cannot be read, for example
// because a newer chaincode let it in, gets an entry with nothing but a name.
func (r *reader) read(body []byte) entry {
	digest := sha256.Sum256(body)
	rec, problems := r.records.Read(body)
	if len(problems) > 0 {
		return entry{self: recordName(digest, KindUnreadable)}
	}
	e := entry{self: recordName(digest, kindOf(rec.Noun))}
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
			e.mention(nodeName(s.Node), RoleSubject, "")
		}
	case record.NounMember:
		e.member = rec.Member
	}
	return e
}

func (e *entry) mention(n name, role Role, amount string) {
	e.links = append(e.links, mention{n, role, amount})
}

// distinct joins links that stand twice, for an event may list an EPC twice.
// Their amounts are kept side by side.
func (e *entry) distinct() {
	type key struct {
		full string
		role Role
	}
	many := len(e.links) > 16
	var seen map[key]int
	find := func(l mention, kept []mention) int {
		if many {
			if i, ok := seen[key{l.node.full, l.role}]; ok {
				return i
			}
			return -1
		}
		for i := range kept {
			if kept[i].role == l.role && kept[i].node.full == l.node.full {
				return i
			}
		}
		return -1
	}
	if many {
		seen = make(map[key]int, len(e.links))
	}
	kept := e.links[:0]
	for _, l := range e.links {
		if i := find(l, kept); i >= 0 {
			kept[i].amount += ";" + l.amount
			continue
		}
		if seen != nil {
			seen[key{l.node.full, l.role}] = len(kept)
		}
		kept = append(kept, l)
	}
	e.links = kept
}

// nodeName names any node that a record can refer to.
func nodeName(node string) name {
	if digest, ok := digestOf(node); ok {
		return recordName(digest, KindMissing)
	}
	if _, err := record.ParseArtifactRef(node); err == nil {
		return named(spaceRef, node, KindArtifact)
	}
	return named(spaceThing, node, KindThing)
}

func wordName(word string) name {
	if word == "" {
		return name{}
	}
	return named(spaceWord, word, kindWord)
}

func (r *reader) tradeName(kind, id string) name {
	if len(kind)+len(id) > mostName {
		return tradeName(kind, id)
	}
	r.key = append(append(append(r.key[:0], kind...), ' '), id...)
	n := &r.recent[maphash.Bytes(seed, r.key)%uint64(len(r.recent))]
	if n.full == "" || n.kind != kindTrade || n.text() != string(r.key) {
		*n = tradeName(kind, id)
	}
	return *n
}

func tradeName(kind, id string) name { return named(spaceTrade, kind+" "+id, kindTrade) }

// The event types and actions by the numbers that are stored. Position 0 is none.
var (
	eventTypes = []string{"", "ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent"}
	actions    = []string{"", "OBSERVE", "ADD", "DELETE"}
)

const (
	actionObserve = 1
	actionAdd     = 2
	actionDelete  = 3
)

func position(words []string, word string) int {
	for i, w := range words {
		if w == word {
			return i
		}
	}
	return 0
}

func (e *entry) readEvent(ev *epcis.Event, r *reader) {
	e.at = ev.EventTime
	e.event = &eventEntry{
		shape: r.shape(ev), time: ev.EventTime,
		hash: ev.Hash, eventID: ev.EventID,
	}
	e.event.action = e.event.shape.action
	if d := ev.ErrorDeclaration; d != nil {
		// Its parts were checked when it was recorded; what can't be read stays empty.
		e.event.declared, e.event.reason, e.event.corrective = true, d.Reason, "[]"
		e.event.declaredAt, _ = time.Parse(time.RFC3339Nano, d.DeclarationTime)
		if len(d.CorrectiveEventIDs) > 0 {
			list, _ := json.Marshal(d.CorrectiveEventIDs)
			e.event.corrective = string(list)
		}
	}
	e.links = make([]mention, 0, len(ev.Mentions)+len(ev.BizTransactions)+1)
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
		role, amount := roleOf(m.Field, packing, e.event.action, children), ""
		if role == RoleChildClassAdd || role == RoleChildClassDelete {
			amount = strings.TrimSpace(m.Quantity + " " + m.UOM)
		}
		if role != 0 {
			e.mention(r.named(spaceThing, m.URI, kind), role, amount)
		}
	}
	if ev.TransformationID != "" {
		e.mention(named(spaceJoin, ev.TransformationID, KindJoin), RoleJoin, "")
	}
	for _, b := range ev.BizTransactions {
		e.mention(r.tradeName(b.Type, b.ID), roleTrade, "")
	}
	e.distinct()
}

func roleOf(field string, packing bool, action, children int) Role {
	switch field {
	case "epcList":
		return RoleEPC
	case "quantityList":
		return RoleQuantity
	case "inputEPCList":
		return RoleInput
	case "inputQuantityList":
		return RoleInputQuantity
	case "outputEPCList":
		return RoleOutput
	case "outputQuantityList":
		return RoleOutputQuantity
	case "parentID":
		switch {
		case !packing:
			return RoleParent
		case action == actionAdd:
			return RoleParentAdd
		case action == actionDelete && children == 0:
			return RoleParentEmptied
		case action == actionDelete:
			return RoleParentDelete
		}
		return RoleParentObserve
	case "childEPCs":
		return childRole(RoleChildAdd, action)
	case "childQuantityList":
		return childRole(RoleChildClassAdd, action)
	}
	return 0
}

func childRole(add Role, action int) Role {
	switch action {
	case actionAdd:
		return add
	case actionDelete:
		return add + (RoleChildDelete - RoleChildAdd)
	}
	return add + (RoleChildObserve - RoleChildAdd)
}

func (e *entry) readArtifact(a *record.Artifact) {
	e.artifact = a
	e.version = named(spaceRef, a.ArtifactRef.String(), KindArtifact)
	e.mention(e.version, RoleDescribes, "")
	for _, ref := range a.DerivedFrom {
		e.mention(nodeName(ref), RoleSource, "")
	}
	e.distinct()
}

func (e *entry) readActivity(a *record.Activity) {
	e.activity = a
	if e.at = a.EndedAt; e.at.IsZero() {
		e.at = a.StartedAt
	}
	inputs := placesOf(a)
	for i, u := range a.Used {
		amount := ""
		if inputs != nil {
			amount = flow([]int{i})
		}
		e.mention(nodeName(u.Ref), RoleUsed, amount)
	}
	for _, g := range a.Generated {
		amount := ""
		if g.Explicit {
			from := make([]int, len(g.From))
			for i, ref := range g.From {
				from[i] = inputs[ref]
			}
			amount = flow(from)
		}
		e.mention(nodeName(g.Ref), RoleGenerated, amount)
	}
	for _, node := range a.About {
		e.mention(nodeName(node), RoleAbout, "")
	}
	e.distinct()
}

// placesOf numbers the inputs of an activity that says what its outputs were made
// of. It is nil for others.
func placesOf(a *record.Activity) map[string]int {
	if !slices.ContainsFunc(a.Generated, func(g record.Output) bool { return g.Explicit }) {
		return nil
	}
	places := make(map[string]int, len(a.Used))
	for i, u := range a.Used {
		places[u.Ref] = i
	}
	return places
}
