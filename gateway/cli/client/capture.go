package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// Capture sends EPCIS documents and waits until the ledger has them.
func Capture() *cobra.Command {
	var t Target
	var proceed, leave bool
	c := &cobra.Command{
		Use:   "capture FILE...",
		Short: "Send EPCIS 2.0 documents or OpenLineage events and wait until the ledger has them",
		Long: `Send EPCIS 2.0 documents (JSON or JSON-LD; - is standard input) and wait until
every organisation's ledger has their events.

A document is recorded as a whole or not at all, unless --proceed asks to keep
what is good of it. Sending a document again records nothing twice and says so.

A file of OpenLineage events (one, an array, or one in each line) is recognised
by what is in it. Its events are taken one by one, and what becomes of each run
is told; a run that has not ended stays open in the gateway.
` + whereHelp,
		Example: `  pedigree capture --as harbor landing.jsonld
  pedigree capture --as harbor --proceed --json events/*.jsonld | jq .counts
  pedigree capture --as lab airflow.ndjson`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			gateway, err := t.client()
			if err != nil {
				return err
			}
			bad := 0
			for _, file := range files {
				document, err := readFile(c.InOrStdin(), file)
				if err != nil {
					return err
				}
				ok, err := captureOne(c, gateway, &t, file, document, proceed, leave)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				if !ok {
					bad++
				}
			}
			if bad > 0 {
				return failure{fmt.Errorf("%d of %d documents had events or runs that were rejected", bad, len(files)), ExitRefused}
			}
			return nil
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&proceed, "proceed", false, "record the good events of a document that has bad ones")
	c.Flags().BoolVar(&leave, "no-wait", false, "return when the gateway has the document safely on disk, and print the job")
	return c
}

func readFile(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		text, err := io.ReadAll(io.LimitReader(stdin, maxAnswer))
		if err != nil {
			return nil, usage("couldn't read standard input: %w", err)
		}
		return text, nil
	}
	text, err := os.ReadFile(name)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, usage("couldn't read %s: %w", name, path.Err)
	}
	return text, err
}

func captureOne(c *cobra.Command, gateway *Client, t *Target, name string, document []byte, proceed, leave bool) (bool, error) {
	if events, ok := lineageEvents(document); ok {
		return captureLineage(c, gateway, t, name, events, leave)
	}
	job, err := gateway.Capture(c.Context(), document, proceed)
	if err != nil {
		return false, err
	}
	if !leave {
		line := newProgress(c.ErrOrStderr())
		job, err = gateway.Await(c.Context(), job.ID, func(j *Job) {
			line.show("%s: %d of %d events on the ledger %s", name, j.Counts.Recorded+j.Counts.Duplicate, j.Counts.Total, j.Waiting)
		})
		line.done()
		if err != nil {
			return false, err
		}
	}
	if t.json {
		answer, err := gateway.Do(c.Context(), Call{Method: http.MethodGet, Path: "/epcis/v2/capture/" + url.PathEscape(job.ID), Query: url.Values{"perPage": {"1000"}}})
		if err != nil {
			return false, err
		}
		return job.Success, printJSON(c.OutOrStdout(), answer.Body)
	}
	return job.Success, printJob(c.OutOrStdout(), name, job)
}

// Capture sends one document. The answer is a job, which is safe on the
// gateway's disk and not yet on the ledger.
func (c *Client) Capture(ctx context.Context, document []byte, proceed bool) (*Job, error) {
	behaviour := "rollback"
	if proceed {
		behaviour = "proceed"
	}
	answer, err := c.Do(ctx, Call{Method: http.MethodPost, Path: "/epcis/v2/capture", Type: "application/ld+json", Body: document,
		Header: http.Header{"Gs1-Capture-Error-Behaviour": {behaviour}}})
	if err != nil {
		return nil, err
	}
	job := new(Job)
	return job, decode(answer.Body, job)
}

// Await asks for a job until it has ended. Its answer has the first thousand
// results.
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

// fewResults is how many results people would still read one by one.
const fewResults = 25

func printJob(w io.Writer, name string, job *Job) error {
	n := job.Counts
	state := "recorded"
	if job.Running {
		state = "kept, job " + job.ID
	}
	fmt.Fprintf(w, "%s: %d events %s", plain(name), n.Total, state)
	for _, part := range []struct {
		n    int
		what string
	}{{n.Duplicate, "already on the ledger"}, {n.Rejected, "rejected"}} {
		if part.n > 0 {
			fmt.Fprintf(w, ", %d of them %s", part.n, part.what)
		}
	}
	fmt.Fprintln(w)
	for _, r := range job.Results {
		if r.State == "pending" || (r.State != "rejected" && n.Total > fewResults) {
			continue
		}
		where := ""
		if r.Tx != "" {
			where = fmt.Sprintf("block %d", r.Block)
		}
		fmt.Fprintf(w, "  %3d %-9s %s  %s\n", r.Index, r.State, plain(r.ID), where)
		for _, p := range r.Problems {
			fmt.Fprintf(w, "        %s %s\n", plain(p.Pointer), plain(p.Detail))
		}
	}
	return nil
}
