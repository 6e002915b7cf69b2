package audit

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
)

// Report is the outcome of an audit. Its JSON form is stable: members may be added, but never change.
type Report struct {
	// Channel, Chaincode and Genesis (in hexadecimal) say what was audited. Source says where the blocks came from.
	Channel   string `json:"channel"`
	Chaincode string `json:"chaincode"`
	Genesis   string `json:"genesis"`
	Source    string `json:"source"`
	// Blocks is the number of blocks that were audited, in this run and in the runs before it. Tip is the hash of the last
	// block, in hexadecimal. Complete says that no finding ended the audit early.
	Blocks   uint64 `json:"blocks"`
	Tip      string `json:"tip,omitempty"`
	Complete bool   `json:"complete"`
	// From is the block at which this run began.
	From uint64 `json:"from"`
	// Transactions is the number of all transactions in the blocks, and Invalid the number of invalid ones. Records is the
	// number of records.
	Transactions uint64 `json:"transactions"`
	Invalid      uint64 `json:"invalid"`
	Records      uint64 `json:"records"`
	// Seconds is how long this run took.
	Seconds float64 `json:"seconds"`
	// Heights are the heights that peers signed. Gateway says what was compared with a gateway.
	Heights []SignedHeight `json:"heights,omitempty"`
	Gateway *Comparison    `json:"gateway,omitempty"`
	// Checkpoints are the signed checkpoints that were compared with the blocks.
	Checkpoints []checkpoint.Judged `json:"checkpoints,omitempty"`
	// Findings is empty if nothing is wrong. Notes are worth knowing, but aren't findings.
	Findings []Finding `json:"findings"`
	Notes    []string  `json:"notes,omitempty"`
}

// Comparison says what was compared with a gateway's answers.
type Comparison struct {
	URL string `json:"url"`
	// At is the block as of which the two were compared.
	At uint64 `json:"at"`
	// Records and Lineages are how many were compared. If all records were compared, Nouns has their number by noun.
	Records  int            `json:"records"`
	Lineages int            `json:"lineages"`
	Nouns    map[string]int `json:"nouns,omitempty"`
}

// Report returns the outcome of the audit of a source.
func (a *Auditor) Report(source Source) *Report {
	s := a.Status()
	r := &Report{
		Channel: s.Channel, Chaincode: a.replay.chaincode, Genesis: hex.EncodeToString(a.replay.genesis),
		Source: source.String(),
		Blocks: s.Next, Tip: hex.EncodeToString(s.Last), Complete: !a.ended, From: s.First,
		Transactions: s.Transactions, Invalid: s.Invalid, Records: s.Records, Seconds: s.Took.Seconds(),
		Findings: a.Findings(),
	}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	if len(r.Findings) >= mostKept {
		r.Notes = append(r.Notes, fmt.Sprintf("only the first %d findings are kept", mostKept))
	}
	r.Notes = append(r.Notes, a.notes...)
	if noted, ok := source.(interface{ Note() string }); ok && noted.Note() != "" {
		r.Notes = append(r.Notes, noted.Note())
	}
	return r
}

// Clean reports whether the audit was complete and found nothing.
func (r *Report) Clean() bool { return len(r.Findings) == 0 && r.Complete }

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// mostFindings is how many findings WriteText writes. WriteJSON writes all.
const mostFindings = 100

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var failed error
	say := func(format string, args ...any) {
		if _, err := fmt.Fprintf(w, format+"\n", args...); failed == nil {
			failed = err
		}
	}
	say("Audited %s.", r.Source)
	say("  channel %s, chaincode %s, from the genesis block %s", r.Channel, r.Chaincode, r.Genesis)
	if r.Blocks == 0 {
		say("  not even the first block could be judged")
	} else {
		say("  %s up to %s", counted(int(r.Blocks), "block"), r.Tip)
	}
	say(
		"  %s, of them %d invalid; %s",
		counted(int(r.Transactions), "transaction"),
		r.Invalid,
		counted(int(r.Records), "record"),
	)
	took := time.Duration(r.Seconds * float64(time.Second)).Round(time.Millisecond)
	if r.From > 0 {
		say("  this run went on from block %d and took %s", r.From, took)
	} else {
		say("  it took %s", took)
	}
	for _, h := range r.Heights {
		say("  %s signs that it has %d blocks (%s)", h.MSPID, h.Height, h.Peer)
	}
	for _, n := range r.Checkpoints {
		say("  %s signed a checkpoint of block %d with %s (%s)", strings.Join(n.Signers(), ", "), n.Block,
			counted(int(n.Size), "recording"), n.Name)
	}
	if g := r.Gateway; g != nil {
		say("  compared %d records and %d lineages with %s, as of block %d", g.Records, g.Lineages, g.URL, g.At)
	}
	for _, note := range r.Notes {
		say("Note: %s.", note)
	}
	for i, f := range r.Findings {
		if i == mostFindings {
			say("… and %d more; --json has them all", len(r.Findings)-i)
			break
		}
		say("%s", f)
	}
	switch {
	case len(r.Findings) == 0 && r.Complete:
		say("Nothing is wrong.")
	case !r.Complete:
		say("%s. The audit ended at block %d: none after it can be judged.", counted(len(r.Findings), "finding"), r.Blocks)
	default:
		say("%s.", counted(len(r.Findings), "finding"))
	}
	return failed
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprint(n, " ", thing, "s")
}
