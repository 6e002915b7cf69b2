package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Events prints EPCIS events: a single one in full, several in two lines each.
func Events(w io.Writer, events []json.RawMessage) error {
	var out bytes.Buffer
	if len(events) == 1 {
		return terminal.JSON(w, events[0])
	}
	for _, text := range events {
		var e struct {
			Type, EventTime, BizStep, Disposition, EventID string
		}
		if err := json.Unmarshal(text, &e); err != nil {
			return fmt.Errorf("couldn't understand an event of the gateway's answer: %w", err)
		}
		fmt.Fprintf(&out, "%s  %s %s %s\n    %s\n", terminal.Plain(e.EventTime), terminal.Plain(e.Type),
			terminal.Plain(e.BizStep), terminal.Plain(e.Disposition), terminal.Plain(e.EventID))
	}
	_, err := out.WriteTo(w)
	return err
}
