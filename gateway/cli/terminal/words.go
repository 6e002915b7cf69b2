package terminal

import (
	"fmt"
	"io"
)

// Bytes formats a number of bytes, such as 9.1 MB.
func Bytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB", "PB"}
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %s", value, units[unit])
	}
	return fmt.Sprintf("%.0f %s", value, units[unit])
}

// Count formats a number of things, such as 1 file or 2 files.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Lines writes lines. It stops at the first error, which it keeps in Err.
type Lines struct {
	Out io.Writer
	Err error
}

// Print writes a line.
func (l *Lines) Print(format string, args ...any) {
	if l.Err == nil {
		_, l.Err = fmt.Fprintf(l.Out, format+"\n", args...)
	}
}
