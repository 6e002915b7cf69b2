package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/runs"
)

// Runs is what the API needs of package runs, which see.
type Runs interface {
	Add(ctx context.Context, caller runs.Caller, events ...*openlineage.Event) ([]runs.Taken, error)
	Get(ctx context.Context, mspID, run string) (runs.Run, error)
	List(ctx context.Context, f runs.Filter, after int64, limit int) (list []runs.Run, next int64, err error)
	Await(ctx context.Context, mspID, run string) (runs.Run, error)
}

// maxBatch bounds a batch of OpenLineage events. They are kept so many at once, for others wait meanwhile.
const maxBatch, eventsAtOnce = 10_000, 500

// takenView says what became of an OpenLineage event.
type takenView struct {
	RunID     string   `json:"runId,omitempty"`
	State     string   `json:"state"`
	Duplicate bool     `json:"duplicate,omitempty"`
	Late      bool     `json:"late,omitempty"`
	Run       *runView `json:"run,omitempty"`
}

func viewTaken(t runs.Taken) takenView {
	v := takenView{RunID: t.ID, State: string(t.State), Duplicate: t.Duplicate, Late: t.Late}
	if v.State == "" {
		v.State = "kept" // facets of a job or a dataset, which no run is behind
	}
	return v
}

func (c *call) runsCaller() runs.Caller {
	return runs.Caller{Name: c.caller.ID, Signer: c.caller.Signer, MSPID: c.caller.Identity.MSPID}
}

// mode is how strictly events are read: by the query or, for clients that can only set headers, by a header.
func (c *call) mode() openlineage.Mode {
	for _, name := range []string{"mode", "Pedigree-OpenLineage-Mode"} {
		if v := c.params[name]; len(v) > 0 {
			return openlineage.Mode(v[0])
		}
	}
	return openlineage.Lenient
}

// takeLineage takes one OpenLineage event, and answers as Marquez does: 201 for what is kept, 200 and the event itself
// for a kind of event that it doesn't know.
func (s *Server) takeLineage(c *call) error {
	body, err := c.read()
	if err != nil {
		return err
	}
	mode := c.mode()
	v, err := openlineage.Parse(
		body,
		mode,
		canonical.Limits{Bytes: openlineage.MaxBytes, Depth: openlineage.MaxDepth, Values: openlineage.MaxValues},
	)
	if err != nil {
		return malformed(err)
	}
	e, problems := openlineage.Read(v, mode)
	if len(problems) > 0 {
		return problem.Refused(problems, false)
	}
	if e.Kind == openlineage.Unknown {
		c.send(http.StatusOK, "application/json", v.Bytes())
		return nil
	}
	if err := s.hear(c); err != nil {
		return err
	}
	taken, err := s.Runs.Add(c.Request.Context(), c.runsCaller(), e)
	if err != nil {
		return err
	}
	if err := taken[0].Err; err != nil {
		return err
	}
	view := viewTaken(taken[0])
	if view.RunID != "" {
		c.Header("Location", "/v1/runs/"+url.PathEscape(view.RunID))
		if err := s.awaitRun(c, &view); err != nil {
			return err
		}
	}
	return c.answer(http.StatusCreated, view)
}

// awaitRun waits for a run that has ended, as long as the caller wants, and tells why if it can't be recorded.
func (s *Server) awaitRun(c *call, view *takenView) error {
	wait := c.number("wait")
	if wait == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), time.Duration(wait)*time.Second)
	defer cancel()
	r, err := s.Runs.Await(ctx, c.caller.Identity.MSPID, view.RunID)
	if err != nil {
		return err
	}
	if r.State == runs.Failed {
		problems := make([]record.Problem, len(r.Problems))
		for i, p := range r.Problems {
			problems[i] = record.Problem{Code: p.Code, Detail: p.Detail, Pointer: p.Pointer, Existing: p.Existing}
		}
		p := problem.Refused(problems, false)
		p.Detail = fmt.Sprintf("the event is kept, and the run can't be recorded: %s", p.Detail)
		return p
	}
	run := viewRun(r)
	view.State, view.Run = run.State, &run
	return nil
}

// batchView is the answer to a batch of which not all was taken, as the specification has it.
type batchView struct {
	Status  string        `json:"status"`
	Summary batchSummary  `json:"summary"`
	Failed  []failedEvent `json:"failed_events"`
}

type batchSummary struct {
	Received     int `json:"received"`
	Successful   int `json:"successful"`
	Failed       int `json:"failed"`
	Retriable    int `json:"retriable"`
	NonRetriable int `json:"non_retriable"`
}

type failedEvent struct {
	Index     int              `json:"index"`
	Reason    string           `json:"reason"`
	Retriable bool             `json:"retriable"`
	Problems  []problem.Reason `json:"problems,omitempty"`
}

