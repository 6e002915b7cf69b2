package api

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
)

// intake brings the events of one document to the queue: one goroutine cuts the text into events, a few make records of
// them, and one gives these to the queue, in order. Nothing is taken before finish.
type intake struct {
	server    *Server
	queue     *capture.Intake
	mspID     string
	behaviour capture.Behaviour
	limit     int // events

	context *canonical.Value // of the document, known before the first event; nil if each event brings its own
	count   int              // events that were put in
	batch   *batch           // being filled

	ctx    context.Context
	cancel context.CancelFunc
	work   chan *batch // to be made
	order  chan *batch // in the order of the document
	makers sync.WaitGroup
	ended  chan struct{} // when the last batch is with the queue

	// Of the goroutine that feeds the queue, until ended:
	twins    twins
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
	err    error
	made   chan struct{}
}

// The size of a batch: enough for the queue's look into the index to be worth it, and little in memory.
const (
	batchEvents = 250
	batchBytes  = 512 << 10
)

func (s *Server) newIntake(ctx context.Context, queue *capture.Intake, mspID string, behaviour capture.Behaviour) *intake {
	l := &intake{server: s, queue: queue, mspID: mspID, behaviour: behaviour, limit: s.captureLimit(), ended: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(ctx)
	makers := runtime.GOMAXPROCS(0)
	l.work, l.order = make(chan *batch), make(chan *batch, makers)
	for range makers {
		l.makers.Go(func() {
			for b := range l.work {
				b.make(l.context)
			}
		})
	}
	go l.feed()
	return l
}

// put takes the next event. It waits while those before it are being worked on.
func (l *intake) put(it canonical.Item) error {
	if l.count++; l.count > l.limit {
		return fail(kindTooLarge, "the document has more than the %d events allowed; send it in pieces", l.limit)
	}
	if l.batch == nil {
		l.batch = &batch{first: l.count - 1, made: make(chan struct{})}
	}
	b := l.batch
	b.items = append(b.items, it)
	if b.bytes += len(it.Text); len(b.items) < batchEvents && b.bytes < batchBytes {
		return nil
	}
	return l.send()
}

// send has the batch made into records.
func (l *intake) send() error {
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
func (l *intake) give(d draft) error {
	l.count++
	b := &batch{first: l.count - 1, drafts: []draft{d}, made: make(chan struct{})}
	close(b.made)
	select {
	case l.order <- b:
		return nil
	case <-l.ctx.Done():
		return errStopped
	}
}

// finish waits until all that was put in is with the queue. read is what reading the document ended with; what is wrong
// with an earlier event is told first.
func (l *intake) finish(read error) error {
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
	l.cancel()
	l.makers.Wait()
	switch {
	case l.err != nil:
		return malformed(l.err)
	case read != nil:
		return malformed(read)
	case l.behaviour == capture.Rollback && len(l.problems) > 0:
		return refused(l.problems, true)
	case l.count == 0:
		return fail(kindInvalid, "the document has no events").because(reason{Code: "empty_list", Detail: "the list of events is empty", Pointer: "/epcisBody"})
	}
	return nil
}

// make makes the records.
func (b *batch) make(context *canonical.Value) {
	defer close(b.made)
	b.drafts = make([]draft, len(b.items))
	for i, it := range b.items {
		v, err := it.Parse()
		if err != nil {
			b.err = err
			return
		}
		e := epcis.DocumentEvent{Event: v, Pointer: it.Pointer()}
		var faults []record.Problem
		own, has := v.Lookup("@context")
		switch {
		case has:
			e.Context = epcis.MergeContexts(context, &own)
		case context != nil:
			e.Context = *context
		case v.Kind == canonical.Object:
			faults = []record.Problem{{Code: epcis.CodeMissingField, Pointer: e.Pointer + "/@context",
				Detail: "an event that has no header before it must have an @context of its own"}}
		}
		b.drafts[i], _ = makeDraft(b.first+i, e, faults)
	}
	b.items = nil
}

// feed gives the batches to the queue as they come.
func (l *intake) feed() {
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

func (l *intake) take(b *batch) error {
	if b.err != nil {
		return b.err
	}
	l.twins.refuse(b.drafts)
	if err := l.server.resolveKnown(l.ctx, l.mspID, b.drafts); err != nil {
		return err
	}
	items := make([]capture.Item, len(b.drafts))
	for i := range b.drafts {
		items[i] = b.drafts[i].Item
		l.faults += len(items[i].Problems)
		if l.behaviour == capture.Rollback || len(l.problems) < maxReasons {
			l.problems = append(l.problems, items[i].Problems...)
		}
	}
	if l.faults > maxProblems {
		p := refused(l.problems, true)
		p.detail = fmt.Sprintf("the events of the document have more than %d problems, so nothing of it was taken; the first: %s", maxProblems, p.reasons[0].Detail)
		return p
	}
	return l.queue.Add(l.ctx, items...)
}
