package network

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// quietProgress is the time between two states of a counter where it can't be redrawn in place.
const quietProgress = 5 * time.Second

// A reporter prints progress: a line for each finished step, with the time since the start. Between the lines it prints
// a counter, which a terminal redraws in place. It is safe for use by several goroutines.
type reporter struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	start    time.Time
	counter  string    // the counter on the current line of a terminal
	counted  time.Time // when a counter was last written to something that isn't a terminal
}

func newReporter(out io.Writer) *reporter {
	if out == nil {
		out = io.Discard
	}
	r := &reporter{out: out, start: time.Now()}
	r.counted = r.start
	if file, ok := out.(*os.File); ok {
		r.terminal = term.IsTerminal(int(file.Fd()))
	}
	return r
}

// line writes a finished line.
func (r *reporter) line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.erase()
	fmt.Fprintf(r.out, "%s %s\n", r.elapsed(), fmt.Sprintf(format, args...))
}

// count shows how far a long step has come.
func (r *reporter) count(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := fmt.Sprintf("%s %s", r.elapsed(), fmt.Sprintf(format, args...))
	if r.terminal {
		r.erase()
		fmt.Fprint(r.out, text)
		r.counter = text
		return
	}
	if now := time.Now(); now.Sub(r.counted) >= quietProgress {
		r.counted = now
		fmt.Fprintln(r.out, text)
	}
}

// text writes lines as they are, without a time.
func (r *reporter) text(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.erase()
	fmt.Fprintf(r.out, format, args...)
}

func (r *reporter) erase() {
	if r.counter != "" {
		fmt.Fprintf(r.out, "\r%s\r", strings.Repeat(" ", len(r.counter)))
		r.counter = ""
	}
}

func (r *reporter) elapsed() string {
	return fmt.Sprintf("%6.1fs", time.Since(r.start).Seconds())
}
