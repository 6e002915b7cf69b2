package web

import "time"

// Record is the page about any record.
type Record struct {
	Frame
	ID         string
	Kind       Kind
	Title      string
	Flags      []string
	Summary    RecordSummary
	About      string      // the page about what the record describes, such as an artifact version's; may be empty
	Names      []Reference // nodes that it names
	MoreNames  int
	Extends    []Reference // activities that an activity adds to
	Breaches   []Breach    // what an activity used after consent to it had been withdrawn
	Recordings []Recording

	MoreRecordings int // by organisations that have recorded it often
	Claims         []Saying
	JSON           string
	Size           int
	Cut            bool // JSON shows only the beginning
	Cosigners      Cosigners
	States         []Statable // statements that the reader may make of it
}

// Breach is something that an activity used after consent to it had been withdrawn.
type Breach struct {
	Used      Reference
	Statement string // the withdrawal
}

// Recording is one transaction that recorded a record.
type Recording struct {
	By, Subject, Tx string
	Block           uint64
	Position, Line  int
	At              time.Time
	Actor           *Actor // nil: it isn't noted, or not for who looks
}

// Actor is the person or the machine of this organisation that had something recorded.
type Actor struct {
	Pseudonym, Kind string
	Name            string // empty if it isn't shown, or was forgotten
}

// Saying is what a statement says about something.
type Saying struct {
	ID, Kind, By, Text string
	At                 time.Time
	Retracted          bool
}

// Transaction is the page about a transaction.
type Transaction struct {
	Frame
	ID, By, Subject string
	Block           uint64
	Position        int
	At              time.Time
	Valid           bool
	Code            int32
	Total           int
	Records         []RecordSummary
	More            int
}
