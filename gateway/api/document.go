package api

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
)

// readDocument makes the records of a document's events. Faults of single events go with them; a document that is wrong as
// a whole is refused.
func readDocument(doc canonical.Value) ([]draft, error) {
	events, found := epcis.Document(doc)
	if len(events) > maxEvents {
		return nil, fail(kindTooLarge, "the document has %d events, more than the %d allowed; send it in pieces", len(events), maxEvents)
	}
	faults := make([][]record.Problem, len(events))
	var whole []record.Problem
	for _, p := range found {
		i := eventAt(events, p.Pointer)
		if i < 0 {
			whole = append(whole, record.Problem{Code: p.Code, Pointer: p.Pointer, Detail: p.Detail})
			continue
		}
		faults[i] = append(faults[i], record.Problem{Index: i, Code: p.Code, Pointer: p.Pointer, Detail: p.Detail})
	}
	if len(whole) > 0 {
		return nil, refused(whole, false)
	}
	if len(events) == 0 {
		return nil, fail(kindInvalid, "the document has no events").because(reason{Code: "empty_list", Detail: "the list of events is empty", Pointer: "/epcisBody"})
	}
	drafts := makeDrafts(events, faults)
	refuseTwins(drafts)
	return drafts, nil
}

// itemsOf makes the queue's items of a document's events. With rollback, any fault refuses the document.
func itemsOf(drafts []draft, behaviour capture.Behaviour) ([]capture.Item, error) {
	items := make([]capture.Item, len(drafts))
	var all []record.Problem
	for i := range drafts {
		items[i] = drafts[i].Item
		all = append(all, items[i].Problems...)
	}
	if behaviour == capture.Rollback && len(all) > 0 {
		return nil, refused(all, true)
	}
	return items, nil
}

// eventAt finds the event of a document that a pointer leads into, or -1. Events stand in a list in document order.
func eventAt(events []epcis.DocumentEvent, pointer string) int {
	if len(events) == 1 && events[0].Pointer == "" {
		return 0
	}
	if len(events) == 0 {
		return -1
	}
	list, _ := strings.CutSuffix(events[0].Pointer, "0")
	rest, ok := strings.CutPrefix(pointer, list)
	if !ok {
		return -1
	}
	digits, _, _ := strings.Cut(rest, "/")
	i, err := strconv.Atoi(digits)
	if err != nil || i < 0 || i >= len(events) || events[i].Pointer != list+digits {
		return -1
	}
	return i
}

// makeDrafts makes the records, on all processors.
func makeDrafts(events []epcis.DocumentEvent, faults [][]record.Problem) []draft {
	drafts := make([]draft, len(events))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(events)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(events) {
					return
				}
				drafts[i], _ = makeDraft(i, events[i], faults[i])
			}
		})
	}
	wait.Wait()
	return drafts
}

// makeDraft makes the record of an event, unless it has faults.
func makeDraft(i int, e epcis.DocumentEvent, faults []record.Problem) (draft, *record.Record) {
	d := draft{Item: capture.Item{EventID: e.Event.Get("eventID").Text, Problems: faults}, pointer: e.Pointer, idPointer: e.Pointer}
	if e.Event.Has("eventID") {
		d.idPointer += "/eventID"
	}
	if len(d.EventID) > maxText {
		d.EventID = ""
	}
	if len(faults) > 0 {
		return d, nil
	}
	r, problems := record.NewEvent(e.Event, e.Context)
	for _, p := range problems {
		p.Index, p.Pointer = i, e.Pointer+p.Pointer
		d.Problems = append(d.Problems, p)
	}
	if len(problems) > 0 {
		return d, nil
	}
	d.describe(r)
	return d, r
}

// maxText bounds what is kept of an eventID that is too long to be one.
const maxText = 2048
