// Package client talks to a gateway over its REST interface. A Client sends a Call and returns an Answer, or a Problem
// if the gateway refuses. The package also has the types of the answers that the command line reads, and it waits for
// what takes time: capture jobs, runs, blocks and proofs.
//
// The client needs only the public interface and a token or certificate. Any other program can do what the command line
// does. Its errors carry exit codes; see package exit.
package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Client calls one gateway with one token, with a certificate, or with both.
type Client struct {
	base  string
	token string
	http  *http.Client
	most  int64 // greatest size of an answer in bytes
}

// The greatest sizes of answers that a client reads into memory, in bytes, after they are decompressed.
const (
	maxAnswer  = 256 << 20
	maxProblem = 1 << 20
)

// New returns a client of the gateway at base, such as http://127.0.0.1:8081. The token is empty if a certificate is
// shown instead.
func New(base, token string) *Client {
	return &Client{
		base: strings.TrimRight(base, "/"), token: token,
		http: &http.Client{Timeout: 5 * time.Minute}, most: maxAnswer,
	}
}

// TrustCA has the client trust the certificate authorities of a PEM file, and no others, for a gateway with https. If
// file is empty, it is the one that PEDIGREE_CA names, and if that is empty, too, the system's authorities stay
// trusted. The error is one of usage.
func (c *Client) TrustCA(file string) error {
	if file = cmp.Or(file, os.Getenv("PEDIGREE_CA")); file == "" {
		return nil
	}
	roots, err := certificate.Pool(file)
	if err != nil {
		return exit.Usagef("the authority of the gateway's certificate: %w", err)
	}
	c.tls().RootCAs = roots
	return nil
}

// tls is how the client speaks TLS. It may be changed before the first call.
func (c *Client) tls() *tls.Config {
	transport, ok := c.http.Transport.(*http.Transport)
	if !ok {
		transport = http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		c.http.Transport = transport
	}
	return transport.TLSClientConfig
}

// URL returns the address of the gateway.
func (c *Client) URL() string { return c.base }

// Answer is a response of the gateway.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Decode decodes the answer as JSON. It does nothing if into is nil.
func (a *Answer) Decode(into any) error {
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return fmt.Errorf("couldn't understand the gateway's answer: %w", err)
	}
	return nil
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

// Do sends a request and reads the answer. A status of 400 or above is an error of type *Problem.
func (c *Client) Do(ctx context.Context, call Call) (*Answer, error) {
	response, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := c.read(response.Body, c.most)
	if err != nil {
		return nil, err
	}
	return &Answer{response.StatusCode, response.Header, body}, nil
}

// Copy sends a request and copies the body of the answer to out, whatever its length. A status of 400 or above is an
// error of type *Problem, and nothing is written. After any other error, a part of the body may have been written.
func (c *Client) Copy(ctx context.Context, call Call, out io.Writer) (http.Header, error) {
	response, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	n, err := io.Copy(out, response.Body)
	if err != nil {
		return nil, exit.Unreachablef(
			"the answer of %s was cut off after %d bytes, or couldn't be written: %w",
			c.base,
			n,
			err,
		)
	}
	return response.Header, nil
}

// send sends a request and reads the header of the answer. The caller MUST close the body.
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
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	request.Header.Set("Accept", cmp.Or(call.Accept, "application/json, application/problem+json"))
	if call.Body != nil {
		request.Header.Set("Content-Type", cmp.Or(call.Type, "application/json"))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	if response.StatusCode < 400 {
		return response, nil
	}
	defer response.Body.Close()
	body, err := c.read(response.Body, min(c.most, maxProblem))
	if err != nil {
		return nil, err
	}
	return nil, readProblem(response, body)
}

// read reads the whole body of an answer, of at most so many bytes.
func (c *Client) read(body io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return nil, exit.Unreachablef("the answer of %s was cut off after %d bytes: %w", c.base, len(text), err)
	}
	if int64(len(text)) > most {
		return nil, exit.Refusedf("the answer of %s has more than %d bytes", c.base, most)
	}
	return text, nil
}

// Get sends a GET request and decodes the JSON of the answer.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	answer, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path, Query: query})
	if err != nil {
		return err
	}
	return answer.Decode(into)
}

// Post sends a value as JSON and decodes the JSON of the answer.
func (c *Client) Post(ctx context.Context, path string, body, into any) (*Answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode a request: %w", err)
	}
	answer, err := c.Do(ctx, Call{Method: http.MethodPost, Path: path, Body: text})
	if err != nil {
		return nil, err
	}
	return answer, answer.Decode(into)
}

// AwaitBlock waits until this gateway's answers include a block. A caller needs it to see what another organisation's
// gateway has just recorded.
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

// unreachable returns the error for a gateway that doesn't answer.
func unreachable(base string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return exit.Unreachablef("no gateway answers at %s (%w); is the network up? try `pedigree status`", base, err)
}

// All reads all pages of a list.
func All[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	var all []T
	for query = maps.Clone(query); ; {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"nextPageToken"`
		}
		if err := c.Get(ctx, path, query, &page); err != nil || page.Next == "" {
			return append(all, page.Items...), err
		}
		if len(page.Items) == 0 {
			return nil, fmt.Errorf("the gateway's list at %s has a page without items and doesn't end", path)
		}
		all = append(all, page.Items...)
		if query == nil {
			query = url.Values{}
		}
		query.Set("pageToken", page.Next)
	}
}
