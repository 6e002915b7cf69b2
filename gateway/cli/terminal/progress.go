package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Progress shows one line of a terminal that changes. It shows nothing elsewhere, since a log would keep every state of
// the line.
type Progress struct {
	w     io.Writer
	live  bool
	shown int // characters on the line
}

// NewProgress shows progress on w.
func NewProgress(w io.Writer) *Progress {
	f, ok := w.(*os.File)
	return &Progress{w: w, live: ok && term.IsTerminal(int(f.Fd()))}
}

// Show replaces the line.
func (p *Progress) Show(format string, args ...any) {
	if !p.live {
		return
	}
	line := Plain(fmt.Sprintf(format, args...))
	length := utf8.RuneCountInString(line)
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.shown-length)))
	p.shown = length
}

// Done clears the line.
func (p *Progress) Done() {
	if p.live && p.shown > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.shown))
	}
	p.shown = 0
}
