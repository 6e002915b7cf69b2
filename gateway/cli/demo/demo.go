// Package demo plays the story that Pedigree exists for, through the REST
// interfaces of three organisations and nothing else: salmon is landed, packed
// and shipped; temperatures measured on the way become datasets, the datasets
// models, the models decide about lots; then a logger turns out to be wrong,
// and its recall finds everything that its readings touched, in all three organisations,
// and nothing else.
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

// Command plays the story on the network in a folder.
func Command() *cobra.Command {
	var dir, run string
	var asJSON bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play the salmon cold chain on the network, and tell the story",
		Long: `Play the salmon cold chain on the network in --dir: Harbor lands and packs, Market
ships, measures and sells, Lab makes datasets of the temperatures, trains and tunes
models on them and decides about three lots; a recall then finds all that a wrong
logger touched, and leaves the rest alone. Everything goes through the REST gateways of the
three organisations.

Playing the same --run again records nothing twice. Datasets and models are
kept in the network's folder, under demo/, so that their digests can be checked.`,
		Example: `  pedigree up --detach && pedigree demo
  pedigree demo --run B`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !regexp.MustCompile(`^[A-Za-z0-9]{1,12}$`).MatchString(run) {
				return fmt.Errorf("--run %q is not 1 to 12 letters and digits", run)
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
	c.Flags().StringVar(&run, "run", "A", "name of this play, part of every lot and version")
	c.Flags().BoolVar(&asJSON, "json", false, "print what was recorded as JSON lines instead of telling")
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
	block   uint64 // the newest that something of the story is in

	measured []string // the record ids of all readings, in their order
	models   []string // those trained so far
}

// as is an organisation's gateway, once it has seen all that went before.
func (s *story) as(org string) (*client.Client, error) {
	gateway := s.members[org]
	return gateway, gateway.AwaitBlock(s.ctx, s.block)
}

// tell says what happens, to people.
func (s *story) tell(format string, args ...any) {
	if !s.json {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}

// chapter opens a part of the story.
func (s *story) chapter(title string) {
	s.tell("\n%s\n%s", title, strings.Repeat("─", len([]rune(title))))
}

// note says that something is on the ledger.
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

// capture sends events as one organisation and returns their record ids.
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
		return nil, fmt.Errorf("%s couldn't see its events through: %w", org, err)
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

// record posts anything else as one organisation.
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
