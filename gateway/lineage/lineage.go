package lineage

import (
	"context"
	"fmt"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Graph is what a walk reads. *index.Index is one. Everything it answers for
// one snapshot must be the same for ever.
type Graph interface {
	Snapshot(ctx context.Context, at uint64) (index.Snapshot, error)
	Find(ctx context.Context, node string, snap index.Snapshot) (index.Vertex, error)
	// LinksTo answers by node, LinksOf by record; the links of each come in ledger order.
	LinksTo(ctx context.Context, nodes []int64, snap index.Snapshot) ([]index.Link, error)
	LinksOf(ctx context.Context, records []int64, snap index.Snapshot) ([]index.Link, error)
	// Twins are artifact versions with the same digest under another name, sorted by node.
	Twins(ctx context.Context, artifacts []int64, snap index.Snapshot) ([]index.Twin, error)
	// OfClass lists the lots and items of classes, at most so many, and tells which classes have more; ClassesOf the
	// classes of lots and items.
	OfClass(
		ctx context.Context,
		nodes []int64,
		snap index.Snapshot,
		most int,
	) (members map[int64][]index.Vertex, cut []int64, err error)
	ClassesOf(ctx context.Context, things []int64, snap index.Snapshot) (map[int64][]index.Vertex, error)
	Kinds(ctx context.Context, ids []int64) (map[int64]index.Kind, error)
	Names(ctx context.Context, records []int64) (map[int64]string, error) // record ids
	Describe(ctx context.Context, ids []int64, snap index.Snapshot) (map[int64]*index.Label, error)
	Statuses(ctx context.Context, ids []int64, snap index.Snapshot) (map[int64]*index.Status, error)
	// FirstRecordedBy lists what an organisation recorded first, at most so many nodes, and tells whether there is more.
	FirstRecordedBy(
		ctx context.Context,
		mspID string,
		snap index.Snapshot,
		most int,
	) (list []index.Vertex, more bool, err error)
	Record(ctx context.Context, id string, at uint64) (*index.Record, error)
	// Recordings lists all recordings of a record, in ledger order.
	Recordings(ctx context.Context, id string, at uint64) ([]index.Recording, error)
	// Weigh answers about a statement.
	Weigh(ctx context.Context, r *index.Record) (index.Weight, error)
}

// Direction of a walk.
type Direction string

// The directions.
const (
	Ancestors   Direction = "ancestors"   // where does it come from
	Descendants Direction = "descendants" // what did it touch
)

// Query asks for one walk.
type Query struct {
	Node string // as record.ParseNode spells it
	// Organisation asks for everything that an organisation recorded first, by its MSP id, in place of Node. Only Assess
	// knows it.
	Organisation string
	Direction    Direction
	At           uint64        // the ledger as it was after this block; index.Latest for now
	Depth        int           // edges from the node asked about; 0 means DefaultDepth
	Nodes        int           // nodes in the answer; 0 means DefaultNodes, at most MaxNodes
	Budget       time.Duration // time for the walk; 0 means DefaultBudget
}

// Limits of a walk. An answer says when it hit one.
const (
	DefaultDepth  = 100
	DefaultNodes  = 10_000
	MaxNodes      = 100_000
	DefaultBudget = 20 * time.Second
)

// Answer is the part of the graph that was asked for. Nodes are in the order of
// their distance and then of the ledger, edges in the order of their nodes.
type Answer struct {
	Node      string      `json:"node"`
	Direction Direction   `json:"direction"`
	Block     uint64      `json:"block"` // the ledger as it was after this block
	Nodes     []Node      `json:"nodes"` // the first is the one asked about
	Edges     []Edge      `json:"edges"`
	Truncated *Truncation `json:"truncated,omitempty"` // nil if this is all of it
}

// Node is a node with what people want to know of it at a glance. Which fields
// are set depends on the kind.
type Node struct {
	ID    string `json:"id"`   // URI of a thing, artifact version, or record id
	Kind  string `json:"kind"` // thing, class, event, artifact, activity, statement, member, missing
	Depth int    `json:"depth"`
	// Carrier says that the node only held nodes of this answer for a time.
	Carrier bool `json:"carrier,omitempty"`

	MSPID       string    `json:"mspId"`       // who recorded it, or named it first
	Transaction string    `json:"transaction"` // that did so
	Block       uint64    `json:"block"`
	Recorded    time.Time `json:"recorded,omitzero"` // of the transaction

	Type        string    `json:"type,omitempty"` // of an event, an activity or a statement
	Time        time.Time `json:"time,omitzero"`  // of an event, or when an activity ended or began: a claim
	Action      string    `json:"action,omitempty"`
	BizStep     string    `json:"bizStep,omitempty"`
	Disposition string    `json:"disposition,omitempty"`
	ReadPoint   string    `json:"readPoint,omitempty"`
	BizLocation string    `json:"bizLocation,omitempty"`
	EventID     string    `json:"eventID,omitempty"`
	Digest      string    `json:"digest,omitempty"` // of an artifact, algorithm:hexadecimal

	Flags  []string            `json:"flags,omitempty"` // recalled, withdrawn, …; of events and activities see FlagError and the others
	Claims []index.Claim       `json:"claims,omitempty"`
	Errors []index.Declaration `json:"errors,omitempty"` // who declared the event an error, and what stands instead
}

// Edge leads from cause to effect. An observation or a containment is neither:
// its edge leads from the thing to the event, from the parent to the child. That of
// a lot leads to its items, and that of a product to its lots and items. An edge between versions that are the same
// bytes has no direction of its own: a walk down draws it from the version that it came to first, a walk up to that one.
type Edge struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Kind   string `json:"kind"`   // see the constants
	Record string `json:"record"` // the record that says so
}