// takeLineageBatch takes a JSON array of events, or one in each line. What is good is taken; the answer tells of the
// rest.
func (s *Server) takeLineageBatch(c *call) error {
	release, err := s.captures.Take(c.Request.Context(), c.caller.ID) // for it is held in memory
	if err != nil {
		return err
	}
	defer release()
	batch, err := s.readBatch(c)
	if err == nil {
		err = s.hear(c)
	}
	if err != nil {
		return err
	}
	var events []*openlineage.Event
	var places []int
	view := batchView{Status: "partial_success", Summary: batchSummary{Received: len(batch)}}
	fail := func(f failedEvent) {
		view.Failed = append(view.Failed, f)
		if f.Retriable {
			view.Summary.Retriable++
		} else {
			view.Summary.NonRetriable++
		}
	}
	for i, one := range batch {
		if one.err != nil {
			fail(s.failedEvent(i, one.err))
			continue
		}
		e, problems := openlineage.Read(one.value, c.mode())
		switch {
		case len(problems) > 0:
			fail(s.failedEvent(i, record.Reject(problems)))
		case e.Kind != openlineage.Unknown: // which is passed over, as a single one is
			events, places = append(events, e), append(places, i)
		}
	}
	for first := 0; first < len(events); first += eventsAtOnce {
		some := events[first:min(first+eventsAtOnce, len(events))]
		taken, err := s.Runs.Add(c.Request.Context(), c.runsCaller(), some...)
		if err != nil && first == 0 {
			return err
		}
		for i := range some {
			if err == nil && taken[i].Err == nil {
				continue
			}
			why := err // what came before is kept, so the answer has to be about the rest
			if why == nil {
				why = taken[i].Err
			}
			fail(s.failedEvent(places[first+i], why))
		}
	}
	if len(view.Failed) == 0 {
		c.Status(http.StatusNoContent)
		return nil
	}
	slices.SortStableFunc(view.Failed, func(a, b failedEvent) int { return a.Index - b.Index })
	view.Summary.Failed = len(view.Failed)
	view.Summary.Successful = view.Summary.Received - view.Summary.Failed
	return c.answer(http.StatusOK, view)
}

// failedEvent says why an event was not taken, and whether it is worth sending again.
func (s *Server) failedEvent(index int, err error) failedEvent {
	p := s.problemOf(err)
	if p.Kind.Status >= 500 {
		s.Logger.Error("an event of a batch was not taken", "index", index, "error", err)
	}
	f := failedEvent{
		Index:     index,
		Reason:    p.Detail,
		Retriable: p.Kind.Status == http.StatusTooManyRequests || p.Kind.Status >= 500,
	}
	for _, r := range p.Reasons {
		f.Problems = append(f.Problems, problem.Reason{Code: r.Code, Detail: r.Detail, Pointer: r.Pointer})
	}
	return f
}

// sent is one event of a batch as it was sent: its value, or why it can't be read.
type sent struct {
	value canonical.Value
	err   error
}

// readBatch reads the events of a batch, which are still to be checked. An event that can't be read is none of the
// batch's business; the error is about a batch that can't be told apart into events.
func (s *Server) readBatch(c *call) ([]sent, error) {
	body, err := c.read()
	if err != nil {
		return nil, err
	}
	limits := canonical.Limits{
		Bytes:  int(c.op.MaxBytes),
		Depth:  openlineage.MaxDepth + 1,
		Values: 4 * openlineage.MaxValues,
	}
	var texts [][]byte
	var lines []int
	if media := c.ContentType(); media == ndjson {
		texts, lines = openlineage.Lines(body, maxBatch)
	} else {
		var ok bool
		if texts, ok = openlineage.Split(body, maxBatch); !ok {
			return nil, notABatch(body, c.mode(), limits)
		}
	}
	if len(texts) > maxBatch {
		return nil, problem.New(problem.TooLarge, "the batch has more than the %d events allowed; send it in pieces",
			maxBatch)
	}
	batch := make([]sent, 0, len(texts))
	for i, text := range texts {
		event, err := readEvent(text, c.mode(), &limits)
		var size *canonical.SizeError
		if errors.As(err, &size) && limits.Values < openlineage.MaxValues { // the batch is too large, and not the event
			return nil, malformed(err)
		}
		var syntax *canonical.SyntaxError
		if errors.As(err, &syntax) && lines != nil {
			syntax.Line = lines[i]
		}
		if err != nil {
			err = malformed(err)
		}
		batch = append(batch, sent{event, err})
	}
	return batch, nil
}

// readEvent reads one event of a batch, and takes its values from what is left for the batch.
func readEvent(text []byte, mode openlineage.Mode, left *canonical.Limits) (canonical.Value, error) {
	limits := *left
	limits.Bytes, limits.Depth = openlineage.MaxBytes, openlineage.MaxDepth
	limits.Values = min(limits.Values, openlineage.MaxValues)
	v, err := openlineage.Parse(text, mode, limits)
	left.Values = max(left.Values-countValues(v), 1)
	return v, err
}

func countValues(v canonical.Value) int {
	n := 1
	for i := range v.Items {
		n += countValues(v.Items[i])
	}
	for i := range v.Members {
		n += countValues(v.Members[i].Value)
	}
	return n
}

// notABatch says what is wrong with a body that is no JSON array of events.
func notABatch(body []byte, mode openlineage.Mode, limits canonical.Limits) error {
	v, err := openlineage.Parse(body, mode, limits)
	if err != nil {
		return malformed(err)
	}
	return problem.Refused(
		[]record.Problem{{Code: "wrong_type", Detail: "a batch is a JSON array of events, not a JSON " +
			v.Kind.String()}},
		false,
	)
}
