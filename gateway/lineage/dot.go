package lineage

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// shapes of nodes by kind, as Graphviz calls them.
var shapes = map[string]string{
	"thing":     "box",
	"class":     "box",
	"event":     "ellipse",
	"artifact":  "cylinder",
	"activity":  "hexagon",
	"statement": "note",
}

// WriteDOT writes an answer in the DOT language of Graphviz.
func (a *Answer) WriteDOT(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "digraph lineage {\n  rankdir=LR;\n")
	number := make(map[string]int, len(a.Nodes))
	for i, n := range a.Nodes {
		number[n.ID] = i
		label := []string{brief(n.ID)}
		for _, text := range []string{n.Type, afterDash(n.BizStep), stamp(n.Time), strings.Join(n.Flags, " ")} {
			if text != "" {
				label = append(label, text)
			}
		}
		shape := shapes[n.Kind]
		if shape == "" {
			shape = "plaintext"
		}
		style := ""
		if n.Carrier {
			style = ", style=dashed"
		}
		fmt.Fprintf(w, "  n%d [shape=%s%s, label=%s];\n", i, shape, style, quoteDOT(strings.Join(label, "\n")))
	}
	for _, e := range a.Edges {
		fmt.Fprintf(w, "  n%d -> n%d [label=%s];\n", number[e.From], number[e.To], quoteDOT(e.Kind))
	}
	fmt.Fprintln(w, "}")
	if err := w.Flush(); err != nil {
		return fmt.Errorf("couldn't write DOT: %w", err)
	}
	return nil
}

// quoteDOT quotes a text for DOT, where only quote, backslash and line ends
// mean anything.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", " ", "\x00", " ").
		Replace(strings.ToValidUTF8(s, "\ufffd")) +
		`"`
}

// brief shortens what is too long to read in a picture.
func brief(s string) string {
	s = strings.TrimPrefix(s, "https://id.gs1.org/")
	if digest, ok := strings.CutPrefix(s, "ni:///sha-256;"); ok && len(digest) > 12 {
		return digest[:12]
	}
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

func afterDash(word string) string { return word[strings.LastIndexByte(word, '-')+1:] }
