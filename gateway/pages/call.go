package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *answer) WriteHeader(status int)      { a.status = status }

// call calls the API within the process, with the token of the person who is signed in. body may be nil. headers are
// names and values in turn. If the status is 400 or above, the error is a *Trouble with the API's message.
func (v *visit) call(method, path, contentType string, body io.Reader, headers ...string) (*answer, error) {
	if body == nil {
		body = http.NoBody
	}
	ctx := access.WithCaller(context.WithoutCancel(v.Context()), v.session.Caller) // a write goes on if the person leaves
	if method == http.MethodGet {
		ctx = access.WithCaller(v.Context(), v.session.Caller)
	}
	r, err := http.NewRequestWithContext(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.RemoteAddr, r.Host, r.TLS = r.URL.RequestURI(), v.RemoteAddr, v.Host, v.TLS
	r.Header.Set("Accept", "application/json")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a := &answer{status: http.StatusOK, header: http.Header{}}
	v.pages.Requests.ServeHTTP(a, r)
	if a.status < http.StatusBadRequest {
		return a, nil
	}
	var problem struct{ Title, Detail string }
	if err := json.Unmarshal(a.body.Bytes(), &problem); err != nil || problem.Title == "" {
		problem.Title, problem.Detail = "The gateway couldn't do that", http.StatusText(a.status)
	}
	return a, &Trouble{a.status, problem.Title, problem.Detail, ""}
}
