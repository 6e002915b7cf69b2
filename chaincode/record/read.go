package record

import (
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// Reader reads the bodies of one recording after the other in the same memory. The
// zero Reader is ready. One goroutine at a time may use it.
type Reader struct{ values canonical.Scratch }

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
