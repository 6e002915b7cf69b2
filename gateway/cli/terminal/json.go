package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes indented JSON. Control characters become JSON escapes, which have the same meaning.
func JSON(w io.Writer, text []byte) error {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(text), "", "  "); err != nil {
		return fmt.Errorf("couldn't understand the JSON of an answer: %w", err)
	}
	out.WriteByte('\n')
	_, err := io.WriteString(w, PlainLines(out.String()))
	return err
}

// Value encodes a value and writes it as JSON does.
func Value(w io.Writer, v any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("couldn't encode an answer: %w", err)
	}
	return JSON(w, text.Bytes())
}
