package api

import (
	"fmt"
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

// readDocument makes the records of a document's events. With rollback, any fault refuses the document; with proceed,
// faults of single events go with the job, and only a document that is wrong as a whole is refused.
func readDocument(doc canonical.Value, behaviour capture.Behaviour) ([]capture.Item, error) {
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
	items := makeItems(events, faults)
	refuseTwins(items)
	if behaviour == capture.Rollback {
		var all []record.Problem
		for _, item := range items {
			all = append(all, item.Problems...)
		}
		if len(all) > 0 {
			return nil, refused(all, true)
		}
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

// makeItems makes the records, on all processors.
func makeItems(events []epcis.DocumentEvent, faults [][]record.Problem) []capture.Item {
	items := make([]capture.Item, len(events))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(events)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(events) {
					return
				}
				items[i] = makeItem(i, events[i], faults[i])
			}
		})
	}
	wait.Wait()
	return items
}

func makeItem(i int, e epcis.DocumentEvent, faults []record.Problem) capture.Item {
	item := capture.Item{EventID: e.Event.Get("eventID").Text, Problems: faults}
	if len(item.EventID) > maxText {
		item.EventID = ""
	}
	if len(faults) > 0 {
		return item
	}
	r, problems := record.NewEvent(e.Event, e.Context)
	for _, p := range problems {
		p.Index, p.Pointer = i, e.Pointer+p.Pointer
		item.Problems = append(item.Problems, p)
	}
	if len(problems) == 0 {
		item.Body, item.EventID = r.Body, r.Event.Raw.Get("eventID").Text
	}
	return item
}

// maxText bounds what is kept of an eventID that is too long to be one.
const maxText = 2048

// refuseTwins refuses an event that stands in the document twice, the second time.
func refuseTwins(items []capture.Item) {
	first := make(map[record.ID]int, len(items))
	for i := range items {
		if len(items[i].Body) == 0 {
			continue
		}
		id := record.Sum(items[i].Body)
		if j, ok := first[id]; ok {
			items[i].Body = nil
			items[i].Problems = []record.Problem{{Index: i, Code: "duplicate", Detail: fmt.Sprintf("this is the same event as number %d of the document", j), Existing: string(id)}}
			continue
		}
		first[id] = i
	}
}
