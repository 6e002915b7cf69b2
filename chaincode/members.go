package chaincode

import (
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// checkMember checks a member record: only an administrator of the organisation
// may submit it, and a namespace belongs to the first organisation that claims
// it.
func (b *batch) checkMember(line int, r *record.Record) error {
	m := r.Member
	if m.MSPID != b.caller {
		b.problem(line, "not_yours", "/mspId", "%s can't speak for %s", b.caller, m.MSPID)
		return nil
	}
	if !b.admin {
		b.problem(
			line,
			"not_admin",
			"",
			"only an administrator of %s may speak for it; the submitter's certificate lacks the unit \"admin\"",
			b.caller,
		)
		return nil
	}
	if m.Gateway != "" && !b.rules.gateways {
		b.problem(line, "unknown_field", "/gateway", "the rules in force have no member gateway; later ones do")
		return nil
	}
	for i, n := range m.Namespaces {
		owner, err := b.owner(n)
		if err != nil {
			return err
		}
		switch owner {
		case b.caller:
		case "":
			b.put(record.NamespaceKey(n), []byte(b.caller))
		default:
			b.problem(line, "namespace_taken", canonical.Pointer("namespaces", i), "the namespace %q belongs to %s", n, owner)
		}
	}
	return b.putJSON(record.MemberKey(m.MSPID), b.place(r.ID))
}
