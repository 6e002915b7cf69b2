package record

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Problem is one reason why a record is not accepted. Codes are stable and
// for programs, details are for people.
type Problem struct {
	Index    int    `json:"index"`              // which record of the batch, from 0
	Code     string `json:"code"`               // such as "missing_field"
	Pointer  string `json:"pointer,omitempty"`  // RFC 6901, where in the record
	Detail   string `json:"detail"`             // a sentence
	Existing string `json:"existing,omitempty"` // the id or the name of what is in the way
}

// Limits of a rejection: enough problems to mend a document with, and few
// enough to fit into an error message of the ledger.
const (
	maxProblems = 50
	maxPointer  = 512   // bytes; a longer pointer is cut to that of an object or array around the place
	maxDetail   = 1_000 // bytes
)

// Rejection is the error with which the ledger refuses records. Its text is one
// JSON object, because a peer passes nothing but the error message on to a
// client.
type Rejection struct {
	Problems []Problem `json:"problems"`
	More     int       `json:"more,omitempty"` // number of problems that were found but left out
}

// Reject makes a Rejection of the problems. It leaves out those beyond maxProblems.
func Reject(problems []Problem) *Rejection {
	kept := problems[:min(len(problems), maxProblems)]
	r := &Rejection{Problems: make([]Problem, len(kept)), More: len(problems) - len(kept)}
	for i, p := range kept {
		if len(p.Pointer) > maxPointer {
			p.Pointer = p.Pointer[:max(0, strings.LastIndexByte(p.Pointer[:maxPointer], '/'))]
		}
		p.Detail = cut(p.Detail, maxDetail)
		r.Problems[i] = p
	}
	return r
}

func (r *Rejection) Error() string {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Sprintf(`{"problems":[{"index":0,"code":"unreadable","detail":%q}]}`, err)
	}
	return string(text)
}

// ParseRejection finds a Rejection in the text of an error that peers have wrapped.
func ParseRejection(message string) (*Rejection, bool) {
	at := strings.Index(message, `{"problems":[`)
	if at < 0 {
		return nil, false
	}
	r := new(Rejection)
	if err := json.NewDecoder(strings.NewReader(message[at:])).Decode(r); err != nil || len(r.Problems) == 0 {
		return nil, false
	}
	return r, true
}

// Brief shortens text from a record for a message.
func Brief(s string) string { return cut(s, 80) }

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
