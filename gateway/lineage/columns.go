package lineage

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// ColumnAnswer is what a column was made of, or what was made of it, column by
// column, as far as runs say so. Columns are in the order of their distance.
type ColumnAnswer struct {
	Node      string       `json:"node"`
	Column    string       `json:"column"`
	Direction Direction    `json:"direction"`
	Block     uint64       `json:"block"`
	Columns   []Column     `json:"columns"` // the first is the one asked about
	Edges     []ColumnEdge `json:"edges"`
	// Ends are where the walk can't go on column by column, because what is there says nothing of columns. From there on
	// the walk of whole artifacts, by Trace, tells more.
	Ends      []ColumnEnd `json:"ends"`
	Truncated *Truncation `json:"truncated,omitempty"`
}

// ColumnName is a column of an artifact version.
type ColumnName struct {
	Node   string `json:"node"`
	Column string `json:"column"`
}

// Column is a column that the walk came to.
type Column struct {
	ColumnName
	Depth     int       `json:"depth"`
	Direction Direction `json:"direction,omitempty"` // if both were asked for
	MSPID     string    `json:"mspId"`               // who named the artifact first
	Flags     []string  `json:"flags,omitempty"`     // of the artifact
}

// ColumnEdge leads from a column to one that was made of it.
type ColumnEdge struct {
	From            ColumnName      `json:"from"`
	To              ColumnName      `json:"to"`
	Record          string          `json:"record"` // the run that says so
	Transformations json.RawMessage `json:"transformations,omitempty"`
}

// ColumnEnd is where a column's walk ends for want of words.
type ColumnEnd struct {
	ColumnName
	Record string `json:"record"`          // the run, or the artifact's record, that says nothing of columns
	Other  string `json:"other,omitempty"` // the artifact on its other side, if there is one
	Why    string `json:"why"`             // see the constants
}

// Why a column's walk ends.
const (
	EndSilent    = "silent"    // the run doesn't tell the columns of its output
	EndDerived   = "derived"   // the artifact was derived as a whole
	EndUndefined = "undefined" // the run tells columns of its output, and this is none of them
)

// UnknownColumnError says that an artifact has no such column, as far as it is known.
type UnknownColumnError struct {
	Node, Column string
	Known        []string // some of the columns that it has; none if nothing is known of its columns
	Block        uint64
}

func (e *UnknownColumnError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf(
			"no run up to block %d says anything of the columns of %s; ask about the artifact as a whole",
			e.Block,
			e.Node,
		)
	}
	return fmt.Sprintf(
		"no run up to block %d knows a column %q of %s; those known are %s",
		e.Block,
		record.Brief(e.Column),
		e.Node,
		strings.Join(e.Known, ", "),
	)
}

// JoinColumns makes one answer of two about the same column, of which one has each direction.
func JoinColumns(up, down *ColumnAnswer) *ColumnAnswer {
	joined := *up
	joined.Direction = "both"
	joined.Columns = nil
	for _, a := range []*ColumnAnswer{up, down} {
		for i, c := range a.Columns {
			if i > 0 {
				c.Direction = a.Direction
			} else if a == down {
				continue // it is there already
			}
			joined.Columns = append(joined.Columns, c)
		}
	}
	joined.Edges, joined.Ends = slices.Concat(up.Edges, down.Edges), slices.Concat(up.Ends, down.Ends)
	if joined.Ends == nil {
		joined.Ends = []ColumnEnd{}
	}
	if joined.Edges == nil {
		joined.Edges = []ColumnEdge{}
	}
	if t := down.Truncated; t != nil {
		if joined.Truncated != nil {
			t = &Truncation{inWords(up.Truncated.Reasons, t.Reasons), inWords(up.Truncated.Frontier, t.Frontier)}
		}
		joined.Truncated = t
	}
	return &joined
}

func inWords(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// WriteCSV writes a line for each edge, and for each end, with nothing behind it.
func (a *ColumnAnswer) WriteCSV(out io.Writer) error {
	return writeTable(
		out,
		[]string{"from", "from column", "to", "to column", "record", "transformations", "end"},
		func(add func(...string)) {
			for _, e := range a.Edges {
				add(e.From.Node, e.From.Column, e.To.Node, e.To.Column, e.Record, string(e.Transformations), "")
			}
			for _, e := range a.Ends {
				add(e.Node, e.Column, e.Other, "", e.Record, "", e.Why)
			}
		},
	)
}
