package chaincode_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

func TestOnlyRolesThatSubmitDo(t *testing.T) {
	l := newLedgerBy(t, chaincode.Newest())
	for _, role := range []string{"", "submitter", "operator"} {
		l.accept(who{"HarborMSP", "client", role}, "Events:Submit", nil, event(t, "A"))
	}
	for _, role := range []string{"auditor", "Submitter", "submitter ", "admin", "?"} {
		p := l.refuse("not_submitter", who{"HarborMSP", "client", role}, "Events:Submit", nil, event(t, "A"))
		assert.Contains(t, p.Detail, role)
	}
	l.accept(who{"HarborMSP", "admin", "operator"}, "Members:Submit", nil, again(t, harbor, member(t, "HarborMSP", "harbor")))
	claims := again(t, lab, member(t, "LabMSP", "lab"))
	l.refuse("not_submitter", who{"LabMSP", "admin", "auditor"}, "Members:Submit", nil, claims)
	l.refuse("not_admin", who{"LabMSP", "client", "operator"}, "Members:Submit", nil, claims)
}

// A Fabric CA gives whoever asks a certificate with fewer attributes than they have.
func TestARoleIsNotPutOff(t *testing.T) {
	l := newLedgerBy(t, chaincode.Newest())
	p := l.refuse("not_submitter", who{"HarborMSP", "client", withoutRole}, "Events:Submit", nil, event(t, "A"))
	assert.Contains(t, p.Detail, "no pedigree.role among them")
	newLedger(t).accept(who{"HarborMSP", "client", withoutRole}, "Events:Submit", nil, event(t, "A"))
}

func TestTheFirstRulesKnowNoRoles(t *testing.T) {
	newLedger(t).accept(who{"HarborMSP", "client", "auditor"}, "Events:Submit", nil, event(t, "A"))
}
