package api

import (
	"context"
	"net/http"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// mostChecked bounds the results that a check lists, and the problems of those that are rejected. The rest is counted.
const mostChecked = 1000

// checkView says what a capture of a document would say.
type checkView struct {
	Taken     bool          `json:"wouldBeTaken"`
	Behaviour string        `json:"captureErrorBehaviour"`
	Counts    checkCounts   `json:"counts"`
	Warnings  []jobWarning  `json:"warnings"`
	Results   []checkResult `json:"results"`
}

type checkCounts struct {
	Total     int `json:"total"`
	New       int `json:"new"`
	Duplicate int `json:"duplicate"`
	Rejected  int `json:"rejected"`
	Warnings  int `json:"warnings"`
}

type checkResult struct {
	Index    int              `json:"index"`
	State    string           `json:"state"`
	ID       record.ID        `json:"id,omitempty"`
	EventID  string           `json:"eventID,omitempty"`
	Problems []problem.Reason `json:"problems,omitempty"`
}

// checkCapture reads a document as capture does, and keeps nothing of it. A document that can't be read to its end, or
// is beyond a limit, is refused as capture refuses it.
func (s *Server) checkCapture(c *call) (err error) {
	defer func() {
		if err != nil {
			c.Header("Connection", "close") // as for capture
		}
	}()
	ctx := c.Request.Context()
	release, err := s.captures.Take(ctx, c.caller.ID)
	if err != nil {
		return err
	}
	defer release()
	body, err := c.open()
	if err != nil {
		return err
	}
	defer body.Close()
	k := &check{limits: s.Queue.Limits(), behaviour: capture.Behaviour(c.value("GS1-Capture-Error-Behaviour"))}
	// With rollback the intake would keep the problems only, and the caller wants all results.
	in := intake.New(ctx, intake.Config{
		Index: s.Index, Sink: k, MSPID: c.caller.Identity.MSPID, Behaviour: capture.Proceed, Limit: s.captureLimit(),
	})
	if err := in.Finish(readEvents(in, body)); err != nil {
		return malformed(err)
	}
	return c.answer(http.StatusOK, k.answer())
}

// check is the queue of an intake that keeps nothing but what there is to say, within bounds.
type check struct {
	limits    capture.Limits
	behaviour capture.Behaviour
	counts    checkCounts
	bytes     int
	problems  int // listed
	rejected  int // listed
	results   []checkResult
	warnings  capture.Warnings
}

// Add takes the next events.
func (k *check) Add(_ context.Context, items ...capture.Item) error {
	for i := range items {
		it := &items[i]
		k.bytes += len(it.Body)
		if err := k.limits.Allow(k.behaviour, k.counts.Total+1, k.bytes); err != nil {
			return err
		}
		k.take(it)
	}
	return nil
}

func (k *check) take(it *capture.Item) {
	r := checkResult{Index: k.counts.Total, State: "new", ID: it.ID, EventID: it.EventID}
	k.counts.Total++
	k.warnings.Add(r.Index, it.Warnings)
	switch {
	case it.Existing != nil:
		r.State, r.ID = string(capture.Duplicate), it.Existing.RecordID
		k.counts.Duplicate++
	case it.Recorded:
		r.State = string(capture.Duplicate)
		k.counts.Duplicate++
	case it.Twin != "":
		r.State, r.ID = string(capture.Duplicate), it.Twin
		k.counts.Duplicate++
	case len(it.Body) == 0:
		r.State = string(capture.Rejected)
		k.counts.Rejected++
		if k.problems >= mostChecked {
			return
		}
		for _, p := range it.Problems {
			p.Index = r.Index
			r.Problems = append(r.Problems, problem.ReasonOf(p, true))
		}
		k.problems += len(it.Problems)
		k.rejected++
		k.results = append(k.results, r)
		return
	default:
		k.counts.New++
	}
	if len(k.results)-k.rejected < mostChecked {
		k.results = append(k.results, r)
	}
}

// Warn takes warnings about the document.
func (k *check) Warn(list ...record.Problem) { k.warnings.Add(-1, list) }

func (k *check) answer() checkView {
	k.counts.Warnings = k.warnings.Total
	return checkView{
		Taken: k.counts.Rejected == 0 || k.behaviour == capture.Proceed, Behaviour: string(k.behaviour), Counts: k.counts,
		Warnings: viewWarnings(k.warnings.List), Results: append([]checkResult{}, k.results...),
	}
}
