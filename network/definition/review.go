package definition

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network/policy"
)

const lifecyclePolicy = "/Channel/Application/LifecycleEndorsement"

// A Review is what a proposed definition does, and how far it has come. It is computed from what the reader's own peer
// has.
type Review struct {
	Words   []string
	Dangers []string
	// Approved are the members that have approved it, and Open the others.
	Approved, Open []string
	// Missing says who must still approve it before it can be put into force. It is "" if enough have.
	Missing string
	// InForce says that it is in force already.
	InForce bool

	title string
}

// Assess says what a definition does in place of the one in force, and how far it has come in a channel with this
// configuration. approved are the organisations that have approved it.
func Assess(now, next Definition, c *proof.Config, approved map[string]bool) *Review {
	root := c.Group()
	members := slices.Sorted(slices.Values(c.Members))
	r := &Review{InForce: now.Sequence == next.Sequence,
		title: fmt.Sprintf("Definition %d of the chaincode on channel %s", next.Sequence, c.Channel)}
	for _, id := range members {
		if approved[id] {
			r.Approved = append(r.Approved, id)
		} else {
			r.Open = append(r.Open, id)
		}
	}
	r.say(now, next)
	r.warn(now, next, root, members)
	if !r.InForce {
		r.Missing = r.missing(next, root)
	}
	return r
}

// say says in words what changes.
func (r *Review) say(now, next Definition) {
	from, to := now.Rules(), next.Rules()
	switch {
	case from == to:
		r.Words = append(r.Words, fmt.Sprintf("keep the rules of version %d", from))
	case to > from:
		for one := from + 1; one <= to && one <= chaincode.Newest(); one++ {
			r.Words = append(r.Words, fmt.Sprintf("put rules %d into force: %s", one, one.Changes()))
		}
		if to > chaincode.Newest() {
			r.Words = append(r.Words, fmt.Sprintf("put rules %d into force, which this program doesn't have", to))
		}
	default:
		r.Words = append(r.Words, fmt.Sprintf("go back from rules %d to rules %d", from, to))
	}
	if before, after := now.Endorsement(), next.Endorsement(); before == after {
		r.Words = append(r.Words, "keep who must endorse: "+before)
	} else {
		r.Words = append(r.Words, fmt.Sprintf("change who must endorse, from: %s, to: %s", before, after))
	}
	if !r.InForce && now.Is(next) {
		r.Words = append(r.Words, "change nothing: all approve the same again, for those who have lost their approval")
	}
}

// warn says what is dangerous.
func (r *Review) warn(now, next Definition, root *common.ConfigGroup, members []string) {
	warn := func(format string, args ...any) { r.Dangers = append(r.Dangers, fmt.Sprintf(format, args...)) }
	switch to := next.Rules(); {
	case to.Known() != nil:
		warn("this program can't run these rules, nor say what they change: replace it by a newer one before you approve")
	case to.DefinitionVersion() != next.Version:
		warn("the version %q names no rules, so rules %d are meant", next.Version, to)
	case to < now.Rules():
		warn("older rules may refuse what the newer ones have allowed, and may have faults that the newer ones mended")
	}
	r.Dangers = append(r.Dangers, Dangers(next, root, members)...)
}

// Dangers says what is dangerous about who must endorse by a definition, in a channel with this configuration.
func Dangers(d Definition, root *common.ConfigGroup, members []string) []string {
	_, own := d.endorsers()
	if own == nil {
		return nil // the channel's policy is assessed when it changes
	}
	var all []string
	reach := policy.ReachOf(members, func(some ...string) bool { return d.Suffice(root, some...) })
	for _, id := range policy.Named(own) {
		if !slices.Contains(members, id) {
			all = append(all, fmt.Sprintf("the chaincode's definition names %s as one that endorses, and it isn't a member", id))
		}
	}
	switch {
	case reach.Nobody:
		return append(all, "nobody can endorse any more by the chaincode's definition: nothing is recorded until "+
			"`pedigree propose chaincode --endorsement` has replaced it")
	case len(reach.Alone) > 0 && len(members) > 1:
		all = append(all, "each of these can endorse alone what is recorded: "+strings.Join(reach.Alone, ", "))
	}
	if len(reach.Veto) > 0 && len(members) > 1 {
		all = append(all, "nothing is recorded while one of these is out: "+strings.Join(reach.Veto, ", "))
	}
	return all
}

// missing says who must still approve.
func (r *Review) missing(next Definition, root *common.ConfigGroup) string {
	suffices := func(some ...string) bool {
		all := slices.Concat(r.Approved, some)
		return policy.Suffices(root, lifecyclePolicy, all...) && next.Suffice(root, all...)
	}
	switch n := policy.Least(r.Open, suffices); {
	case suffices():
		return ""
	case !suffices(r.Open...):
		return "more than all members: by the channel's policies nobody can put it into force"
	case n == len(r.Open):
		return strings.Join(r.Open, " and ")
	case n > 0:
		return fmt.Sprintf("%d more of %s", n, strings.Join(r.Open, ", "))
	}
	return "some of " + strings.Join(r.Open, ", ")
}

// Print writes the review for people.
func (r *Review) Print(out io.Writer) {
	var b strings.Builder
	b.WriteString(r.title)
	if r.InForce {
		b.WriteString(", which is in force\n\nIt does:\n")
	} else {
		b.WriteString("\n\nIt will:\n")
	}
	list := func(lines []string) { b.WriteString("  - " + strings.Join(lines, "\n  - ") + "\n") }
	list(r.Words)
	if len(r.Dangers) > 0 {
		b.WriteString("\nWARNING:\n")
		list(r.Dangers)
	}
	b.WriteString("\nApproved by:\n")
	list(orNobody(r.Approved))
	switch {
	case r.InForce && len(r.Open) > 0:
		fmt.Fprintf(&b, "\nNot approved by %s, whose peers endorse nothing until they approve it.\n",
			strings.Join(r.Open, ", "))
	case r.InForce:
	case r.Missing != "":
		fmt.Fprintf(&b, "\nIt still needs the approval of %s.\n", r.Missing)
	case len(r.Open) > 0:
		fmt.Fprintf(&b, "\nEnough have approved it. The peers of %s will endorse nothing until they approve it, too.\n",
			strings.Join(r.Open, ", "))
	default:
		b.WriteString("\nAll have approved it.\n")
	}
	fmt.Fprint(out, terminal.PlainLines(b.String()))
}

func orNobody(list []string) []string {
	if len(list) == 0 {
		return []string{"nobody"}
	}
	return list
}
