package web

import (
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/web/picture"
)

// Lineage is the page with the picture of where something comes from and what it touched. Without a Picture it asks
// for a node.
type Lineage struct {
	Frame
	Asked string // the question as the visitor wrote it
	Fault string // what is wrong with the question; may be empty

	Node             string // in its canonical spelling
	Title, Sub, Word string // for people
	Flags            []string
	Direction        string
	Directions       []Choice
	Depths           []Choice
	At               string // the block that was asked for; empty for the latest
	Block            uint64 // the ledger is shown as it was after this block
	Picture          *picture.Picture
	Lanes            int      // organisations in it
	Recalled         int      // nodes that are recalled
	Causes           string   // address that shows which recalled node it came from, if it did and the picture doesn't show that
	Cut              []string // why the walk ended early, in words
	Further          string   // address of the same page with a longer walk; empty if there is no more
	Fold             string   // address of the same page with everything folded; empty if nothing is unfolded
	Exports          []Export
}

// Choice is one value that a field can have.
type Choice struct {
	Value, Text string
	Chosen      bool
}

// Export is one format to download something in.
type Export struct{ Name, About, Path string }

// Height is the class of the frame around the picture. It gives the frame its size before the picture is drawn: the
// multiple of 4 rem that the picture needs, but no more than a screen has.
func (l *Lineage) Height() string {
	const step, most = 64, 12
	if n := (l.Picture.Height + step - 1) / step; n <= most {
		return fmt.Sprint("stage-", max(n, 3))
	}
	return "stage-full"
}

// Summary says in a sentence what the picture shows.
func (l *Lineage) Summary() string {
	p := l.Picture
	s := fmt.Sprintf("%s %s", count(p.Nodes), plural(p.Nodes, "node", "nodes"))
	if l.Lanes > 1 {
		s += fmt.Sprintf(" of %d organisations", l.Lanes)
	}
	if p.Folds > 0 {
		s += fmt.Sprintf(
			", %s drawn one by one and the others in %d %s",
			count(p.Drawn),
			p.Folds,
			plural(p.Folds, "fold", "folds"),
		)
	}
	return s + ", as of block " + count(l.Block) + "."
}

// mostRefs is the most neighbours that a row of the table names.
const mostRefs = 6

// refs names the neighbours of a row: each name once, with the number of neighbours that have it.
func refs(list []picture.Ref) string {
	var names []string
	times := map[string]int{}
	for _, r := range list {
		name := r.Title
		if r.How != "led to" {
			name += " (" + r.How + ")"
		}
		if times[name]++; times[name] == 1 {
			names = append(names, name)
		}
	}
	left := len(list)
	for i, name := range names {
		if i == mostRefs {
			names = append(names[:mostRefs], fmt.Sprintf("%d more", left))
			break
		}
		left -= times[name]
		if times[name] > 1 {
			names[i] = fmt.Sprintf("%s ×\u202f%d", name, times[name])
		}
	}
	return strings.Join(names, ", ")
}
