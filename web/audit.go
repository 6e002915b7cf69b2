package web

import "time"

// Audit is the page where records are listed and verified.
type Audit struct {
	Frame
	Ask      AuditQuery
	Problem  string // what is wrong with the query; there are no rows then
	Block    uint64 // the ledger as it was after this block
	Rows     []AuditRow
	More     bool      // there are pages after this one
	Page     string    // address of this page of the list
	Next     string    // address of the next page; may be empty
	First    string    // address of the first page; empty if this is the first
	Verify   string    // address of this page with its records verified
	CSV, Zip string    // addresses of the whole list, and of the proofs of its first records
	MostZip  int       // most proofs in Zip
	Verified *Verified // nil until the visitor asks for it
	Commands string    // commands that verify the records without this gateway
	Whole    string    // command that audits the whole ledger
}

// AuditQuery is the query as the visitor filled it in.
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
	Proof   string   // address of its proof
	File    string   // file name for the proof
}

// Verdict is the result of verifying the proof of one record.
type Verdict struct {
	Problem       string
	Later         bool
	Organisations []string
	Bytes         int64
}

// Verified sums up the verdicts.
type Verified struct {
	Level            string
	Good, Later, Bad int
	OfAll, Agree     int
	Checks           []Check
}

// Nouns are the nouns that a query can ask for.
func (*Audit) Nouns() []string {
	return []string{"event", "artifact", "activity", "statement", "member"}
}
