package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// lineageEvents splits a document of OpenLineage events: one event, an array of them, or one after the other. It is false
// if the document is something else, as far as its first object tells.
func lineageEvents(document []byte) ([]json.RawMessage, bool) {
	if !startsAsLineage(document) {
		return nil, false
	}
	var events []json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(document))
	for {
		var value json.RawMessage
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return events, true
		} else if err != nil { // the gateway says what is wrong with it
			return append(events, bytes.TrimSpace(document[min(int(decoder.InputOffset()), len(document)):])), true
		}
		if value[0] != '[' {
			events = append(events, value)
			continue
		}
		var list []json.RawMessage
		if err := json.Unmarshal(value, &list); err != nil {
			return append(events, value), true
		}
		events = append(events, list...)
	}
}

// startsAsLineage looks at the names in the first object until one tells what it is.
func startsAsLineage(document []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(document))
	t, err := decoder.Token()
	if t == json.Delim('[') {
		t, err = decoder.Token()
	}
	if err != nil || t != json.Delim('{') {
		return false
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return false
		}
		switch name {
		case "producer", "schemaURL", "run", "job", "dataset", "eventType", "inputs", "outputs":
			return true
		case "eventTime": // both have it
		default:
			return false
		}
		var skipped json.RawMessage
		if decoder.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}

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

// captureLineage sends the events of a document and tells what became of each run.
func captureLineage(c *cobra.Command, gateway *Client, t *Target, name string, events []json.RawMessage, leave bool) (bool, error) {
	report := &LineageReport{Events: len(events), Refused: []RefusedEvent{}, Runs: []LineageRun{}}
	line := newProgress(c.ErrOrStderr())
	err := gateway.sendLineage(c.Context(), events, report)
	if err == nil {
		err = gateway.awaitLineage(c.Context(), runIDs(events), leave, report, func(n int) { line.show("%s: %d runs are over", name, n) })
	}
	line.done()
	if err != nil {
		return false, err
	}
	good := len(report.Refused) == 0
	for _, r := range report.Runs {
		good = good && r.State != "failed"
	}
	if t.json {
		text, err := json.Marshal(report)
		if err != nil {
			return false, fmt.Errorf("couldn't encode a report: %w", err)
		}
		return good, printJSON(c.OutOrStdout(), text)
	}
	printLineage(c.OutOrStdout(), name, report)
	return good, nil
}

// sendLineage sends events in the order they have.
func (c *Client) sendLineage(ctx context.Context, events []json.RawMessage, report *LineageReport) error {
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
			if err := decode(answer.Body, &partly); err != nil {
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

// runIDs are the runs that events are about, each once.
func runIDs(events []json.RawMessage) (ids []string) {
	seen := map[string]bool{}
	for _, event := range events {
		var e struct{ Run struct{ RunID string } }
		if json.Unmarshal(event, &e) == nil && e.Run.RunID != "" && !seen[e.Run.RunID] {
			seen[e.Run.RunID] = true
			ids = append(ids, e.Run.RunID)
		}
	}
	return ids
}

// awaitLineage asks for each run until it is over; one that has not ended is not waited for.
func (c *Client) awaitLineage(ctx context.Context, ids []string, leave bool, report *LineageReport, each func(int)) error {
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

func printLineage(w io.Writer, name string, r *LineageReport) {
	fmt.Fprintf(w, "%s: %d OpenLineage events, %d of them refused, %d runs\n", plain(name), r.Events, len(r.Refused), len(r.Runs))
	for _, f := range r.Refused {
		fmt.Fprintf(w, "  event %d: %s\n", f.Index, plain(f.Reason))
	}
	for _, run := range r.Runs {
		fmt.Fprintf(w, "  %-9s %s  %s\n", run.State, plain(run.RunID), plain(run.Job.Name))
		for _, g := range run.Generated {
			fmt.Fprintf(w, "            generated %s\n", plain(g.Ref))
		}
		for _, p := range run.Problems {
			fmt.Fprintf(w, "            %s %s\n", plain(p.Pointer), plain(p.Detail))
		}
		if run.Waiting != "" {
			fmt.Fprintf(w, "            waiting: %s\n", plain(run.Waiting))
		}
	}
}
