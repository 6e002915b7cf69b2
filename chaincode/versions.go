package chaincode

import (
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// A record of version 2 names who says it, so nobody can record it in another's
// place. A ledger turns to version 2 with the first such record: that writes
// record.VersionKey. Before, the ledger accepts version 1 by the rules of
// version 1, so everything that an old ledger holds is accepted again when an
// audit replays it. Afterwards it accepts no new record of version 1.

// checkIssuer refuses a record that another organisation says.
func (b *batch) checkIssuer(line int, r *record.Record) {
	if r.Version < 2 || r.Noun == record.NounMember { // checkMember has its own words for that
		return
	}
	if r.By != b.caller {
		b.problem(line, "not_yours", "/by", "this is what %s says; %s can't record it", record.Brief(r.By), b.caller)
	}
}

// versioned reports whether the batch has records of which there are several versions.
func (b *batch) versioned() bool {
	return slices.ContainsFunc(b.records, func(r *record.Record) bool { return r.Noun != record.NounEvent })
}

// begin finds out whether the ledger has turned to version 2, and turns it if the batch has a record of that version.
func (b *batch) begin() error {
	if !b.versioned() {
		return nil
	}
	turned, err := b.world.get(record.VersionKey(2))
	if err != nil {
		return err
	}
	b.issuersRequired = turned != nil
	if !b.issuersRequired && slices.ContainsFunc(b.records, func(r *record.Record) bool { return r.Version == 2 }) {
		b.issuersRequired = true
		b.put(record.VersionKey(2), []byte(b.caller))
	}
	return nil
}

// checkOutdated refuses a record of version 1 unless the ledger has that very
// record. Recording it again changes nothing, so no other rule applies to it.
func (b *batch) checkOutdated(line int, r *record.Record) error {
	first, err := b.world.get(record.FirstKey(r.ID))
	if err != nil || first != nil {
		return err
	}
	b.problem(line, "outdated_version", "/record",
		"this ledger takes no new records of the kind %s/%d; version 2 has the member \"by\", "+
			"the organisation that says it", r.Noun, r.Version)
	return nil
}
