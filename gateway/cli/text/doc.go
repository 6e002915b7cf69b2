// Package text prints the answers of a gateway as text for people. It passes every string of an answer through
// terminal.Plain, because it trusts neither the gateway nor the authors of the records.
package text
