package runs

import (
	"encoding/json"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// State is how far a run has got.
type State string

// The states of a run.
const (
	Adding    State = "open"      // it has not ended
	Recording State = "recording" // it has ended, and is on its way to the ledger
	Recorded  State = "recorded"
	Failed    State = "failed"  // it can't be recorded
	Expired   State = "expired" // its end never came, and it was dropped
)

// States are all states there are.
var States = []State{Adding, Recording, Recorded, Failed, Expired}

// public maps the states of rows.
var public = map[int]State{
	stateOpen:      Adding,
	stateEnded:     Recording,
	stateRecording: Recording,
	stateRecorded:  Recorded,
	stateFailed:    Failed,
	stateExpired:   Expired,
}

// outcome is how what became of a run lies in the database.
type outcome struct {
	Activity    record.ID `json:"activity,omitempty"`
	Transaction string    `json:"tx,omitempty"`
	Block       uint64    `json:"block,omitempty"`
	Used        []string  `json:"used,omitempty"`
	Generated   []Version `json:"generated,omitempty"`
	Declared    []Version `json:"declared,omitempty"`
	Problems    []Problem `json:"problems,omitempty"`
	Waiting     string    `json:"waiting,omitempty"`
	Tries       int       `json:"tries,omitempty"`
}

// Version is an artifact version that a run brought to the ledger.
type Version struct {
	Ref string    `json:"ref"`
	ID  record.ID `json:"id,omitempty"`
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

func (o outcome) text() string {
	text, err := json.Marshal(o)
	if err != nil {
		return "{}" // it is made of texts and numbers only
	}
	return string(text)
}
