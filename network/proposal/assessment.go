package proposal

import (
	"fmt"
	"io"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// An Assessment is what a proposal does, computed from the update and the configuration in force.
type Assessment struct {
	// Words says what changes, a sentence for each changed element. None of the changes is left out.
	Words []string
	// Dangers are consequences that somebody who approves should know.
	Dangers []string
	// Follows says what the change brings with it, and what people then have to do.
	Follows []string
	// Raw is the difference, element by element: lines that begin with - or +.
	Raw []string
	// Signers have signed. Bad says what is wrong with other signatures in the file; they don't count.
	Signers []*proof.Identity
	Bad     []string
	// Missing says which signatures the channel's policies still ask for. It is empty if the proposal can be applied.
	Missing []string
	// Base and After are the configuration in force, and the one that would follow.
	Base, After *proof.Config

	valid []*common.ConfigSignature
}

// Assess computes what the proposal does to the configuration in force. It believes nothing that the file says about
// itself.
func (p *Proposal) Assess(now *Configuration) (*Assessment, error) {
	preview, err := p.preview(now)
	if err != nil {
		return nil, err
	}
	r := &Assessment{Base: now.Config, After: preview.After}
	seen := map[string]bool{}
	for i, s := range p.Signatures {
		id, err := now.Config.Signer(p.Update, s.fabric())
		switch {
		case err != nil:
			r.Bad = append(r.Bad, fmt.Sprintf("signature %d isn't valid: %v", i+1, err))
		case !seen[id.MSPID+string(id.Certificate.Raw)]:
			seen[id.MSPID+string(id.Certificate.Raw)] = true
			r.Signers, r.valid = append(r.Signers, id), append(r.valid, s.fabric())
		}
	}
	before, after := now.Config.Group(), preview.After.Group()
	c := comparison{}
	c.groups("Channel", before, after)
	r.Words, r.Raw = c.words, c.raw
	r.Dangers = append(c.dangers, dangers(now.Config, preview.After, before, after)...)
	r.Follows = follows(now.Config, preview.After, before, after)
	for _, path := range preview.Policies {
		if now.Config.Meets(path, r.Signers) != nil {
			r.Missing = append(r.Missing, now.Config.Missing(path, r.Signers))
		}
	}
	return r, nil
}

// Print writes the review for people.
func (r *Assessment) Print(out io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "A change of channel %s, configuration %d (block %d) to %d\n\nIt will:\n", r.Base.Channel,
		r.Base.Sequence, r.Base.Block, r.After.Sequence)
	b.WriteString(indented(r.Words))
	if len(r.Dangers) > 0 {
		b.WriteString("\n\nWARNING:\n" + indented(r.Dangers))
	}
	if len(r.Follows) > 0 {
		b.WriteString("\n\nWhat follows:\n" + indented(r.Follows))
	}
	b.WriteString("\n\nThe difference:\n" + indentedBy("  ", r.Raw) + "\n\nSigned by:\n")
	signers := r.Bad
	for _, id := range r.Signers {
		signers = append(signers, id.String())
	}
	if len(signers) == 0 {
		signers = []string{"nobody"}
	}
	b.WriteString(indented(signers) + "\n\n")
	if len(r.Missing) > 0 {
		b.WriteString("It still needs:\n" + indented(r.Missing) + "\n")
	} else {
		b.WriteString("It has the signatures that it needs.\n")
	}
	fmt.Fprint(out, terminal.PlainLines(b.String()))
}

func indented(lines []string) string { return indentedBy("  - ", lines) }

func indentedBy(by string, lines []string) string {
	all := make([]string, len(lines))
	for i, line := range lines {
		all[i] = by + line
	}
	return strings.Join(all, "\n")
}
