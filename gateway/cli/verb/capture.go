package verb

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/cli/text"
	"github.com/spf13/cobra"
)

// Capture returns the verb that sends EPCIS documents and OpenLineage events.
func Capture() *cobra.Command {
	var t client.Target
	var proceed, leave, check bool
	c := &cobra.Command{
		Use:   "capture FILE...",
		Short: "Send EPCIS 2.0 documents or OpenLineage events and wait until the ledger has them",
		Long: `Send EPCIS 2.0 documents, and wait until the ledger has their events. A document
is JSON or JSON-LD; - reads standard input.

If one event of a document is bad, none of its events is recorded. With --proceed
the good ones are. If you send a document again, its events are not recorded
twice. The command prints how many events of each document were recorded, which
ones were there already, and what is wrong with the others. Warnings about
events that were recorded all the same go to standard error.

With --check nothing is recorded. The command prints what capture would say, and
exits with 1 if an event would be rejected. OpenLineage events can't be checked.

A file may hold OpenLineage events instead: one event, an array of them, or one
on each line. The command recognises them, and prints the state of each run. A
run that has not ended stays open in the gateway.
` + client.TargetHelp,
		Example: `  pedigree capture --as harbor landing.jsonld
  pedigree capture --as harbor --check landing.jsonld
  pedigree capture --as harbor --proceed --json events/*.jsonld | jq .counts
  pedigree capture --as lab airflow.ndjson`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			bad := 0
			for _, file := range files {
				document, err := input.File(c.InOrStdin(), file, input.MaxDocument)
				if err != nil {
					return err
				}
				document = bytes.TrimPrefix(document, []byte("\ufeff")) // a byte order mark means nothing
				one := captureOne
				if check {
					one = checkOne
				}
				ok, err := one(c, gateway, &t, file, document, proceed, leave)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				if !ok {
					bad++
				}
			}
			if bad > 0 && check {
				return exit.Refusedf("%d of %d documents have events that would be rejected; nothing was recorded", bad, len(files))
			}
			if bad > 0 {
				return exit.Refusedf("%d of %d documents had events or runs that were rejected", bad, len(files))
			}
			return nil
		},
	}
	t.AddFlags(c)
	c.Flags().BoolVar(&proceed, "proceed", false, "record the good events of a document that also has bad ones")
	c.Flags().BoolVar(&leave, "no-wait", false, "return when the gateway has the document on disk, and print the job")
	c.Flags().BoolVar(&check, "check", false, "print what capture would say, and record nothing")
	c.MarkFlagsMutuallyExclusive("check", "no-wait")
	return c
}

// checkOne prints what a capture of one document would say. It returns false if a part of the document would be
// rejected.
func checkOne(
	c *cobra.Command, gateway *client.Client, t *client.Target, name string, document []byte, proceed, _ bool,
) (bool, error) {
	if startsAsLineage(document) {
		return false, exit.With(exit.Usage, errors.New(
			"it holds OpenLineage events, which can't be checked before they are sent; leave it out, or leave out --check"))
	}
	check, answer, err := gateway.Check(c.Context(), document, proceed)
	if err != nil {
		return false, err
	}
	if err := text.EventWarnings(c.ErrOrStderr(), name, check.Warnings, check.Counts.Warnings); err != nil {
		return false, err
	}
	ok := check.Counts.Rejected == 0
	if t.JSON {
		return ok, terminal.JSON(c.OutOrStdout(), answer)
	}
	return ok, text.Check(c.OutOrStdout(), name, check)
}

// captureOne sends one document and prints the result. It returns false if the gateway rejected a part of the document.
func captureOne(
	c *cobra.Command, gateway *client.Client, t *client.Target, name string, document []byte, proceed, leave bool,
) (bool, error) {
	if events, ok := lineageEvents(document); ok {
		return captureLineage(c, gateway, t, name, events, leave)
	}
	job, err := gateway.Capture(c.Context(), document, proceed)
	if err != nil {
		return false, err
	}
	if !leave {
		line := terminal.NewProgress(c.ErrOrStderr())
		job, err = gateway.Await(c.Context(), job.ID, func(j *client.Job) {
			n := j.Counts
			line.Show("%s: %d of %d events on the ledger %s", name, n.Recorded+n.Duplicate, n.Total, j.Waiting)
		})
		line.Done()
		if err != nil {
			return false, err
		}
	}
	if err := text.EventWarnings(c.ErrOrStderr(), name, job.Warnings, job.Counts.Warnings); err != nil {
		return false, err
	}
	if t.JSON {
		answer, err := gateway.Do(c.Context(), client.Call{
			Method: http.MethodGet, Path: "/epcis/v2/capture/" + url.PathEscape(job.ID),
			Query: url.Values{"perPage": {"1000"}},
		})
		if err != nil {
			return false, err
		}
		return job.Success, terminal.JSON(c.OutOrStdout(), answer.Body)
	}
	return job.Success, text.Job(c.OutOrStdout(), name, job)
}
