package chaincode

import (
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// checkStatement decides who may say what, by record.StatementKinds.
func (b *batch) checkStatement(line int, r *record.Record) error {
	before := len(b.problems)
	if err := b.checkKnown(line, r); err != nil {
		return err
	}
	if len(b.problems) > before {
		return nil
	}
	if b.issuersRequired {
		if err := b.fetchPrefixes(r.Statement); err != nil {
			return err
		}
	}
	for position, subject := range r.Statement.Subjects {
		if err := b.checkSubject(line, position, r, subject); err != nil {
			return err
		}
		b.put(record.AboutKey(subject.Node, b.tx, line, position), []byte(r.ID))
	}
	return nil
}

func (b *batch) checkSubject(line, position int, r *record.Record, subject record.Subject) error {
	pointer := canonical.Pointer("subject", position, "name")
	s := r.Statement
	var answerable string
	var about *evidence
	if a, err := record.ParseArtifactRef(subject.Node); err == nil {
		if err := b.checkDigest(line, position, subject); err != nil {
			return err
		}
		if answerable, err = b.owner(a.Namespace); err != nil {
			return err
		}
	} else {
		if about, err = b.witness(subject.Node, line); err != nil {
			return err
		}
		if about == nil { // a pointer leads there, which holds only the beginning of a transaction id
			b.problem(line, "unknown_reference", pointer, "%s does not lie in the transaction that its witness names", subject.Node)
			return nil
		}
		answerable = about.by
	}
	kind, ok := record.StatementKindOf(s.Kind)
	if !ok {
		return fmt.Errorf("there is no rule for statements of the kind %q", s.Kind) // its reader has refused it before
	}
	switch kind.By {
	case record.ByAnswerable:
		if r.Version >= 2 && about != nil && about.noun == record.NounEvent && string(about.id) != subject.Node {
			if err := b.checkThing(line, position, kind, subject.Node, about); err != nil {
				return err
			}
		} else if answerable != b.caller {
			b.problem(
				line,
				"not_yours",
				pointer,
				"a %s can only be stated by who answers for %s; that is %s, not %s",
				s.Kind,
				subject.Node,
				answerable,
				b.caller,
			)
		}
	case record.ByOthers:
		if answerable == b.caller {
			b.problem(
				line,
				"own_approval",
				pointer,
				"%s answers for %s itself; an approval comes from another organisation",
				b.caller,
				subject.Node,
			)
		}
	}
	if kind.AboutStatements {
		return b.checkAboutStatement(line, pointer, kind, r, subject, about)
	}
	switch {
	case s.Kind == record.Withdrawal:
		return b.withdraw(line, pointer, r, subject.Node, about)
	case s.Kind == record.Prefix:
		return b.checkClaim(line, pointer, r, subject, about)
	case s.Kind == record.Approval && about != nil && about.kind == record.Prefix:
		return b.approveClaim(line, pointer, r, about)
	}
	if s.Kind == record.Correction && s.Predicate.Get("replacedBy").Text == subject.Node {
		b.problem(line, "cycle", "/predicate/replacedBy", "%s can't stand in its own place", subject.Node)
	}
	return nil
}

// checkDigest holds an artifact's subject to the artifact's digest.
func (b *batch) checkDigest(line, position int, subject record.Subject) error {
	var place record.ArtifactPlace
	if _, err := b.world.getJSON(record.ArtifactKey(subject.Node), &place); err != nil {
		return err
	}
	if place.SHA256 != subject.SHA256 {
		b.problem(
			line,
			"wrong_digest",
			canonical.Pointer("subject", position, "digest", "sha256"),
			"the digest of %s is %s",
			subject.Node,
			place.SHA256,
		)
	}
	return nil
}

// checkAboutStatement holds statements about statements to these, and ends what is retracted.
func (b *batch) checkAboutStatement(
	line int,
	pointer string,
	kind record.StatementKind,
	r *record.Record,
	subject record.Subject,
	about *evidence,
) error {
	if about == nil || about.noun != record.NounStatement {
		b.problem(line, "not_a_statement", pointer, "a %s is about a statement; %s is none", kind.Name, subject.Node)
		return nil
	}
	if kind.By == record.ByAuthor && about.by != b.caller {
		b.problem(line, "not_yours", pointer, "only %s can retract what it stated, not %s", about.by, b.caller)
		return nil
	}
	if kind.Name != record.Retraction {
		return nil
	}
	switch about.kind {
	case record.Withdrawal:
		return b.lift(about)
	case record.Prefix:
		return b.endClaim(r, about)
	case record.Approval:
		if b.issuersRequired {
			return b.endApproval(about)
		}
	}
	return nil
}
