package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Job is a capture job and the results for its events.
type Job struct {
	ID        string    `json:"captureID"`
	Running   bool      `json:"running"`
	Success   bool      `json:"success"`
	Behaviour string    `json:"captureErrorBehaviour"`
	Waiting   string    `json:"waiting"`
	Counts    JobCounts `json:"counts"`
	Results   []struct {
		Index    int             `json:"index"`
		State    string          `json:"state"`
		ID       string          `json:"id"`
		EventID  string          `json:"eventID"`
		Tx       string          `json:"tx"`
		Block    uint64          `json:"block"`
		Problems []ProblemDetail `json:"problems"`
	} `json:"results"`
	Warnings      []EventWarning `json:"warnings"`
	Errors        []Problem      `json:"errors"`
	NextPageToken string         `json:"nextPageToken"`
}

// JobCounts counts the events of a job by state.
type JobCounts struct {
	Total     int `json:"total"`
	Recorded  int `json:"recorded"`
	Duplicate int `json:"duplicate"`
	Rejected  int `json:"rejected"`
	Pending   int `json:"pending"`
	Warnings  int `json:"warnings"`
}

// EventWarning is what is odd about an event that was taken, or, without an index, about its document.
type EventWarning struct {
	Index   *int   `json:"index"`
	Code    string `json:"code"`
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Capture sends one document and returns its job. The gateway then has the document on disk; the ledger may not have it
// yet.
func (c *Client) Capture(ctx context.Context, document []byte, proceed bool) (*Job, error) {
	answer, err := c.Do(ctx, sending("/epcis/v2/capture", document, proceed))
	if err != nil {
		return nil, err
	}
	job := new(Job)
	return job, answer.Decode(job)
}

// Check is what a capture of a document would say.
type Check struct {
	Taken  bool `json:"wouldBeTaken"`
	Counts struct {
		Total     int `json:"total"`
		New       int `json:"new"`
		Duplicate int `json:"duplicate"`
		Rejected  int `json:"rejected"`
		Warnings  int `json:"warnings"`
	} `json:"counts"`
	Warnings []EventWarning `json:"warnings"`
	Results  []struct {
		Index    int             `json:"index"`
		State    string          `json:"state"`
		ID       string          `json:"id"`
		Problems []ProblemDetail `json:"problems"`
	} `json:"results"`
}

// Check asks what a capture of a document would say. The gateway keeps nothing of it. The second result is the answer
// as it came.
func (c *Client) Check(ctx context.Context, document []byte, proceed bool) (*Check, []byte, error) {
	answer, err := c.Do(ctx, sending("/v1/capture/check", document, proceed))
	if err != nil {
		return nil, nil, err
	}
	check := new(Check)
	return check, answer.Body, answer.Decode(check)
}

func sending(path string, document []byte, proceed bool) Call {
	behaviour := "rollback"
	if proceed {
		behaviour = "proceed"
	}
	media := "application/ld+json"
	if inLines(document) {
		media = "application/x-ndjson"
	}
	return Call{
		Method: http.MethodPost, Path: path, Type: media, Body: document,
		Header: http.Header{"Gs1-Capture-Error-Behaviour": {behaviour}},
	}
}

// inLines reports whether a document is a JSON value on each of several lines.
func inLines(document []byte) bool {
	first, rest, _ := bytes.Cut(document, []byte("\n"))
	return len(bytes.TrimSpace(rest)) > 0 && json.Valid(first)
}

// Await polls a job until it has ended, and calls each with every state that it sees. The job that it returns has the
// first thousand results.
func (c *Client) Await(ctx context.Context, id string, each func(*Job)) (*Job, error) {
	path := "/epcis/v2/capture/" + url.PathEscape(id)
	wait := 20 * time.Millisecond
	for {
		job := new(Job)
		if err := c.Get(ctx, path, url.Values{"results": {"none"}}, job); err != nil {
			return nil, err
		}
		if each != nil {
			each(job)
		}
		if !job.Running {
			job = new(Job)
			return job, c.Get(ctx, path, url.Values{"perPage": {"1000"}}, job)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("stopped waiting; the gateway goes on with job %s: %w", id, ctx.Err())
		case <-time.After(wait):
		}
		wait = min(wait*3/2, time.Second)
	}
}
