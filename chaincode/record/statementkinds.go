package record

import (
	"fmt"
	"strings"
)

// The kinds of statement that the ledger has rules for. [StatementKinds] says all there is to say about each.
const (
	Recall          = "recall"
	Warning         = "warning"
	Withdrawal      = "withdrawal"
	Approval        = "approval"
	Certificate     = "certificate"
	Licence         = "licence"
	Correction      = "correction"
	Finding         = "finding"
	Acknowledgement = "acknowledgement"
	Retraction      = "retraction"
	Prefix          = "prefix"
	Attestation     = "attestation"
)

// Speaker says who may make a statement.
type Speaker int

// The speakers. The chaincode has a rule for each.
const (
	// ByAnybody: every member, in its own name.
	ByAnybody Speaker = iota
	// ByAnswerable: who answers for the subject:
	//   - for an artifact, the owner of its namespace;
	//   - for an event, an organisation that recorded it;
	//   - for another record, the organisation that recorded it first;
	//   - for a thing, the owner of its company prefix, and an organisation whose event made or received it. In version 1
	//     it was any that recorded an event about it.
	//
	// Of events and things, readers then decide who comes first, and show what others state as a warning or a finding.
	ByAnswerable
	// ByOthers: every member but who answers for the subject.
	ByOthers
	// ByAuthor: who made the statement that is the subject.
	ByAuthor
)

// StatementKind is one kind of statement. Everything that lists kinds of statement takes them from [StatementKinds], or
// is held to it by a test.
type StatementKind struct {
	// Name is the kind in records, REST and on the command line.
	Name string
	// By says who may state it.
	By Speaker
	// AboutStatements tells that its subjects are statements.
	AboutStatements bool
	// Since is the first version of the shape of statements, statement/N, that may be of this kind; 0 and 1 mean all. A
	// new kind names the newest, which is 2. Programs from before the kind refuse it whatever it names.
	Since int
	// Predicate are the members of its predicate. Every predicate may have a "note", too. An attestation's is anybody's.
	Predicate []PredicateMember
	// Flag is what the subject bears in answers as long as the statement stands. It is empty if the statement leaves none.
	Flag string
	// Warns tells that nobody should use the subject, nor what came of it, without knowing of the statement.
	Warns bool
	// Title names it for people, at the beginning of a line.
	Title string
	// Help says who states it of what, in a few words.
	Help string
}

// PredicateMember is one member of a predicate.
type PredicateMember struct {
	Name     string
	Required bool
}

// StatementKinds are all kinds. Their order is that of help texts.
var StatementKinds = []StatementKind{
	{
		Name: Recall, By: ByAnswerable, Flag: "recalled", Warns: true, Title: "Recall",
		Help:      "do not use or sell it; by whoever is responsible for it",
		Predicate: []PredicateMember{{"reason", true}, {"instructions", false}},
	},
	{
		Name: Warning, By: ByAnybody, Since: 2, Flag: "warned", Warns: true, Title: "Warning",
		Help:      "of something that you don't answer for; by anybody, in their own name",
		Predicate: []PredicateMember{{"reason", true}, {"instructions", false}},
	},
	{
		Name: Withdrawal, By: ByAnswerable, Flag: "withdrawn", Warns: true, Title: "Withdrawal of consent",
		Help:      "of consent to use it, by its owner",
		Predicate: []PredicateMember{{"reason", true}},
	},
	{
		Name: Approval, By: ByOthers, Flag: "approved", Title: "Approval",
		Help:      "by an organisation other than the owner",
		Predicate: []PredicateMember{{"scope", false}},
	},
	{
		Name: Certificate, By: ByAnybody, Flag: "certified", Title: "Certificate",
		Help: "by anybody, in their own name",
		Predicate: []PredicateMember{
			{"scheme", true}, {"number", true}, {"issuer", false}, {"validFrom", false}, {"validUntil", false},
		},
	},
	{
		Name: Licence, By: ByAnswerable, Flag: "licensed", Title: "Licence",
		Help:      "terms granted, by its owner",
		Predicate: []PredicateMember{{"licence", true}, {"grantee", false}, {"terms", false}},
	},
	{
		Name: Correction, By: ByAnswerable, Flag: "corrected", Title: "Correction",
		Help:      "another record replaces it; by whoever recorded it",
		Predicate: []PredicateMember{{"reason", true}, {"replacedBy", true}},
	},
	{
		Name: Finding, By: ByAnybody, Flag: "finding", Title: "Finding",
		Help:      "by anybody, in their own name",
		Predicate: []PredicateMember{{"detail", true}, {"severity", false}},
	},
	{
		Name: Acknowledgement, By: ByAnybody, AboutStatements: true, Flag: "acknowledged", Title: "Acknowledgement",
		Help:      "of a statement, by anybody, in their own name",
		Predicate: []PredicateMember{{"action", false}},
	},
	{
		Name: Retraction, By: ByAuthor, AboutStatements: true, Flag: "retracted", Title: "Retraction",
		Help:      "of a statement of your own",
		Predicate: []PredicateMember{{"reason", true}},
	},
	{
		Name: Prefix, By: ByAnswerable, Since: 2, Title: "Company prefix",
		Help:      "a claim to a GS1 Company Prefix, about your own member record; others approve it",
		Predicate: []PredicateMember{{"prefix", true}},
	},
	{
		Name: Attestation, By: ByAnybody, Title: "Attestation",
		Help: "any other predicate type, by anybody, in their own name",
	},
}

// StatementKindOf finds a kind by its name.
func StatementKindOf(name string) (StatementKind, bool) {
	for _, k := range StatementKinds {
		if k.Name == name {
			return k, true
		}
	}
	return StatementKind{}, false
}

// ownKind finds a kind with a predicate type of ours: any but an attestation.
func ownKind(name string) (StatementKind, bool) {
	k, ok := StatementKindOf(name)
	return k, ok && name != Attestation
}

// Warns tells whether nobody should use the subject of a statement without knowing of it.
func Warns(kind string) bool {
	k, ok := StatementKindOf(kind)
	return ok && k.Warns
}

// FlagOf is the flag that statements of a kind leave, or "".
func FlagOf(kind string) string {
	k, _ := StatementKindOf(kind)
	return k.Flag
}

// IsWarning tells whether a flag is that of a statement that warns.
func IsWarning(flag string) bool {
	for _, k := range StatementKinds {
		if k.Warns && k.Flag == flag {
			return true
		}
	}
	return false
}

// StatementHelp lists the kinds that have a predicate type of ours, a line each: who may state it, and what it needs.
func StatementHelp() string {
	var help strings.Builder
	for _, k := range StatementKinds {
		if k.Name == Attestation {
			continue
		}
		var needs []string
		for _, m := range k.Predicate {
			if m.Required {
				needs = append(needs, m.Name)
			}
		}
		line := fmt.Sprintf("  %-16s %s", k.Name, k.Help)
		if len(needs) > 0 {
			line += "; needs " + strings.Join(needs, ", ")
		}
		help.WriteString(line + "\n")
	}
	return help.String()
}

// kindNames lists the names of the kinds that have a predicate type of ours, for a sentence.
func kindNames() string {
	var names []string
	for _, k := range StatementKinds {
		if k.Name != Attestation {
			names = append(names, k.Name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
