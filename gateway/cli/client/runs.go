package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// mostEvents and mostEventBytes bound the events of one request.
const mostEvents, mostEventBytes = 1000, 16 << 20

// LineageReport is the result of sending OpenLineage events.
type LineageReport struct {
	Events  int            `json:"events"`
	Refused []RefusedEvent `json:"refused"`
	Runs    []LineageRun   `json:"runs"`
}

// RefusedEvent is an event that the gateway refused, and why.
type RefusedEvent struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

// LineageRun is the state of a run that the events describe.
type LineageRun struct {
	RunID    string                           `json:"runId"`
	State    string                           `json:"state"`
	Job      struct{ Namespace, Name string } `json:"job"`
	Activity string                           `json:"activity,omitempty"`
	Block    uint64                           `json:"block,omitempty"`
	Used     []string                         `json:"used,omitempty"`
	Waiting  string                           `json:"waiting,omitempty"`

	Generated []struct {
		Ref string `json:"ref"`
	} `json:"generated,omitempty"`
	Breaches []struct {
		Ref       string `json:"ref"`
		Statement string `json:"statement"`
	} `json:"breaches,omitempty"`
	LeftOut  []RunProblem `json:"left,omitempty"`
	Adjusted []RunProblem `json:"notes,omitempty"`
	Problems []RunProblem `json:"problems,omitempty"`
}

// RunProblem is why something can't be said of a run on the ledger, or is said otherwise.
type RunProblem struct {
	Code    string `json:"code"`
	Detail  string `json:"detail"`
	Pointer string `json:"pointer,omitempty"`
	Ref     string `json:"ref,omitempty"`
}

// SendLineage sends events in their order, and adds the refused ones to the report. What is no JSON goes alone, because
// a batch with it would be none.
func (c *Client) SendLineage(ctx context.Context, events []json.RawMessage, report *LineageReport) error {
	for first := 0; first < len(events); {
		if !json.Valid(events[first]) {
			_, err := c.Do(ctx, Call{Method: http.MethodPost, Path: "/api/v1/lineage", Body: events[first]})
			var refused *Problem
			switch {
			case errors.As(err, &refused) &&
				(refused.Status == http.StatusBadRequest || refused.Status == http.StatusRequestEntityTooLarge):
				report.Refused = append(report.Refused, RefusedEvent{first, refused.Detail})
			case err != nil:
				return err
			}
			first++
			continue
		}
		body, n := []byte{'['}, 0
		for first+n < len(events) && n < mostEvents && (n == 0 || len(body)+len(events[first+n]) < mostEventBytes) &&
			json.Valid(events[first+n]) {
			if n > 0 {
				body = append(body, ',')
			}
			body = append(body, events[first+n]...)
			n++
		}
		answer, err := c.Do(ctx, Call{Method: http.MethodPost, Path: "/api/v1/lineage/batch", Body: append(body, ']')})
		if err != nil {
			return err
		}
		if answer.Status != http.StatusNoContent {
			var partly struct {
				Failed []RefusedEvent `json:"failed_events"`
			}
			if err := answer.Decode(&partly); err != nil {
				return err
			}
			for _, f := range partly.Failed {
				report.Refused = append(report.Refused, RefusedEvent{first + f.Index, f.Reason})
			}
		}
		first += n
	}
	return nil
}

// AwaitJobs polls the gateway until it has recorded what job events say of jobs.
func (c *Client) AwaitJobs(ctx context.Context, names []string) error {
	for _, name := range names {
		query := url.Values{"state": {"recording"}, "job": {name}, "pageSize": {"1"}}
		for wait := 20 * time.Millisecond; ; wait = min(wait*3/2, time.Second) {
			var page struct {
				Items []json.RawMessage `json:"items"`
			}
			if err := c.Get(ctx, "/v1/runs", query, &page); err != nil {
				return err
			}
			if len(page.Items) == 0 {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("stopped waiting; the gateway goes on with the job %s: %w", name, ctx.Err())
			case <-time.After(wait):
			}
		}
	}
	return nil
}

// AwaitLineage polls each run until the gateway has recorded it. It doesn't wait for a run that has not ended, nor for
// any run if leave is true.
func (c *Client) AwaitLineage(
	ctx context.Context,
	ids []string,
	leave bool,
	report *LineageReport,
	each func(int),
) error {
	for _, id := range ids {
		for wait := 20 * time.Millisecond; ; wait = min(wait*3/2, time.Second) {
			var r LineageRun
			err := c.Get(ctx, "/v1/runs/"+url.PathEscape(id), nil, &r)
			var p *Problem
			if errors.As(err, &p) && p.Status == http.StatusNotFound {
				break // all of its events were refused
			}
			if err != nil {
				return err
			}
			if r.State != "recording" || leave {
				report.Runs = append(report.Runs, r)
				each(len(report.Runs))
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("stopped waiting; the gateway goes on with run %s: %w", id, ctx.Err())
			case <-time.After(wait):
			}
		}
	}
	return nil
}
