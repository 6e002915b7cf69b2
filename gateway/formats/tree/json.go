package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// JSON reads one JSON text. It skips a byte order mark at the start. Errors are of type *Error.
func JSON(text string) (Node, error) {
	rest := strings.TrimPrefix(text, "\ufeff")
	r := &jsonReader{text: rest, decoder: json.NewDecoder(strings.NewReader(rest)), line: 1}
	r.decoder.UseNumber()
	n, err := r.value("", 0)
	if err != nil {
		return Node{}, err
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return Node{}, &Error{Line: r.here(), Message: "there is more text after the end of the JSON value"}
	}
	return n, nil
}

type jsonReader struct {
	text    string
	decoder *json.Decoder
	line    int // the line at the offset counted
	counted int
	counter
}

// here returns the line that the decoder has reached.
func (r *jsonReader) here() int {
	if at := min(int(r.decoder.InputOffset()), len(r.text)); at > r.counted {
		r.line += strings.Count(r.text[r.counted:at], "\n")
		r.counted = at
	}
	return r.line
}

func (r *jsonReader) token(pointer string) (json.Token, error) {
	t, err := r.decoder.Token()
	if err == nil {
		return t, nil
	}
	var syntax *json.SyntaxError
	message := "the JSON ends too early"
	if errors.As(err, &syntax) {
		message = "it is not JSON: " + syntax.Error()
	}
	return nil, &Error{r.here(), pointer, message}
}

func (r *jsonReader) value(pointer string, depth int) (Node, error) {
	t, err := r.token(pointer)
	if err != nil {
		return Node{}, err
	}
	n := Node{Pointer: pointer, Line: r.here()}
	if err := r.count(n.Line, pointer, depth); err != nil {
		return Node{}, err
	}
	switch t := t.(type) {
	case nil:
	case bool:
		n.Kind, n.Text = Bool, fmt.Sprint(t)
	case json.Number:
		n.Kind, n.Text = Number, t.String()
	case string:
		n.Kind, n.Text = String, t
	case json.Delim:
		if t == '[' {
			n.Kind = Array
			return n, r.items(&n, depth)
		}
		n.Kind = Object
		return n, r.members(&n, depth)
	}
	return n, nil
}

func (r *jsonReader) items(n *Node, depth int) error {
	for r.decoder.More() {
		item, err := r.value(below(n.Pointer, len(n.Items)), depth+1)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, item)
	}
	_, err := r.token(n.Pointer)
	return err
}

func (r *jsonReader) members(n *Node, depth int) error {
	seen := map[string]bool{}
	for r.decoder.More() {
		t, err := r.token(n.Pointer)
		if err != nil {
			return err
		}
		name, _ := t.(string) // the decoder accepts only strings here
		at := below(n.Pointer, name)
		if seen[name] {
			return twice(r.here(), at, name)
		}
		seen[name] = true
		value, err := r.value(at, depth+1)
		if err != nil {
			return err
		}
		n.Members = append(n.Members, Member{name, value})
	}
	_, err := r.token(n.Pointer)
	return err
}
