package verb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/cli/text"
	"github.com/spf13/cobra"
)

// lineageEvents splits a document of OpenLineage events: one event, an array of them, or one after the other. What is no
// JSON is a piece, up to the next line that begins with an object, and the gateway says what is wrong with it. It
// returns false if the first object of the document is no OpenLineage event.
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
		} else if err != nil {
			rest := bytes.TrimSpace(document[min(int(decoder.InputOffset()), len(document)):])
			next := bytes.Index(rest, []byte("\n{"))
			if next < 0 || rest[0] == '[' {
				return append(events, rest), true
			}
			events = append(events, bytes.TrimSpace(rest[:next]))
			document = rest[next+1:]
			decoder = json.NewDecoder(bytes.NewReader(document))
			continue
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

// startsAsLineage looks at the member names of the first object until one of them decides.
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
		case "eventTime": // EPCIS has it too
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

// captureLineage sends the events of a document and prints the state of each run. It returns false if the gateway
// refused an event or a run failed.
func captureLineage(
	c *cobra.Command, gateway *client.Client, t *client.Target, name string, events []json.RawMessage, leave bool,
) (bool, error) {
	report := &client.LineageReport{Events: len(events), Refused: []client.RefusedEvent{}, Runs: []client.LineageRun{}}
	line := terminal.NewProgress(c.ErrOrStderr())
	err := gateway.SendLineage(c.Context(), events, report)
	if err == nil {
		show := func(n int) { line.Show("%s: %d runs done", name, n) }
		err = gateway.AwaitLineage(c.Context(), runIDs(events), leave, report, show)
	}
	if err == nil && !leave {
		err = gateway.AwaitJobs(c.Context(), staticJobs(events))
	}
	line.Done()
	if err != nil {
		return false, err
	}
	good := len(report.Refused) == 0
	for _, r := range report.Runs {
		good = good && r.State != "failed"
	}
	if t.JSON {
		text, err := json.Marshal(report)
		if err != nil {
			return false, fmt.Errorf("couldn't encode a report: %w", err)
		}
		return good, terminal.JSON(c.OutOrStdout(), text)
	}
	return good, text.Runs(c.OutOrStdout(), name, report)
}

// runIDs returns the id of each run that the events mention, once.
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

// staticJobs returns the name of each job that the events tell of without a run, once.
func staticJobs(events []json.RawMessage) (names []string) {
	for _, event := range events {
		var e struct {
			Run json.RawMessage
			Job struct{ Name string }
		}
		if json.Unmarshal(event, &e) == nil && e.Run == nil && e.Job.Name != "" && !slices.Contains(names, e.Job.Name) {
			names = append(names, e.Job.Name)
		}
	}
	return names
}
