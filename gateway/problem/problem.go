// Package problem says what went wrong with a request, in the form of RFC 9457. Programs get a problem as JSON. The
// table of kinds.go has all kinds of problem, with their status and advice.
package problem

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// MediaType is that of a problem.
const MediaType = "application/problem+json"

// Problem is the answer to a request that can't be served. It is an error, so that handlers return it.
type Problem struct {
	Kind        *Kind
	Detail      string
	Existing    string // record id
	Transaction string
	Job         string // capture job
	Reasons     []Reason
	More        int // reasons that aren't listed
	RetryAfter  time.Duration
	Header      http.Header
	Cause       error // for the log; never shown
}

// Reason is one thing that is wrong.
type Reason struct {
	Index     *int   `json:"index,omitempty"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	Existing  string `json:"existing,omitempty"`
}

func (p *Problem) Error() string {
	s := p.Kind.Slug + ": " + p.Detail
	if len(p.Reasons) > 0 {
		s += ": " + p.Reasons[0].Detail
	}
	return s
}

func (p *Problem) Unwrap() error { return p.Cause }

// New makes a problem of a kind.
func New(kind *Kind, format string, args ...any) *Problem {
	return &Problem{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// Because adds reasons, which say where in the request the fault is.
func (p *Problem) Because(r ...Reason) *Problem {
	p.Reasons = append(p.Reasons, r...)
	return p
}

// WrongParameter refuses a query, path or header parameter.
func WrongParameter(name, format string, args ...any) *Problem {
	detail := fmt.Sprintf(format, args...)
	return New(BadParameter, "%s", detail).Because(Reason{Code: "bad_parameter", Detail: detail, Parameter: name})
}

// MaxReasons bounds what one answer lists.
const MaxReasons = 50

// Refused makes a problem of what is wrong with one or several records. Indexes are told only if there can be several.
func Refused(problems []record.Problem, several bool) *Problem {
	p := New(KindOf(problems[0].Code), "%s", problems[0].Detail)
	if n := len(problems) - 1; n > 0 {
		p.Detail = fmt.Sprintf("%s (and %d more)", p.Detail, n)
	}
	for i, r := range problems {
		if i == MaxReasons {
			p.More = len(problems) - i
			break
		}
		p.Because(ReasonOf(r, several))
		if p.Existing == "" {
			p.Existing = r.Existing
		}
	}
	return p
}

// ReasonOf makes a reason of what is wrong with a record. The index is told only if there can be several records.
func ReasonOf(r record.Problem, several bool) Reason {
	why := Reason{Code: r.Code, Detail: r.Detail, Pointer: r.Pointer, Existing: r.Existing}
	if several {
		why.Index = &r.Index
	}
	return why
}

// Answer answers a request with a problem in JSON. The instance is a URI of this one occurrence. The type of a problem
// on a route of EPCIS is an EPCIS exception.
func (p *Problem) Answer(w http.ResponseWriter, r *http.Request, instance string) {
	body := p.json(r, instance)
	h := w.Header()
	h.Del("Location")
	for name, values := range p.Header {
		h[name] = values
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(max(1, (p.RetryAfter+time.Second-1)/time.Second))))
	}
	h.Set("Content-Type", MediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Kind.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a caller who has gone needs no answer
	}
}

func (p *Problem) json(r *http.Request, instance string) []byte {
	kind := "/problems/" + p.Kind.Slug
	if strings.HasPrefix(r.URL.Path, "/epcis/") {
		kind = "epcisException:" + p.Kind.EPCIS(r.Method)
	}
	text, err := json.Marshal(struct {
		Type        string   `json:"type"`
		Title       string   `json:"title"`
		Status      int      `json:"status"`
		Detail      string   `json:"detail"`
		Instance    string   `json:"instance"`
		Code        string   `json:"code"`
		Existing    string   `json:"existing,omitempty"`
		Transaction string   `json:"tx,omitempty"`
		CaptureID   string   `json:"captureID,omitempty"`
		Problems    []Reason `json:"problems,omitempty"`
		More        int      `json:"more,omitempty"`
	}{
		kind, p.Kind.Title, p.Kind.Status, p.Detail, instance, p.Kind.Code(), p.Existing, p.Transaction, p.Job,
		p.Reasons,
		p.More,
	})
	if err != nil {
		return []byte(`{"type":"/problems/internal","title":"The gateway failed","status":500}`)
	}
	return text
}

// Clean makes hostile text fit for a message.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}
