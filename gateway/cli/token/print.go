package token

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

func printJSON(w io.Writer, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return terminal.JSON(w, text)
}

// describe says in a few words what a token is.
func describe(t *answer) string {
	words := []string{strings.TrimSpace(terminal.Plain(t.Kind) + " with the role " + terminal.Plain(t.Role))}
	if !t.Expires.IsZero() {
		words = append(words, "until "+shown(t.Expires, ""))
	}
	if !t.OldUntil.IsZero() && t.OldUntil.After(time.Now()) {
		words = append(words, "the old secret until "+shown(t.OldUntil, ""))
	}
	return strings.Join(words, ", ")
}

func shown(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(time.RFC3339)
}

func printList(out io.Writer, all []*answer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tHOLDER\tROLE\tSTATE\tMADE\tBY\tLAST USED\tEXPIRES")
	for _, t := range all {
		kind, made, used, expires := t.Kind, shown(t.CreatedAt, "-"), shown(t.LastUsed, "never"), shown(t.Expires, "never")
		if t.Method == "file" {
			kind, used, expires = "-", "-", "-"
			made, t.CreatedBy = "in tokens.json", "-"
		}
		state := t.State
		if !t.RevokedAt.IsZero() {
			state += " " + shown(t.RevokedAt, "") + " by " + t.RevokedBy
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", terminal.Plain(t.Name), terminal.Plain(kind), terminal.Plain(t.Role),
			terminal.Plain(state), made, terminal.Plain(t.CreatedBy), used, expires)
	}
	return w.Flush()
}
