// Package text writes a gateway's answers as text for people. Whatever a gateway says passes through terminal.Plain, since a
// gateway isn't trusted, and neither is who wrote the records that it has.
package text
