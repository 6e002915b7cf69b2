package picture

import (
	"html/template"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Sizes of pictures, in drawn nodes.
const (
	DefaultWhole  = 40  // an answer with at most so many nodes isn't folded
	DefaultTarget = 100 // larger answers are folded to this size
	DefaultMost   = 300 // unfolding can enlarge a picture to this size
	Step          = 40  // nodes that one unfolding adds, if nothing depends on them
	BranchStep    = 12  // nodes that one unfolding adds, each with everything that depends on it
)

// Options say how to draw. All fields are optional.
type Options struct {
	// Link returns the address of the page about a node, or "" if it has none.
	Link func(*lineage.Node) string
	// Unfold returns the address of the same picture in which extra more nodes of a fold are drawn.
	Unfold func(key string, extra int) string
	// Unfolded has, by the key of a fold, the number of its nodes that are drawn in addition.
	Unfolded map[string]int
	// Whole is the most nodes of an answer that is drawn without folds. Zero means the default.
	Whole int
	// Target is the number of drawn nodes to which the picture is folded. Most is the most drawn nodes, whatever is
	// unfolded. Zero means the defaults.
	Target, Most int
	// Affected says that the node asked about came from something recalled or withdrawn, which may not be in the answer.
	// See the function of the same name.
	Affected bool
	// Organisation returns the name of a lane. If it is nil, the name is the part of the MSP id before "MSP".
	Organisation func(mspID string) string
}

// Picture is the drawing of an answer.
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

// Row says the same about one drawn node as the picture.
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

// Label returns two short lines for people: the name of a node, and what else distinguishes it.
func Label(n *lineage.Node) (title, sub string) { return label(n) }

// Word returns the kind of a node in a word for people: lot, training run, model.
func Word(n *lineage.Node) string { return lookOf(n).one }

// Affected reports whether the node that an answer is about is recalled or withdrawn, or came from something in the
// answer that is.
func Affected(a *lineage.Answer) bool {
	g := read(a, Options{}.withDefaults())
	return g.nodes[0].mark == affected || g.nodes[0].mark >= warned
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
