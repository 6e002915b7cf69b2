// Package pace bounds how slowly a request's body may come, so that slow senders don't hold what others need.
package pace

import (
	"io"
	"net/http"
	"time"
)

// Pace is how slowly a body may come: First to begin with, and a second more for each Rate bytes that have come. The
// time that the gateway itself takes to work on the body doesn't count. If Rate is 0, the whole body must come in
// First.
type Pace struct {
	First time.Duration
	Rate  int64 // bytes per second
}

// The paces of bodies.
var (
	// Form is for a form without files.
	Form = Pace{First: 10 * time.Second}
	// Upload is for documents and for forms with files.
	Upload = Pace{First: time.Minute, Rate: 64 << 10}
)

// Body reads a request's body at a pace. If the body comes too slowly, Read fails with os.ErrDeadlineExceeded.
type Body struct {
	io.ReadCloser
	pace    Pace
	control *http.ResponseController
	came    int64
	waited  time.Duration
}

// Body returns the body of a request, which is answered with w, to be read at the pace.
func (p Pace) Body(w http.ResponseWriter, body io.ReadCloser) *Body {
	return &Body{ReadCloser: body, pace: p, control: http.NewResponseController(w)}
}

// left is how long the next bytes may take.
func (b *Body) left() time.Duration {
	left := b.pace.First - b.waited
	if b.pace.Rate > 0 {
		left += time.Duration(b.came/b.pace.Rate) * time.Second
	}
	return max(0, left)
}

func (b *Body) Read(p []byte) (int, error) {
	began := time.Now()
	// Not every server can; then its own deadlines hold.
	_ = b.control.SetReadDeadline(began.Add(b.left()))
	n, err := b.ReadCloser.Read(p)
	b.came += int64(n)
	b.waited += time.Since(began)
	if err == io.EOF {
		// The server goes on watching the line, to know when the caller goes. After another error the deadline stays, so
		// that the server doesn't wait for what is left of the body.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
