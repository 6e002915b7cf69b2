package picture

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// mark is the most urgent thing to know about a node. The constants are in order, the least urgent first. A mark is
// shown as a badge with words and as its own kind of line, never by colour alone.
type mark uint8

const (
	plain mark = iota
	certified
	approved
	corrected
	finding
	affected  // something that it came from is recalled, withdrawn or warned of
	mistaken  // declared an error
	warned    // somebody warns of it who doesn't answer for it
	withdrawn // consent or licence is withdrawn
	recalled
)

var (
	markClasses = [...]string{"", "good", "good", "note", "note", "affected", "bad", "affected", "bad", "bad"}
	markWords   = [...]string{
		"",
		"certified",
		"approved",
		"corrected",
		"finding",
		"affected",
		"in error",
		"warned of",
		"withdrawn",
		"recalled",
	}
	markFlags = map[string]mark{
		record.FlagOf(record.Certificate): certified, record.FlagOf(record.Approval): approved,
		record.FlagOf(record.Correction): corrected,
		record.FlagOf(record.Finding):    finding, lineage.FlagError: mistaken, record.FlagOf(record.Withdrawal): withdrawn,
		record.FlagOf(record.Recall): recalled, record.FlagOf(record.Warning): warned,
	}
	retracted = record.FlagOf(record.Retraction)
)

// warns tells whether a node is a statement that warns.
func (n *node) warns() bool { return n.Kind == "statement" && record.Warns(n.Type) }

// The degrees in which a node is affected.
const (
	sound   = iota
	touched // a recalled event observed it, or its carrier: observations at other times may still be sound
	tainted
)

// spread marks the nodes, including those that others affect: everything that came from something recalled or
// withdrawn, and the things that a recalled event observed. An event that only observed such a thing isn't affected.
// If start is true, the node asked about is affected.
func (g *graph) spread(start bool) {
	reached := make([]int, len(g.nodes))
	var queue []int
	reach := func(v, how int) {
		if reached[v] < how {
			reached[v] = how
			queue = append(queue, v)
		}
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		for _, flag := range n.Flags {
			n.mark = max(n.mark, markFlags[flag])
		}
		if n.mark >= warned || n.warns() && !slices.Contains(n.Flags, retracted) {
			reach(i, tainted)
		}
	}
	if start {
		reach(0, tainted)
	}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, i := range g.out[v] {
			e := g.edges[i]
			switch {
			case e.line == causes:
				reach(e.to, tainted)
			case e.line == holds:
				reach(e.to, reached[v])
			case reached[v] == tainted:
				if !g.alone(e.to) {
					reach(e.to, tainted)
				}
			}
		}
		if g.nodes[v].mark < warned || g.nodes[v].Kind != "event" {
			continue
		}
		for _, i := range g.in[v] {
			if g.edges[i].line == observes {
				reach(g.edges[i].from, touched)
			}
		}
	}
	for i := range g.nodes {
		if n := &g.nodes[i]; reached[i] > sound && !n.warns() {
			n.mark = max(n.mark, affected)
		}
	}
}

// state lists the flags and marks of a node in words.
func (n *node) state() string {
	words := slices.Clone(n.Flags)
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, "-", " ")
	}
	if n.mark == affected {
		words = append(words, "affected")
	}
	if n.Carrier {
		words = append(words, "carrier only")
	}
	return strings.Join(words, ", ")
}
