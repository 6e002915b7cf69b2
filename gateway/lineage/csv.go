package lineage

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteCSV writes the nodes of an answer as a table, a line for each.
func (a *Answer) WriteCSV(out io.Writer) error {
	heading := []string{
		"node",
		"kind",
		"depth",
		"carrier",
		"recorded by",
		"block",
		"transaction",
		"recorded at",
		"type",
		"time",
		"action",
		"business step",
		"disposition",
		"read point",
		"location",
		"event id",
		"digest",
		"flags",
	}
	return writeTable(out, heading, func(add func(...string)) {
		for _, n := range a.Nodes {
			add(
				n.ID,
				n.Kind,
				strconv.Itoa(n.Depth),
				strconv.FormatBool(n.Carrier),
				n.MSPID,
				strconv.FormatUint(n.Block, 10),
				n.Transaction,
				stamp(n.Recorded),
				n.Type,
				stamp(n.Time),
				n.Action,
				n.BizStep,
				n.Disposition,
				n.ReadPoint,
				n.BizLocation,
				n.EventID,
				n.Digest,
				strings.Join(n.Flags, " "),
			)
		}
	})
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
