package web

import "time"

// Audit is the page where records are listed and verified.
type Audit struct {
	Frame
	Ask      AuditQuery
	Problem  string // of the question; there are no rows then
	Block    uint64 // the ledger as it was after this block
	Rows     []AuditRow
	More     bool   // there are pages after this one
	Page     string // address of this page of the list
	Next     string // of the next; may be empty
	First    string // of the first; empty if this is it
	Verify   string // of this page, verified
	CSV, Zip string // of the whole list, and of the proofs of its beginning
	MostZip  int
	Verified *Verified // nil until it is asked for
	Commands string    // that check without this gateway
	Whole    string    // that audits the ledger
}

// AuditQuery is what was asked for, as the form has it.
type AuditQuery struct {
	Organisation, Noun, From, To, FromBlock, ToBlock, Level string
}

// AuditRow is a record.
type AuditRow struct {
	Kind    Kind
	What    string
	Nodes   []Reference
	By      string
	At      time.Time
	Block   uint64
	Record  string
	Verdict *Verdict // nil until it is verified
	Proof   string   // where its proof is made
	File    string   // a name for it
}

// Verdict is what became of the proof of one record.
type Verdict struct {
	Problem       string
	Later         bool
	Organisations []string
	Bytes         int64
}

// Verified sums up.
type Verified struct {
	Level            string
	Good, Later, Bad int
	OfAll, Agree     int
	Checks           []Check
}

// Nouns are the kinds of record that can be asked for.
func (*Audit) Nouns() []string {
	return []string{"event", "artifact", "activity", "statement", "member"}
}
