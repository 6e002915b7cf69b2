package client

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Problem is a refusal: an RFC 9457 problem document and its HTTP status.
type Problem struct {
	Status   int             `json:"status"`
	Type     string          `json:"type"`
	Title    string          `json:"title"`
	Detail   string          `json:"detail"`
	Problems []ProblemDetail `json:"problems"`
	raw      []byte
}

// ProblemDetail is one fault and its place.
type ProblemDetail struct {
	Index     *int   `json:"index"`
	Pointer   string `json:"pointer"`
	Parameter string `json:"parameter"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Existing  string `json:"existing"`
}

func readProblem(response *http.Response, body []byte) *Problem {
	p := &Problem{Status: response.StatusCode, raw: body}
	if !strings.Contains(response.Header.Get("Content-Type"), "json") || json.Unmarshal(body, p) != nil ||
		p.Title == "" {
		p.Title = response.Status
	}
	p.Status = response.StatusCode
	return p
}

func (p *Problem) Error() string {
	var b strings.Builder
	switch {
	case p.Detail == "":
		b.WriteString(p.Title)
	case len(p.Detail) >= len(p.Title) && strings.EqualFold(p.Detail[:len(p.Title)], p.Title): // it would be there twice
		b.WriteString(p.Title + p.Detail[len(p.Title):])
	default:
		b.WriteString(p.Title + ": " + p.Detail)
	}
	for _, d := range p.Problems {
		where := cmp.Or(d.Parameter, d.Pointer)
		if d.Detail == p.Detail || p.Detail != "" && len(p.Problems) == 1 { // only the place is new
			if where != "" {
				b.WriteString(" (" + where + ")")
			}
			continue
		}
		b.WriteString("\n  ")
		if where != "" {
			b.WriteString(where + ": ")
		}
		b.WriteString(d.Detail)
		if d.Existing != "" && !strings.Contains(d.Detail, d.Existing) {
			b.WriteString(" (" + d.Existing + ")")
		}
	}
	return b.String()
}

// ExitCode returns exit.Unreachable if the gateway may succeed later, and exit.Refused otherwise.
func (p *Problem) ExitCode() int {
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return exit.Unreachable
	}
	return exit.Refused
}
