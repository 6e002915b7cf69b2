package lineage

import (
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Impact says what something touched: a node, all subjects of a statement, or
// everything that an organisation recorded. What only carried touched things is
// walked through and left out.
type Impact struct {
	Node         string `json:"node,omitempty"`         // the one asked about
	Organisation string `json:"organisation,omitempty"` // whose records were asked about, if no node was; its MSP id
	Starts       int    `json:"starts"`                 // nodes that the walk began at; they don't count as touched
	Block        uint64 `json:"block"`

	Total         int            `json:"total"`         // nodes touched
	Kinds         map[string]int `json:"kinds"`         // how many of each kind
	Organisations []Organisation `json:"organisations"` // by MSP id
	Touched       []Touched      `json:"touched"`       // in the order of the walk: by depth, then by the ledger
	Notices       []Notice       `json:"recalls"`       // that reach any of it, in the order of the ledger
	OnTheMove     []Moving       `json:"onTheMove"`     // things that have not come to an end, in the order of the walk
	Truncated     *Truncation    `json:"truncated,omitempty"`
}

// Organisation is what was touched of one organisation's: of records, those it
// recorded; of things and artifact versions, those it named first.
type Organisation struct {
	MSPID     string              `json:"mspId"`
	Total     int                 `json:"total"`
	Kinds     map[string][]string `json:"kinds"`     // node ids by kind, in the order of the walk
	Recalled  int                 `json:"recalled"`  // of these, how many are recalled or withdrawn themselves
	OnTheMove int                 `json:"onTheMove"` // of these, how many are on the move
	// Unacknowledged are the recalls that reach any of these, that others made, and that
	// the organisation hasn't acknowledged: record ids.
	Unacknowledged []string `json:"unacknowledged,omitempty"`
}

// Touched is a node that was touched, and why.
type Touched struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"` // as in Node
	Name  string `json:"name"` // for people: "lot A of 09520001020001"
	MSPID string `json:"mspId"`
	Depth int    `json:"depth"` // length of Why

	Type        string    `json:"type,omitempty"` // these as in Node
	Time        time.Time `json:"time,omitzero"`
	BizStep     string    `json:"bizStep,omitempty"`
	Disposition string    `json:"disposition,omitempty"`
	BizLocation string    `json:"bizLocation,omitempty"`
	Digest      string    `json:"digest,omitempty"`
	Flags       []string  `json:"flags,omitempty"`

	// Recalled are the recalls and withdrawals that stand and are about the node itself, whoever made them.
	Recalled []index.Claim `json:"recalled,omitempty"`
	// Notices are the notices that reach it, those about itself among them: record ids, each in
	// Impact.Notices.
	Notices []string `json:"recalls,omitempty"`
	// Acknowledged are the organisations that have acknowledged every one of Recalls since it reaches the node, by MSP id.
	Acknowledged []string `json:"acknowledged,omitempty"`
	OnTheMove    bool     `json:"onTheMove,omitempty"`
	// Why is a shortest path from a start, which comes first, to the node, which comes last.
	Why []Step `json:"why"`
}

// Step is a node on a path, and how the path comes to it.
type Step struct {
	Node string `json:"node"`
	Name string `json:"-"`              // of the node, for people
	Edge string `json:"edge,omitempty"` // kind of the edge from the node before; empty for the first
	// Against tells that the edge leads from this node to the one before, as from a carrier to what it held.
	Against bool `json:"against,omitempty"`
	// Omitted counts nodes left out between the one before and this one, in the middle of a very long path.
	Omitted int `json:"omitted,omitempty"`
}

// Notice is a recall, a withdrawal of consent or a warning that nobody has taken back and that reaches nodes of an
// impact: what it is about touched them. In JSON the member is called recalls, for all three.
type Notice struct {
	ID           string    `json:"id"`
	Kind         string    `json:"kind"`               // what it counts as: recall, withdrawal or warning
	Standing     string    `json:"standing,omitempty"` // these as in index.Claim
	Stated       string    `json:"stated,omitempty"`
	MSPID        string    `json:"mspId"`
	Block        uint64    `json:"block"`
	Recorded     time.Time `json:"recorded"` // of the transaction: the submitter's claim
	Reason       string    `json:"reason"`
	Instructions string    `json:"instructions,omitempty"`
	Subjects     []string  `json:"subjects"` // the nodes it is about
	Touched      int       `json:"touched"`  // how many nodes of this impact it reaches
	// Acknowledged is who has acknowledged it, in the order of the ledger. Missing are the organisations, by MSP id, that
	// haven't, or not since it reaches all that it reaches of theirs. Who made it needs no acknowledgement of their own.
	Acknowledged []Acknowledgement `json:"acknowledged"`
	Missing      []string          `json:"missing"`
}

// Acknowledgement is an organisation's word that it knows of a recall, and what it does. It covers what the recall
// reached when it was recorded, for the last time by that organisation.
type Acknowledgement struct {
	ID       string    `json:"id"`
	MSPID    string    `json:"mspId"`
	Action   string    `json:"action,omitempty"`
	Covers   int       `json:"covers"` // how many of the nodes that the recall reaches
	Block    uint64    `json:"block"`
	Recorded time.Time `json:"recorded"` // of the transaction: the submitter's claim
}

// Moving is a touched thing that is still somewhere: nothing recorded says that
// it was sold, used up or destroyed.
type Moving struct {
	ID          string   `json:"id"`
	MSPID       string   `json:"mspId"` // who recorded its last event
	LastEvent   string   `json:"lastEvent,omitempty"`
	BizStep     string   `json:"bizStep,omitempty"`
	Disposition string   `json:"disposition,omitempty"`
	BizLocation string   `json:"bizLocation,omitempty"`
	Why         []string `json:"why"` // a shortest path of nodes to it, from the node asked about
	Flags       []string `json:"flags,omitempty"`
}
