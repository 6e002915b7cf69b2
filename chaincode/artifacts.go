package chaincode

import (
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// checkArtifact checks an artifact version. Its namespace must belong to the
// submitter. A name and version belongs to one record for ever, and so to one
// digest.
func (b *batch) checkArtifact(line int, r *record.Record) error {
	a := r.Artifact
	ref := a.ArtifactRef.String()
	if err := b.checkOwned(line, "/namespace", a.Namespace); err != nil {
		return err
	}
	var existing record.ArtifactPlace
	found, err := b.world.getJSON(record.ArtifactKey(ref), &existing)
	if err != nil {
		return err
	}
	if found {
		if existing.ID != r.ID {
			b.conflict(
				line,
				"version_exists",
				"/version",
				existing.ID,
				"%s is registered already, with other content; a version never changes, so register another version",
				ref,
			)
		}
		return nil // recording it again changes nothing
	}
	if err := b.checkDerivation(line, r); err != nil {
		return err
	}
	return b.putJSON(record.ArtifactKey(ref), record.ArtifactPlace{Place: b.place(r.ID), SHA256: a.SubjectDigest()})
}

func (b *batch) checkDerivation(line int, r *record.Record) error {
	if err := b.checkKnown(line, r); err != nil {
		return err
	}
	withdrawals := make([]string, 0, len(r.Artifact.DerivedFrom))
	for _, ref := range r.References() {
		if here, ok := b.artifacts[ref.Node]; ok && here.line > line {
			b.problem(
				line,
				"unknown_reference",
				ref.Pointer,
				"%s stands later in the same pack; sources come before what is derived from them",
				ref.Node,
			)
		}
		withdrawals = append(withdrawals, b.consentKeys(ref.Node)...)
	}
	if err := b.world.fetch(withdrawals); err != nil {
		return err
	}
	for _, ref := range r.References() {
		if err := b.checkConsent(line, ref); err != nil {
			return err
		}
	}
	return nil
}
