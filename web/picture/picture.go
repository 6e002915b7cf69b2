package picture

import (
	"html/template"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Sizes of pictures, in drawn nodes.
const (
	DefaultWhole  = 40  // up to which nothing is folded
	DefaultTarget = 100 // to which an answer is folded
	DefaultMost   = 300 // that unfolding may lead to
	Step          = 40  // nodes that one unfolding adds, if nothing hangs on them
	BranchStep    = 12  // nodes that one unfolding adds, with all that hangs on them
)

// Options say how to draw. All fields are optional.
type Options struct {
	// Link gives the address of the page about a node; "" if it has none.
	Link func(*lineage.Node) string
	// Unfold gives the address of the same picture with a fold opened so far that extra more nodes of it are drawn.
	Unfold func(key string, extra int) string
	// Unfolded are the folds that are open, by their keys, with how many nodes more of each are drawn.
	Unfolded map[string]int
	// Whole is how many nodes an answer may have to be drawn without folds. If zero, the default.
	Whole int
	// Target is how many drawn nodes the picture is folded to, and Most how many there are in the end, whatever is unfolded. If zero, the defaults.
	Target, Most int
	// Affected tells that the node asked about came of something recalled or withdrawn that may not be in the answer; see Affected.
	Affected bool
	// Organisation gives the name of a lane. If nil, what is before "MSP" in the id of the organisation.
	Organisation func(mspID string) string
}

// Picture is an answer, drawn.
type Picture struct {
	SVG           template.HTML // the picture
	Gutter        template.HTML // the names of its lanes, a strip as high as the picture, to stand at its left; empty if there is only one lane
	Width, Height int           // of the picture, in CSS pixels
	Rows          []Row         // the same as a table, in the order of the answer
	Legend        []Entry       // what the shapes and lines mean, those that occur
	Nodes         int           // of the answer
	Drawn         int           // of those, drawn one by one; the others are counted in folds
	Folds         int           // drawn nodes that stand for several
	Coarse        bool          // there was so much that unlike nodes are folded together
	Full          bool          // no more can be unfolded
}

// Row is what the picture says about one drawn node.
type Row struct {
	Mark         int    // its number in the picture: its element has the id "n" and this number
	Title, Sub   string // as in the picture
	ID           string // the whole id; "" for a fold
	Link         string // to its page, or to the picture with the fold open; may be empty
	Kind         string // in words
	Organisation string
	Time         time.Time // may be zero
	State        string    // in words, may be empty
	Count        int       // of nodes that it stands for
	From, To     []Ref     // the drawn nodes that it is connected with
}

// Ref names another row.
type Ref struct {
	Mark  int
	Title string
	How   string // what the line between them means
}

// Entry explains one shape, as an SVG that refers to the picture on the same page.
type Entry struct {
	Symbol template.HTML
	Label  string
}

// Label gives a node two short lines for people: what it is called, and what else tells it from others.
func Label(n *lineage.Node) (title, sub string) { return label(n) }

// Word is what kind of node it is, for people: lot, training run, model.
func Word(n *lineage.Node) string { return lookOf(n).one }

// Affected tells whether the node that an answer is about came of something in the answer that is recalled or withdrawn, or is so itself.
func Affected(a *lineage.Answer) bool {
	g := read(a, Options{}.withDefaults())
	return g.nodes[0].mark == affected || g.nodes[0].mark >= withdrawn
}

// Draw draws an answer.
func Draw(a *lineage.Answer, o Options) *Picture {
	o = o.withDefaults()
	g := read(a, o)
	d := g.fold(o)
	d.collapse(o)
	d.assignLayers()
	d.assignLanes()
	d.route()
	d.reduceCrossings()
	d.place()
	return d.write(o)
}

func (o Options) withDefaults() Options {
	if o.Link == nil {
		o.Link = func(*lineage.Node) string { return "" }
	}
	if o.Unfold == nil {
		o.Unfold = func(string, int) string { return "" }
	}
	if o.Whole <= 0 {
		o.Whole = DefaultWhole
	}
	if o.Target <= 0 {
		o.Target = DefaultTarget
	}
	if o.Most <= 0 {
		o.Most = DefaultMost
	}
	o.Most = max(o.Most, o.Target)
	if o.Organisation == nil {
		o.Organisation = organisation
	}
	return o
}
