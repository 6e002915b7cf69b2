// Package intake makes records of the events of a document, and brings them to the queue.
//
// It reads EPCIS documents of any size as a stream, tells each event's faults with their place in the document, and
// knows which events the organisation has recorded before. It knows nothing of HTTP: whoever receives a document hands
// it the text, and turns its errors ([Refusal], [LimitError], and those of packages canonical, capture and index) into
// an answer.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Index is what this package asks of package index, which see.
type Index interface {
	EventsRecordedBy(ctx context.Context, mspID string, ids []string) (map[string][]index.RecordedEvent, error)
	Record(ctx context.Context, id string, at uint64) (*index.Record, error)
	Diagnose(err error) error
}

// Sink is where the events of a document go. *capture.JobWriter is one, and *Checked another.
type Sink interface {
	// Add takes the next events, and copies their bodies.
	Add(ctx context.Context, items ...capture.Item) error
	// Warn takes warnings about the document. It is called once, after the last event.
	Warn(list ...record.Problem)
}

// Config says whose document is read, and where its events go. All fields are required.
type Config struct {
	Index     Index
	Sink      Sink
	MSPID     string // of the organisation that sends the document
	Behaviour capture.Behaviour
	Limit     int // events
}

// Intake brings the events of one document to the queue: one goroutine cuts the text into events, a few make records of
// them, and one gives these to the queue, in order. Nothing is taken before [Intake.Finish].
type Intake struct {
	Config

	context *canonical.Value // of the document, known before the first event; nil if each event brings its own
	count   int              // events that were put in
	// warnings are about what stands around the events. The queue gets them at the end, because until then another
	// goroutine feeds it.
	warnings []record.Problem
	batch    *batch // being filled

	ctx    context.Context
	cancel context.CancelFunc
	work   chan *batch // to be made
	order  chan *batch // in the order of the document
	makers sync.WaitGroup
	ended  chan struct{} // when the last batch is with the queue

	// Of the goroutine that feeds the queue, until ended:
	twins    *twins
	items    []capture.Item // memory of take
	problems []record.Problem
	faults   int
	err      error
}

// batch is some neighbouring events.
type batch struct {
	first  int // number of the first
	items  []canonical.Item
	bytes  int
	drafts []draft
	writer record.Writer // has the bodies of the drafts
	err    error
	made   chan struct{} // gets one when the drafts are there
}

// batches are used again for their memory.
var batches = sync.Pool{New: func() any { return &batch{made: make(chan struct{}, 1)} }}

// release gives back what is with the queue.
func (b *batch) release() {
	clear(b.items)
	clear(b.drafts)
	b.writer.Reset()
	b.items, b.drafts, b.bytes = b.items[:0], b.drafts[:0], 0
	batches.Put(b)
}

// The size of a batch: enough for the queue's look into the index to be worth it, and little in memory.
const (
	batchEvents = 250
	batchBytes  = 512 << 10
)

// New begins an intake. Read one document with it, by [Intake.Document] or [Intake.Lines], and end it with
// [Intake.Finish].
func New(ctx context.Context, cfg Config) *Intake {
	l := &Intake{Config: cfg, ended: make(chan struct{}), twins: usedTwins.Get().(*twins)}
	l.ctx, l.cancel = context.WithCancel(ctx)
	makers := runtime.GOMAXPROCS(0)
	l.work, l.order = make(chan *batch), make(chan *batch, makers)
	for range makers {
		l.makers.Go(func() {
			var memory canonical.Scratch
			for b := range l.work {
				b.make(&memory, l.context, l.Behaviour == capture.Proceed)
			}
		})
	}
	go l.feed()
	return l
}

// put takes the next event. It waits while those before it are being worked on.
func (l *Intake) put(it canonical.Item) error {
	if l.count++; l.count > l.Limit {
		return tooLarge("the document has more than the %d events allowed; send it in pieces", l.Limit)
	}
	if l.batch == nil {
		l.batch = batches.Get().(*batch)
		l.batch.first = l.count - 1
	}
	b := l.batch
	b.items = append(b.items, it)
	if b.bytes += len(it.Text); len(b.items) < batchEvents && b.bytes < batchBytes {
		return nil
	}
	return l.send()
}

// send has the batch made into records.
func (l *Intake) send() error {
	b := l.batch
	if b == nil {
		return nil
	}
	l.batch = nil
	select {
	case l.order <- b:
	case <-l.ctx.Done():
		return errStopped
	}
	select {
	case l.work <- b:
	case <-l.ctx.Done():
		return errStopped
	}
	return nil
}

// give takes an event that is a draft already.
func (l *Intake) give(d draft) error {
	l.count++
	b := &batch{first: l.count - 1, drafts: []draft{d}, made: make(chan struct{}, 1)}
	b.made <- struct{}{}
	select {
	case l.order <- b:
		return nil
	case <-l.ctx.Done():
		return errStopped
	}
}

// Finish waits until all that was put in is with the queue. read is what reading the document ended with; what is wrong
// with an earlier event is told first.
func (l *Intake) Finish(read error) error {
	if read == nil {
		read = l.send()
	}
	if read != nil {
		// What is complete may have an error that comes before. What it costs is bounded by what is under way.
		_ = l.send()
	}
	close(l.work)
	close(l.order)
	<-l.ended
	l.twins.release()
	l.cancel()
	l.makers.Wait()
	l.Sink.Warn(l.warnings...)
	switch {
	case l.err != nil:
		return l.err
	case read != nil:
		return read
	case l.Behaviour == capture.Rollback && len(l.problems) > 0:
		return &Refusal{Problems: l.problems, Several: true}
	case l.count == 0:
		return &Refusal{Detail: "the document has no events",
			Problems: []record.Problem{{Code: "empty_list", Detail: "the list of events is empty", Pointer: "/epcisBody"}}}
	}
	return nil
}

// make makes the records. Where alone is set, an event that no record can keep has a problem of its own. Otherwise it is
// the fault of the whole document.
func (b *batch) make(memory *canonical.Scratch, context *canonical.Value, alone bool) {
	defer func() { b.made <- struct{}{} }()
	for i := range b.items {
		it := &b.items[i]
		v, err := memory.ParseItem(*it)
		if err != nil {
			fault, ok := unkeepable(it, err)
			if !ok || !alone {
				b.err = err
				return
			}
			fault.Index = b.first + i
			b.drafts = append(b.drafts, draft{
				index: fault.Index,
				place: it,
				Item:  capture.Item{Problems: []record.Problem{fault}},
			})
			continue
		}
		e := event{value: v, place: it}
		var faults []record.Problem
		own, has := v.Lookup("@context")
		switch {
		case has:
			e.context = epcis.MergeContexts(context, &own)
			faults = redefined(own, it.Pointer())
		case context != nil:
			e.context = *context
		case v.Kind == canonical.Object:
			faults = []record.Problem{{Code: epcis.CodeMissingField, Pointer: it.Pointer() + "/@context",
				Detail: "an event that has no header before it must have an @context of its own"}}
		}
		d, _ := makeDraft(&b.writer, b.first+i, e, faults)
		b.drafts = append(b.drafts, d)
	}
}

// unkeepable makes a problem of the error of an event that is JSON, but that no record can keep: it has a number that no
// double holds, or one member twice. Where such an event ends is beyond doubt, so those after it can be taken.
func unkeepable(it *canonical.Item, err error) (record.Problem, bool) {
	var syntax *canonical.SyntaxError
	if !errors.As(err, &syntax) || !utf8.ValidString(it.Text) || !json.Valid([]byte(it.Text)) {
		return record.Problem{}, false
	}
	return record.Problem{
		Code:    CodeMalformed,
		Pointer: syntax.Pointer,
		Detail:  fmt.Sprintf("line %d, column %d: %s", syntax.Line, syntax.Column, syntax.Message),
	}, true
}

// feed gives the batches to the queue as they come.
func (l *Intake) feed() {
	defer close(l.ended)
	for b := range l.order {
		if l.err != nil {
			continue // whoever fills the channel will see that it is over
		}
		select {
		case <-b.made:
			l.err = l.take(b)
		case <-l.ctx.Done():
			l.err = l.ctx.Err()
		}
		if l.err != nil {
			l.cancel()
		}
	}
}

func (l *Intake) take(b *batch) error {
	if b.err != nil {
		return b.err
	}
	l.twins.look(b.drafts)
	if err := resolveKnown(l.ctx, l.Index, l.MSPID, b.drafts); err != nil {
		return err
	}
	join(b.drafts)
	l.items = l.items[:0]
	for i := range b.drafts {
		it := b.drafts[i].Item
		l.items = append(l.items, it)
		l.faults += len(it.Problems)
		if l.Behaviour == capture.Rollback || len(l.problems) < mostTold {
			l.problems = append(l.problems, it.Problems...)
		}
	}
	if l.faults > MaxProblems {
		return &Refusal{Problems: l.problems, Several: true, Detail: fmt.Sprintf(
			"the events of the document have more than %d problems, so nothing of it was taken; the first: %s",
			MaxProblems,
			l.problems[0].Detail,
		)}
	}
	err := l.Sink.Add(l.ctx, l.items...)
	clear(l.items)
	b.release()
	return err
}
