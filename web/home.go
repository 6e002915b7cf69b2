package web

import "time"

// Home is the first page: what needs attention, what happened lately, and the state of the network.
type Home struct {
	Frame
	Recalls      []Notice
	MoreRecalls  bool
	Transactions []TransactionSummary
	Nouns        []NounCount // by noun
	Tallies      []Tally     // by organisation
	Counting     bool        // the records are being counted for the first time
	Health       Health
}

// Notice is a recall that hasn't been retracted.
type Notice struct {
	ID, By, Reason, Instructions string
	Signer                       string // who signed with a key of their own; empty if the gateway did
	At                           time.Time
	Subjects                     []Reference // the first few
	MoreSubjects                 int
	Acknowledged                 []string // MSP ids of those who acknowledged it
	Touched                      *Reach   // nil while the gateway works it out
}

// Reach is a summary of what a recall reaches.
type Reach struct {
	Total         int
	Things        []string // lots and items, the first few
	MoreThings    int
	Others        []NounCount // everything else, by kind
	Organisations []string    // MSP ids
	Cut           bool        // there may be more
}

// TransactionSummary is a transaction that recorded something.
type TransactionSummary struct {
	By, Tx  string
	Block   uint64
	At      time.Time
	Records []RecordSummary
	More    int // records that are not shown
}

// RecordSummary is one record, in a few words.
type RecordSummary struct {
	Kind  Kind
	Did   string // what was done: "shipping", "registered"
	Times int    // number of records that did the same in a row
	Nodes []Reference
	More  int    // nodes that are not shown
	Note  string // in the recorder's words; may be empty
	ID    string // of the record
}

// NounCount is a number of records or nodes of a kind.
type NounCount struct {
	Kind  Kind
	Total int
}

// Tally counts the records of an organisation.
type Tally struct {
	MSPID  string
	Total  int
	Counts []int // in the order of Home.Nouns
}

// Health is the state of the network, as far as this gateway knows.
type Health struct {
	Ready     bool
	Why       string // why it isn't ready, or what the operator should know although it is
	Height    uint64 // number of blocks in the index
	Tip       uint64 // number of blocks on the ledger
	Following string // address of the peer that the gateway reads blocks from
	Peers     []Peer
	Orderers  []Orderer
	Waiting   int    // records in the queue
	Stuck     string // why the queue makes no progress; may be empty
}

// Lag is the number of blocks that the index is behind.
func (h Health) Lag() uint64 { return max(h.Tip, h.Height) - h.Height }

// Troubled reports whether something needs attention.
func (h Health) Troubled() bool {
	for _, p := range h.Peers {
		if !p.Usable {
			return true
		}
	}
	return !h.Ready || h.Why != "" || h.Stuck != ""
}

// Peer is a peer that this gateway uses.
type Peer struct {
	MSPID, Address, Problem string
	Usable                  bool
	Height                  uint64
}

// Orderer is an orderer whose signatures are on blocks.
type Orderer struct {
	ID     uint32
	Signed uint64 // the newest block that it signed, of those that this gateway has seen since it started
}
