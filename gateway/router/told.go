package router

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// tell serves a request with a handler that answers with problems in JSON. Somebody who follows a link with a browser
// gets a problem as a page.
func (r *Router) tell(w http.ResponseWriter, req *http.Request, serve http.HandlerFunc) {
	if req.Header.Get("Sec-Fetch-Mode") != "navigate" {
		serve(w, req)
		return
	}
	h := &held{ResponseWriter: w}
	serve(h, req)
	if h.status == 0 {
		return
	}
	var told struct{ Title, Detail string }
	if err := json.Unmarshal(h.problem.Bytes(), &told); err != nil {
		told.Title = http.StatusText(h.status)
	}
	w.Header().Del("Content-Length")
	r.Pages.Refuse(w, req, h.status, told.Title, told.Detail)
}

// held is an answer that is held back if it is a problem. All other answers pass.
type held struct {
	http.ResponseWriter
	status  int // of the problem; 0 if there is none
	problem bytes.Buffer
}

func (h *held) WriteHeader(status int) {
	if h.status == 0 && status >= 400 && h.Header().Get("Content-Type") == problem.MediaType {
		h.status = status
		return
	}
	h.ResponseWriter.WriteHeader(status)
}

func (h *held) Write(b []byte) (int, error) {
	if h.status != 0 {
		return h.problem.Write(b)
	}
	return h.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (h *held) Flush() {
	if h.status == 0 {
		_ = http.NewResponseController(h.ResponseWriter).Flush()
	}
}

// Unwrap is for http.ResponseController.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }
