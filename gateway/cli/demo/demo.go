// Package demo implements the command demo, which plays a story through the REST interfaces of three organisations.
// [Command] is its entry point.
//
// Salmon is landed, packed and shipped. Temperatures measured on the way become datasets, the datasets train models,
// and the models decide about lots. Then a temperature logger turns out to be wrong. The recall of its readings finds
// everything that they affected in all three organisations, and nothing else.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// Command returns the command demo.
func Command() *cobra.Command {
	var dir, run string
	var asJSON bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play the story of a salmon cold chain on the network",
		Long: `Play the story of a salmon cold chain on the network in --dir. Harbor lands and packs
salmon. Market ships it, measures its temperature and sells it. Lab makes datasets of
the temperatures, trains and fine-tunes models on them, and decides about three lots.
Then a recall finds everything that a faulty logger affected, and nothing else. The
story uses only the REST interfaces of the three organisations' gateways.

Playing the same --run again records nothing twice. The datasets and models are kept
in the folder demo/ of the network's folder, so that you can check their digests.`,
		Example: `  pedigree up --detach && pedigree demo
  pedigree demo --run B`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !regexp.MustCompile(`^[A-Za-z0-9]{1,12}$`).MatchString(run) {
				return fmt.Errorf("--run must be 1 to 12 letters and digits, not %q", run)
			}
			s := &story{
				ctx:     c.Context(),
				out:     c.OutOrStdout(),
				run:     run,
				dir:     dir,
				json:    asJSON,
				members: map[string]*client.Client{},
			}
			for _, org := range []string{"harbor", "market", "lab"} {
				gateway, err := client.Local(dir, org, "submitter")
				if err != nil {
					return err
				}
				s.members[org] = gateway
			}
			return s.play()
		},
	}
	c.Flags().StringVar(&dir, "dir", ".pedigree", "folder of the network")
	c.Flags().StringVar(&run, "run", "A", "name of this play; it becomes part of every lot and version")
	c.Flags().BoolVar(&asJSON, "json", false, "print what was recorded as JSON lines instead of the story")
	return c
}

// story is one play of the demo.
type story struct {
	ctx     context.Context
	out     io.Writer
	run     string
	dir     string
	json    bool
	members map[string]*client.Client
	block   uint64 // the newest block with something of the story in it

	measured []string // record ids of all readings, in the order of readings()
	models   []string // the models trained so far
}

// as returns an organisation's gateway, after waiting until it has indexed everything recorded so far.
func (s *story) as(org string) (*client.Client, error) {
	gateway := s.members[org]
	return gateway, gateway.AwaitBlock(s.ctx, s.block)
}

// tell prints a line of the story. With --json it prints nothing.
func (s *story) tell(format string, args ...any) {
	if !s.json {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}

// chapter prints the heading of a chapter.
func (s *story) chapter(title string) {
	s.tell("\n%s\n%s", title, strings.Repeat("─", len([]rune(title))))
}

// note reports that something is on the ledger. again says that it already was before this play.
func (s *story) note(org, what, id string, again bool) error {
	if s.json {
		line, err := json.Marshal(map[string]any{"organisation": org, "what": what, "id": id, "alreadyRecorded": again})
		if err != nil {
			return fmt.Errorf("couldn't encode a line: %w", err)
		}
		_, err = fmt.Fprintf(s.out, "%s\n", line)
		return err
	}
	mark := ""
	if again {
		mark = " (already on the ledger)"
	}
	_, err := fmt.Fprintf(s.out, "  %-6s  %s%s\n          %s\n", strings.ToUpper(org[:1])+org[1:], what, mark, id)
	return err
}

// capture sends events as an organisation and returns their record ids, in the same order.
func (s *story) capture(org string, steps ...step) ([]string, error) {
	events := make([]map[string]any, len(steps))
	for i, step := range steps {
		events[i] = step.event
	}
	document, err := json.Marshal(map[string]any{
		"@context": []any{
			"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
			map[string]string{"demo": "https://pedigree-ledger.github.io/demo/"},
		},
		"type":          "EPCISDocument",
		"schemaVersion": "2.0",
		"creationDate":  "2026-03-01T00:00:00Z",
		"epcisBody":     map[string]any{"eventList": events},
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't encode a document: %w", err)
	}
	gateway, err := s.as(org)
	if err != nil {
		return nil, err
	}
	job, err := gateway.Capture(s.ctx, document, false)
	if err != nil {
		return nil, fmt.Errorf("%s couldn't capture events: %w", org, err)
	}
	if job, err = gateway.Await(s.ctx, job.ID, nil); err != nil {
		return nil, fmt.Errorf("%s couldn't wait for its events: %w", org, err)
	}
	if !job.Success || len(job.Results) != len(steps) {
		return nil, fmt.Errorf("%s's events were rejected: %v", org, job.Errors)
	}
	ids := make([]string, len(steps))
	for i, r := range job.Results {
		ids[i] = r.ID
		s.block = max(s.block, r.Block)
		if err := s.note(org, steps[i].words, r.ID, r.State == "duplicate"); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// record posts anything other than an event as an organisation.
func (s *story) record(org, words, path string, body any) (*client.Receipt, error) {
	gateway, err := s.as(org)
	if err != nil {
		return nil, err
	}
	_, receipt, err := gateway.Record(s.ctx, path, body)
	if err != nil {
		return nil, fmt.Errorf("%s couldn't record: %s: %w", org, words, err)
	}
	s.block = max(s.block, receipt.Block)
	return receipt, s.note(org, words, receipt.ID, receipt.AlreadyRecorded)
}
