package client

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// ColumnName is a column of an artifact version.
type ColumnName struct {
	Node   string `json:"node"`
	Column string `json:"column"`
}

// Columns is the lineage of a column.
type Columns struct {
	ColumnName
	Direction string `json:"direction"`
	Block     uint64 `json:"block"`
	Columns   []struct {
		ColumnName
		MSPID string   `json:"mspId"`
		Flags []string `json:"flags"`
	} `json:"columns"`
	Edges []struct {
		From            ColumnName      `json:"from"`
		To              ColumnName      `json:"to"`
		Record          string          `json:"record"`
		Transformations json.RawMessage `json:"transformations"`
	} `json:"edges"`
	Ends []struct {
		ColumnName
		Record string `json:"record"`
		Other  string `json:"other"`
		Why    string `json:"why"`
	} `json:"ends"`
	Truncated *struct {
		Reasons []string `json:"reasons"`
	} `json:"truncated"`
}

// Print draws the columns as a tree, each once.
func (c Columns) Print(w io.Writer) error {
	p := &printer{out: w}
	flags := map[ColumnName][]string{}
	for _, one := range c.Columns {
		flags[one.ColumnName] = one.Flags
	}
	printed := map[ColumnName]bool{}
	var print func(at ColumnName, branch, below, how string)
	print = func(at ColumnName, branch, below, how string) {
		line := branch + plain(at.Node) + "  " + plain(at.Column)
		if printed[at] {
			p.line("%s  *", line)
			return
		}
		printed[at] = true
		for _, flag := range flags[at] {
			line += "  " + strings.ToUpper(plain(flag))
		}
		p.line("%s%s", line, how)
		type next struct {
			to  ColumnName
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
				print(n.to, below+"└─ ", below+"   ", n.how)
			} else {
				print(n.to, below+"├─ ", below+"│  ", n.how)
			}
		}
	}
	print(c.ColumnName, "", "", "")
	for _, e := range c.Ends {
		p.line("%s", end(e.ColumnName, e.Record, e.Other, e.Why))
	}
	if c.Truncated != nil {
		p.line("The walk was cut short by its limits (%s).", plain(strings.Join(c.Truncated.Reasons, ", ")))
	}
	p.line("%s, as of block %d", counted(len(c.Columns), "column"), c.Block)
	return p.err
}

// end says where nothing is told of columns any more, and what to ask instead.
func end(at ColumnName, record, other, why string) string {
	where := plain(at.Node) + " " + plain(at.Column)
	if other != "" {
		other = " of " + plain(other)
	}
	switch why {
	case "derived":
		return fmt.Sprintf("Behind %s nothing is told of columns%s: pedigree trace tells the rest.", where, other)
	case "undefined":
		return fmt.Sprintf("Behind %s: the run %s tells columns, and this is none of them.", where, plain(record))
	}
	return fmt.Sprintf("Behind %s: the run %s tells no columns%s; pedigree trace tells the rest.", where, plain(record), other)
}

// transformed is what a run tells people of a transformation, in the words of OpenLineage.
func transformed(transformations json.RawMessage) string {
	var list []struct {
		Type        string `json:"type"`
		Subtype     string `json:"subtype"`
		Description string `json:"description"`
	}
	if len(transformations) == 0 || json.Unmarshal(transformations, &list) != nil {
		return "" // it is free
	}
	var words []string
	for _, t := range list {
		for _, word := range []string{t.Description, t.Subtype, t.Type} {
			if word != "" {
				words = append(words, plain(word))
				break
			}
		}
	}
	return strings.Join(words, "; ")
}
