package text

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// mostOfKind is the greatest number of nodes of one kind that a summary names for each organisation.
const mostOfKind = 8

// Impact prints what something touched. The user named it as asked.
func Impact(w io.Writer, asked string, im client.Impact) error {
	p := &terminal.Lines{Out: w}
	p.Print("What %s touched, as of block %d", terminal.Plain(asked), im.Block)
	if im.Organisation != "" {
		p.Print("It begins at %d records of %s.", im.Starts, terminal.Plain(im.Organisation))
	}
	if im.Total == 0 {
		p.Print("\nNothing, as far as the ledger tells.")
	}
	unwalked := frontier(im.Truncated)
	for _, o := range im.Organisations {
		p.Print("\n%s: %d", strings.TrimSuffix(terminal.Plain(o.MSPID), "MSP"), o.Total)
		for _, kind := range slices.Sorted(maps.Keys(o.Kinds)) {
			impactOfKind(p, im, unwalked, o.MSPID, kind, len(o.Kinds[kind]))
		}
	}
	recalls(p, im)
	nextSteps(p, im)
	return p.Err
}

// impactOfKind names the nodes of one kind. Events are only counted, since there are many.
func impactOfKind(p *terminal.Lines, im client.Impact, unwalked map[string]bool, mspID, kind string, n int) {
	if kind == "event" {
		p.Print("  %s", terminal.Count(n, kind))
		return
	}
	named := 0
	for _, t := range im.Touched {
		if t.MSPID != mspID || t.Kind != kind {
			continue
		}
		if named++; named > mostOfKind {
			p.Print("  … and %d more of kind %s", n-mostOfKind, terminal.Plain(kind))
			return
		}
		words := []string{terminal.Plain(t.Name)}
		for _, flag := range t.Flags {
			words = append(words, strings.ToUpper(terminal.Plain(flag)))
		}
		if t.OnTheMove {
			words = append(words, "on the move")
		}
		if unwalked[t.ID] {
			words = append(words, notWalked)
		}
		p.Print("  %s", strings.Join(words, "  "))
	}
}

func recalls(p *terminal.Lines, im client.Impact) {
	for _, r := range im.Recalls {
		p.Print(
			"\n%s by %s: %s",
			strings.ToUpper(terminal.Plain(r.Kind)),
			strings.TrimSuffix(terminal.Plain(r.MSPID), "MSP"),
			terminal.Plain(r.Reason),
		)
		if r.Instructions != "" {
			p.Print("  %s", terminal.Plain(r.Instructions))
		}
		p.Print("  %s", terminal.Plain(r.ID))
		p.Print("  reaches %d of these", r.Touched)
		for _, a := range r.Acknowledged {
			said := ""
			if a.Action != "" {
				said = ": " + terminal.Plain(a.Action)
			}
			if a.Covers < r.Touched {
				said += fmt.Sprintf("; since then it has reached %d more", r.Touched-a.Covers)
			}
			p.Print("  acknowledged by %s in block %d%s", strings.TrimSuffix(terminal.Plain(a.MSPID), "MSP"), a.Block,
				said)
		}
		for _, mspID := range r.Missing {
			p.Print("  NOT ACKNOWLEDGED by %s", strings.TrimSuffix(terminal.Plain(mspID), "MSP"))
		}
	}
}

// nextSteps says what remains to be done.
func nextSteps(p *terminal.Lines, im client.Impact) {
	p.Print("")
	for _, r := range im.Recalls {
		digits := strings.TrimPrefix(terminal.Plain(r.ID), "ni:///sha-256;")
		for _, mspID := range r.Missing {
			p.Print(
				"%s has to say what it does: pedigree record statement acknowledgement %s --set action=…",
				strings.TrimSuffix(terminal.Plain(mspID), "MSP"),
				digits[:min(64, len(digits))],
			)
		}
	}
	unreached := 0
	for _, t := range im.Touched {
		if len(t.Recalls) == 0 {
			unreached++
		}
	}
	switch {
	case im.Total == 0 || unreached == 0:
	case im.Truncated != nil && slices.Contains(im.Truncated.Reasons, "recalls"):
		p.Print("It isn't known whether a recall reaches %d of it: not all recalls were walked to their end.",
			unreached)
	case len(im.Recalls) == 0:
		p.Print("No recall reaches any of %s.", walked(im))
	default:
		p.Print("No recall reaches %d of %s.", unreached, walked(im))
	}
	if n := len(im.OnTheMove); n > 0 {
		p.Print("%s not sold, used up or destroyed, as far as the ledger tells.", are(n, "thing"))
	}
	if im.Truncated != nil {
		p.Print(
			"The answer was cut short by its limits (%s): nothing is said of what was not walked. %s",
			terminal.Plain(strings.Join(im.Truncated.Reasons, ", ")),
			"--limit and --depth allow more.",
		)
	}
	if im.Total > 0 {
		p.Print("Each with the path that says why: --csv")
	}
}

// walked names what the answer speaks of.
func walked(im client.Impact) string {
	if im.Truncated != nil {
		return "what was walked"
	}
	return "it"
}

func are(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}
