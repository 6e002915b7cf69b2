package web

import "time"

// Impact is the page that shows what a node or an organisation touched. If Found is false, it asks for one.
type Impact struct {
	Frame
	Asked string // the node that was asked about, as the visitor wrote it
	Of    string // the organisation that was asked about, by its MSP id
	At    string // the block that was asked for; empty for the latest
	Fault string // what is wrong with the question; may be empty
	Done  string // what was just done; may be empty

	Cosigners Cosigners

	Found            bool
	Node             string // in its canonical spelling; empty for an organisation
	Title, Sub, Word string // for people
	Flags            []string
	Block            uint64    // the ledger is shown as it was after this block
	Shown            time.Time // when the page was made
	Total            int       // nodes touched
	OnTheMove        int       // things that have not reached their end
	Tiles            []Tile    // how many of each kind, lots first
	Recalls          []ImpactRecall
	Things           []Touched // lots, then items and all other things
	Others           []Touched // data, models, runs and events
	MoreThings       int       // things that are not listed
	MoreOthers       int
	Columns          []Tile // the kinds that ByOrganisation counts
	ByOrganisation   []ImpactOrganisation
	Cut              []string // why the walk ended early, in words
	Whole            bool     // nothing was cut
	Table, Picture   string   // addresses
}

// Tile is a number and what it counts.
type Tile struct {
	Count int
	Word  string
}

// Touched is one node that was touched.
type Touched struct {
	Node, Kind       string // as lineage answers have them
	Title, Sub, Word string // for people
	MSPID            string
	Flags            []string
	Recalled         bool // the node itself is recalled
	Reached          int  // number of recalls that reach it
	OnTheMove        bool
	Last             string // for a thing on the move: the last news of it; may be empty
	Unwalked         bool   // the walk was cut here
	Answered         bool   // its organisation has acknowledged every recall that reaches it
	Waiting          bool   // its organisation hasn't acknowledged every recall that reaches it
	Acknowledged     []string
	Why              []Hop
}

// Hop is one step of the shortest path to a touched node.
type Hop struct {
	Way, Name, Node string
	Omitted         int // steps left out before it
}

// ImpactRecall is a recall that reaches what was touched.
type ImpactRecall struct {
	ID, Kind, MSPID      string
	Reason, Instructions string
	Recorded             time.Time
	Touched              int
	Acknowledged         []Acknowledged
	Missing              []string // organisations, by MSP id
	Ours                 bool     // the organisation of this gateway made it
	Owed                 bool     // the organisation of this gateway still has to acknowledge it
	Answered             bool     // the organisation of this gateway has acknowledged it
}

// Acknowledged is an organisation's acknowledgement of a recall.
type Acknowledged struct {
	MSPID, Action, ID string
	Recorded          time.Time
	Since             int // nodes that the recall has reached since then
}

// ImpactOrganisation counts the nodes of one organisation that were touched.
type ImpactOrganisation struct {
	MSPID     string
	Counts    []int // in the order of Impact.Columns
	Recalled  int
	OnTheMove int
	Owes      int // recalls that it hasn't acknowledged
}
