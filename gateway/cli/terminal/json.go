package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes JSON with indentation. Characters that a terminal would act upon become their escapes, which mean the same.
func JSON(w io.Writer, text []byte) error {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(text), "", "  "); err != nil {
		return fmt.Errorf("couldn't understand the JSON of an answer: %w", err)
	}
	out.WriteByte('\n')
	_, err := io.WriteString(w, PlainLines(out.String()))
	return err
}

// Value writes a value as JSON does.
func Value(w io.Writer, v any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("couldn't encode an answer: %w", err)
	}
	return JSON(w, text.Bytes())
}
