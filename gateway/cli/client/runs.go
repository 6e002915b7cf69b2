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

// mostEvents go to the gateway in one request, if they are small.
const mostEvents, mostEventBytes = 1000, 16 << 20

// LineageReport says what became of OpenLineage events.
type LineageReport struct {
	Events  int            `json:"events"`
	Refused []RefusedEvent `json:"refused"`
	Runs    []LineageRun   `json:"runs"`
}

// RefusedEvent is an event that the gateway didn't take.
type RefusedEvent struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

// LineageRun is a run that events told about.
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
	Problems []struct {
		Code    string `json:"code"`
		Detail  string `json:"detail"`
		Pointer string `json:"pointer,omitempty"`
	} `json:"problems,omitempty"`
}

// SendLineage sends events in the order they have.
func (c *Client) SendLineage(ctx context.Context, events []json.RawMessage, report *LineageReport) error {
	for first := 0; first < len(events); {
		body, n := []byte{'['}, 0
		for first+n < len(events) && n < mostEvents && (n == 0 || len(body)+len(events[first+n]) < mostEventBytes) {
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

// AwaitLineage asks for each run until it is over; one that has not ended is not waited for.
func (c *Client) AwaitLineage(ctx context.Context, ids []string, leave bool, report *LineageReport, each func(int)) error {
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