// Kinds of edge.
const (
	EdgeInput     = "input"       // thing → event that consumed it
	EdgeOutput    = "output"      // event → thing that it made
	EdgeContinues = "continues"   // event → event of the same transformation
	EdgeObserved  = "observed"    // thing → event that names it
	EdgeContains  = "contains"    // parent → child
	EdgeItem      = "item"        // lot → item of it
	EdgeMember    = "member"      // class, such as a GTIN → lot or item of it; the record is the first that names it
	EdgeDerived   = "derivedFrom" // source → artifact version derived from it
	EdgeUsed      = "used"        // source → activity that used it
	EdgeGenerated = "generated"   // activity → artifact version
	EdgeAbout     = "about"       // activity → what it decided about
	EdgeSubject   = "subject"     // statement → what it speaks about
	EdgeSameBytes = "sameBytes"   // artifact version ↔ one with the same digest, in the direction of the walk
)

// Truncation says why and where an answer was cut.
type Truncation struct {
	Reasons  []string `json:"reasons"`  // of "depth", "nodes" and "time"; of an impact also "starts" and "recalls"
	Frontier []string `json:"frontier"` // nodes behind which there is more, or may be
}

// UnknownNodeError says that no record names the node, at that height.
type UnknownNodeError struct {
	Node  string
	Block uint64
}

func (e *UnknownNodeError) Error() string {
	return fmt.Sprintf("no record up to block %d names %q", e.Block, e.Node)
}

// Trace walks the graph. Errors are an *UnknownNodeError, an
// *index.FutureError, or the graph's own.
func Trace(ctx context.Context, g Graph, q Query) (*Answer, error) {
	if q.Direction != Ancestors && q.Direction != Descendants {
		return nil, fmt.Errorf("%q is not a direction; there are %s and %s", q.Direction, Ancestors, Descendants)
	}
	q = q.orDefaults()
	end := time.Now().Add(q.Budget)
	snap, err := g.Snapshot(ctx, q.At)
	if err != nil {
		return nil, err
	}
	l := newLinks(g, snap)
	start, err := l.find(ctx, q.Node)
	if err != nil {
		return nil, err
	}
	w := newWalk(q, l, []index.Vertex{start})
	if err := w.run(ctx, end); err != nil {
		return nil, err
	}
	a, _, err := w.answer(ctx)
	return a, err
}

func (q Query) orDefaults() Query {
	if q.Depth <= 0 {
		q.Depth = DefaultDepth
	}
	if q.Nodes <= 0 {
		q.Nodes = DefaultNodes
	}
	q.Nodes = min(q.Nodes, MaxNodes)
	if q.Budget <= 0 {
		q.Budget = DefaultBudget
	}
	return q
}
