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
	Existing string `json:"existing,omitempty"` // the id of the record that is in the way
}

// maxProblems bounds what one rejection reports: enough to mend a document
// by, and no more than fits an error message of the ledger.
const (
	maxProblems = 50
	maxPointer  = 512   // bytes; a longer one is cut to the nearest place around it
	maxDetail   = 1_000 // bytes
)

// Rejection is how the ledger says no. Its text is one JSON object, because
// the error message is all that a peer passes on to a client.
type Rejection struct {
	Problems []Problem `json:"problems"`
	More     int       `json:"more,omitempty"` // problems left out, of those found before the search ended
}

// Reject makes a Rejection of at most a bounded number of problems.
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

// ParseRejection finds a Rejection in the text of an error as peers wrap it.
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

// Brief shortens hostile text for a message.
func Brief(s string) string { return cut(s, 80) }

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
