// Package qr draws QR codes as SVG.
package qr

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"rsc.io/qr"
)

// Quiet is the width of the margin that a reader needs around a code, in modules.
const Quiet = 4

// Draw draws the QR code of a text as one path in which a module is one unit. The code is black on white in every
// theme, because readers need that. Draw fails if the text is too long for a code, which can hold about two thousand
// bytes.
func Draw(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("couldn't make a QR code of %d bytes: %w", len(text), err)
	}
	size := code.Size + 2*Quiet
	var b strings.Builder
	fmt.Fprintf(
		&b,
		`<svg class="qr" viewBox="0 0 %[1]d %[1]d" role="img" aria-label="QR code of %[2]s" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path fill="#000" d="`,
		size,
		html.EscapeString(text),
	)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for code.Black(x, y) { // false beyond the edge
				x++
			}
			if n := x - from; n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+Quiet, y+Quiet, n, n)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil
}
