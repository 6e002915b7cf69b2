package record

import (
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// Reader reads the bodies of one recording after the other in the same memory. The
// zero Reader is ready. One goroutine at a time may use it.
type Reader struct {
	values canonical.Scratch
	text   []byte // of a pack
	bodies [][]byte
}

// Read reads a body that the ledger has accepted: one of a pack that a valid
// transaction wrote. Of an event it checks nothing that the chaincode has checked
// with Decode before: neither that the bytes are canonical, nor the event, nor its
// hash, which it takes from the body. Bodies from anywhere else belong into Decode.
//
// Of an event's record, ID, Body, Raw and Context are not set. All other nouns
// are few, and are read as Decode reads them.
func (r *Reader) Read(body []byte) (*Record, []Problem) {
	v, err := r.values.Parse(body, canonical.Limits{Bytes: MaxBytes, Depth: MaxDepth})
	if err != nil {
		return nil, []Problem{syntaxProblem(err)}
	}
	if v.Get("record").Text != eventKind {
		return Decode(body)
	}
	event, hash := v.Get("event"), v.Get("hash")
	if event.Kind != canonical.Object || hash.Kind != canonical.String {
		return nil, []Problem{{Code: "wrong_type", Detail: fmt.Sprintf("the record of an event has a JSON %s for its event and a JSON %s for its hash", event.Kind, hash.Kind)}}
	}
	understood := epcis.Extract(event, v.Get("context"))
	understood.Hash = hash.Text
	return &Record{Noun: NounEvent, Event: &Event{Event: understood, Hash: hash.Text}}, nil
}

// Check is Decode in used memory, for those who need of an event only that it is a record: its Event is nil.
func (r *Reader) Check(body []byte) (*Record, []Problem) {
	v, err := r.values.ParseCanonical(body, canonical.Limits{Bytes: MaxBytes, Depth: MaxDepth})
	if err == nil && isEvent(v) {
		return &Record{ID: Sum(body), Noun: NounEvent, Body: body}, nil
	}
	record, problems := Decode(body) // which can say what is wrong
	if record != nil {
		record.Event = nil
	}
	return record, problems
}

// noContext is that of an event that has an @context of its own.
var noContext canonical.Value

// isEvent tells whether a value is the record of an event that Decode takes.
func isEvent(v canonical.Value) bool {
	members, context := v.Members, &noContext
	if len(members) == 4 && members[0].Name == "context" && members[0].Value.Kind != canonical.Null {
		context, members = &members[0].Value, members[1:]
	}
	if len(members) != 3 || members[0].Name != "event" || members[1].Name != "hash" || members[2].Name != "record" {
		return false
	}
	event, hash, kind := &members[0].Value, &members[1].Value, &members[2].Value
	if kind.Kind != canonical.String || kind.Text != eventKind || hash.Kind != canonical.String || event.Kind != canonical.Object || event.Get("eventID").Text == "" {
		return false
	}
	computed, problems := epcis.Check(event, context)
	return len(problems) == 0 && computed == hash.Text
}
