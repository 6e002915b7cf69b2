package record

import (
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// Reader reads packs and bodies one after the other into the same memory. The
// zero Reader is ready to use, by one goroutine at a time.
type Reader struct {
	values canonical.Scratch
	text   []byte // of a pack
	bodies [][]byte
}

// Read reads a body that the ledger has accepted, from a pack that a valid
// transaction wrote. Use [Decode] for a body from anywhere else: if the body is
// an event, Read doesn't repeat the checks of the chaincode. It checks neither
// that the bytes are canonical nor the event, and it takes the hash from the
// body.
//
// In an event's record, ID, Body, Raw and Context are not set. Records of other
// nouns are rare, so Read decodes them with Decode.
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
		return nil, []Problem{
			{
				Code: "wrong_type",
				Detail: fmt.Sprintf(
					"the record of an event has a JSON %s for its event and a JSON %s for its hash",
					event.Kind,
					hash.Kind,
				),
			},
		}
	}
	understood := epcis.Extract(event, v.Get("context"))
	understood.Hash = hash.Text
	return &Record{Noun: NounEvent, Version: 1, Event: &Event{Event: understood, Hash: hash.Text}}, nil
}

// Check checks a body like [Decode], but reuses memory. If the body is an event, the record's Event is nil.
func (r *Reader) Check(body []byte) (*Record, []Problem) {
	v, err := r.values.ParseCanonical(body, canonical.Limits{Bytes: MaxBytes, Depth: MaxDepth})
	if err == nil && isEvent(v) {
		return &Record{ID: Sum(body), Noun: NounEvent, Version: 1, Body: body}, nil
	}
	record, problems := Decode(body) // says what is wrong
	if record != nil {
		record.Event = nil
	}
	return record, problems
}

// noContext is the context of a record that has no member context.
var noContext canonical.Value

// isEvent reports whether v is the record of an event that Decode accepts.
func isEvent(v canonical.Value) bool {
	members, context := v.Members, &noContext
	if len(members) == 4 && members[0].Name == "context" && members[0].Value.Kind != canonical.Null {
		context, members = &members[0].Value, members[1:]
	}
	if len(members) != 3 || members[0].Name != "event" || members[1].Name != "hash" || members[2].Name != "record" {
		return false
	}
	event, hash, kind := &members[0].Value, &members[1].Value, &members[2].Value
	if kind.Kind != canonical.String || kind.Text != eventKind || hash.Kind != canonical.String ||
		event.Kind != canonical.Object ||
		event.Get("eventID").Text == "" {
		return false
	}
	computed, problems := epcis.Check(event, context)
	return len(problems) == 0 && computed == hash.Text
}
