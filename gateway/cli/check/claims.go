package check

import (
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// warningFlags returns the flags of a status that warn.
func warningFlags(status []string) []string {
	var found []string
	for _, s := range status {
		if record.IsWarning(s) {
			found = append(found, s)
		}
	}
	return found
}

// claims returns the flags of proved statements that warn of any of the nodes. It leaves out statements that are proved
// to be retracted.
func claims(verdict *proof.Verdict, nodes ...string) []string {
	statements := map[string]*record.Statement{}
	for _, p := range verdict.Records {
		if r, problems := record.Decode(p.Record); len(problems) == 0 && r.Statement != nil {
			statements[string(r.ID)] = r.Statement
		}
	}
	retracted := takenBack(statements)
	var found []string
	for id, s := range statements {
		about := slices.ContainsFunc(
			s.Subjects,
			func(subject record.Subject) bool { return slices.Contains(nodes, subject.Node) },
		)
		if record.Warns(s.Kind) && about && !retracted[id] {
			found = append(found, record.FlagOf(s.Kind))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// takenBack tells which of some statements are retracted by others that are not retracted themselves. It goes from
// the statements that nobody retracts to those that they retract, so it looks at each retraction once. It comes to an
// end: a statement's id is a hash of the ids that it retracts, so none retracts itself by a detour.
func takenBack(statements map[string]*record.Statement) map[string]bool {
	waiting := map[string]int{} // retractions that are not decided on, by what they retract
	for _, s := range statements {
		for _, subject := range s.Subjects {
			if s.Kind == record.Retraction {
				waiting[subject.Node]++
			}
		}
	}
	var decided []string
	for id := range statements {
		if waiting[id] == 0 {
			decided = append(decided, id)
		}
	}
	retracted := map[string]bool{}
	for len(decided) > 0 {
		id := decided[len(decided)-1]
		decided = decided[:len(decided)-1]
		if statements[id] == nil || statements[id].Kind != record.Retraction {
			continue
		}
		for _, subject := range statements[id].Subjects {
			if !retracted[id] {
				retracted[subject.Node] = true
			}
			if waiting[subject.Node]--; waiting[subject.Node] == 0 {
				decided = append(decided, subject.Node)
			}
		}
	}
	return retracted
}
