package diagnosis

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

func (s *Seen) judgeGateways(f *findings) {
	for _, g := range s.Gates {
		switch {
		case g.Problem != "" && s.Kind != Gateway && !s.Running:
		case g.Problem != "" && g.Ledger > g.Index+blocksBehind:
			f.add(Soon, "wait until it has caught up; its answers are old until then",
				"the index of the gateway %s is %s behind: %s", g.URL, terminal.Count(int(g.Ledger-g.Index), "block"), g.Problem)
		case g.Problem != "":
			f.add(Now, "see \"Health\" in docs/operating.md, and look at its log", "the gateway %s isn't ready: %s", g.URL,
				g.Problem)
		case g.Notice != "":
			f.add(Note, "do what it says", "the gateway %s tells its operator: %s", g.URL, g.Notice)
		}
	}
}

func (s *Seen) judgeDefinition(f *findings) {
	d := s.Definition
	if d == nil {
		return
	}
	approve := func(who []string) string {
		if s.Self == "" || slices.Contains(who, s.Self) {
			return "it is your turn: run `" + s.Start + "`, which approves it"
		}
		return "it is their turn: they run `pedigree node start`, which approves it"
	}
	switch {
	case d.Number == 0 && len(d.Missing) > 0:
		f.add(Now, approve(d.Missing), "the chaincode has no definition yet, so nothing can be recorded. Not approved by %s",
			list(d.Missing))
	case d.Number == 0:
		f.add(Now, "run `"+s.Start+"`, which puts it into force", "all have approved the chaincode's definition, and nobody "+
			"has put it into force, so nothing can be recorded")
	case len(d.Unapproved) > 0:
		urgency := Soon
		if slices.Contains(d.Unapproved, s.Self) {
			urgency = Now
		}
		f.add(urgency, approve(d.Unapproved), "%s hasn't approved the chaincode's definition in force (number %d), so its "+
			"peers endorse nothing", strings.Join(d.Unapproved, ", "), d.Number)
	}
	if d.Number > 0 && d.Next != "" {
		f.add(Note, approve(d.Missing), "a definition of the chaincode waits for %s: %s", list(d.Missing), d.Next)
	}
}

func (s *Seen) judgeProposals(f *findings) {
	for _, p := range s.Proposals {
		switch {
		case p.Stale != "":
			f.add(Note, "delete the file, or propose the change again", "the proposal %s can't be applied: %s", p.File, p.Stale)
		case len(p.Missing) == 0:
			f.add(Note, "apply it: `pedigree apply "+p.File+"`", "the proposal %s has all signatures that it needs", p.File)
		case !p.Signed:
			f.add(Note, "it is your turn: `pedigree review "+p.File+"` and `pedigree approve "+p.File+"`",
				"the proposal %s waits for signatures: %s", p.File, strings.Join(p.Missing, "; "))
		default:
			f.add(Note, "pass the file on to them", "the proposal %s waits for signatures of others: %s", p.File,
				strings.Join(p.Missing, "; "))
		}
	}
}
