package text

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Columns prints the lineage of a column as a tree, each column once.
func Columns(w io.Writer, c client.Columns) error {
	p := &terminal.Lines{Out: w}
	flags := map[client.ColumnName][]string{}
	for _, one := range c.Columns {
		flags[one.ColumnName] = one.Flags
	}
	printed := map[client.ColumnName]bool{}
	var draw func(at client.ColumnName, branch, below, how string)
	draw = func(at client.ColumnName, branch, below, how string) {
		line := branch + terminal.Plain(at.Node) + "  " + terminal.Plain(at.Column)
		if printed[at] {
			p.Print("%s  *", line)
			return
		}
		printed[at] = true
		for _, flag := range flags[at] {
			line += "  " + strings.ToUpper(terminal.Plain(flag))
		}
		p.Print("%s%s", line, how)
		type next struct {
			to  client.ColumnName
			how string
		}
		var all []next
		for _, e := range c.Edges {
			near, far := e.To, e.From
			if c.Direction == "descendants" {
				near, far = far, near
			}
			if near != at {
				continue
			}
			how := ""
			if said := transformed(e.Transformations); said != "" {
				how = "  (" + said + ")"
			}
			all = append(all, next{far, how})
		}
		for i, n := range all {
			if i == len(all)-1 {
				draw(n.to, below+"└─ ", below+"   ", n.how)
			} else {
				draw(n.to, below+"├─ ", below+"│  ", n.how)
			}
		}
	}
	draw(c.ColumnName, "", "", "")
	for _, e := range c.Ends {
		p.Print("%s", end(e.ColumnName, e.Record, e.Other, e.Why))
	}
	if c.Truncated != nil {
		p.Print("The walk was cut short by its limits (%s).", terminal.Plain(strings.Join(c.Truncated.Reasons, ", ")))
	}
	p.Print("%s, as of block %d", terminal.Count(len(c.Columns), "column"), c.Block)
	return p.Err
}

// end says where column lineage ends, why, and what to ask instead.
func end(at client.ColumnName, record, other, why string) string {
	where := terminal.Plain(at.Node) + " " + terminal.Plain(at.Column)
	if other != "" {
		other = " of " + terminal.Plain(other)
	}
	switch why {
	case "derived":
		return fmt.Sprintf("Behind %s nothing is told of columns%s: pedigree trace tells the rest.", where, other)
	case "undefined":
		return fmt.Sprintf("Behind %s: the run %s tells columns, and this is none of them.", where,
			terminal.Plain(record))
	}
	return fmt.Sprintf(
		"Behind %s: the run %s tells no columns%s; pedigree trace tells the rest.",
		where,
		terminal.Plain(record),
		other,
	)
}

// transformed describes the transformations of a run in the words of OpenLineage.
func transformed(transformations json.RawMessage) string {
	var list []struct {
		Type        string `json:"type"`
		Subtype     string `json:"subtype"`
		Description string `json:"description"`
	}
	if len(transformations) == 0 || json.Unmarshal(transformations, &list) != nil {
		return "" // the member is free-form JSON, so it may be something else
	}
	var words []string
	for _, t := range list {
		for _, word := range []string{t.Description, t.Subtype, t.Type} {
			if word != "" {
				words = append(words, terminal.Plain(word))
				break
			}
		}
	}
	return strings.Join(words, "; ")
}
