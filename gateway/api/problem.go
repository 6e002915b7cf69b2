package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// problem is the answer to a request that can't be served: RFC 9457. It is an error, so that handlers return it.
type problem struct {
	kind        *problemKind
	detail      string
	existing    string // record id
	transaction string
	job         string // capture job
	reasons     []reason
	more        int
	retryAfter  time.Duration
	header      http.Header
	cause       error // for the log; never shown
}

// reason is one thing that is wrong.
type reason struct {
	Index     *int   `json:"index,omitempty"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	Existing  string `json:"existing,omitempty"`
}

func (p *problem) Error() string {
	s := p.kind.slug + ": " + p.detail
	if len(p.reasons) > 0 {
		s += ": " + p.reasons[0].Detail
	}
	return s
}

func (p *problem) Unwrap() error { return p.cause }

// fail makes a problem of a kind.
func fail(kind *problemKind, format string, args ...any) *problem {
	return &problem{kind: kind, detail: fmt.Sprintf(format, args...)}
}

// because says where in the request the fault is.
func (p *problem) because(r ...reason) *problem {
	p.reasons = append(p.reasons, r...)
	return p
}

// badParameter refuses a query, path or header parameter.
func badParameter(name, format string, args ...any) *problem {
	detail := fmt.Sprintf(format, args...)
	return fail(kindBadParameter, "%s", detail).because(reason{Code: "bad_parameter", Detail: detail, Parameter: name})
}

// maxReasons bounds what one answer lists.
const maxReasons = 50

// refused makes a problem of what is wrong with one or several records. Indexes are told only if there can be several.
func refused(problems []record.Problem, several bool) *problem {
	p := fail(kindOfCode(problems[0].Code), "%s", problems[0].Detail)
	if n := len(problems) - 1; n > 0 {
		p.detail = fmt.Sprintf("%s (and %d more)", p.detail, n)
	}
	for i, r := range problems {
		if i == maxReasons {
			p.more = len(problems) - i
			break
		}
		p.because(reasonOf(r, several))
		if p.existing == "" {
			p.existing = r.Existing
		}
	}
	return p
}

func reasonOf(r record.Problem, several bool) reason {
	why := reason{Code: r.Code, Detail: r.Detail, Pointer: r.Pointer, Existing: r.Existing}
	if several {
		why.Index = &r.Index
	}
	return why
}

// body is the problem as JSON.
func (p *problem) body(o *operation, instance string) []byte {
	t := "/problems/" + p.kind.slug
	if o != nil && o.epcis() {
		t = "epcisException:" + p.kind.epcis(o.method)
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
		Problems    []reason `json:"problems,omitempty"`
		More        int      `json:"more,omitempty"`
	}{t, p.kind.title, p.kind.status, p.detail, instance, p.kind.code(), p.existing, p.transaction, p.job, p.reasons, p.more})
	if err != nil {
		return []byte(`{"type":"/problems/internal","title":"The gateway failed","status":500}`)
	}
	return text
}

// headers of the answer that go with a problem.
func (p *problem) headers(h http.Header) {
	for name, values := range p.header {
		h[name] = values
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(max(1, (p.retryAfter+time.Second-1)/time.Second))))
	}
}
