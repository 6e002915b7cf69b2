// Package client is the command line's way into a gateway: the verbs that
// capture, register, record, show and trace. All of it goes through the public
// REST interface with a token, so whatever the command line can do, any other
// program can.
//
// What a verb makes goes to standard output, as text for people or, with
// --json, as JSON; what it has to say goes to standard error.
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
	"strings"
	"time"
)

// Client speaks to one gateway as one caller.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New makes a client of the gateway at base, such as http://127.0.0.1:8081.
func New(base, token string) *Client {
	return &Client{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{Timeout: 5 * time.Minute}}
}

// maxAnswer bounds what a client reads of one answer.
const maxAnswer = 256 << 20

// Answer is what the gateway said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Call is one request.
type Call struct {
	Method string
	Path   string // with segments already escaped
	Query  url.Values
	Type   string // of the body; empty means application/json
	Accept string // empty means application/json
	Header http.Header
	Body   []byte
}

// Do sends a request. An answer of 400 and above is an error of type *Problem.
func (c *Client) Do(ctx context.Context, call Call) (*Answer, error) {
	response, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	return &Answer{response.StatusCode, response.Header, body}, nil
}

// Copy sends a request and writes the body of the answer as it comes, however long it is. An answer of 400 and above is an
// error of type *Problem, of which nothing is written. After any other error a part of the body may have been written.
func (c *Client) Copy(ctx context.Context, call Call, out io.Writer) (http.Header, error) {
	response, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	n, err := io.Copy(out, response.Body)
	if err != nil {
		return nil, failure{fmt.Errorf("the answer of %s was cut off after %d bytes, or couldn't be written: %w", c.base, n, err), ExitUnreachable}
	}
	return response.Header, nil
}

// send sends a request and reads the head of the answer. The caller closes its body.
func (c *Client) send(ctx context.Context, call Call) (*http.Response, error) {
	target := c.base + call.Path
	if len(call.Query) > 0 {
		target += "?" + call.Query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, target, bytes.NewReader(call.Body))
	if err != nil {
		return nil, fmt.Errorf("couldn't make a request of %s: %w", target, err)
	}
	for name, values := range call.Header {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", orDefault(call.Accept, "application/json, application/problem+json"))
	if call.Body != nil {
		request.Header.Set("Content-Type", orDefault(call.Type, "application/json"))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	if response.StatusCode < 400 {
		return response, nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	return nil, readProblem(response, body)
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Get reads JSON.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	answer, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path, Query: query})
	if err != nil {
		return err
	}
	return decode(answer.Body, into)
}

// Post sends JSON and reads JSON.
func (c *Client) Post(ctx context.Context, path string, body, into any) (*Answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode a request: %w", err)
	}
	answer, err := c.Do(ctx, Call{Method: http.MethodPost, Path: path, Body: text})
	if err != nil {
		return nil, err
	}
	return answer, decode(answer.Body, into)
}

// AwaitBlock waits until this gateway's answers include a block, so that what
// was just recorded through another organisation's gateway is among them.
func (c *Client) AwaitBlock(ctx context.Context, block uint64) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var status struct {
			Height uint64 `json:"height"`
		}
		if err := c.Get(ctx, "/v1/status", nil, &status); err != nil {
			return err
		}
		if status.Height > block {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopped waiting for block %d at %s: %w", block, c.base, ctx.Err())
		case <-time.After(wait):
		}
	}
}

func decode(body []byte, into any) error {
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("couldn't understand the gateway's answer: %w", err)
	}
	return nil
}

// Problem is a refusal: an RFC 9457 problem document and its HTTP status.
type Problem struct {
	Status   int             `json:"status"`
	Type     string          `json:"type"`
	Title    string          `json:"title"`
	Detail   string          `json:"detail"`
	Problems []ProblemDetail `json:"problems"`
	raw      []byte
}

// ProblemDetail is one thing that is wrong, and where.
type ProblemDetail struct {
	Index     *int   `json:"index"`
	Pointer   string `json:"pointer"`
	Parameter string `json:"parameter"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Existing  string `json:"existing"`
}

func readProblem(response *http.Response, body []byte) *Problem {
	p := &Problem{Status: response.StatusCode, raw: body}
	if !strings.Contains(response.Header.Get("Content-Type"), "json") || json.Unmarshal(body, p) != nil || p.Title == "" {
		p.Title = response.Status
	}
	p.Status = response.StatusCode
	return p
}

func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Title)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, d := range p.Problems {
		where := orDefault(d.Parameter, d.Pointer)
		if d.Detail == p.Detail || p.Detail != "" && len(p.Problems) == 1 { // said already; the place is what is new
			if where != "" {
				b.WriteString(" (" + where + ")")
			}
			continue
		}
		b.WriteString("\n  ")
		if where != "" {
			b.WriteString(where + ": ")
		}
		b.WriteString(d.Detail)
		if d.Existing != "" && !strings.Contains(d.Detail, d.Existing) {
			b.WriteString(" (" + d.Existing + ")")
		}
	}
	return b.String()
}

// Exit codes, the same for every verb.
const (
	ExitRefused     = 1 // the gateway or the ledger said no, or something is not there
	ExitUsage       = 2 // the command line or a file is wrong; nothing was sent
	ExitUnreachable = 3 // no gateway answered, or none can do it now; trying again may help
)

// ExitCode tells the shell which kind of no it was.
func (p *Problem) ExitCode() int {
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests || p.Status == http.StatusBadGateway || p.Status == http.StatusGatewayTimeout {
		return ExitUnreachable
	}
	return ExitRefused
}

// failure is an error with an exit code.
type failure struct {
	error
	code int
}

func (f failure) ExitCode() int { return f.code }
func (f failure) Unwrap() error { return f.error }

func usage(format string, args ...any) error {
	return failure{fmt.Errorf(format, args...), ExitUsage}
}

func unreachable(base string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return failure{fmt.Errorf("no gateway answers at %s (%w); is the network up? try `pedigree status`", base, err), ExitUnreachable}
}
