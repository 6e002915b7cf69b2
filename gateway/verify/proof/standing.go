package proof

import (
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Said is what a record in a proof says that doesn't count the same from everybody: a recall, a withdrawal, a licence,
// a correction, a warning, or the declaration that an event was an error. There is one for each subject.
type Said struct {
	ID record.ID `json:"id"`
	// Kind is the kind of the statement, or "error" for an event that declares another one an error.
	Kind  string `json:"kind"`
	MSPID string `json:"mspId"`
	// Subject is the node that it speaks of. Of an error it is the event's eventID.
	Subject  string   `json:"subject"`
	Standing Standing `json:"standing"`
	// CountsAs is what it counts as, if the proof shows that it isn't what it calls itself: "warning" and "finding" are
	// those of somebody without standing, "dispute" is a declaration about an event of others.
	CountsAs string `json:"countsAs,omitempty"`
	// Retracted tells that another record in the proof takes it back. A retraction may also be missing.
	Retracted bool `json:"retracted,omitempty"`
	// CustodyEvent is an event in the proof by which the organisation made, received or used up the thing that it
	// speaks of. The ledger asks for one of these, or for the thing's company prefix; neither shows that nobody else
	// comes first.
	CustodyEvent record.ID `json:"deed,omitempty"`
}

// Standing says why an organisation may say something, as far as a proof shows it.
type Standing string

// The standings.
const (
	// Owner: the subject is an artifact version in a namespace of the organisation, or a record that the organisation
	// recorded first. The ledger takes the statement from nobody else.
	Owner Standing = "owner"
	// Reporter: the organisation recorded the event first, as the event's receipt shows.
	Reporter Standing = "reporter"
	// OwnReport: another organisation recorded the event before. The statement is about the organisation's own report.
	OwnReport Standing = "own-report"
	// NoStanding: the organisation speaks as anybody may.
	NoStanding Standing = "none"
	// Unproved: the proof doesn't show it. For a thing no proof does: that the organisation owns the company prefix, or
	// was the first to make the thing, or holds it, follows from all events and claims on the ledger.
	Unproved Standing = "unproved"
	// VersionOne: the statement is of version 1. The ledger took those from every organisation that had recorded the
	// event, or any event about the thing. They count as what they say.
	VersionOne Standing = "version-1"
)

// declaredError is the Kind of an event that declares another one an error, and dispute what it counts as when the
// organisation hasn't recorded that event.
const (
	declaredError = "error"
	dispute       = "dispute"
)

// evidence is what a proof has to judge statements by.
type evidence struct {
	records map[record.ID]*record.Record
	proved  map[record.ID]*Proved
	named   map[string][]record.ID    // events, without declarations of errors, by eventID
	things  map[string][]record.ID    // events by the things that they make, receive or use up
	about   map[record.ID][]record.ID // retractions, by the statements that they take back
	taken   map[record.ID]bool        // statements that are taken back
}

// said tells what the records of a proof say, in the order of the records. Those that this program doesn't understand
// are passed over.
func said(records []*Proved) []Said {
	e := &evidence{
		records: map[record.ID]*record.Record{}, proved: map[record.ID]*Proved{}, named: map[string][]record.ID{},
		things: map[string][]record.ID{}, about: map[record.ID][]record.ID{}, taken: map[record.ID]bool{},
	}
	for _, p := range records {
		if r, problems := record.Decode(p.Record); len(problems) == 0 {
			e.add(p, r)
		}
	}
	e.retract()
	var all []Said
	for _, p := range records {
		switch r := e.records[p.ID]; {
		case r == nil:
		case r.Noun == record.NounStatement:
			all = append(all, e.statement(p, r)...)
		case r.Noun == record.NounEvent && r.Event.Event.ErrorDeclaration != nil:
			all = append(all, e.declaration(p, r.Event.Event.EventID)...)
		}
	}
	return all
}

func (e *evidence) add(p *Proved, r *record.Record) {
	e.records[p.ID], e.proved[p.ID] = r, p
	switch r.Noun {
	case record.NounEvent:
		event := r.Event.Event
		if event.ErrorDeclaration == nil {
			e.named[event.EventID] = append(e.named[event.EventID], p.ID)
		}
		does := func(thing, field string) {
			if event.Makes(field) || event.Takes(field) {
				e.things[thing] = append(e.things[thing], p.ID)
			}
		}
		for i := range event.Mentions {
			does(event.Mentions[i].URI, event.Mentions[i].Field)
		}
		for _, o := range event.OfLots {
			does(o.Lot, o.Field)
		}
	case record.NounStatement:
		if r.Statement.Kind != record.Retraction {
			return
		}
		for _, s := range r.Statement.Subjects {
			if id, err := record.ParseID(s.Node); err == nil {
				e.about[id] = append(e.about[id], p.ID)
			}
		}
	}
}

// retract works out which statements are taken back. A retraction has the digests of what it retracts, so none can
// retract itself through others. Going from the statements that nobody retracts to those that they retract decides on
// each once.
func (e *evidence) retract() {
	undecided := map[record.ID]int{} // by statement: its retractions that aren't decided on
	var decided []record.ID
	for id := range e.records {
		if undecided[id] = len(e.about[id]); undecided[id] == 0 {
			decided = append(decided, id)
		}
	}
	for ; len(decided) > 0; decided = decided[1:] {
		r := e.records[decided[0]]
		if r.Noun != record.NounStatement || r.Statement.Kind != record.Retraction {
			continue
		}
		for _, s := range r.Statement.Subjects {
			about, err := record.ParseID(s.Node)
			if err != nil || e.records[about] == nil {
				continue
			}
			if !e.taken[r.ID] {
				e.taken[about] = true
			}
			if undecided[about]--; undecided[about] == 0 {
				decided = append(decided, about)
			}
		}
	}
}

// statement judges what a statement says of each of its subjects.
func (e *evidence) statement(p *Proved, r *record.Record) []Said {
	kind, ok := record.StatementKindOf(r.Statement.Kind)
	if !ok || kind.Name == record.Prefix || kind.By != record.ByAnswerable && kind.Name != record.Warning {
		return nil
	}
	by := r.By
	if by == "" {
		by = p.Recordings[0].MSPID // of version 1, which belongs to who recorded it first
	}
	var all []Said
	for _, s := range r.Statement.Subjects {
		one := Said{ID: p.ID, Kind: kind.Name, MSPID: by, Subject: s.Node, Retracted: e.taken[p.ID]}
		if kind.Name == record.Warning {
			one.Standing = NoStanding
		} else {
			e.weigh(&one, r.Version)
		}
		if one.Standing == OwnReport {
			if one.CountsAs = record.Finding; kind.Warns {
				one.CountsAs = record.Warning
			}
		}
		all = append(all, one)
	}
	return all
}

// weigh finds the standing over a subject. That the ledger took the statement shows that the organisation answers for
// the subject by the rules of the chaincode; what readers add to them, who was first among several, needs the event.
func (e *evidence) weigh(one *Said, version int) {
	_, kind, err := record.ParseNode(one.Subject)
	switch {
	case err != nil:
		one.Standing = Unproved
	case kind == record.NodeArtifact:
		one.Standing = Owner
	case kind == record.NodeThing && version < 2:
		one.Standing = VersionOne
	case kind == record.NodeThing:
		one.Standing = Unproved
		for _, id := range e.things[one.Subject] {
			if e.reports(id, one.MSPID) {
				one.CustodyEvent = id
				break
			}
		}
	default:
		e.weighRecord(one, version)
	}
}

// weighRecord finds the standing over a record, of which the proof may have a receipt.
func (e *evidence) weighRecord(one *Said, version int) {
	id := record.ID(one.Subject)
	about, p := e.records[id], e.proved[id]
	switch {
	case about != nil && about.Noun != record.NounEvent:
		one.Standing = Owner
	case version < 2:
		one.Standing = VersionOne
	case about == nil:
		one.Standing = Unproved // it may be an event, and who recorded that first isn't known
	case p.Recordings[0].MSPID != one.MSPID:
		one.Standing = OwnReport
	case p.More: // those that aren't listed may be earlier
		one.Standing = Unproved
	default:
		one.Standing = Reporter
	}
}

// declaration judges the declaration that events with an id are errors. It speaks for the reports of who makes it.
func (e *evidence) declaration(p *Proved, eventID string) []Said {
	var all []Said
	for _, by := range reporters(p) {
		one := Said{ID: p.ID, Kind: declaredError, MSPID: by, Subject: eventID, Standing: Unproved}
		for _, id := range e.named[eventID] {
			switch declared := e.proved[id]; {
			case e.reports(id, by):
				one.Standing, one.CountsAs = OwnReport, ""
				if reporters := reporters(declared); len(reporters) == 1 && !declared.More {
					one.Standing = Reporter
				}
			case one.Standing == Unproved && !declared.More:
				one.Standing, one.CountsAs = NoStanding, dispute
			}
		}
		all = append(all, one)
	}
	return all
}

// reports tells whether the receipt of a record shows that an organisation recorded it.
func (e *evidence) reports(id record.ID, mspID string) bool {
	return slices.Contains(reporters(e.proved[id]), mspID)
}

// reporters are the organisations that a receipt lists, each once, the first one first.
func reporters(p *Proved) []string {
	var all []string
	for _, r := range p.Recordings {
		if !slices.Contains(all, r.MSPID) {
			all = append(all, r.MSPID)
		}
	}
	return all
}

// notProved says in plain words what a verdict leaves open.
func (v *Verdict) notProved() []string {
	var all []string
	switch {
	case v.Trace == nil:
		all = append(all, "that nothing contradicts it: there may be a recall, a correction or a retraction")
	case v.Trace.Cut:
		all = append(all, "that this is all: the walk was ended early, so records behind that are missing, and there "+
			"may be recalls, events and other statements about what is here")
	default:
		all = append(all, "that this is all: there may be recalls, events and other statements that no record here "+
			"refers to")
	}
	if slices.ContainsFunc(v.Said, func(s Said) bool { return s.Standing == Unproved }) {
		all = append(all, "by what right all of it is said: where the standing isn't proved, it follows from all events "+
			"and claims on the ledger")
	}
	return all
}
