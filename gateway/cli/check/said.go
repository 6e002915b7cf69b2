package check

import (
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// showSaid prints who says what in a proof, and with what standing. What a record says of several subjects with the
// same standing is one line.
func showSaid(b *strings.Builder, all []proof.Said) {
	for len(all) > 0 {
		one, same := all[0], 1
		for same < len(all) && alike(one, all[same]) {
			same++
		}
		all = all[same:]
		of := terminal.Plain(one.Subject)
		if same > 1 {
			of += " and " + terminal.Count(same-1, "other")
		}
		fmt.Fprintf(b, "says     %s  %s of %s, by %s\n", one.ID, terminal.Plain(one.Kind), of, terminal.Plain(one.MSPID))
		fmt.Fprintf(b, "  standing %s\n", standing(one))
		if one.Retracted {
			fmt.Fprintf(b, "  retracted by another record in this proof\n")
		}
	}
}

func alike(a, b proof.Said) bool {
	b.Subject = a.Subject
	return a == b
}

// standing says in a sentence why somebody may say something.
func standing(s proof.Said) string {
	by := terminal.Plain(s.MSPID)
	switch s.Standing {
	case proof.Owner:
		return "owner: the ledger takes this from nobody else"
	case proof.Reporter:
		return "reporter: " + by + " recorded the event first"
	case proof.OwnReport:
		text := "own report: other organisations recorded the event, too"
		if s.CountsAs != "" {
			text += ", and one of them before; it counts as a " + s.CountsAs + " by " + by
		}
		return text
	case proof.VersionOne:
		return "taken by the ledger's rules of version 1, from every organisation that had recorded an event about it"
	case proof.NoStanding:
		if s.CountsAs != "" {
			return "none: " + by + " hasn't recorded the event; it counts as a " + s.CountsAs
		}
		return "none, which a " + terminal.Plain(s.Kind) + " doesn't need"
	}
	if s.CustodyEvent != "" {
		return "not proved: " + by + " made, received or used it up by " + string(s.CustodyEvent) +
			", but others may come first"
	}
	return "not proved"
}
