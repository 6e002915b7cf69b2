package chaincode

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Rules is the number of a version of the rules: what the chaincode accepts, reads, writes and answers. The definition
// of the chaincode that the organisations have committed says which version is in force. The program has every version,
// because an audit judges each transaction by the rules of its time. A version never changes once a release has it:
// whoever changes what the chaincode does adds a version to ruleSets.
type Rules int

// First is the version of all ledgers whose definition names none.
const First Rules = 1

// ruleSet is what differs between the versions of the rules.
type ruleSet struct {
	maxWitnessBytes int
	// roles says that a certificate's role decides whether its holder may submit; see roles.go.
	roles bool
	// gateways says that a member record may have the address of the organisation's gateway.
	gateways bool
	// changes says to those who decide on the rules what is other than in the version before.
	changes string
}

// ruleSets has what each version of the rules allows, from First on.
var ruleSets = []ruleSet{
	{maxWitnessBytes: 4 << 20, changes: "the first rules"},
	{maxWitnessBytes: 4 << 20, roles: true, gateways: true,
		changes: "a certificate with attributes submits only if one of them, " + RoleAttribute + ", is submitter or operator; " +
			"a member record may have the address of the organisation's gateway"},
}

// Newest returns the newest version that this program has.
func Newest() Rules { return Rules(len(ruleSets)) }

// prefix begins the version of a definition that names rules, and the last word of the label of a package for them.
const prefix = "rules-"

// number is how the number of a version is written. Only one spelling is accepted for each.
var number = regexp.MustCompile(`^[1-9][0-9]{0,5}$`)

// RulesOf returns the rules that a chaincode's definition puts in force, by the definition's version: "rules-2" names
// version 2. Definitions that name none, such as "1" or "2.0.1", were committed before there were versions, and are
// for the first rules. This program need not have the version; see [Rules.Known].
func RulesOf(definitionVersion string) Rules {
	text, ok := strings.CutPrefix(definitionVersion, prefix)
	if !ok || !number.MatchString(text) {
		return First
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return First
	}
	return Rules(n)
}

// RulesOfPackage returns the rules that a package runs, by its id, which is its label and its hash: the label
// "pedigree-lab-rules-2" names version 2. A peer calls the package that its organisation approved for the definition in
// force. So the rules change when the definition does, and not when the program is replaced by a newer one.
func RulesOfPackage(id string) Rules {
	label, _, _ := strings.Cut(id, ":")
	at := strings.LastIndex(label, "-"+prefix)
	if at < 0 {
		return First
	}
	return RulesOf(label[at+1:])
}

// DefinitionVersion returns the version of the definitions that put the rules in force.
func (r Rules) DefinitionVersion() string {
	if r == First {
		return "1"
	}
	return prefix + strconv.Itoa(int(r))
}

// Label returns the label of a package that runs the rules. name is the first part of the label.
func (r Rules) Label(name string) string {
	if r == First {
		return name
	}
	return name + "-" + r.DefinitionVersion()
}

// Known returns an error if this program doesn't have the rules.
func (r Rules) Known() error {
	if r < First || r > Newest() {
		return fmt.Errorf("these are rules %d, and this program has none after %d: use a newer program", r, Newest())
	}
	return nil
}

// Changes says in words what the rules change against the version before. It is "" if this program doesn't have them.
func (r Rules) Changes() string {
	if r.Known() != nil {
		return ""
	}
	return r.set().changes
}

func (r Rules) set() ruleSet { return ruleSets[r-1] }
