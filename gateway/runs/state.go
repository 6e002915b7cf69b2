package runs

import (
	"encoding/json"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// State is how far a run has got.
type State string

// The states of a run.
const (
	Running   State = "open"      // it has not ended
	Recording State = "recording" // it has ended, and is on its way to the ledger
	Recorded  State = "recorded"
	Failed    State = "failed"  // it can't be recorded
	Expired   State = "expired" // an older program dropped it, because its end never came; this one records such a run
)

// States are all states there are.
var States = []State{Running, Recording, Recorded, Failed, Expired}

// public maps the states of rows.
var public = map[int]State{
	stateOpen:      Running,
	stateEnded:     Recording,
	stateRecording: Recording,
	stateRecorded:  Recorded,
	stateFailed:    Failed,
	stateExpired:   Expired,
}

// outcome is how what became of a run lies in the database.
type outcome struct {
	Activity    record.ID   `json:"activity,omitempty"`
	Extensions  []Extension `json:"more,omitempty"`
	Transaction string      `json:"tx,omitempty"`
	Block       uint64      `json:"block,omitempty"`
	Used        []string    `json:"used,omitempty"`
	Generated   []Version   `json:"generated,omitempty"`
	Declared    []Version   `json:"declared,omitempty"`
	Problems    []Problem   `json:"problems,omitempty"`
	LeftOut     []Problem   `json:"left,omitempty"`
	Adjusted    []Problem   `json:"notes,omitempty"`
	Breaches    []Breach    `json:"breaches,omitempty"`
	Apart       bool        `json:"apart,omitempty"` // what lay under an output is told by the activity, not by the output
	Type        string      `json:"type,omitempty"`  // of the activity
	End         string      `json:"end,omitempty"`   // the type of the last event that ended the run, as the ledger has it
	Waiting     string      `json:"waiting,omitempty"`
	Tries       int         `json:"tries,omitempty"`
}

// Version is an artifact version that a run brought to the ledger.
type Version struct {
	Ref string    `json:"ref"`
	ID  record.ID `json:"id,omitempty"`
}

// Extension is a record that adds to the activity of a run.
type Extension struct {
	Activity    record.ID `json:"activity"`
	Transaction string    `json:"tx"`
	Block       uint64    `json:"block"`
}

// Breach is something that a run has used after consent to it had been withdrawn, and the statement that withdrew it.
type Breach struct {
	Ref       string `json:"ref"`
	Statement string `json:"statement"`
}

// Problem is a reason why a run can't be recorded. Pointer is into the record of the activity, or into that of the
// artifact version that Ref names.
type Problem struct {
	Code     string `json:"code"`
	Detail   string `json:"detail"`
	Pointer  string `json:"pointer,omitempty"`
	Ref      string `json:"ref,omitempty"`
	Existing string `json:"existing,omitempty"`
}

// has tells whether an activity is the run's.
func (o outcome) has(activity record.ID) bool {
	return o.Activity == activity ||
		slices.ContainsFunc(o.Extensions, func(p Extension) bool { return p.Activity == activity })
}

// union adds what isn't in a list yet.
func union(list, more []string) []string {
	in := make(map[string]bool, len(list))
	for _, s := range list {
		in[s] = true
	}
	for _, s := range more {
		if !in[s] {
			in[s] = true
			list = append(list, s)
		}
	}
	return list
}

func (o outcome) text() string {
	text, err := json.Marshal(o)
	if err != nil {
		return "{}" // it is made of texts and numbers only
	}
	return string(text)
}
