package web

import "time"

// Thing is the page about a thing.
type Thing struct {
	Frame
	URI        string
	Parts      []Part
	Recalls    []Recall
	OfManyLots bool // the code is of a product as such; its lots and items have codes, and recalls, of their own
	SignedIn   bool
	Events     []Event // for callers with a token only
	More       bool    // there are more events
	Linkset    string
}

// Part is one element of the thing's code.
type Part struct{ Title, Value string }

// Recall is a recall that stands.
type Recall struct {
	By, Reason, Instructions string
	At                       time.Time
}

// Event is one line of a thing's history.
type Event struct{ Type, Time, Step, Disposition, Place, By, Record, Link string }
