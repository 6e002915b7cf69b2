package web

import "time"

// Cosigners is the part of a page about what other organisations' gateways say of the same question.
type Cosigners struct {
	Question string // the address of the API that is asked
	Gateways int    // how many are asked, this one among them; below 2, nobody is
}

// Asks reports whether there is anybody to ask.
func (c Cosigners) Asks() bool { return c.Gateways > 1 }

// Cosigned is the page with the answer of several organisations to one question.
type Cosigned struct {
	Frame
	Cosigners
	Problem string // why there is no answer; the other fields are empty then
	Later   bool   // asking again may help

	Found  string // what the answer is, in words
	Cut    string // why it isn't all of it; empty if it is
	Block  uint64
	Needed int // how many must say the same, for a verifier
	Of     int // organisations of the network
	Agree  []Voice
	Differ []Voice
	Silent []Silence
	File   string // address of the file with the signatures
	Verify string // the command that checks it
}

// Voice is one organisation that signed.
type Voice struct {
	By     string
	Block  uint64
	Digest string
	At     time.Time
}

// Silence is one organisation that didn't, and why.
type Silence struct{ By, Why string }

// Enough reports whether a verifier would accept the answer.
func (c *Cosigned) Enough() bool { return len(c.Agree) >= c.Needed }
