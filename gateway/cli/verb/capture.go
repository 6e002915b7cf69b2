package verb

import (
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

// Capture sends EPCIS documents and waits until the ledger has them.
func Capture() *cobra.Command {
	var t client.Target
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
` + client.TargetHelp,
		Example: `  pedigree capture --as harbor landing.jsonld
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
				document, err := input.File(c.InOrStdin(), file)
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
				return exit.Refusedf("%d of %d documents had events or runs that were rejected", bad, len(files))
			}
			return nil
		},
	}
	t.AddFlags(c)
	c.Flags().BoolVar(&proceed, "proceed", false, "record the good events of a document that has bad ones")
	c.Flags().BoolVar(&leave, "no-wait", false, "return when the gateway has the document safely on disk, and print the job")
	return c
}

func captureOne(c *cobra.Command, gateway *client.Client, t *client.Target, name string, document []byte, proceed, leave bool) (bool, error) {
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
			line.Show("%s: %d of %d events on the ledger %s", name, j.Counts.Recorded+j.Counts.Duplicate, j.Counts.Total, j.Waiting)
		})
		line.Done()
		if err != nil {
			return false, err
		}
	}
	if t.JSON {
		answer, err := gateway.Do(c.Context(), client.Call{Method: http.MethodGet, Path: "/epcis/v2/capture/" + url.PathEscape(job.ID), Query: url.Values{"perPage": {"1000"}}})
		if err != nil {
			return false, err
		}
		return job.Success, terminal.JSON(c.OutOrStdout(), answer.Body)
	}
	return job.Success, text.Job(c.OutOrStdout(), name, job)
}
